"""Two PostgreSQL servers, which run for as long as a command does and keep their data.

The first command that runs owns the servers and stops them at its end, or when it is killed. A
command that starts meanwhile uses the same servers.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.servers.addresses import database_settings
from tests.servers.postgres import PostgresServer

SERVERS = {"shop": ("orders", "geo"), "people": ("people",)}
PATIENCE = 20  # seconds

_urls: dict[str, str] = {}


def settings(server: str, database: str) -> dict[str, Any]:
    """Return Django's settings for a database on a server that runs."""
    return database_settings(_urls[server], database)


@contextmanager
def running_servers(folder: Path) -> Iterator[None]:
    """Run the servers whose data are in *folder*, unless another command runs them already."""
    folder = _made(folder)
    with ExitStack() as stack:
        lock = stack.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _urls.update({name: _url_of_another(folder / name) for name in SERVERS})
        else:
            for name, databases in SERVERS.items():
                server = stack.enter_context(_server(folder / name, databases))
                _urls[name] = server.url
        yield


def _made(folder: Path) -> Path:
    """Make the folder if it is missing: elsewhere, with a link, if it is in root's closed home.

    PostgreSQL refuses to run as root, and no other user could get at its data there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents):
        folder.mkdir(exist_ok=True)
    elif not folder.exists():
        elsewhere = Path(tempfile.mkdtemp(prefix="crossdb-demo-", dir="/var/tmp"))
        elsewhere.chmod(0o711)
        folder.unlink(missing_ok=True)
        folder.symlink_to(elsewhere)
    return folder.resolve()


def _server(folder: Path, databases: tuple[str, ...]) -> PostgresServer:
    """Return a server that has its databases, ready to start."""
    _wait_until_gone(folder / "data" / "postmaster.pid")
    for unfinished in folder.parent.glob(f"{folder.name}-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if not folder.exists():
        # Elsewhere at first, so that what has the name is complete.
        new = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
        with PostgresServer(new) as server:
            for name in databases:
                server.create_database(name)
        new.rename(folder)
    return PostgresServer(folder)


def _wait_until_gone(pid_file: Path) -> None:
    """Let the server of a command that was killed finish its shutdown."""
    deadline = time.monotonic() + PATIENCE
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
        while time.monotonic() < deadline:
            os.kill(int(pid_file.read_text().partition("\n")[0]), 0)
            time.sleep(0.05)


def _url_of_another(folder: Path) -> str:
    """Return the address of the server of another command, once it takes connections.

    https://www.postgresql.org/docs/current/storage-file-layout.html: the fourth line of
    ``postmaster.pid`` is the port, and the last one says whether the server is ready.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
            if lines[7:] and lines[7].strip() == "ready":
                return f"postgres://postgres@127.0.0.1:{lines[3]}"
        time.sleep(0.05)
    msg = f"Another command runs, but its server in {folder} does not take connections."
    raise TimeoutError(msg)
