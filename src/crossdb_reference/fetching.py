"""Rows by their keys: the one place that sends a set of keys to one database and gets objects."""

from __future__ import annotations

from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import Error, connections
from django.db.models import F

from crossdb_reference.keysets import InKeySet, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

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
    queryset = queryset.all()  # The user's own is left as it is.
    # There is one object per key, so an order would cost the database for nothing.
    queryset.query.clear_ordering()
    return fetch_chunks(queryset, keys, lambda rows, chunk: rows.filter(InKeySet(F(key), chunk)))


def key_getter(
    attname: str, keys: Iterable[Any], others: Collection[Any], to_python: Callable[[Any], Any]
) -> Callable[[Model], Any]:
    """Return a function that gets the key ``attname`` of an object, as it is among ``others``.

    ``keys`` are those of the objects, ``others`` those of what they are to be matched with. A
    database takes some for the same that Python does not: ``"5"`` and 5, as long as the object is
    not loaded anew, and where its collation says so, texts that differ in case and final spaces.
    (Of two such texts among ``keys`` only the one that is written as in ``others`` is matched.)
    """
    get = attrgetter(attname)
    missing = set(keys).difference(others)
    if not missing:
        return get
    folded = {_fold(other): other for other in set(others).difference(keys)}
    same = {}
    for key in missing:
        converted = to_python(key)
        same[key] = converted if converted in others else folded.get(_fold(converted), key)
    return lambda obj: same.get(key := get(obj), key)


def _fold(key: Any) -> Any:
    return key.casefold().rstrip(" ") if isinstance(key, str) else key


@contextmanager
def naming(field: str, alias: str) -> Iterator[None]:
    """Add to the errors of a database which reference was being followed, and where to."""
    try:
        yield
    except Error as error:
        error.add_note(f"While following the reference {field} to the database {alias!r}.")
        raise
