"""The servers of a test session, and Django's ``DATABASES`` on them.

``CROSSDB_PAIR`` names two vendors: of the sources' databases (``default`` and ``archive``) and of
the targets' (``people`` and ``geo``). The first process that asks for ``databases()`` starts what
the pair needs and leaves the addresses in the environment, where the workers of pytest-xdist and
other child processes find them; they start nothing. What is missing is a ``pytest.UsageError``,
which pytest prints without a traceback; no test is skipped for it.

=========================  ==========================================================
environment variable       meaning
=========================  ==========================================================
``CROSSDB_PAIR``           a key of ``PAIRS``; ``sqlite-sqlite`` if not set
``CROSSDB_POSTGRES_URLS``  comma-separated addresses of running PostgreSQL servers
``CROSSDB_POSTGRES_BIN``   a directory with PostgreSQL's programs
``CROSSDB_MARIADB_URL``    the address of a running MariaDB server
``CROSSDB_SQLITE_DIR``     the directory of SQLite's files
=========================  ==========================================================
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.addresses import database_settings
from tests.servers.guard import GuardedDirectory
from tests.servers.postgres import PostgresServer

ALIASES = {"source": ("default", "archive"), "target": ("people", "geo")}
PAIRS = {
    "sqlite-sqlite": ("sqlite", "sqlite"),
    "postgres-postgres": ("postgres", "postgres"),
    "postgres-mariadb": ("postgres", "mariadb"),
    "mariadb-sqlite": ("mariadb", "sqlite"),
    "mariadb-mariadb": ("mariadb", "mariadb"),
}

_started: list[PostgresServer | GuardedDirectory] = []


def pair() -> str:
    """Return the name of the pair that this session tests."""
    name = os.environ.get("CROSSDB_PAIR") or "sqlite-sqlite"
    if name not in PAIRS:
        message = f"CROSSDB_PAIR is {name!r}; expected one of: {', '.join(PAIRS)}."
        raise pytest.UsageError(message)
    return name


def databases() -> dict[str, dict[str, Any]]:
    """Return ``DATABASES`` for the pair, after starting the servers that are not there yet."""
    vendors = PAIRS[pair()]
    postgres = iter(_postgres_urls(vendors.count("postgres")))
    result = {}
    for aliases, vendor in zip(ALIASES.values(), vendors, strict=True):
        if vendor == "sqlite":
            directory = _sqlite_directory()
            result.update({alias: _sqlite_settings(directory, alias) for alias in aliases})
        else:
            url = next(postgres) if vendor == "postgres" else _mariadb_url()
            result.update({alias: database_settings(url, f"crossdb_{alias}") for alias in aliases})
    return result


def stop() -> None:
    """Stop what ``databases()`` started in this process."""
    while _started:
        _started.pop().close()


def describe() -> list[str]:
    """Return a line for each side of the pair: its aliases, and the server's version and address.

    Connects to each server once.
    """
    entries = databases()
    lines = [f"databases: {pair()}"]
    for side, aliases in ALIASES.items():
        lines.append(f"  {side}s, {' and '.join(aliases)}: {_version(entries[aliases[0]])}")
    return lines


def _postgres_urls(count: int) -> list[str]:
    named = os.environ.get("CROSSDB_POSTGRES_URLS", "")
    urls = [url.strip() for url in named.split(",") if url.strip()]
    if not urls and count:
        servers = [PostgresServer() for _ in range(count)]
        _started.extend(servers)
        for server in servers:
            server.start()
        urls = [server.url for server in servers]
        os.environ["CROSSDB_POSTGRES_URLS"] = ",".join(urls)
    if len(urls) < count:
        message = (
            f"CROSSDB_PAIR={pair()} needs {count} PostgreSQL servers, and CROSSDB_POSTGRES_URLS "
            f"names {len(urls)}. Name one more, or none: the tests then start their own."
        )
        raise pytest.UsageError(message)
    return urls[:count]


def _mariadb_url() -> str:
    url = os.environ.get("CROSSDB_MARIADB_URL", "")
    if not url:
        message = (
            f"CROSSDB_PAIR={pair()} needs a MariaDB server, and CROSSDB_MARIADB_URL is not set. "
            "Set it to the address of one that the tests may use, such as "
            "mysql://user:password@127.0.0.1:3306, whose user may create databases and triggers."
        )
        raise pytest.UsageError(message)
    return url


def _sqlite_directory() -> Path:
    if "CROSSDB_SQLITE_DIR" not in os.environ:
        directory = GuardedDirectory()
        _started.append(directory)
        os.environ["CROSSDB_SQLITE_DIR"] = str(directory.path)
    return Path(os.environ["CROSSDB_SQLITE_DIR"])


def _sqlite_settings(directory: Path, alias: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(directory / f"{alias}.sqlite3"),
        "OPTIONS": {
            # A transaction that reads first and writes later cannot wait for another writer; one
            # that begins as a writer can, for this many seconds.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # Readers and a writer do not block each other. Nothing has to survive a power cut.
            "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=off;",
        },
        # Files, not Django's shared in-memory databases: threads on those get "table is locked"
        # at once, whatever the timeout.
        "TEST": {"NAME": str(directory / f"test_{alias}.sqlite3")},
    }


def _version(entry: dict[str, Any]) -> str:
    if entry["ENGINE"].endswith("sqlite3"):
        return f"SQLite {sqlite3.sqlite_version}"
    ask = _postgres_version if entry["ENGINE"].endswith("postgresql") else _mariadb_version
    address = f"{entry['HOST']}:{entry['PORT']}"
    account: dict[str, Any] = {
        "host": entry["HOST"],
        "user": entry["USER"],
        "password": entry["PASSWORD"],
    }
    try:
        return f"{ask(account, entry['PORT'])} at {address}"
    except Exception as error:  # each driver has exceptions of its own
        message = f"The tests of {pair()} cannot use the server at {address}: {error}"
        raise pytest.UsageError(message) from error


def _postgres_version(account: dict[str, Any], port: str) -> str:
    with psycopg.connect(**account, port=port or 5432, dbname="postgres") as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}"


def _mariadb_version(account: dict[str, Any], port: str) -> str:
    # The driver has to be compiled, so it is installed only for the pairs with MariaDB.
    import MySQLdb  # noqa: PLC0415

    connection = MySQLdb.connect(**account, port=int(port or 3306))
    try:
        return f"MariaDB {connection.get_server_info()}"
    finally:
        connection.close()
