"""``Project``: a Django project in a directory, with the apps ``shop`` and ``people``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.db.utils import ConnectionHandler

import crossdb_reference

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# Each argument is a command line. One process for several saves the start of Django.
MANAGE = """
import os
import shlex
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line

for line in sys.argv[1:]:
    execute_from_command_line(["manage.py", *shlex.split(line)])
"""
SERVER_OPTIONS = ("ENGINE", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
MODELS = """
from django.db import models

from crossdb_reference import CrossDBOneToOneReference, CrossDBReference, PinnedManager
"""
PLAIN_MODELS = """
from django.db import models
"""
OWN_TABLES = {"django_migrations", "sqlite_sequence"}


class Project:
    """A project on new databases, on the servers that the session's aliases are on.

    *aliases* are some of the session's, by default ``default`` alone. *setting* are Django's; the
    names of ``PINS`` and ``ALSO_MIGRATE`` go into ``CROSSDB_REFERENCE``. Files are rewritten by
    ``configure``, ``models`` and ``migration``; commands are run by ``manage``.
    """

    def __init__(self, path: Path, *aliases: str, **setting: Any) -> None:
        """Create the databases and write the files; the apps have no models yet."""
        self.path = path
        self._setting: dict[str, Any] = {}
        self._databases: dict[str, dict[str, Any]] = {}
        for alias in aliases or ("default",):
            self._databases[alias] = self._create(alias)
        # The handler fills in what the entries leave out, and wants a "default".
        copies = {name: {**entry} for name, entry in self._databases.items()}
        self._connections = ConnectionHandler({"default": {}} | copies)
        (path / "manage.py").write_text(MANAGE)
        for app in ("shop", "people"):
            (path / app / "migrations").mkdir(parents=True)
            (path / app / "__init__.py").touch()
            (path / app / "migrations" / "__init__.py").touch()
        self.configure(**setting)

    def configure(self, *, databases: dict[str, Any] | None = None, **setting: Any) -> None:
        """Write the settings: *setting* on top of what was given before."""
        self._setting |= setting
        lines = {
            "DATABASES": self._databases | (databases or {}),
            "DATABASE_ROUTERS": ["crossdb_reference.routers.CrossDBRouter"],
            "INSTALLED_APPS": ["crossdb_reference", "people", "shop"],
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "SECRET_KEY": "only for the tests",
            "USE_TZ": True,
        } | self._setting
        lines["CROSSDB_REFERENCE"] = {
            name: lines.pop(name) for name in ("PINS", "ALSO_MIGRATE") if name in lines
        }
        text = "".join(f"{name} = {value!r}\n" for name, value in lines.items())
        (self.path / "settings.py").write_text(text)

    def models(self, *, header: str = MODELS, **sources: str) -> None:
        """Write the models of apps: ``shop="class Order(models.Model): …"``."""
        for app, source in sources.items():
            (self.path / app / "models.py").write_text(header + dedent(source))

    def migration(self, name: str, operations: str, *, after: str, header: str = "") -> None:
        """Write a migration by hand: ``name`` and ``after`` as ``shop.0002_title``."""
        app, _, name = name.partition(".")
        text = f"""\
from django.db import migrations, models

{dedent(header)}

class Migration(migrations.Migration):
    dependencies = [{tuple(after.split("."))!r}]
    operations = [{dedent(operations)}]
"""
        (self.path / app / "migrations" / f"{name}.py").write_text(text)

    def text_of(self, name: str) -> str:
        """Return the text of a migration, named as ``shop.0002`` for short."""
        app, _, name = name.partition(".")
        (path,) = (self.path / app / "migrations").glob(f"{name}*.py")
        return path.read_text()

    def operations_of(self, name: str) -> list[str]:
        """Return the classes of the operations of a migration, named as ``shop.0002``."""
        lines = (line.strip() for line in self.text_of(name).splitlines())
        start = "migrations."
        return [line[len(start) :].rstrip("(") for line in lines if line.startswith(start)]

    def manage(self, *lines: str, code: int = 0, answers: str = "") -> str:
        """Run command lines, one after the other in one process, and return what they print.

        The first that fails ends it; *code* is the exit code to expect. Warnings are errors.
        """
        package = Path(crossdb_reference.__file__).parent.parent
        done = subprocess.run(
            [sys.executable, "-W", "error", "manage.py", *lines],
            cwd=self.path,
            # Models change faster than the times that tell whether bytecode is stale.
            env=os.environ | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
            input=answers,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def script(self, source: str) -> str:
        """Run Python code in the project and return what it prints."""
        (self.path / "script.py").write_text(dedent(source))
        return self.manage("shell --no-imports -c 'import script'")

    def connection(self, alias: str = "default") -> BaseDatabaseWrapper:
        """Return a connection of this process to a database of the project."""
        return self._connections[alias]

    def rows(self, sql: str, alias: str = "default") -> list[tuple[Any, ...]]:
        """Return what a query gives."""
        with self.connection(alias).cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def tables(self, alias: str) -> set[str]:
        """Return the tables of a database, less Django's record of migrations."""
        return set(self.connection(alias).introspection.table_names()) - OWN_TABLES

    def constraints(self, table: str, alias: str = "default") -> list[dict[str, Any]]:
        """Return the constraints and indexes of a table."""
        connection = self.connection(alias)
        with connection.cursor() as cursor:
            return list(connection.introspection.get_constraints(cursor, table).values())

    def close(self) -> None:
        """Drop the databases."""
        for alias in self._databases:
            self._connections[alias].close()
        for alias, database in self._databases.items():
            _on_server(alias, "DROP DATABASE", database["NAME"])

    def _create(self, alias: str) -> dict[str, Any]:
        entry = settings.DATABASES[alias]
        database = {name: entry[name] for name in SERVER_OPTIONS if entry.get(name)}
        if entry["ENGINE"].endswith("sqlite3"):
            return database | {"NAME": str(self.path / f"{alias}.sqlite3")}
        name = f"crossdb_project_{uuid4().hex}"
        _on_server(alias, "CREATE DATABASE", name)
        return database | {"NAME": name}


def _on_server(alias: str, statement: str, name: str) -> None:
    """Create or drop a database; SQLite's are files that come and go by themselves."""
    entry = settings.DATABASES[alias]
    if entry["ENGINE"].endswith("sqlite3"):
        return
    # Without a name it is the server's own maintenance database.
    server = ConnectionHandler({"default": {**entry, "NAME": None}})["default"]
    try:
        with server.cursor() as cursor:
            cursor.execute(f"{statement} {server.ops.quote_name(name)}")
    finally:
        server.close()
