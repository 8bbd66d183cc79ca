"""The queries that a block of code sends, by database."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from django.db import connections
from django.test.utils import CaptureQueriesContext

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def queries() -> Iterator[dict[str, list[str]]]:
    """Give a dictionary that holds, after the block, the SQL sent to each alias that got any."""
    sent: dict[str, list[str]] = {}
    with ExitStack() as stack:
        captured = {
            alias: stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in connections
        }
        yield sent
    sent.update(
        {
            alias: [query["sql"] for query in capture.captured_queries]
            for alias, capture in captured.items()
            if len(capture)
        }
    )
