"""Where the benchmark runs: two PostgreSQL servers, two SQLite files.

``CROSSDB_POSTGRES_BIN`` names PostgreSQL's programs. If it is not set, an installation of the
system that has ``postgres_fdw`` comes first, because one row is measured against it; the wheel of
the tests, which does not have it, is second.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

from tests.servers.guard import GuardedDirectory
from tests.servers.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

# What VACUUM finds decides which plans are chosen. It runs once the rows are there, never by
# itself; and rows count as visible to all only if their commit has been written.
SERVER = {"autovacuum": "off", "synchronous_commit": "on"}
REMOTES = [f"remote{number}" for number in range(1, 9)]


@contextmanager
def running_databases() -> Iterator[dict[str, Any]]:
    """Run the servers inside the block; give Django's ``DATABASES``.

    The databases of ``REMOTES`` are on the targets' server, and not created yet.
    """
    if "CROSSDB_POSTGRES_BIN" not in os.environ and (found := _system_with_fdw()):
        os.environ["CROSSDB_POSTGRES_BIN"] = str(found)
    with ExitStack() as stack:
        sources, targets = (stack.enter_context(PostgresServer(**SERVER)) for _ in range(2))
        for server in (sources, targets):
            server.create_database("bench")
        files = stack.enter_context(closing(GuardedDirectory())).path
        yield {
            "default": sources.settings("bench"),
            "people": targets.settings("bench"),
            **{alias: targets.settings(alias) for alias in REMOTES},
            "sqlite": _sqlite(files / "default.sqlite3"),
            "sqlite_people": _sqlite(files / "people.sqlite3"),
        }


def configure(databases: dict[str, Any]) -> None:
    """Set Django up, in this process or in one that it starts."""
    settings.configure(
        DATABASES=databases,
        DATABASE_ROUTERS=["crossdb_reference.routers.CrossDBRouter"],
        CROSSDB_REFERENCE={"PINS": {"bench.Person": "people", "bench.Reader": "people"}},
        INSTALLED_APPS=["crossdb_reference", "tests.bench"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


def _sqlite(path: Path) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


def _system_with_fdw() -> Path | None:
    """Return the directory of the system's PostgreSQL if it has a server and the extension."""
    pg_config = shutil.which("pg_config")
    if not pg_config:
        return None
    asked = [pg_config, "--bindir", "--sharedir"]
    output = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    binaries, share = map(Path, output.splitlines())
    needed = (binaries / "initdb", binaries / "postgres", share / "extension/postgres_fdw.control")
    return binaries if all(path.is_file() for path in needed) else None
