"""Which database receives which queries."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from django.db import connections


@dataclass
class Queries:
    """What was sent to each database, by alias and in order, and how long the block took."""

    sent: dict[str, list[str]] = field(default_factory=lambda: {alias: [] for alias in connections})
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """Return the number of queries per alias."""
        return {alias: len(statements) for alias, statements in self.sent.items()}

    def total(self) -> int:
        """Return the number of queries on all databases."""
        return sum(self.counts().values())

    def record(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Note a query and let it pass: what ``execute_wrapper`` calls for each of them."""
        *_, context = rest
        self.sent[context["connection"].alias].append(sql)
        return execute(sql, *rest)


@contextmanager
def captured_queries() -> Iterator[Queries]:
    """Record every query on every database that this thread makes inside the block."""
    queries = Queries()
    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(connections[alias].execute_wrapper(queries.record))
        started = perf_counter()
        yield queries
        queries.seconds = perf_counter() - started
