"""Rows by their keys: the one place that sends a set of keys to one database and gets objects."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import Error, connections
from django.db.models import F

from crossdb_reference.keysets import InKeySet, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.models import Model, QuerySet


class FetchedObjects(list[Any]):
    """Objects that were fetched, with the prefetches that their queryset still owes them.

    Django's ``prefetch_related`` reads and clears ``_prefetch_related_lookups`` of what a
    descriptor gives it, and does them all at once.
    """

    _prefetch_related_lookups: tuple[Any, ...] = ()


def fetch_chunks(
    queryset: Any,
    items: Iterable[Any],
    narrow: Callable[[Any, list[Any]], QuerySet[Any]],
) -> FetchedObjects:
    """Return the objects of ``queryset`` that ``narrow(queryset, chunk)`` leaves, of all chunks.

    One query on the queryset's database per :data:`~crossdb_reference.keysets.CHUNK_SIZE` items.
    """
    objects = FetchedObjects()
    objects._prefetch_related_lookups = queryset._prefetch_related_lookups
    queryset = queryset.prefetch_related(None)
    for chunk in chunks(items, connections[queryset.db]):
        objects.extend(narrow(queryset, chunk))
    return objects


def fetch_by_key(queryset: QuerySet[Model], key: str, keys: Iterable[Any]) -> FetchedObjects:
    """Return the objects of ``queryset`` whose field ``key`` is among ``keys``, in any order.

    One query on the queryset's database per :data:`~crossdb_reference.keysets.CHUNK_SIZE` keys.
    """
    # There is one object per key, so an order would cost the database for nothing.
    queryset.query.clear_ordering()
    return fetch_chunks(queryset, keys, lambda rows, chunk: rows.filter(InKeySet(F(key), chunk)))


@contextmanager
def naming(field: str, alias: str) -> Iterator[None]:
    """Add to the errors of a database which reference was being followed, and where to."""
    try:
        yield
    except Error as error:
        error.add_note(f"While following the reference {field} to the database {alias!r}.")
        raise
