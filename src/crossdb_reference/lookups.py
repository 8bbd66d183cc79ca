"""What a reference understands in a query: ``author=…``, ``author__in=…``, ``author__pk=…``.

A comparison with a key, an instance, or a list of them is local SQL. A queryset of another
database runs there, once, when the outer query runs; its keys then travel as one parameter. A
path into the target (``author__name``) is refused by :class:`RemotePath`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import ref

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db.models import Transform
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In
from django.db.models.sql import Query

from crossdb_reference.exceptions import ReferenceValueError, RemotePathError
from crossdb_reference.fetching import naming
from crossdb_reference.keysets import InKeySet, fits_bigint
from crossdb_reference.routers import database_for_read, home_database
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, Lookup
    from django.db.models.sql.compiler import SQLCompiler

    from crossdb_reference.typing import Reference

MAX_LITERALS = 100
"""Longer lists of keys travel as one parameter. Short ones stay a plain ``IN (…)``, which works
in the condition of a constraint or an index too."""


class ReferenceCol(Col):
    """The column of a reference: typed as the key, but paths and lookups are the reference's."""

    target: Reference  # type: ignore[assignment]

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the key's converters, once: Django would add those of the reference."""
        return self.target.key_field.get_db_converters(connection)

    def get_lookup(self, lookup: str) -> type[Lookup[Any]] | None:
        """Return the lookup that the reference has under this name."""
        return self.target.get_lookup(lookup)

    def get_transform(self, name: str) -> Callable[..., Any] | None:  # type: ignore[override]
        """Return what the reference has under this name: its key, or a path into the target."""
        return self.target.get_transform(name)


def reference_of(column: Any) -> Reference:
    """Return the reference that ``column`` holds keys of: constraints are validated on values."""
    reference: Reference = (
        column.target if isinstance(column, ReferenceCol) else column.output_field
    )
    return reference


class RemotePath(Transform):
    """``author__name`` in a query: raises ``RemotePathError`` as soon as anything reads it."""

    def __init__(self, column: ReferenceCol | RemotePath, *, name: str) -> None:
        """Follow ``column`` to ``name``."""
        super().__init__(column)
        self.name = name

    @property
    def reference(self) -> Reference:
        """The reference that the path goes through."""
        column: Any = self.lhs
        return column.reference if isinstance(column, RemotePath) else reference_of(column)

    @property
    def path(self) -> str:
        """The path from the target on, as in ``groups__name``."""
        return f"{self.lhs.path}__{self.name}" if isinstance(self.lhs, RemotePath) else self.name

    def get_transform(self, name: str) -> Callable[..., Any]:  # type: ignore[override]
        """Go on along the path."""
        return partial(RemotePath, name=name)

    def get_lookup(self, _lookup: str) -> NoReturn:
        """Refuse to filter."""
        raise self._refusal()

    def as_sql(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse to be selected or sorted by."""
        raise self._refusal()

    def _refusal(self) -> RemotePathError:
        field = self.reference
        return RemotePathError.cannot_follow(
            field.label, self.path, field.target_model._meta.label, field.target_database()
        )


def key_itself(column: ReferenceCol) -> ReferenceCol:
    """``author__pk``: the column is the key."""
    return column


def transform(field: Reference, name: str) -> Callable[..., Any] | None:
    """Return what ``name`` means behind ``field__``, or ``None``."""
    opts = field.target_model._meta
    key = field.target_field
    if name in (key.name, key.attname) or (name == "pk" and key.primary_key):
        return key_itself
    try:
        opts.get_field(name)
    except FieldDoesNotExist:
        if name != "pk":
            return field.key_field.get_transform(name)
    return partial(RemotePath, name=name)


class ReferenceLookup:
    """What ``exact`` and ``in`` share: instances stand for keys, inner querysets run at home."""

    lhs: ReferenceCol
    rhs: Any

    @property
    def reference(self) -> Reference:
        """The reference on the left side."""
        return reference_of(self.lhs)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was fetched for the last run."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        state.pop("_remote_keys", None)
        return state

    def inner_query(self) -> Query | None:
        """Return the inner query on the right side, selecting the key, or ``None``."""
        query = self.rhs
        if not isinstance(query, Query):
            return None
        query.clear_ordering(clear_default=True)
        if not query.has_select_fields:
            self._check_model(query)
            key = self.reference.target_field
            query.set_values(["pk" if key.primary_key else key.name])
        return query

    def _check_model(self, query: Query) -> None:
        reference = self.reference
        target, model = concrete(reference.target_model), concrete(query.model)  # type: ignore[arg-type]
        if not (issubclass(model, target) or issubclass(target, model)):
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

    def remote_keys(self, compiler: SQLCompiler, alias: str) -> list[Any]:
        """Run the inner query on ``alias``: once per run of the outer query, one query."""
        run, keys = getattr(self, "_remote_keys", (None, []))
        if run is None or run() is not compiler:
            keys = self._run(alias)
            self._remote_keys = (ref(compiler), keys)
        return keys

    def _run(self, alias: str) -> list[Any]:
        query = self.rhs
        outer = [col for col in query.get_external_cols() if col.alias not in query.alias_map]
        if outer:
            names = sorted(f"{col.alias}.{col.target.column}" for col in outer)
            raise RemotePathError.outer_reference(self.reference.label, names, alias)
        selected = len(query.select) + len(query.annotation_select) + len(query.extra_select)
        if selected != 1:
            key = self.reference.target_field.name
            raise ReferenceValueError.not_one_column(self.reference.label, key, selected)
        with naming(self.reference.label, alias):
            return [row[0] for row in query.get_compiler(using=alias).results_iter()]


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
            keys = self.remote_keys(compiler, alias)
            return InKeySet(self.lhs, keys).as_sql(compiler, connection)
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
            keys = self.remote_keys(compiler, alias)
        elif self.rhs_is_direct_value() and (
            len(self.rhs) > MAX_LITERALS or any(map(_beyond, self.rhs))
        ):
            keys = self.rhs
        else:
            return super().as_sql(compiler, connection)
        return InKeySet(self.lhs, keys).as_sql(compiler, connection)


def _beyond(key: object) -> bool:
    """Return whether ``key`` is an integer that no column can hold."""
    return isinstance(key, int) and not fits_bigint(key)


def lookup(field: Reference, name: str) -> type[Lookup[Any]] | None:
    """Return what ``field__name=…`` means: its own lookups, else those of the key's type."""
    own: dict[str, type[Lookup[Any]]] = {"exact": ReferenceExact, "in": ReferenceIn}
    key: Field[Any, Any] = field.key_field
    return own.get(name) or key.get_lookup(name)
