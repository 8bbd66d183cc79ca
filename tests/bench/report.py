"""Rows with goals, as Markdown; the machine and the versions."""

from __future__ import annotations

import os
import platform
import sqlite3
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import django
import psycopg
from django.db import connections

from tests.bench.measuring import ratio

if TYPE_CHECKING:
    from tests.bench.measuring import Times
    from tests.bench.sizes import Sizes

HEADER = ("work", "way", "takes", "compared with", "takes", "ratio (quartiles)", "goal", "met")
WIDTHS = (43, 31, 8, 35, 8, 21, 6, 3)


@dataclass(frozen=True)
class Row:
    """One line of the report; ``met`` is ``None`` where there is nothing to meet or to measure."""

    work: str
    way: str
    takes: str = ""
    against: str = ""
    against_takes: str = ""
    result: str = ""
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        met = {None: "", True: "yes", False: "NO"}[self.met]
        first = (self.work, self.way, self.takes, self.against, self.against_takes)
        return line((*first, self.result, self.goal, met))


def line(cells: tuple[str, ...]) -> str:
    """Return one line of a table."""
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return f"| {' | '.join(padded)} |"


def heading() -> str:
    """Return the first two lines of a table."""
    return f"{line(HEADER)}\n|{'|'.join(['---'] * len(HEADER))}|"


def compared(work: str, times: Times, ours: str, theirs: str, goal: float | None = None) -> Row:
    """Return the row for two of the ways that were measured."""
    found = ratio(times[ours], times[theirs])
    return Row(
        work,
        ours,
        duration(median(times[ours])),
        theirs,
        duration(median(times[theirs])),
        str(found),
        f"≤ {goal}" if goal else "",
        None if goal is None else round(found.middle, 2) <= goal,  # as it is printed
    )


def duration(seconds: float) -> str:
    """Return seconds in a unit that suits them."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def environment() -> str:
    """Return what the numbers depend on; connects to both PostgreSQL servers."""
    servers = {connections[alias].pg_version for alias in ("default", "people")}
    versions = {f"{version // 10000}.{version % 10000}" for version in servers}
    return (
        f"- {platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f} at the start\n"
        f"- Python {platform.python_version()}, Django {django.__version__},"
        f" psycopg {psycopg.__version__} ({psycopg.pq.__impl__}),"
        f" PostgreSQL {' and '.join(versions)}, SQLite {sqlite3.sqlite_version}"
    )


def method(sizes: Sizes) -> str:
    """Return how the numbers are found."""
    return (
        f"- Medians of {sizes.repetitions} runs of each side, taken in turns; of {sizes.often}"
        " where a run takes milliseconds. A ratio below 1: faster than the other."
    )
