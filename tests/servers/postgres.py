"""``PostgresServer``: one PostgreSQL server with its own data, on a free port of 127.0.0.1.

Durability is switched off: the data are thrown away, and no test pulls the plug.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import psycopg
from psycopg import sql

from tests.servers.addresses import database_settings
from tests.servers.binaries import find_binaries, reachable, server_user
from tests.servers.guard import GuardedDirectory

StopMode = Literal["smart", "fast", "immediate"]

STOP_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
START_TIMEOUT = 60  # seconds
STOP_TIMEOUT = 30  # seconds


class PostgresServer:
    """A server that ends with ``close()``, the ``with`` block, or at the latest this process.

    The port is chosen once, so that a server that was stopped comes back at the same address.
    The superuser is ``postgres``, without a password. Options of the server, such as
    ``wal_level="logical"``, are keywords. With *directory* the data are kept there for the next
    server; without, they are temporary.
    """

    def __init__(self, directory: Path | None = None, **options: str) -> None:
        """Create the data directory if there is none yet; the server does not run yet."""
        binaries = find_binaries()
        self._user = server_user()
        self._guard = GuardedDirectory(directory, server_pid_file="data/postmaster.pid")
        self._options = SERVER_SETTINGS | options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.data = self._guard.path / "data"
        self.log = self._guard.path / "log"
        self.binaries = reachable(binaries, self._user, self._guard.path)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()

    def __enter__(self) -> Self:
        """Start the server if it does not run yet."""
        if not self.is_running:
            self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the server."""
        self.close()

    @property
    def is_running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        """The address, the same for the whole life of the object."""
        return f"postgres://postgres@127.0.0.1:{self.port}"

    def settings(self, name: str) -> dict[str, Any]:
        """Return Django's ``DATABASES`` entry for the database *name* on this server."""
        return database_settings(self.url, name)

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def start(self) -> None:
        """Start the server and return when it takes connections.

        Raises ``RuntimeError`` with the server's log when it ends or takes too long.
        """
        if self.is_running:
            message = f"The server at {self.url} runs already."
            raise RuntimeError(message)
        options = [f"--{name}={value}" for name, value in self._options.items()]
        with self.log.open("ab") as log:
            self._process = self._popen(
                "postgres", "-D", self.data, "-p", self.port, *options, log=log
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if not self.is_running or time.monotonic() > deadline:
                self.stop("immediate")
                message = f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and return when it is gone; one that does not run is left alone.

        ``smart`` waits for the clients to leave, ``fast`` rolls their transactions back and
        disconnects them, ``immediate`` is a crash.
        """
        if self._process is None:
            return
        if self.is_running:
            self._process.send_signal(STOP_SIGNALS[mode])
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop the server and start it again on the same port, with the same data."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop the server for good and remove its temporary directory."""
        try:
            self.stop()
        finally:
            self._guard.close()

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(self.data, self._user.pw_uid, self._user.pw_gid)
        arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        with self.log.open("wb") as log:
            process = self._popen("initdb", "-D", self.data, "--no-sync", *arguments, log=log)
            failed = process.wait() != 0
        if failed:
            message = f"initdb failed:\n{self.log.read_text(errors='replace')}"
            self._guard.close()
            raise RuntimeError(message)

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # https://www.postgresql.org/docs/current/storage-file-layout.html: the first line is the
        # process id, and the last says whether connections are taken.
        process_id = self._process.pid if self._process else None
        return len(lines) > 1 and lines[0] == str(process_id) and lines[-1].strip() == "ready"

    def _popen(self, program: str, *arguments: object, log: IO[bytes]) -> subprocess.Popen[bytes]:
        user = self._user
        return subprocess.Popen(
            [self.binaries / program, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            # PGDATA, PGPORT and their like are meant for other servers.
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=None if user is None else [],
            # Ctrl-C goes to a whole process group, and servers stop only after their clients.
            start_new_session=True,
        )


def _free_port() -> int:
    # Below the range for outgoing connections (Linux: from 32768), so that nobody takes the port
    # while a test has stopped its server.
    ports = range(20_000, 32_000)
    for port in random.sample(ports, k=100):
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = f"No free port was found from {ports.start} to {ports.stop}."
    raise OSError(message)
