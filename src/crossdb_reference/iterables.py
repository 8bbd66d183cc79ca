"""How a pinned queryset reads its rows: as Django does, by the faster way to instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.query import ModelIterable

from crossdb_reference._compat import fetch_mode_of
from crossdb_reference.instances import PLAIN_ITERABLES, has_plain_rows, make_instances

if TYPE_CHECKING:
    from collections.abc import Iterator

    _ModelIterable = ModelIterable[Any]
else:
    _ModelIterable = ModelIterable


class PlainIterable(_ModelIterable):
    """Rows as instances; Django makes them where somebody has changed how it does."""

    def __iter__(self) -> Iterator[Any]:
        """Send the query, and yield the instances."""
        queryset: Any = self.queryset
        if queryset._db is None:  # A router may give another replica each time that it is asked.
            queryset = self.queryset = queryset.using(queryset.db)
        compiler = queryset.query.get_compiler(using=queryset.db)
        if not has_plain_rows(queryset, compiler):
            yield from super().__iter__()
            return
        results: Any = compiler.execute_sql(
            chunked_fetch=self.chunked_fetch, chunk_size=self.chunk_size
        )
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        mode = fetch_mode_of(queryset)
        peers: list[Any] = []
        for rows in results:
            yield from make_instances(
                rows, compiler=compiler, converters=converters, mode=mode, peers=peers
            )


PLAIN_ITERABLES.add(PlainIterable)
