"""``PinnedManager`` declares a model's home; ``PinnedQuerySet`` holds to it.

The querysets of a home carry no alias of their own: they ask the policy (``routers``) when they
run, as the router does, so that the pin holds whichever routers come first, and an explicit
``using()`` or ``db_manager()`` still wins.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db.models import Manager, Model, QuerySet
from django.db.models.query import ModelIterable

from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.iterables import PlainIterable
from crossdb_reference.pins import Pin
from crossdb_reference.remote.columns import Place, with_remote
from crossdb_reference.remote.explaining import explain_references
from crossdb_reference.routers import database_for_read, database_for_write
from crossdb_reference.saving import prepare_references

if TYPE_CHECKING:
    from collections.abc import Iterable

M = TypeVar("M", bound=Model, covariant=True)  # noqa: PLC0105 (as in django-stubs: short)


class PinnedQuerySet(QuerySet[M]):
    """A queryset that runs where its model is pinned, whatever the routers say."""

    if TYPE_CHECKING:
        _db: str | None
        _for_write: bool
        _hints: dict[str, Any]

    @property
    def db(self) -> str:
        """The alias that this runs on: ``using()``, else what the policy says now."""
        policy = database_for_write if self._for_write else database_for_read
        return self._db or policy(self.model, **self._hints)

    def select_related(self, *fields: Any) -> Self:
        """Join ordinary relations; a reference is refused with what to use instead."""
        for path in fields:
            if isinstance(path, str) and (field := _reference_on(self.model, path)):
                raise RemotePathError.cannot_join(field.label, field.target_database())
        return super().select_related(*fields)

    def with_remote(self, *paths: str, **expressions: Any) -> Self:
        """Add remote columns to the rows: see :func:`~crossdb_reference.with_remote`."""
        return with_remote(self, *paths, **expressions)

    def explain_references(self) -> str:
        """Return the plan in words: see :func:`~crossdb_reference.explain_references`."""
        return explain_references(self)

    def update(self, **kwargs: Any) -> int:
        """Update the rows; another model's instance is refused, as by an assignment."""
        for name, value in kwargs.items():
            if field := _reference_on(self.model, name):
                kwargs[name] = field.key_of(value)
        return super().update(**kwargs)

    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Update ``fields`` of ``objs``; an unsaved target is refused, as by ``save()``."""
        objs, fields = list(objs), list(fields)
        prepare_references(self.model, objs, fields)
        return super().bulk_update(objs, fields, batch_size=batch_size)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Create ``objs``; an unsaved target is refused, as by ``save()``."""
        objs = list(objs)
        prepare_references(self.model, objs)
        return super().bulk_create(objs, *args, **kwargs)


class PinnedManager(Pin, Manager[M]):
    """Declare the home of a model: ``objects = PinnedManager("analytics")``.

    Or, as a class: ``class EventManager(PinnedManager): database = "analytics"``. The first one of
    a model is its home. A further one, for another alias, is a view of that database: its
    querysets, and what they write, go there.

    It composes with other managers (``class M(PinnedManager, Other)``) and with
    ``from_queryset()``: it calls ``super()`` and pins whatever queryset comes back. Related
    managers that derive from it are pinned too. No query of its own.

    Raises :class:`TypeError` without an alias.
    """

    if TYPE_CHECKING:
        _hints: dict[str, Any]

    def __new__(cls, database: object = None, *args: Any, **kwargs: Any) -> Self:
        """Make a manager; an alias makes a subclass for it first."""
        if not isinstance(database, str):
            # Nothing; or the object that a related manager, a class derived from this, is of.
            if not getattr(cls, "database", None):
                message = (
                    f"{cls.__name__} needs the alias of a database: {cls.__name__}('alias'), or"
                    " the class attribute 'database'."
                )
                raise TypeError(message)
            return super().__new__(cls, *args, **kwargs)
        return super().__new__(_pinned_to(cls, database), database, *args, **kwargs)  # type: ignore[arg-type, return-value]

    def __init__(self, database: str | None = None, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Initialise the managers that this composes with; the alias is in the class already."""
        super().__init__(*args, **kwargs)

    @property
    def db(self) -> str:
        """The alias that a query would run on now."""
        return self._db or self.view_of(self.model) or database_for_read(self.model, **self._hints)

    def get_queryset(self) -> QuerySet[M]:
        """Return a queryset that keeps to the pin."""
        queryset: Any = super().get_queryset()
        cls: Any = type(queryset)
        queryset.__class__ = _pinned_class(cls)
        if queryset._iterable_class is ModelIterable:
            queryset._iterable_class = PlainIterable
        view = None if queryset._db else self.view_of(self.model)
        pinned: QuerySet[M] = queryset.using(view) if view else queryset
        return pinned

    def with_remote(self, *paths: str, **expressions: Any) -> QuerySet[M]:
        """Add remote columns to the rows: see :func:`~crossdb_reference.with_remote`."""
        return with_remote(self.get_queryset(), *paths, **expressions)

    def explain_references(self) -> str:
        """Return the plan in words: see :func:`~crossdb_reference.explain_references`."""
        return explain_references(self.get_queryset())


@cache
def _pinned_to(cls: type[PinnedManager[Any]], database: str) -> type[PinnedManager[Any]]:
    # Related managers call the class without arguments: the alias must be in the class. The same
    # name, because migrations write it down with the arguments.
    return type(
        cls.__name__,
        (cls,),
        {"database": database, "__module__": cls.__module__, "__qualname__": cls.__qualname__},
    )


@cache
def _pinned_class(cls: type[QuerySet[Any]]) -> type[QuerySet[Any]]:
    """Return ``cls`` itself if it is pinned, else a pinned class derived from it."""
    if issubclass(cls, PinnedQuerySet):
        return cls
    if cls is QuerySet:
        return PinnedQuerySet

    def reduce(self: QuerySet[Any]) -> tuple[Any, ...]:
        return _unpickled, (cls,), self.__getstate__()

    name = f"Pinned{cls.__name__}"
    members = {"__module__": cls.__module__, "__doc__": cls.__doc__, "__reduce__": reduce}
    return type(name, (PinnedQuerySet, cls), members)


def _unpickled(cls: type[QuerySet[Any]]) -> QuerySet[Any]:
    return object.__new__(_pinned_class(cls))


def _reference_on(model: type[Model], path: str) -> Any:
    """Return the first reference that ``path`` goes through from its source."""
    found = Place.of(model, path)
    return found[0].end.reference if found and not found[0].end.reverse else None
