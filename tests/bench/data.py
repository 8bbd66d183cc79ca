"""Filling the tables: one statement each, the same rows on every vendor.

Targets are numbered from 1. The first ``targets`` sources have distinct targets, in an order that
is not the table's; so do the next ones. So ``author_id <= n`` are ten sources for each of n
targets.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.db import connections

from tests.bench.models import Article, LocalArticle, LocalPerson, Person, PersonColumns

if TYPE_CHECKING:
    from django.db.models import Model

    from tests.bench.sizes import Sizes

NUMBERS = {
    "postgresql": "generate_series(CAST(1 AS bigint), {count}) AS numbers (n)",
    "sqlite": "(WITH RECURSIVE numbers (n) AS"
    " (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
    " SELECT n FROM numbers) AS numbers",
}
JOINED = {
    "postgresql": "timestamptz '2020-01-01 00:00+00' + n * interval '1 minute'",
    "sqlite": "datetime('2020-01-01', '+' || n || ' minutes')",
}
# A score is one of a thousand, each as frequent as the others.
PERSON = (
    "n, 'Name ' || n, n || '@example.org', 'City ' || n % 100, n % 90, (n - 1) * 7919 % 1000,"
    " n % 100 + 0.5, n % 2 = 0, {joined}"
)
ARTICLE = "n, 'Title ' || n, n % 1000, n * 514229 % {targets} + 1"


def load_both(sizes: Sizes) -> None:
    """Load articles and their authors on PostgreSQL: over two databases, and within one."""
    load("people", Person, sizes.targets)
    load("default", LocalPerson, sizes.targets)
    load("default", Article, sizes.sources, sizes.targets)
    load("default", LocalArticle, sizes.sources, sizes.targets)


@cache
def load(alias: str, model: type[Model], count: int, targets: int = 0) -> None:
    """Create the table of ``model`` on ``alias`` with ``count`` rows; do it once."""
    connection = connections[alias]
    row = PERSON if issubclass(model, PersonColumns) else ARTICLE
    row = row.format(joined=JOINED[connection.vendor], targets=targets)
    numbers = NUMBERS[connection.vendor].format(count=count)
    # The editor makes indexes and constraints when it closes: faster than before the rows.
    with connection.schema_editor() as editor:
        editor.create_model(model)
        editor.execute(f"INSERT INTO {model._meta.db_table} SELECT {row} FROM {numbers}", None)  # noqa: S608 (numbers)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
