"""Eight databases at once, against one after the other; near, and behind a proxy that delays."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from statistics import median
from typing import TYPE_CHECKING, Any

from django.db import connections

from crossdb_reference import prefetch_references
from tests.bench.data import load
from tests.bench.databases import REMOTES
from tests.bench.measuring import Way, measure
from tests.bench.models import STOPS, Person, Trip
from tests.bench.proxy import delaying
from tests.bench.report import compared, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.report import Row
    from tests.bench.sizes import Sizes

AT_ONCE = "prefetch_references"
IN_TURN = "parallel=False"
ROUND_TRIP = 0.020  # seconds
PAGE = 100


def rows(sizes: Sizes) -> Iterator[Row]:
    """Eight databases at once, PostgreSQL."""
    many = max(sizes.objects // 10, PAGE)
    with connections["people"].cursor() as cursor:
        for alias in REMOTES:
            cursor.execute(f"CREATE DATABASE {alias}")
    for alias in REMOTES:
        load(alias, Person, many // 10)
    for count in (PAGE, many):
        yield compared(work(count), measure(ways(count), sizes.often), AT_ONCE, IN_TURN, 1.05)
    with delaying(connections["people"].settings_dict["PORT"], ROUND_TRIP) as port, through(port):
        away = f", round trip {duration(round_trip())}"
        times = measure(ways(PAGE), sizes.repetitions)
        yield compared(work(PAGE, away), times, AT_ONCE, IN_TURN, 0.17)


def work(count: int, latency: str = ", no latency") -> str:
    """Return what is done."""
    return f"{count:,} objects, {count // 10:,} targets{latency}"


def ways(count: int) -> list[Way]:
    """Return the ways to prefetch eight references of ``count`` objects."""
    prepare = partial(_fresh, count)
    return [
        Way(IN_TURN, partial(_prefetch, parallel=False), answer, prepare),
        Way(AT_ONCE, _prefetch, answer, prepare),
    ]


def _fresh(count: int) -> list[Trip]:
    return [
        Trip(id=number, **{f"{stop}_id": number % (count // 10) + 1 for stop in STOPS})
        for number in range(count)
    ]


def _prefetch(trips: list[Trip], **options: Any) -> list[Trip]:
    prefetch_references(trips, *STOPS, **options)
    return trips


def answer(trips: list[Trip]) -> list[list[tuple[int, str]]]:
    """Return the targets of each object."""
    values = attrgetter("pk", "email")
    return [[values(getattr(trip, stop)) for stop in STOPS] for trip in trips]


@contextmanager
def through(port: int) -> Iterator[None]:
    """Let the connections go through another port inside the block."""
    remotes = [connections[alias] for alias in REMOTES]
    direct = remotes[0].settings_dict["PORT"]
    for connection in remotes:
        connection.close()
        connection.settings_dict["PORT"] = port
    yield
    for connection in remotes:
        connection.close()
        connection.settings_dict["PORT"] = direct


def round_trip() -> float:
    """Return the seconds that the smallest query takes."""
    seconds = []
    with connections[REMOTES[0]].cursor() as cursor:
        for _ in range(10):
            started = time.perf_counter()
            cursor.execute("SELECT 1")
            seconds.append(time.perf_counter() - started)
    return median(seconds)
