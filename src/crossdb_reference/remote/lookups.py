"""The path into the other end, and the condition at the end of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, Transform
from django.db.models.constants import LOOKUP_SEP
from django.db.models.lookups import IsNull
from django.db.models.sql import Query

from crossdb_reference.exceptions import ReferenceValueError, RemotePathError
from crossdb_reference.remote.conditions import Condition, Leaf
from crossdb_reference.remote.ends import ReferenceCol, ReverseCol, reference_of
from crossdb_reference.remote.planning import Plan
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

_plans: WeakKeyDictionary[SQLCompiler, Plan] = WeakKeyDictionary()


def _plan_of(compiler: SQLCompiler) -> Plan:
    plan = _plans.get(compiler)
    if plan is None:
        plan = _plans[compiler] = Plan(compiler)
    return plan


class RemoteCondition(Condition):
    """A condition that compiles to what the plan of its query made of it."""

    def as_sql(self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper) -> Any:
        """Return local SQL, after asking the other end's database: once per run of the query."""
        try:
            return compiler.compile(_plan_of(compiler).part_of(self))
        except EmptyResultSet:
            if compiler.query.alias_prefix == Query.alias_prefix:
                raise
        # In a query inside of another one: if that is in an aggregate's filter=, Django would make
        # nothing at all of a query that is known to be empty.
        return "1 = 0", ()


class KeyIsNull(Leaf, IsNull):
    """``author__isnull=True``, and what Django adds to a negated filter: local SQL.

    Unless it stands among conditions that are answered together: then it is part of the answer.
    """

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the test, or what the plan of the query has in its place."""
        part = _plan_of(compiler).part(self)
        if part is None:
            return IsNull.as_sql(self, compiler, connection)
        return compiler.compile(part)

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        """Return the SQL of the key's column."""
        lhs = lhs or self.lhs
        return super().process_lhs(compiler, connection, getattr(lhs, "key", lhs))


class RemotePath(Transform):
    """``author__name`` in a query: gives conditions on it, and is no column."""

    def __init__(self, column: Any, *, name: str) -> None:
        """Follow ``column`` to ``name``."""
        super().__init__(column)
        self.name = name

    @property
    def column(self) -> Any:
        """The local column that the path starts at."""
        return self.lhs.column if isinstance(self.lhs, RemotePath) else self.lhs

    @property
    def path(self) -> str:
        """The path from the other end on, as in ``groups__name``."""
        if not isinstance(self.lhs, RemotePath):
            return self.name
        return f"{self.lhs.path}{LOOKUP_SEP}{self.name}"

    def get_transform(self, name: str) -> Callable[..., Any]:  # type: ignore[override]
        """Go on along the path."""
        return partial(RemotePath, name=name)

    def get_lookup(self, lookup: str) -> Any:
        """Return what makes a condition: the other end decides what the name means there."""
        return partial(_condition, name=lookup)

    def as_sql(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse to be selected or sorted by."""
        if isinstance(self.column, ReverseCol):
            self.column.as_sql()
        field = reference_of(self.column)
        raise RemotePathError.cannot_follow(
            field.label, self.path, field.target_model._meta.label, field.target_database()
        )


def _condition(path: RemotePath, value: Any, *, name: str) -> RemoteCondition:
    column = path.column
    if not isinstance(column, ReferenceCol | ReverseCol) or column.alias is None:
        raise RemotePathError.not_in_one_database(reference_of(column).label)
    if path.name == "pk":
        value = _keys(value, column)
    return RemoteCondition(column, f"{path.path}{LOOKUP_SEP}{name}", value)


def _keys(value: Any, column: ReferenceCol | ReverseCol) -> Any:
    """Return primary keys for the objects in ``value``, as for ``filter(events=event)``."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_keys(part, column) for part in value]
    end, model = column.end, concrete(column.end.model)
    label = f"{end.reference.label} (from the other side)" if end.reverse else end.reference.label
    if isinstance(value, Query) and not value.has_select_fields:
        other = concrete(value.model)  # type: ignore[arg-type]
        if not (issubclass(other, model) or issubclass(model, other)):
            raise ReferenceValueError.wrong_queryset(label, model._meta.label, other._meta.label)
    if not isinstance(value, Model):
        return value
    if not isinstance(value, model):
        raise ReferenceValueError.wrong_model(label, model._meta.label, end.usual_database, value)
    if value.pk is None:
        raise ReferenceValueError.unsaved(label, model._meta.label, end.usual_database, value)
    return value.pk
