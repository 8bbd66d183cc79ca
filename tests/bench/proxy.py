"""A proxy on loopback that delays: ``python proxy.py PORT SECONDS``, in a process of its own.

What comes goes on after the delay, in each direction; so a round trip takes twice that. It prints
the port that it listens on, and ends when its standard input closes, as it does with its parent.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def delaying(port: int | str, round_trip: float) -> Iterator[int]:
    """Run a proxy to ``port`` inside the block; give its own port."""
    command = [sys.executable, __file__, str(port), str(round_trip / 2)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as proxy:
        assert proxy.stdout is not None
        yield int(proxy.stdout.readline())


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Write what is read, ``delay`` seconds later."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        data = b"first"
        while data:
            due, data = await chunks.get()
            await asyncio.sleep(due - loop.time())
            writer.write(data)
        writer.close()

    writing = asyncio.create_task(write())
    data = b"first"
    while data:
        data = await reader.read(65_536)
        chunks.put_nowait((loop.time() + delay, data))
    await writing


async def serve(port: int, delay: float) -> None:
    """Take connections until the process ends."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, server_writer, delay), pump(server_reader, writer, delay))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def end_with_parent() -> None:
    """Wait until standard input closes, and end."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
