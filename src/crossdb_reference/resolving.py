"""The way of a prefetch through its steps: level by level, and from each to the next.

``Stop``     some objects, and a step to take from them: along a reference, or left to Django
``resolve``  the whole way
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.db import Error, connections
from django.db.models import prefetch_related_objects
from django.db.models.query import get_prefetcher

from crossdb_reference.forward import ForwardReference
from crossdb_reference.levels import Following, Group, ask, grouped
from crossdb_reference.psycopg3 import may_send
from crossdb_reference.reverse import ReverseOneToOne, ReverseReference
from crossdb_reference.routers import database_for_read
from crossdb_reference.steps import Step, add_step

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Prefetch


@dataclass(frozen=True)
class Unfetched:
    """A reference that ``errors="collect"`` left as it was: which, on which alias, and why."""

    reference: str
    alias: str
    error: Error


class Stop:
    """Objects, and a step to take from them. As Django does, the first one speaks for all."""

    def __init__(self, objects: list[Any], step: Step) -> None:
        """Look at the class of the first object. No query."""
        self.objects = objects
        self.step = step
        descriptor = getattr(type(objects[0]), step.through, None)
        self._reference = descriptor if isinstance(descriptor, ForwardReference) else None

    def followings(self) -> Iterator[Following]:
        """Yield what is to be asked for if the step is along a reference: for each database."""
        reference, step = self._reference, self.step
        if reference is None:
            return
        if step.to == step.through:
            sources = reference.without_target(self.objects)
        else:
            *_, is_fetched = _prefetcher(self.objects[0], step)
            sources = [source for source in self.objects if not is_fetched(source)]
        if sources:
            self._check_attribute()
            for alias, some in reference.by_database(sources).items():
                yield Following(reference, step, some, alias)

    def _check_attribute(self) -> None:
        model, name = type(self.objects[0]), self.step.to
        if name == self.step.through:
            return
        with suppress(FieldDoesNotExist):
            model._meta.get_field(name)
            message = f"to_attr={name} conflicts with a field on the {model.__name__} model."
            raise ValueError(message)

    def let_django(self, collected: list[Unfetched] | None) -> None:
        """Let Django take the step, unless it is along a reference, or through any attribute."""
        if self._reference is not None:
            return
        # Only now: the attribute may be a property that uses what was fetched before.
        prefetcher, descriptor, exists, _ = _prefetcher(self.objects[0], self.step)
        if prefetcher is None and exists and not self.step.is_end:
            return
        try:
            prefetch_related_objects(self.objects, self.step.lookup)
        except Error as error:
            # The other side of a reference is of another database, too.
            if collected is None or not isinstance(descriptor, REVERSE):
                raise
            collected.append(self._unfetched(descriptor.reverse.field, error))
            self.objects = []

    def _unfetched(self, reference: Any, error: Error) -> Unfetched:
        alias = None if self.step.queryset is None else self.step.queryset._db
        hints = reference.hints(self.objects[0])
        return Unfetched(
            reference.label, alias or database_for_read(reference.model, **hints), error
        )

    def beyond(self) -> list[Any]:
        """Return the objects that the step led to, each once. No query along a reference."""
        if self._reference is not None:
            values = self._reference.fetched(self.objects, self.step)
        else:
            values = self.step.values(self.objects)
        return [*{id(value): value for value in values if value is not None}.values()]


REVERSE = (ReverseOneToOne, ReverseReference)


def _prefetcher(obj: Any, step: Step) -> tuple[Any, ...]:
    found: tuple[Any, ...] = get_prefetcher(obj, step.through, step.to)
    return found


def resolve(
    objects: list[Any],
    lookups: Iterable[str | Prefetch[Any]],
    *,
    parallel: bool | None = None,
    collected: list[Unfetched] | None = None,
    reading: BaseDatabaseWrapper | None = None,
) -> Generator[None]:
    """Prefetch, and yield as often as queries are on their way: see :func:`levels.ask`.

    ``collected`` gets the references whose databases failed; without it their errors are raised.
    ``reading`` is the connection that the caller reads from when it gets the first yield.
    """
    steps: dict[str, Step] = {}
    for lookup in lookups:
        add_step(steps, lookup)
    branches = [(objects, steps)]
    seen: set[Any] = set()
    while stops := [
        Stop(some, step) for some, steps in branches if some for step in steps.values()
    ]:
        followings = [following for stop in stops for following in stop.followings()]
        groups = grouped(followings, collects=collected is not None)
        for _ in ask(groups, _senders(groups, parallel=parallel, reading=reading)):
            yield
            reading = None
        for group in groups:
            if collected is not None and group.error is not None:
                labels = (following.field.label for following in group.followings)
                collected += [Unfetched(label, group.alias, group.error) for label in labels]
            else:
                group.assign()
        _add_automatic(groups, seen)
        for stop in stops:
            stop.let_django(collected)
        branches = [(stop.beyond(), stop.step.steps) for stop in stops if stop.step.steps]


def _senders(
    groups: list[Group], *, parallel: bool | None, reading: BaseDatabaseWrapper | None
) -> Collection[BaseDatabaseWrapper]:
    """Return the connections whose queries are to be on their way together."""
    # A single query would have nothing to run beside it.
    is_single = len(groups) == 1 and not groups[0].is_long and reading is None
    if is_single or parallel is False:
        return ()
    asked = {connections[group.alias] for group in groups}
    if any(each.execute_wrappers or each.queries_logged for each in asked):
        return ()  # Whatever watches queries may send some itself, or wants to see them end.
    able = {each for each in asked if each is not reading and may_send(each)}
    is_worth_it = reading or len(able) > 1 or any(group.is_long for group in groups)
    return able if is_worth_it else ()


def _add_automatic(groups: Iterable[Group], seen: set[Any]) -> None:
    """Add the steps that the querysets of the targets ask for, but no circle of them."""
    added = set()
    for group in groups:
        for following in group.followings:
            step, field = following.step, following.field
            if step in added or (step.automatic and field in seen):
                continue
            added.add(step)
            seen.add(field)
            for lookup in group.lookups:
                add_step(step.steps, lookup, automatic=True)
