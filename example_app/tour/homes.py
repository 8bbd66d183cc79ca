"""Where each table lives: what is declared, held against what the databases contain."""

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError
from django.db import connections, models

from crossdb_reference import home_database

from .tables import table


def addresses() -> Iterator[str]:
    """Yield each database: what serves it, and where it is."""
    rows = []
    for alias in connections:
        connection = connections[alias]
        version = ".".join(map(str, connection.get_database_version()))
        if connection.vendor == "sqlite":
            place = str(Path(connection.settings_dict["NAME"]).relative_to(settings.BASE_DIR))
        else:
            place = "{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
        rows.append((alias, f"{connection.display_name} {version}", place))
    yield from table(("database", "served by", "at"), rows)


def table_homes() -> Iterator[str]:
    """Yield every model with its table, the database that has it, and the rows in it.

    Raises ``CommandError`` if a table is missing from its home, or exists anywhere else.
    """
    tables = {alias: set(connections[alias].introspection.table_names()) for alias in connections}
    rows = []
    for model in _models():
        name = model._meta.db_table
        found = [alias for alias in connections if name in tables[alias]]
        home = home_database(model)
        if found != [home]:
            msg = f"{name} should be on {home} alone, but is on {', '.join(found) or 'none'}."
            raise CommandError(msg)
        rows.append((home, name, model._meta.label, model._base_manager.using(home).count()))
    rows.sort(key=lambda row: (list(connections).index(row[0]), row[1]))
    yield from table(("database", "table", "model", "rows"), rows)
    yield "Every table was looked for on every database, and is on this one alone."


def _models() -> Iterator[type[models.Model]]:
    """Yield the models that have a table of their own, but for the library's."""
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.managed and not meta.proxy and meta.app_label != "crossdb_reference":
            yield model
