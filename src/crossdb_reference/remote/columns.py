"""Columns of the other end as attributes of the rows: ``with_remote("author__name")``.

They are fetched when the rows are, one query per other end, and not selected in SQL: no query can
sort or filter by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.query import ModelIterable

from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.fetching import key_getter, naming
from crossdb_reference.fields import CrossDBReference
from crossdb_reference.instances import PLAIN_ITERABLES
from crossdb_reference.keysets import InKeySet, chunks
from crossdb_reference.remote.ends import End
from crossdb_reference.reverse import ReverseField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

Rows = TypeVar("Rows", bound=QuerySet[Any])
if TYPE_CHECKING:
    _ModelIterable = ModelIterable[Any]
else:
    _ModelIterable = ModelIterable
ANNOTATED = "crossdb_key_"  # A key that is not an attribute of the rows, for as long as it takes.


@dataclass(frozen=True)
class Place:
    """Where a path reaches a reference, from either side, after the local relations ``before``."""

    before: tuple[str, ...]
    end: End

    @classmethod
    def of(cls, model: type[Model], path: str) -> tuple[Place, str] | None:
        """Return the place of the first reference on ``path`` and the rest of it, or ``None``."""
        names = path.split(LOOKUP_SEP)
        current: Any = model
        for at, name in enumerate(names):
            try:
                found: Any = current._meta.get_field(name)
            except (FieldDoesNotExist, AttributeError):
                return None
            rest = LOOKUP_SEP.join(names[at + 1 :])
            if isinstance(found, CrossDBReference):
                return cls(tuple(names[:at]), End(found)), rest
            if isinstance(found, ReverseField):
                return cls(tuple(names[:at]), End(found.field, reverse=True)), rest
            if found.many_to_many or found.one_to_many:
                return None
            current = found.related_model
        return None

    @property
    def field(self) -> Any:
        """The local field that holds the key."""
        reference = self.end.reference
        return reference.target_field if self.end.reverse else reference

    @property
    def key(self) -> str:
        """The local path to the key."""
        return LOOKUP_SEP.join([*self.before, self.field.name])


class Column:
    """An expression with its paths cut at the reference: the model at the other end knows it."""

    def __init__(self, model: type[Model], expression: Any) -> None:
        """Cut ``expression``, of rows of ``model``.

        Raises ``RemotePathError`` for paths through no reference, or through several ones, and for
        a value of many rows that is no aggregate; what Django raises for what the other end lacks.
        """
        self._model = model
        self._places: dict[Place, None] = {}
        self._rests: list[str] = []
        self.expression = self._cut(F(expression) if isinstance(expression, str) else expression)
        if len(self._places) != 1:
            raise RemotePathError.not_one_reference(model._meta.label, expression)
        (self.place,) = self._places
        with self.place.end.noting(getattr(expression, "name", str(expression))):
            self._check(expression)

    def _check(self, written: Any) -> None:
        end = self.place.end
        query = QuerySet(end.model).annotate(crossdb_value=self.expression).query
        value = query.annotations["crossdb_value"]
        self.default = getattr(value, "empty_result_set_value", NotImplemented)
        if self.default is NotImplemented:
            self.default = None
        further = (Place.of(end.model, rest) for rest in self._rests)
        if any(found and (found[1] or found[0].end.reverse) for found in further):
            raise RemotePathError.not_one_reference(self._model._meta.label, written)
        opts: Any = end.model._meta
        paths = [query.names_to_path(rest.split(LOOKUP_SEP), opts)[0] for rest in self._rests]
        many = end.multiple or any(step.m2m for path in paths for step in path)
        self.is_aggregate = value.contains_aggregate
        if many and not self.is_aggregate:
            raise RemotePathError.many_rows(end.reference.label, written)

    def _cut(self, part: Any) -> Any:
        if isinstance(part, F):
            path: Any = part
            return F(self._cut_path(path.name))
        if isinstance(part, Q):
            children = [
                (self._cut_path(child[0]), self._cut(child[1]))
                if isinstance(child, tuple)
                else self._cut(child)
                for child in part.children
            ]
            q = Q(*children, _connector=part.connector)
            return ~q if part.negated else q
        if hasattr(part, "get_source_expressions") and not isinstance(part, QuerySet):
            part = part.copy()
            part.set_source_expressions([*map(self._cut, part.get_source_expressions())])
        return part

    def _cut_path(self, path: str) -> str:
        found = Place.of(self._model, path)
        if found is None:
            raise RemotePathError.no_reference(self._model._meta.label, path)
        place, rest = found
        self._places[place] = None
        self._rests.append(rest or "pk")
        return rest or "pk"


class RemoteIterable(_ModelIterable):
    """Rows with remote columns: fetched for all rows at once, or per chunk of ``iterator()``."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows."""
        queryset = self.queryset
        columns = columns_of(queryset.query)
        keys: dict[Place, str] = {}
        for column in columns.values():
            place = column.place
            if place not in keys and not _is_loaded(queryset, place):
                keys[place] = f"{ANNOTATED}{len(keys)}"
                queryset = queryset.annotate(**{keys[place]: F(place.key)})
            keys.setdefault(place, place.field.attname)
        self.queryset = queryset
        rows = super().__iter__()
        while batch := list(islice(rows, self.chunk_size if self.chunked_fetch else None)):
            _fill(batch, columns, keys, queryset.db)
            yield from batch


