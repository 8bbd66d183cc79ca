"""What a reference costs without prefetching: one lazy access, the key, making instances."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from unittest import mock

from django.db import router

from tests.bench.data import load_both
from tests.bench.measuring import Way, measure
from tests.bench.models import Article, LocalArticle
from tests.bench.prefetch import answer
from tests.bench.report import compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.report import Row
    from tests.bench.sizes import Sizes

OURS = "a reference"
YARDSTICK = "a ForeignKey"
WITHOUT_ROUTERS = "a ForeignKey, no routers"
ACCESSES = 100
values = attrgetter("pk", "title", "words", "author_id")


def rows(sizes: Sizes) -> Iterator[Row]:
    """Single objects, PostgreSQL."""
    load_both(sizes)
    times = measure(lazily(), sizes.often)
    work = f"lazy access, {ACCESSES} of them"
    yield compared(work, times, OURS, YARDSTICK, 1.05)
    yield compared(work, times, OURS, WITHOUT_ROUTERS)
    count = sizes.objects // 5
    for work, run, answers in (
        ("reading the key", read_keys, sorted),
        ("making instances from rows", from_rows, as_tuples),
        ("making instances by keywords", from_keywords, as_tuples),
    ):
        times = measure(pairs(run, answers, count), sizes.often)
        yield compared(f"{work}, {count:,}", times, OURS, YARDSTICK, 1.03)


def lazily() -> list[Way]:
    """Return the ways to get the authors of fresh objects, one by one."""
    ours = partial(_fresh, Article)
    theirs = partial(_fresh, LocalArticle)
    return [
        Way(YARDSTICK, access, answer, theirs),
        Way(WITHOUT_ROUTERS, access_without_routers, answer, theirs),
        Way(OURS, access, answer, ours),
    ]


def _fresh(model: Any) -> list[Any]:
    return list(model.objects.filter(pk__lte=ACCESSES))


def access(objects: list[Any]) -> list[Any]:
    """Get each object's author."""
    for obj in objects:
        obj.author  # noqa: B018 (fetched)
    return objects


def access_without_routers(objects: list[Any]) -> list[Any]:
    """Get each object's author, as in a project with one database."""
    with mock.patch.object(router, "routers", []):
        return access(objects)


def pairs(run: Any, answers: Any, count: int) -> list[Way]:
    """Return both ways to do ``run``, with ``count`` objects that are loaded once."""
    ways = []
    for name, model in ((YARDSTICK, LocalArticle), (OURS, Article)):
        loaded = list(model.objects.filter(pk__lte=count))
        rows = list(map(values, loaded))
        ways.append(Way(name, run, answers, partial(tuple, (model, loaded, rows))))
    return ways


def read_keys(prepared: Any) -> list[int]:
    """Read ``author_id``."""
    _, loaded, _ = prepared
    return [obj.author_id for obj in loaded]


def from_rows(prepared: Any) -> list[Any]:
    """Make instances as a queryset does."""
    model, _, rows = prepared
    names = [field.attname for field in model._meta.concrete_fields]
    return [model.from_db("default", names, row) for row in rows]


def from_keywords(prepared: Any) -> list[Any]:
    """Make instances as a program does."""
    model, _, rows = prepared
    return [model(id=pk, title=title, words=words, author_id=key) for pk, title, words, key in rows]


def as_tuples(objects: list[Any]) -> list[tuple[Any, ...]]:
    """Return the values of the objects, in order."""
    return sorted(map(values, objects))
