"""Prefetching, beside Django's own within one database and beside the bare driver."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connections
from django.db.models import prefetch_related_objects

from crossdb_reference import prefetch_references
from tests.bench.data import load, load_both
from tests.bench.measuring import Way, WrongAnswer, measure
from tests.bench.models import Article, LocalArticle, LocalPerson, Person, SQLiteArticle
from tests.bench.report import compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet

    from tests.bench.report import Row
    from tests.bench.sizes import Sizes

OURS = "prefetch_references"
THROUGH_DJANGO = "prefetch_related on a reference"
YARDSTICK = "prefetch_related over a ForeignKey"
DRIVER = "psycopg's tuples"
COLUMNS = [field.attname for field in Person._meta.concrete_fields]
columns = attrgetter(*COLUMNS)


def postgres(sizes: Sizes) -> Iterator[Row]:
    """Prefetching, PostgreSQL."""
    load_both(sizes)
    ours, theirs = Article.objects.all(), LocalArticle.objects.all()
    with closing(psycopg.connect(_address("people"))) as connection:
        work, condition = repeated(sizes)
        times = measure(ways(ours, theirs, condition), sizes.repetitions)
        yield compared(work, times, OURS, YARDSTICK, 0.30)
        yield compared(work, times, THROUGH_DJANGO, YARDSTICK, 0.90)
        work, condition = distinct(sizes)
        driver = Way(
            DRIVER,
            partial(fetch_tuples, connection),
            sorted,
            lambda: list(ours.filter(**condition)),
        )
        yardstick, _, own = ways(ours, theirs, condition)
        times = measure([yardstick, own, driver], sizes.repetitions)
        yield compared(work, times, OURS, YARDSTICK, 0.35)
        yield compared(work, times, OURS, DRIVER, 2.0)
    for work, condition in pages():
        times = measure(ways(ours, theirs, condition), sizes.often)
        yield compared(work, times, OURS, YARDSTICK, 0.75)
        yield compared(work, times, THROUGH_DJANGO, YARDSTICK)


def sqlite(sizes: Sizes) -> Iterator[Row]:
    """Prefetching, SQLite."""
    load("sqlite_people", Person, sizes.targets)
    load("sqlite", LocalPerson, sizes.targets)
    load("sqlite", SQLiteArticle, sizes.sources, sizes.targets)
    load("sqlite", LocalArticle, sizes.sources, sizes.targets)
    ours, theirs = SQLiteArticle.objects.using("sqlite"), LocalArticle.objects.using("sqlite")
    for work, condition in (repeated(sizes), distinct(sizes)):
        yardstick, _, own = ways(ours, theirs, condition)
        times = measure([yardstick, own], sizes.repetitions)
        yield compared(work, times, OURS, YARDSTICK, 0.45)


def repeated(sizes: Sizes) -> tuple[str, dict[str, int]]:
    """Return the name and the condition of objects that share their targets."""
    targets = sizes.few_targets
    return f"{sizes.objects:,} objects, {targets:,} targets", {"author__lte": targets}


def distinct(sizes: Sizes) -> tuple[str, dict[str, int]]:
    """Return the name and the condition of objects that each have a target of their own."""
    return f"{sizes.objects:,} objects, as many targets", {"pk__lte": sizes.objects}


def pages() -> list[tuple[str, dict[str, int]]]:
    """Return the names and the conditions of a hundred objects: the fixed cost."""
    return [
        ("100 objects, 10 targets", {"author__lte": 10}),
        ("100 objects, 100 targets", {"pk__lte": 100}),
    ]


def ways(ours: QuerySet[Any], theirs: QuerySet[Any], condition: dict[str, int]) -> list[Way]:
    """Return the ways to prefetch the authors of the same objects."""
    django = partial(_prefetched, prefetch_related_objects)
    return [
        Way(YARDSTICK, django, answer, lambda: list(theirs.filter(**condition))),
        Way(THROUGH_DJANGO, django, answer, lambda: list(ours.filter(**condition))),
        Way(
            OURS,
            partial(_prefetched, prefetch_references),
            answer,
            lambda: list(ours.filter(**condition)),
        ),
    ]


def _prefetched(prefetch: Any, objects: list[Any]) -> list[Any]:
    prefetch(objects, "author")
    return objects


def answer(objects: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of the authors, each once; each object has to have its own."""
    rows = set()
    for obj in objects:
        rows.add(columns(obj.author))
        if obj.author.pk != obj.author_id:
            message = f"{obj!r} has another author than {obj.author_id}."
            raise WrongAnswer(message)
    return sorted(rows)


def fetch_tuples(connection: psycopg.Connection[Any], objects: list[Any]) -> list[Any]:
    """Fetch the rows of the authors with the driver alone."""
    keys = list({obj.author_id for obj in objects})
    query = f"SELECT {', '.join(COLUMNS)} FROM {Person._meta.db_table} WHERE id = ANY(%s)"  # noqa: S608
    return connection.execute(query, [keys]).fetchall()


def _address(alias: str) -> str:
    """Return the address of a database, for a connection that Django has not set up."""
    entry = connections[alias].settings_dict
    return f"postgres://{entry['USER']}@{entry['HOST']}:{entry['PORT']}/{entry['NAME']}"
