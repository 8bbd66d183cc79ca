"""Filters over two databases, beside a join within one and beside ``postgres_fdw``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connections

from tests.bench.access import as_tuples
from tests.bench.data import load_both
from tests.bench.measuring import Way, measure
from tests.bench.models import Article, ForeignTableArticle, LocalArticle
from tests.bench.report import Row, compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes

OURS = "a filter over two databases"
JOIN = "a join in one database"
FOREIGN = "a join by postgres_fdw"
# The score below which a target is selected, of a thousand, and the goals for rows.
SELECTED = {"0.1%": (1, 0.95), "10%": (100, 0.95), "90%": (900, 0.65)}
CONNECT = """
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER people FOREIGN DATA WRAPPER postgres_fdw
        OPTIONS (host '{HOST}', port '{PORT}', dbname '{NAME}', fetch_size '10000');
    CREATE USER MAPPING FOR CURRENT_USER SERVER people OPTIONS (user '{USER}');
    IMPORT FOREIGN SCHEMA public LIMIT TO (bench_person) FROM SERVER people INTO public;
    ANALYZE bench_person;
"""


def rows(sizes: Sizes) -> Iterator[Row]:
    """Remote filters, PostgreSQL."""
    load_both(sizes)
    models = {JOIN: LocalArticle, OURS: Article}
    if connect_foreign_table():
        models[FOREIGN] = ForeignTableArticle
    else:
        yield Row("all", OURS, against=FOREIGN, result="skipped: this server has no such extension")
    for selected, (score, foreign_goal) in SELECTED.items():
        for kind, run, answer, goals in (
            ("rows", list, as_tuples, (1.0, foreign_goal)),
            ("count()", _count, int, (1.1, None)),
        ):
            ways = [
                Way(name, run, answer, partial(queryset, model, score))
                for name, model in models.items()
            ]
            times = measure(ways, sizes.often if score == 1 else sizes.repetitions)
            work = f"{selected} of {sizes.sources:,}: {kind}"
            for other, goal in zip((JOIN, FOREIGN), goals, strict=True):
                if other in times:
                    yield compared(work, times, OURS, other, goal)


def queryset(model: Any, score: int) -> Any:
    """Return the sources whose target has a score below ``score``."""
    return model.objects.filter(author__score__lt=score)


def _count(found: Any) -> int:
    return int(found.count())


def connect_foreign_table() -> bool:
    """Let the sources' database see the targets' table, if its server can."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw'")
        if not cursor.fetchall():
            return False
        cursor.execute(CONNECT.format(**connections["people"].settings_dict))
        return True
