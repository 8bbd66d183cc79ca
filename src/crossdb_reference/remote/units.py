"""One remote query, and the local condition that its keys make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, Q, QuerySet, Value
from django.db.models.lookups import In, IsNull
from django.db.models.sql.compiler import SQLDeleteCompiler, SQLUpdateCompiler
from django.db.models.sql.constants import LOUTER
from django.db.models.sql.where import AND, OR, WhereNode

from crossdb_reference.collecting import collect
from crossdb_reference.keysets import InCollected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

    from crossdb_reference.remote.conditions import Condition

UNKNOWN: Any = Value(None, BooleanField())


class Unit:
    """Conditions on one side that are asked together.

    ``calls`` are filters, one ``filter()`` call each, and together true of the rows whose keys are
    looked for. ``absent`` is their value where the other end has no row. ``repeats`` says that one
    key may be found several times. With ``doubt`` a local row for which they are NULL counts
    neither as true nor as false; with ``absent_doubt`` one without a key, too, if no key is found.

    As a condition of the local query it asks once: one query on the other end's database (two with
    ``doubt``, or in reverse if rows without any at the other end count). If that is the database
    that the local query runs on, it is a subquery instead, where that may stand.
    """

    contains_aggregate = False
    contains_over_clause = False

    def __init__(
        self,
        condition: Condition,
        calls: Sequence[Q],
        *,
        absent: bool | None,
        repeats: bool = False,
        doubt: bool = False,
        absent_doubt: bool = False,
    ) -> None:
        """Ask for the side of ``condition``."""
        self.column = condition.lhs
        self.end = condition.end
        self.calls = calls
        self.absent = absent
        self.repeats = repeats or self.end.reverse
        self.doubt = doubt
        self.absent_doubt = absent_doubt and absent is None
        self._inline = True
        self._local: WhereNode | None = None

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the local condition, after asking the other end."""
        join = compiler.query.alias_map.get(getattr(self.column, "alias", ""))
        nullable = self.end.nullable or join is None or join.join_type == LOUTER
        if self._local is None:
            # MySQL writes to no table that it reads from in the same statement.
            writes = isinstance(compiler, SQLUpdateCompiler | SQLDeleteCompiler)
            self._inline = connection.features.update_can_self_select or not writes
            self._local = self._ask(connection, nullable=nullable)
        local: Any = self._local
        try:
            return compiler.compile(local)
        except EmptyResultSet:
            if not (self.absent_doubt and nullable):
                raise
        unknown: Any = WhereNode([self._no_key(), UNKNOWN], AND)
        return compiler.compile(unknown)

    def _no_key(self) -> Any:
        return IsNull(self.column, True)  # noqa: FBT003 (a lookup's two sides)

    def _ask(self, connection: BaseDatabaseWrapper, *, nullable: bool) -> Any:
        everything = QuerySet[Any](self.end.model)
        rows = everything
        for call in self.calls:
            rows = rows.filter(call)
        found: Any = WhereNode([self._is_among(rows, connection)], OR)
        if self.doubt:
            false = everything.filter(~Q(*self.calls)).values("pk")
            not_false = self._is_among(everything.exclude(pk__in=false), connection)
            found.add(WhereNode([not_false, UNKNOWN], AND), OR)
        if self.absent and self.end.reverse:
            someone = self._is_among(everything, connection)
            found.add(WhereNode([someone], AND, negated=True), OR)
        if self.absent and nullable:
            found.add(self._no_key(), OR)
        elif self.absent is False and nullable:
            found = WhereNode([found, WhereNode([self._no_key()], AND, negated=True)], AND)
        return found

    def _is_among(self, rows: QuerySet[Any], connection: BaseDatabaseWrapper) -> Any:
        """Return the condition that the local column is a key of ``rows``."""
        end = self.end
        name = end.field.name
        if end.field.null:
            rows = rows.filter(**{f"{name}__isnull": False})
        rows = rows.order_by().values(name)
        if self.repeats:
            rows = rows.distinct()
        alias = end.database(connection.alias)
        if alias == connection.alias and self._inline:
            return In(self.column, rows.query)
        label = end.reference.label
        return InCollected(self.column, collect(rows.query, end.field, alias, connection, label))
