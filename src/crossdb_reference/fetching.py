"""Objects by their keys: the one place that sends a set of keys to one database and gets objects.

``requests``         the requests for a set of anything, chunk by chunk
``requests_by_key``  those for a set of keys
``fetch_all``        what requests find, one after the other
``same_keys``        keys that are written in two ways
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import F, Manager

from crossdb_reference.exceptions import CrossDBReferenceError
from crossdb_reference.instances import has_plain_rows
from crossdb_reference.keysets import CHUNK_SIZE, InKeySet, chunks
from crossdb_reference.requests import request_by_key, request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from django.db.models import Model, QuerySet

    from crossdb_reference.requests import Request


class FetchedObjects(list[Any]):
    """Objects that were fetched, with the prefetches that their queryset still owes them.

    Django's ``prefetch_related`` reads and clears ``_prefetch_related_lookups`` of what a
    descriptor gives it, and does them all at once.
    """

    _prefetch_related_lookups: tuple[Any, ...] = ()


def requests(
    queryset: Any, items: Iterable[Any], request: Callable[[Any, list[Any], list[Any]], Request]
) -> Iterator[Request]:
    """Yield ``request(queryset, chunk, peers)`` for all chunks of ``items``.

    One query on the queryset's database per :data:`~crossdb_reference.keysets.CHUNK_SIZE` items.
    """
    if queryset._db is None:  # A router may give another replica each time that it is asked.
        queryset = queryset.using(queryset.db)
    peers: list[Any] = []
    for chunk in chunks(items, connections[queryset.db]):
        yield request(queryset, chunk, peers)


def narrowed_request(queryset: Any, peers: list[Any]) -> Request:
    """Return the request for ``queryset``, one of several: its prefetches are done for all."""
    queryset._prefetch_related_lookups = ()
    return request_of(queryset, peers)


def requests_by_key(
    queryset: Any, key: str, keys: Collection[Any], *, whole: bool
) -> Iterator[Request]:
    """Yield requests for the objects of ``queryset`` whose field ``key`` is among ``keys``.

    One query on the queryset's database per :data:`~crossdb_reference.keysets.CHUNK_SIZE` keys.
    ``whole`` says that the queryset is just what the base manager of its model gives.
    """
    is_plain = whole and type(queryset.model._base_manager) is Manager

    def request(queryset: Any, chunk: list[Any], peers: list[Any]) -> Request:
        if (
            is_plain
            and has_plain_rows(queryset, queryset.query.get_compiler(queryset._db))
            and (known := request_by_key(queryset, key, chunk, peers))
        ):
            return known
        narrowed = queryset.filter(InKeySet(F(key), chunk))
        # There is one object per key, so an order would cost the database for nothing.
        narrowed.query.clear_ordering()
        return narrowed_request(narrowed, peers)

    return requests(queryset, _in_order(keys), request)


def _in_order(keys: Collection[Any]) -> Collection[Any]:
    """Return ``keys`` so that a chunk meets few pages of a table: 0.4 to 0.9 of the time."""
    comparable = len(keys) > CHUNK_SIZE and {*map(type, keys)} in ({int}, {str})
    return sorted(keys) if comparable else keys


def fetch_all(queryset: QuerySet[Any], asked: Iterable[Request]) -> FetchedObjects:
    """Return the objects of all requests, which are ones of ``queryset``: one after the other."""
    objects = FetchedObjects()
    objects._prefetch_related_lookups = queryset._prefetch_related_lookups  # type: ignore[attr-defined]
    for request in asked:
        with closing(request):
            request.send()
            request.receive()
        objects.extend(request.objects())
    return objects


def key_getter(
    attname: str, keys: Collection[Any], others: Collection[Any], to_python: Callable[[Any], Any]
) -> Callable[[Model], Any]:
    """Return a function that gets the key ``attname`` of an object, as it is among ``others``.

    ``keys`` are those of the objects, ``others`` those of what they are to be matched with: see
    :func:`same_keys`.
    """
    get = attrgetter(attname)
    same = same_keys(keys, others, to_python)
    return (lambda obj: same.get(key := get(obj), key)) if same else get


def same_keys(
    keys: Collection[Any], others: Collection[Any], to_python: Callable[[Any], Any]
) -> dict[Any, Any]:
    """Return, of those ``keys`` that are not among ``others``, which of the others is meant.

    A database takes some for the same that Python does not: ``"5"`` and 5, as long as the object
    is not loaded anew, and where its collation says so, texts that differ in case and final
    spaces. (Of two such texts among ``keys`` only the one that is written as in ``others`` is
    matched.)
    """
    missing = set(keys).difference(others)
    if not missing:
        return {}
    folded = {_fold(other): other for other in set(others).difference(keys)}
    same = {}
    for key in missing:
        converted = to_python(key)
        same[key] = converted if converted in others else folded.get(_fold(converted), key)
    return same


def _fold(key: Any) -> Any:
    return key.casefold().rstrip(" ") if isinstance(key, str) else key


@contextmanager
def naming(field: str, alias: str) -> Iterator[None]:
    """Add to errors, of a database above all, which reference was being followed, and where to."""
    try:
        yield
    except CrossDBReferenceError:  # It says so itself.
        raise
    except Exception as error:
        add_note(error, field, alias)
        raise


def add_note(error: Exception, field: str, alias: str) -> None:
    """Let ``error`` say that it came while ``field`` was followed to ``alias``."""
    error.add_note(f"While following the reference {field} to the database {alias!r}.")
