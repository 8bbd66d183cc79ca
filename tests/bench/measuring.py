"""Several ways to do the same work, measured in turns."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Times = dict[str, list[float]]


class WrongAnswer(Exception):  # noqa: N818 (what happened)
    """Two ways gave different answers: there is nothing to compare."""


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Way:
    """A way to do some work: ``run`` is measured, on what ``prepare`` gave it.

    ``answer`` turns the result into what has to be equal for all ways.
    """

    name: str
    run: Callable[[Any], Any]
    answer: Callable[[Any], Any]
    prepare: Callable[[], Any] = nothing


@dataclass(frozen=True)
class Ratio:
    """The median of ratios, and their quartiles."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def measure(ways: Sequence[Way], repetitions: int) -> Times:
    """Return the seconds that each way took, by name; raise ``WrongAnswer`` if they differ.

    Every second round goes backwards, so that none is always the one after the other.
    """
    check(ways)
    times: Times = {way.name: [] for way in ways}
    for number in range(repetitions):
        for way in ways if number % 2 else reversed(ways):
            times[way.name].append(_seconds(way))
    return times


def check(ways: Sequence[Way]) -> None:
    """Run each way once, and raise ``WrongAnswer`` unless all answers are equal."""
    first, *others = ways
    expected = first.answer(first.run(first.prepare()))
    for way in others:
        if way.answer(way.run(way.prepare())) != expected:
            message = f"{way.name!r} and {first.name!r} give different answers."
            raise WrongAnswer(message)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Return how ``ours`` are to ``theirs``, measured beside each other."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Ratio(median(ratios), low, high)


def _seconds(way: Way) -> float:
    prepared = way.prepare()
    # What earlier runs left behind is not this one's to clear. The collector itself stays as it
    # is: it is part of what a user waits for.
    gc.collect()
    started = time.perf_counter()
    result = way.run(prepared)
    seconds = time.perf_counter() - started
    del result
    return seconds