def columns_of(query: Any) -> dict[str, Column]:
    """Return the remote columns of ``query``: its copies and pickles keep them."""
    return getattr(query, "crossdb_columns", {})


def _is_loaded(queryset: QuerySet[Any], place: Place) -> bool:
    """Return whether the rows have the key themselves: it is theirs, and it is not deferred."""
    names, deferred = queryset.query.deferred_loading
    field = place.field
    named = not names.isdisjoint((field.name, field.attname)) or (
        field.primary_key and not deferred
    )
    return not place.before and named != deferred


def _fill(rows: list[Any], columns: dict[str, Column], keys: dict[Place, str], local: str) -> None:
    """Set ``columns`` on ``rows`` of the alias ``local``, whose attributes ``keys`` hold the keys.

    References to one model in one database are asked together.
    """
    together: dict[Any, list[str]] = {}
    for name, column in columns.items():
        end = column.place.end
        # An aggregate shares its query with others of its own reference only: a join for another
        # one would multiply what it counts.
        apart = column.place if column.is_aggregate else None
        key = end.database(local), end.model, end.field.name, apart
        together.setdefault(key, []).append(name)
    for (alias, *_), names in together.items():
        wanted: dict[Any, None] = {}
        for place in {columns[name].place for name in names}:
            wanted.update(dict.fromkeys(map(attrgetter(keys[place]), rows)))
        wanted.pop(None, None)
        found = _fetch([columns[name] for name in names], [*wanted], alias)
        for at, name in enumerate(names):
            column = columns[name]
            to_python = column.place.end.field.to_python
            key_of = key_getter(keys[column.place], wanted, found, to_python)
            for row in rows:
                values = found.get(key_of(row))
                row.__dict__[name] = column.default if values is None else values[at]
    for row in rows:
        for attname in keys.values():
            if attname.startswith(ANNOTATED):
                row.__dict__.pop(attname)


def _fetch(columns: list[Column], keys: list[Any], alias: str) -> dict[Any, list[Any]]:
    """Return the values of ``columns`` for each of ``keys`` that ``alias`` has."""
    end = columns[0].place.end
    name = end.field.name
    values = {f"crossdb_{at}": column.expression for at, column in enumerate(columns)}
    others = QuerySet[Any](end.model, using=alias).order_by().values(name).annotate(**values)
    found = {}
    with naming(end.reference.label, alias):
        for chunk in chunks(keys, connections[alias]):
            narrowed = others.filter(InKeySet(F(name), chunk))
            found.update({key: row for key, *row in narrowed.values_list(name, *values)})
    return found


def with_remote(queryset: Rows, *paths: str, **expressions: Any) -> Rows:
    """Return ``queryset`` with remote columns as attributes of its rows.

    ``with_remote(orders, "customer__email", total=Count("customer__tickets"))`` gives each row
    ``customer__email`` and ``total``. A path may go through local relations to one object, through
    a reference, and on along what the other end's database has; over many rows it takes an
    aggregate. One query per other end (and 5,000 keys of it) when the rows are fetched. Where
    there is no row, the value is ``None``, or that of the aggregate over nothing.

    Raises ``RemotePathError``, ``ValueError`` for a name that is taken, and ``TypeError`` after
    ``values()``, before any query.
    """
    queryset = queryset.all()
    if queryset._iterable_class not in PLAIN_ITERABLES | {RemoteIterable}:
        message = "with_remote() adds attributes to model instances: call it before values()."
        raise TypeError(message)
    if queryset.query.combinator:
        message = "with_remote() cannot follow union() and the like: call it on each part before."
        raise TypeError(message)
    model = queryset.model
    query: Any = queryset.query
    columns = dict(columns_of(query))
    for name, expression in {**{path: F(path) for path in paths}, **expressions}.items():
        if name in dir(model) or name in query.annotations:
            message = (
                f"The remote column {name!r} conflicts with an attribute or annotation of"
                f" {model.__name__}. Choose another name."
            )
            raise ValueError(message)
        columns[name] = Column(model, expression)
    query.crossdb_columns = columns
    queryset._iterable_class = RemoteIterable
    return queryset
