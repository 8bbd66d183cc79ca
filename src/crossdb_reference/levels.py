"""One level of a prefetch: the targets of several references, from several databases at once.

``Following``  a reference, some sources of it, and the alias that they refer to
``Group``      the references that lead to the same targets: one query per chunk of keys for all
``ask``        the queries of all groups, side by side
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import Error, connections

from crossdb_reference._compat import fetch_mode_of
from crossdb_reference.exceptions import CrossDBReferenceError
from crossdb_reference.fetching import add_note, requests_by_key, same_keys
from crossdb_reference.keysets import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Model

    from crossdb_reference.forward import ForwardReference
    from crossdb_reference.requests import Request
    from crossdb_reference.steps import Step


class Following:
    """A reference that is followed from ``sources``, which all refer to the database ``alias``."""

    def __init__(
        self, reference: ForwardReference, step: Step, sources: list[Model], alias: str
    ) -> None:
        """Read the keys."""
        self.field = reference.field
        self.reference = reference
        self.step = step
        self.sources = sources
        self.keys = reference.keys_of(sources)
        self.queryset = step.queryset
        if self.queryset is None:
            self.queryset = reference.targets(sources[0], alias)
        self.alias: str = self.queryset._db or alias

    @property
    def destination(self) -> tuple[Any, ...]:
        """What is the same for those that the same queries answer, with the same objects."""
        if self.step.is_particular:
            return self.alias, self.step
        field = self.field
        return self.alias, field.target_model, field.target_field, fetch_mode_of(self.queryset)

    def assign(self, found: dict[Any, Model | None]) -> None:
        """Give the sources their targets."""
        self.reference.assign(self.sources, self.keys, found, self.step)


class Group:
    """References that lead to the same targets of one database."""

    def __init__(self, followings: list[Following], *, collects: bool) -> None:
        """Compile nothing yet; with ``collects`` keep an error instead of raising it."""
        first = followings[0]
        self.followings = followings
        self.alias = first.alias
        self.error: Error | None = None
        self._collects = collects
        self._field = first.field
        self._key = attrgetter(first.field.target_field.attname)
        # With the keys as the sources have them, so that these find themselves in their order.
        self._found: dict[Any, Model | None] = dict.fromkeys(
            chain.from_iterable(each.keys for each in followings)
        )
        self._found.pop(None, None)
        self._keys = [*self._found]
        self._matched = 0
        queryset = first.queryset if first.queryset._db else first.queryset.using(self.alias)
        self._requests = requests_by_key(
            queryset,
            first.field.target_field.name,
            self._keys,
            whole=first.step.queryset is None,
        )

    def attempt(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``act``, unless the group has failed; say of an error whom it concerns."""
        if self.error is None:
            try:
                return act(*args, **kwargs)
            except Exception as error:
                if not isinstance(error, CrossDBReferenceError):  # That says so itself.
                    for each in self.followings:
                        add_note(error, each.field.label, self.alias)
                if not (self._collects and isinstance(error, Error)):
                    raise
                self.error = error
        return None

    @property
    def is_long(self) -> bool:
        """Whether it takes more than one query."""
        return len(self._keys) > CHUNK_SIZE

    @property
    def lookups(self) -> tuple[Any, ...]:
        """What the queryset of the targets is to prefetch by itself."""
        lookups: tuple[Any, ...] = self.followings[0].queryset._prefetch_related_lookups
        return lookups

    def next_request(self) -> Request | None:
        """Return the compiled query for the next chunk, or ``None`` if there is none."""
        request: Request | None = self.attempt(next, self._requests, None)
        return request

    def take(self, request: Request) -> None:
        """Keep the objects of ``request``; of two with the same key the first, as Django does."""
        objects = request.objects()
        objects.reverse()
        by_key = dict(zip(map(self._key, objects), objects, strict=True))
        self._found.update(by_key)
        self._matched += len(by_key)

    def assign(self) -> None:
        """Give all sources their targets."""
        found = self._found
        if not self._matched == len(self._keys) == len(found):
            targets = {key: target for key, target in found.items() if target is not None}
            same = same_keys(self._keys, targets, self._field.key_field.to_python)
            found.update((key, targets.get(other)) for key, other in same.items())
        for each in self.followings:
            each.assign(found)


def grouped(followings: Iterable[Following], *, collects: bool) -> list[Group]:
    """Return ``followings`` by what answers them."""
    groups: dict[tuple[Any, ...], list[Following]] = {}
    for following in followings:
        groups.setdefault(following.destination, []).append(following)
    return [Group(group, collects=collects) for group in groups.values()]


def ask(groups: Collection[Group], senders: Collection[BaseDatabaseWrapper]) -> Iterator[None]:
    """Send, receive and read the queries of all ``groups``, one at a time for each connection.

    Those of ``senders`` are on their way together, and while the objects of the chunks before are
    made, if only Django's code makes them: other code may send queries. It yields as often as
    queries are on their way.
    """
    lanes: dict[BaseDatabaseWrapper, list[Group]] = {}
    for group in groups:
        lanes.setdefault(connections[group.alias], []).append(group)
    with ExitStack() as on_their_way:
        asked = _send_next(lanes, senders, on_their_way)
        while asked:
            if senders:
                yield
            for group, request in asked:
                group.attempt(request.receive)
            on_their_way.close()
            _take(asked, plain=False)
            following = _send_next(lanes, senders, on_their_way)
            _take(asked, plain=True)
            asked = following


def _send_next(
    lanes: dict[BaseDatabaseWrapper, list[Group]],
    senders: Collection[BaseDatabaseWrapper],
    on_their_way: ExitStack,
) -> list[tuple[Group, Request]]:
    """Send the next query of each lane.

    All are compiled, and the connections made, before the first is sent: both may send queries.
    """
    asked = [pair for lane in lanes.values() if (pair := _next(lane))]
    for group, request in asked:
        group.attempt(request.connect)
    for group, request in asked:
        on_their_way.callback(request.close)
        group.attempt(request.send, only_send=request.connection in senders)
    return asked


def _next(lane: list[Group]) -> tuple[Group, Request] | None:
    while lane:
        request = lane[0].next_request()
        if request is not None:
            return lane[0], request
        del lane[0]  # It has all that it asked for, or it has failed.
    return None


def _take(asked: Iterable[tuple[Group, Request]], *, plain: bool) -> None:
    for group, request in asked:
        if request.is_plain == plain:
            group.attempt(group.take, request)
