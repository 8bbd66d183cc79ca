"""A million objects with a million targets: time per object, and memory on both sides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from crossdb_reference import iter_with_references, prefetch_references
from tests.bench.data import load
from tests.bench.measuring import Way, WrongAnswer, measure
from tests.bench.memory import measured
from tests.bench.models import Reader, Visit
from tests.bench.report import Row, compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.bench.sizes import Sizes

OURS = "prefetch_references"
STREAM = "iter_with_references"
INSTANCES = "the instances alone"
MB = 1_000_000


def rows(sizes: Sizes) -> Iterator[Row]:
    """As many targets as objects, PostgreSQL."""
    load("people", Reader, sizes.sources)
    load("default", Visit, sizes.sources, sizes.sources)
    yield time_per_object(sizes.sources, sizes.sources // 100, sizes.repetitions)
    yield from memory(sizes.sources)


def time_per_object(many: int, few: int, repetitions: int) -> Row:
    """Measure whether the time grows faster than the number of objects."""
    # The short work ten times, so that it takes long enough to be measured as well.
    baseline = f"{few:,} objects"
    counts = {OURS: [many], baseline: [few] * 10}
    ways = [
        Way(name, prefetch_each, check_each, partial(load_each, n)) for name, n in counts.items()
    ]
    times = measure(ways, repetitions)
    each = {name: [seconds / sum(counts[name]) for seconds in times[name]] for name in times}
    return compared(f"{many:,} objects, time for each", each, OURS, baseline, 1.3)


def load_each(counts: list[int]) -> list[list[Visit]]:
    """Load objects for each of several prefetches."""
    return [visits(count) for count in counts]


def prefetch_each(loaded: list[list[Visit]]) -> list[list[Visit]]:
    """Prefetch the targets, of one list after the other."""
    for objects in loaded:
        prefetch_references(objects, "reader")
    return loaded


def check_each(loaded: list[list[Visit]]) -> None:
    """Raise ``WrongAnswer`` unless each object of each list has its own target."""
    for objects in loaded:
        check(objects)


def memory(count: int) -> Iterator[Row]:
    """Measure once what each way needs: that differs by less than 1% from run to run."""
    alone = measured(instances, count)
    ways = {OURS: measured(prefetched, count), STREAM: measured(streamed, count)}
    for name, taken in ways.items():
        work = f"{count:,} objects, memory"
        if alone is None or taken is None:
            yield Row(work, name, result="not measured: no /proc")
            continue
        parts = {"in the end": taken.held, "at the peak": taken.peak}
        for part, size in parts.items():
            ratio = size / alone.held
            goal = ("≤ 1.1", ratio <= 1.1) if name == OURS else ("", None)
            other = (INSTANCES, megabytes(alone.held))
            yield Row(f"{work} {part}", name, megabytes(size), *other, f"{ratio:.2f}", *goal)
        met, grown = taken.server <= 5 * MB, f"+{megabytes(taken.server)}"
        yield Row(f"{work} of the server", name, result=grown, goal="≤ 5 MB", met=met)


def megabytes(size: int) -> str:
    """Return bytes for a person."""
    return f"{size / MB:,.{0 if size >= 10 * MB else 1}f} MB"


def visits(count: int) -> list[Visit]:
    """Load objects, and nothing beside them: the driver's result is not kept."""
    return list(Visit.objects.filter(pk__lte=count).iterator())


def instances(count: int) -> tuple[list[Visit], list[Reader]]:
    """Load objects and targets, unconnected."""
    return visits(count), list(Reader.objects.filter(pk__lte=count).iterator())


def prefetched(count: int) -> list[Visit]:
    """Load objects and prefetch their targets."""
    return prefetch_each([visits(count)])[0]


def streamed(count: int) -> None:
    """Go through objects and their targets."""
    check(iter_with_references(Visit.objects.filter(pk__lte=count), "reader"))


def check(objects: Iterable[Any]) -> None:
    """Raise ``WrongAnswer`` unless each object has its own target."""
    for obj in objects:
        if obj.reader.email != f"{obj.reader_id}@example.org":
            message = f"{obj!r} has the reader {obj.reader.email}, not {obj.reader_id}."
            raise WrongAnswer(message)
