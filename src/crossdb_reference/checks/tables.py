"""The check of the live databases: ``W201``. It runs with ``check --database`` and ``migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.checks import CheckMessage, Warning  # noqa: A004 (Django's name)
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from crossdb_reference.pins import declared_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def check_tables(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return the pinned models that have no table on their home, of the given aliases.

    Only apps whose migrations are all recorded there count: the others are yet to be migrated.
    Two queries per alias.
    """
    return [message for alias in databases or () for message in _missing_tables(alias)]


def _missing_tables(alias: str) -> Iterator[CheckMessage]:
    pinned = [
        model
        for model in apps.get_models(include_auto_created=True)
        if declared_home(model) == alias and model._meta.can_migrate(alias)
    ]
    if not pinned:
        return
    connection = connections[alias]
    tables = set(connection.introspection.table_names())
    loader = MigrationLoader(connection)
    for model in pinned:
        app_label, table = model._meta.app_label, model._meta.db_table
        leaves = loader.graph.leaf_nodes(app_label) if app_label in loader.migrated_apps else []
        recorded = bool(leaves) and all(leaf in loader.applied_migrations for leaf in leaves)
        if recorded and table not in tables:
            yield Warning(
                f"{model._meta.label} is pinned to '{alias}', and its migrations are recorded"
                f" there, but the table '{table}' does not exist.",
                hint="Its pin was moved after the migrations ran. Forget them with 'migrate"
                f" {app_label} zero --fake --database {alias}', migrate again, and copy the rows"
                " from the former home.",
                obj=model,
                id="crossdb_reference.W201",
            )
