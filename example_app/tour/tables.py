"""Plain tables for a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

WIDEST = 48


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table: numbers to the right, long texts cut."""
    rows = [list(row) for row in rows]
    cells = [list(head), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [isinstance(value, (int, float, Decimal)) for value in rows[0]] if rows else []
    for number, line in enumerate(cells):
        yield "  ".join(
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, right, strict=False)
        ).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def _text(value: object) -> str:
    """Return a cell: numbers with thousands separated, anything else as it prints."""
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
