"""The memory that some work takes, here and in the server's process, from Linux's ``/proc``.

Each measurement has a process of its own, because what Python frees stays with its process.
"""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connections

from tests.bench.databases import configure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTERVAL = 0.005  # seconds


@dataclass(frozen=True)
class Memory:
    """How many bytes were added: while the result was held, at the peak, in the server's process.

    The server's is what its process has for itself, at the peak, without the shared buffers.
    """

    held: int
    peak: int
    server: int


def measured(run: Callable[[int], Any], count: int) -> Memory | None:
    """Return what ``run(count)`` takes, or ``None`` where there is no ``/proc``."""
    if not Path("/proc/self/status").is_file():
        return None
    with ProcessPoolExecutor(
        1, get_context("spawn"), initializer=configure, initargs=(settings.DATABASES,)
    ) as process:
        return process.submit(_measure, run, count).result()


def _measure(run: Callable[[int], Any], count: int) -> Memory:
    # The first time loads modules, connects, and fills the caches of the server's process.
    run(100)
    gc.collect()
    with connections["people"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (server,) = cursor.fetchone()
    before, server_before = _status("self", "VmRSS"), _status(server, "RssAnon")
    with _watching(server) as seen:
        result = run(count)
    peak = _status("self", "VmHWM")
    gc.collect()
    held = _status("self", "VmRSS")
    del result
    return Memory(held - before, peak - before, max(seen) - server_before)


@contextmanager
def _watching(process: int) -> Iterator[list[int]]:
    """Look again and again at what another process has for itself."""
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(INTERVAL):
            seen.append(_status(process, "RssAnon"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
        seen.append(_status(process, "RssAnon"))


def _status(process: int | str, name: str) -> int:
    """Return a number of bytes from the status of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.removesuffix("kB")) * 1024
    message = f"/proc/{process}/status has no {name}."
    raise LookupError(message)
