"""Where the time goes, by part, of the work in the first rows: for the documentation.

The time of each function counts for the part that its file belongs to; a function without a file,
of Python's own, for the parts of its callers. psycopg's C code counts for the method that calls
it: ``execute`` sends and waits, ``fetch…`` decodes.

The profiler makes Python's calls look slower than they are beside C: the bench's own rows say how
long it all takes.
"""

from __future__ import annotations

import gc
import re
from collections import Counter
from cProfile import Profile
from pstats import Stats
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tests.bench.data import load_both
from tests.bench.models import Article, LocalArticle
from tests.bench.prefetch import OURS, YARDSTICK, distinct, pages, repeated, ways

if TYPE_CHECKING:
    from tests.bench.measuring import Way
    from tests.bench.sizes import Sizes

Function = tuple[str, int, str]

# The first pattern that is found in "path:function" decides.
PARTS = {
    "decoding rows": r"psycopg3?(/cursor)?\.py:(fetch|__iter__)|psycopg_any\.py:load"
    r"|:(cursor_iter|apply_converters|results_iter)$",
    "sending, and waiting for the server": r"/psycopg/|/db/backends/|/db/utils\.py"
    r"|crossdb_reference/psycopg3",
    "making instances": r"models/base\.py|/dispatch/|models/query\.py:(__iter__|_fetch_all)"
    r"|^<string>|crossdb_reference/instances",
    "assigning": r"related_descriptors\.py|models/query\.py:(prefetch_|get_next)"
    r"|query_utils\.py:__get__|crossdb_reference/(?!keysets)",
    "making SQL": r"/django/|crossdb_reference/",
    "the rest": "",
}
GARBAGE = "collecting garbage"
RUNS = 200  # of a page


def profile(name: str, sizes: Sizes) -> str:
    """Return a Markdown table for ``repeated``, ``distinct`` or ``page``."""
    load_both(sizes)
    works = {"repeated": repeated(sizes), "distinct": distinct(sizes), "page": pages()[-1]}
    work, condition = works[name]
    count, runs = (100, RUNS) if name == "page" else (sizes.objects, 1)
    both = {
        way.name: way for way in ways(Article.objects.all(), LocalArticle.objects.all(), condition)
    }
    measured = [parts(both[way], runs, count) for way in (OURS, YARDSTICK)]
    lines = [
        f"\n### Where the time goes: {work}\n",
        f"| µs per object, under cProfile | {OURS} | share | {YARDSTICK} | share |",
        "|---|---|---|---|---|",
    ]
    for part in (*PARTS, GARBAGE):
        cells = (f"{found[part]:.2f} | {found[part] / found.total():.0%}" for found in measured)
        lines.append(f"| {part} | {' | '.join(cells)} |")
    total = (f"{found.total():.2f} | 100%" for found in measured)
    return "\n".join([*lines, f"| in all | {' | '.join(total)} |"])


def parts(way: Way, runs: int, count: int) -> Counter[str]:
    """Return the microseconds per object that each part takes."""
    found = Counter({GARBAGE: garbage(way, runs)})
    profiler = Profile()
    # The collector interrupts any function: measured on its own, it is kept out here.
    gc.disable()
    for _ in range(runs):
        profiler.runcall(way.run, way.prepare())
    gc.enable()
    functions: dict[Function, Any] = Stats(profiler).stats
    for function, (_, _, own, _, callers) in functions.items():
        if function[0] == "~" and callers:
            for caller, (_, _, own_for_caller, _) in callers.items():
                found[part_of(caller)] += own_for_caller
        else:
            found[part_of(function)] += own
    return Counter({part: seconds * 1e6 / runs / count for part, seconds in found.items()})


def garbage(way: Way, runs: int) -> float:
    """Return the seconds that the collector takes, without the profiler."""
    seconds = 0.0

    def watch(phase: str, _: object) -> None:
        nonlocal seconds
        seconds += perf_counter() if phase == "stop" else -perf_counter()

    for _ in range(runs):
        prepared = way.prepare()
        gc.collect()
        gc.callbacks.append(watch)
        way.run(prepared)
        gc.callbacks.remove(watch)
    return seconds


def part_of(function: Function) -> str:
    """Return the part that a function belongs to."""
    path, _, name = function
    return next(part for part, pattern in PARTS.items() if re.search(pattern, f"{path}:{name}"))
