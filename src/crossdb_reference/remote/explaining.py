"""The plan of a query across databases, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet

from crossdb_reference.collecting import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

LONG_LIST = re.compile(r"([{\[][^{}\[\]]{40})[^{}\[\]]{20,}([}\]])")
"""The text of an array or of a JSON list, with more keys than anybody reads."""


def explain_references(queryset: QuerySet[Any]) -> str:
    """Return how ``queryset`` would be answered: which query on which database, with how many keys.

    The remote queries of its filters run, one each, because the last one depends on what they
    find. The queryset's own query does not, nor do those for remote columns. The SQL is that of
    ``str(queryset.query)``, with long lists of keys cut: to read, not to run.
    """
    with recording() as steps:
        alias = queryset.db
        try:
            sql, params = queryset.query.get_compiler(using=alias).as_sql()
            last = sql % tuple(params)
        except EmptyResultSet:
            last = "not asked: no row can match"
    texts: list[tuple[str, ...]] = [
        (step.alias, step.label, step.sql, step.keys.describe(step.to)) for step in steps
    ]
    texts += [(alias, queryset.model._meta.label, last), *_columns(queryset, alias)]
    lines = []
    for number, (database, label, *details) in enumerate(texts, start=1):
        lines.append(f"{number}. {database}: {label}")
        lines += ["   " + LONG_LIST.sub(r"\1…\2", detail) for detail in details]
    return "\n".join(lines)


def _columns(queryset: QuerySet[Any], local: str) -> Iterator[tuple[str, str, str]]:
    """Yield the queries for the remote columns of ``queryset``."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, column in getattr(queryset.query, "crossdb_columns", {}).items():
        end = column.place.end
        names.setdefault((end.database(local), end.model._meta.label), []).append(name)
    for (alias, label), columns in names.items():
        yield alias, label, f"{', '.join(columns)}: for the keys of the rows"
