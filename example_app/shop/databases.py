"""Where the three databases are: in SQLite's files, or on two PostgreSQL servers.

``DEMO_DB`` says which: ``sqlite``, also if it is not set, or ``postgres``. All data are below
``var`` in the repository.
"""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
VENDORS = ("sqlite", "postgres")


def vendor() -> str:
    """Return the one of ``VENDORS`` that ``DEMO_DB`` names."""
    name = os.environ.get("DEMO_DB") or VENDORS[0]
    if name not in VENDORS:
        msg = f"DEMO_DB is {name!r}; it may be {' or '.join(VENDORS)}."
        raise ImproperlyConfigured(msg)
    return name


def servers() -> AbstractContextManager[None]:
    """Run the database servers of the example inside the ``with`` block."""
    if vendor() == "sqlite":
        return nullcontext()
    # The tests' module that starts PostgreSQL, and its driver, are needed for this alone.
    sys.path.insert(1, str(ROOT))
    from .postgres import running_servers  # noqa: PLC0415

    return running_servers(ROOT / "var" / "demo-postgres")


def databases() -> dict[str, dict[str, Any]]:
    """Return Django's ``DATABASES``: on PostgreSQL the people have a server of their own."""
    if vendor() == "sqlite":
        folder = ROOT / "var" / "demo-sqlite"
        folder.mkdir(parents=True, exist_ok=True)
        return {
            alias: _sqlite(folder / f"{alias}.sqlite3") for alias in ("default", "people", "geo")
        }
    from .postgres import settings  # noqa: PLC0415

    return {
        "default": settings("shop", "orders"),
        "people": settings("people", "people"),
        "geo": settings("shop", "geo"),
    }


def _sqlite(path: Path) -> dict[str, Any]:
    """Return the settings of one file, which can be read while a transaction writes to it."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
        },
    }
