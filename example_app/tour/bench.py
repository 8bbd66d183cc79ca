"""The first lines of the benchmark, as the documentation has them: measuring takes longer."""

from collections.abc import Iterator
from itertools import dropwhile, islice, takewhile
from pathlib import Path

from django.conf import settings

from .tables import table

PAGE = "docs/topics/performance.md"
HEADING = "## Results\n"
COLUMNS = ("work", "way", "compared with", "ratio (quartiles)", "goal")
SHOWN = 5


def first_lines() -> Iterator[str]:
    """Yield when and where it was measured, and the first lines of its first table."""
    text = Path(settings.BASE_DIR, PAGE).read_text(encoding="utf-8")
    lines = text.partition(HEADING)[2].partition("\n## ")[0].splitlines()
    yield from (line for line in lines if line.startswith("Measured on "))
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in takewhile(_in_table, dropwhile(lambda line: not _in_table(line), lines))
    ]
    if not cells:
        yield "Not measured yet."
    else:
        head, _, *rows = cells
        picked = [head.index(name) for name in COLUMNS]
        shown = ([row[at] for at in picked] for row in islice(rows, SHOWN))
        yield from table(COLUMNS, shown)
    yield f"All of it: {PAGE}. Measure anew, on two PostgreSQL servers: make bench"


def _in_table(line: str) -> bool:
    return line.startswith("|")
