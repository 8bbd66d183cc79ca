"""Prefetching across databases: for objects at hand, and for more of them than fit into memory.

``prefetch_references``   fetch what references and other relations lead to, level by level
``iter_with_references``  the same for the rows of a queryset, a chunk at a time

References of one level are asked for together: with one query where they lead to the same targets,
and on several PostgreSQL databases at once. Ordinary relations are left to Django.
"""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models import Model

from crossdb_reference.requests import runs_only_django
from crossdb_reference.resolving import Unfetched, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterable, Iterator

    from django.db.models import Prefetch, QuerySet

M = TypeVar("M", bound=Model)


def prefetch_references(
    objects: Iterable[Model],
    *lookups: str | Prefetch[Any],
    parallel: bool | None = None,
    errors: Literal["raise", "collect"] = "raise",
) -> list[Unfetched]:
    """Fetch what ``lookups`` lead to from ``objects``: ``"author__team"``, or ``Prefetch`` objects.

    For each level one query per 5,000 distinct keys to each database and target model, however
    many references lead there, and for an ordinary relation what Django's
    ``prefetch_related_objects`` needs. What is fetched already is not fetched again.

    Where a level needs several PostgreSQL databases (by psycopg 3), all are asked before the first
    answer is awaited: on the caller's own connections, without threads. ``parallel=False`` asks
    one after the other, as is done anyway while queries of one of them are logged or wrapped.

    If a database fails, its error is raised, with a note that names reference and alias, and no
    reference of that level is changed. With ``errors="collect"`` the references concerned stay as
    they were (the next access asks again) and are returned, and the rest is there.
    """
    if errors not in {"raise", "collect"}:
        message = f"errors must be 'raise' or 'collect', not {errors!r}."
        raise ValueError(message)
    collected: list[Unfetched] | None = [] if errors == "collect" else None
    for _ in resolve(list(objects), lookups, parallel=parallel, collected=collected):
        pass
    return collected or []


async def aprefetch_references(
    objects: Iterable[Model],
    *lookups: str | Prefetch[Any],
    parallel: bool | None = None,
    errors: Literal["raise", "collect"] = "raise",
) -> list[Unfetched]:
    """Do what :func:`prefetch_references` does, in a thread of Django's for such work."""
    return await sync_to_async(prefetch_references)(
        objects, *lookups, parallel=parallel, errors=errors
    )


def iter_with_references(
    queryset: QuerySet[M], *lookups: str | Prefetch[Any], chunk_size: int = 2000
) -> Iterator[M]:
    """Yield the objects of ``queryset`` with what ``lookups`` lead to, in bounded memory.

    The rows are streamed, by a server-side cursor where the database has them; for each
    ``chunk_size`` of them the queries are those of :func:`prefetch_references`. Where psycopg 3
    asks another database, the next chunk is read while that one works, if ``queryset`` gives whole
    objects of a model (no ``only()``, ``annotate()`` or the like) and Django's code alone makes
    them: other code may send queries.
    """
    for chunk in _chunks(queryset, lookups, chunk_size):
        yield from chunk
        del chunk  # While the next one is resolved, another one is read.


async def aiter_with_references(
    queryset: QuerySet[M], *lookups: str | Prefetch[Any], chunk_size: int = 2000
) -> AsyncIterator[M]:
    """Yield what :func:`iter_with_references` yields; the queries run in a thread of Django's.

    A loop that is left early leaves the rows open until Python finalises the generator:
    ``contextlib.aclosing()`` around it closes them at once.
    """
    chunks = _chunks(queryset, lookups, chunk_size)
    try:
        while chunk := await sync_to_async(lambda: next(chunks, None))():
            for obj in chunk:
                yield obj
            del chunk, obj
    finally:
        await sync_to_async(chunks.close)()


def _chunks(
    queryset: QuerySet[M], lookups: Iterable[str | Prefetch[Any]], chunk_size: int
) -> Generator[list[M]]:
    queryset = queryset.using(queryset.db)  # A router may give another replica each time.
    rows = queryset.iterator(chunk_size=chunk_size)
    following = [*islice(rows, chunk_size)]
    while chunk := following:
        reading = connections[queryset.db] if runs_only_django(queryset) else None
        with closing(resolve(chunk, lookups, reading=reading)) as resolving:
            # The first queries are on their way after this, or all have been answered.
            for _ in islice(resolving, None if reading is None else 1):
                pass
            following = [*islice(rows, chunk_size)]
            for _ in resolving:
                pass
        yield chunk
