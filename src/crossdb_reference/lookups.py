"""What a reference understands in a query: ``author=…``, ``author__in=…``, ``author__pk=…``.

A comparison with a key, an instance, or a list of them is local SQL. A queryset of another
database runs there, once, when the outer query runs; its keys then travel as one parameter. A
path into the target (``author__name``) is a matter of ``remote``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db.models.lookups import Exact, In
from django.db.models.sql import Query

from crossdb_reference.collecting import alike, collect
from crossdb_reference.exceptions import ReferenceValueError
from crossdb_reference.keysets import Collected, InCollected, InKeySet, fits_bigint
from crossdb_reference.remote.conditions import refuse_outer
from crossdb_reference.remote.ends import End, KeyCol, ReferenceCol, reference_of
from crossdb_reference.remote.lookups import KeyIsNull, RemotePath
from crossdb_reference.routers import database_for_read, home_database
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Lookup, Model
    from django.db.models.sql.compiler import SQLCompiler

    from crossdb_reference.typing import Reference

_answers: WeakKeyDictionary[SQLCompiler, dict[int, Collected]] = WeakKeyDictionary()

MAX_LITERALS = 100
"""Longer lists of keys travel as one parameter. Short ones stay a plain ``IN (…)``, which works
in the condition of a constraint or an index too."""


def key_itself(column: ReferenceCol) -> ReferenceCol:
    """``author__pk``: the column is the key. Of a constraint, it may be a value."""
    if not isinstance(column, ReferenceCol):
        return column
    field: Any = column.target
    return KeyCol(column.alias, field, column.output_field)


def transform(field: Reference, name: str) -> Callable[..., Any] | None:
    """Return what ``name`` means behind ``field__``, or ``None``."""
    key = field.target_field
    if name in (key.name, key.attname) or (name == "pk" and key.primary_key):
        return key_itself
    of_key = None if End(field).has_field(name) else field.key_field.get_transform(name)
    # What the target lacks too is refused by the target, in Django's words.
    return of_key or partial(RemotePath, name=name)


def path(*names: str) -> Callable[..., Any]:
    """Return what makes of a column the path that begins there."""

    def follow(column: Any) -> Any:
        for name in names:
            column = RemotePath(column, name=name)
        return column

    return follow


class ReferenceLookup:
    """What ``exact`` and ``in`` share: instances stand for keys, inner querysets run at home."""

    lhs: ReferenceCol
    rhs: Any

    @property
    def reference(self) -> Reference:
        """The reference on the left side."""
        return reference_of(self.lhs)

    def inner_query(self) -> Query | None:
        """Return the inner query on the right side, selecting the key, or ``None``."""
        query = self.rhs
        if not isinstance(query, Query):
            return None
        query.clear_ordering(clear_default=True)
        if not query.has_select_fields:
            query.set_values([self._key_of(concrete(query.model))])  # type: ignore[arg-type]
        return query

    def _key_of(self, model: type[Model]) -> str:
        """Return the field of ``model`` that has the reference's keys."""
        reference: Any = self.reference
        target, key = concrete(reference.target_model), reference.target_field
        if issubclass(model, target) or issubclass(target, model):
            return "pk" if key.primary_key else key.name
        if reference.primary_key and issubclass(model, concrete(reference.model)):
            return "pk"  # For "pk__in": the sources' own key is the reference.
        raise ReferenceValueError.wrong_queryset(
            reference.label, target._meta.label, model._meta.label
        )

    def inner_database(self, outer: str) -> str:
        """Return the alias that the inner query runs on: the outer's if its model lives there."""
        alias: str | None = getattr(self.rhs, "_db", None)
        if alias:
            return alias
        reference, model = self.reference, self.rhs.model
        if reference.using and issubclass(model, concrete(reference.target_model)):
            return reference.target_database()
        at_home = home_database(model) == home_database(reference.model)
        return outer if at_home else database_for_read(model)

    def remote_database(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the alias of an inner query that ``connection`` cannot answer, or ``None``."""
        alias = self.inner_database(connection.alias) if isinstance(self.rhs, Query) else None
        return None if alias == connection.alias else alias

    def collected(self, compiler: SQLCompiler, alias: str) -> Collected:
        """Run the inner query on ``alias``: once per run of the outer query, one query."""
        answers = _answers.setdefault(compiler, {})
        if id(self) not in answers:
            answers[id(self)] = self._run(compiler, alias)
        return answers[id(self)]

    def among(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, alias: str
    ) -> tuple[str, tuple[Any, ...]]:
        """Return the condition that the left side is among the keys that ``alias`` gives."""
        try:
            found = InCollected(self.lhs, self.collected(compiler, alias))
            return found.as_sql(compiler, connection)
        except EmptyResultSet:
            if any(leaf is self for leaf in compiler.query.where.leaves()):
                raise
        return "1 = 0", ()  # Of an aggregate's filter=, Django makes nothing at all.

    def _run(self, compiler: SQLCompiler, alias: str) -> Collected:
        query, label = self.rhs, self.reference.label
        refuse_outer(query, label, alias)
        selected = [*query.select, *query.annotation_select.values(), *query.extra_select]
        if len(selected) != 1:
            key = self.reference.target_field.name
            raise ReferenceValueError.not_one_column(label, key, len(selected))
        field = getattr(selected[0], "target", None)
        if field is not None and not alike(field, self.reference.key_field, compiler.connection):
            field = None  # Its values are converted on the way.
        return collect(query, field, alias, compiler.connection, label)


class ReferenceExact(ReferenceLookup, Exact):
    """``author=user``, ``author=5``, ``author=User.objects.filter(…)[:1]``."""

    def get_prep_lookup(self) -> Any:
        """Turn an instance into its key."""
        if query := self.inner_query():
            if not query.has_limit_one():
                raise ReferenceValueError.not_one_row(self.reference.label)
            return query
        self.rhs = self.reference.key_of(self.rhs)
        return super().get_prep_lookup()

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Return local SQL, after asking the other database if need be."""
        if alias := self.remote_database(connection):
            return self.among(compiler, connection, alias)
        if _beyond(self.rhs):
            raise EmptyResultSet
        return super().as_sql(compiler, connection)


class ReferenceIn(ReferenceLookup, In):
    """``author__in=[user, 5]``, ``author__in=User.objects.filter(…)``."""

    def get_prep_lookup(self) -> Any:
        """Turn instances into their keys."""
        if query := self.inner_query():
            return query
        self.rhs = [self.reference.key_of(value) for value in self.rhs]
        return super().get_prep_lookup()

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Return local SQL, after asking the other database if need be."""
        if alias := self.remote_database(connection):
            return self.among(compiler, connection, alias)
        if self.rhs_is_direct_value() and (
            len(self.rhs) > MAX_LITERALS or any(map(_beyond, self.rhs))
        ):
            return InKeySet(self.lhs, self.rhs).as_sql(compiler, connection)
        return super().as_sql(compiler, connection)


def _beyond(key: object) -> bool:
    """Return whether ``key`` is an integer that no column can hold."""
    return isinstance(key, int) and not fits_bigint(key)


def lookup(field: Reference, name: str) -> type[Lookup[Any]] | None:
    """Return what ``field__name=…`` means: its own lookups, else those of the key's type.

    ``None`` for a field of the target, which is a path.
    """
    own: dict[str, type[Lookup[Any]]] = {
        "exact": ReferenceExact,
        "in": ReferenceIn,
        "isnull": KeyIsNull,
    }
    if name not in own and End(field).has_field(name):
        return None
    return own.get(name) or field.key_field.get_lookup(name)
