"""One query for objects, in steps, so that several databases can be asked at once.

``Request``          the steps
``request_of``       the request for what a queryset selects
``request_by_key``   the request for rows of a model by their keys, whose statement is kept
``runs_only_django``  whether reading a queryset leaves all connections but its own alone
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from crossdb_reference._compat import fetch_mode_of
from crossdb_reference.instances import (
    are_djangos,
    has_plain_rows,
    make_instances,
    once_per_model,
)
from crossdb_reference.keysets import InKeySet
from crossdb_reference.psycopg3 import decode_times, send_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper
    from django.db.models.sql import Query

    Rows = list[tuple[Any, ...]]

OWN = ("django.", "crossdb_reference.")
"""Whose fields select their column in the same way each time."""


class Request:
    """A query that is sent, received and read. Without SQL, nothing is sent.

    Several are sent before the first is received. As long as a query is on its way, nothing must
    run that may send another one. Close it in any case.
    """

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        statement: tuple[str, Any],
        read: Callable[[Rows], Iterable[Any]],
        *,
        is_plain: bool,
    ) -> None:
        """Take what was compiled; ``read`` makes objects of the rows.

        ``is_plain`` says that no code but Django's takes part in it, so that it sends no query.
        """
        self.connection = connection
        self.is_plain = is_plain
        self._sql, self._params = statement
        self._read = read
        self._rows: Rows | None = None
        self._cursor: CursorWrapper | None = None

    def connect(self) -> None:
        """Connect to the database, if need be: what Django then calls may send queries."""
        if self._sql:
            self.connection.close_if_health_check_failed()
            self.connection.ensure_connection()

    def send(self, *, only_send: bool = False) -> None:
        """Send the query, and with ``only_send`` do not wait for the database."""
        if self._sql:
            self._cursor = self.connection.cursor()
            decode_times(self._cursor)
            if only_send:
                send_only(self._cursor)
            self._cursor.execute(self._sql, self._params)

    def receive(self) -> None:
        """Receive the rows."""
        if self._cursor is not None:
            self._rows = self._cursor.fetchall()

    def close(self) -> None:
        """Leave the connection free, whatever has become of the query."""
        if self._cursor is not None:
            with self._cursor:
                self._cursor = None

    def objects(self) -> list[Any]:
        """Return the objects."""
        return [*self._read(self._rows or [])]


def request_of(queryset: Any, peers: list[Any]) -> Request:
    """Compile ``queryset``; its instances share ``peers`` with those of other requests, if any.

    Where only Django's own iteration does it justice, reading it does it all.
    """
    compiler = queryset.query.get_compiler(using=queryset.db)
    if not has_plain_rows(queryset, compiler):
        return Request(compiler.connection, ("", ()), lambda _: queryset, is_plain=False)
    try:
        statement = compiler.as_sql()
    except EmptyResultSet:
        statement = "", ()
    columns = [column for column, *_ in compiler.select or ()]
    return _request(queryset, compiler, statement, columns, peers)


def request_by_key(queryset: Any, key: str, keys: list[Any], peers: list[Any]) -> Request | None:
    """Return the request for the rows whose field ``key`` is among ``keys``.

    ``queryset`` has an alias, and selects all rows of its model. The same statement is good for
    each such request; ``None`` if a field may decide anew how it is selected.
    """
    connection, model = connections[queryset._db], queryset.model
    tables = tuple(opts.db_table for opts in (model._meta, *(p._meta for p in model._meta.parents)))
    select = _select(model, key, queryset._db, type(connection), tables)
    if select is None:
        return None
    compiler = select.query.get_compiler(using=queryset._db)
    condition, params = compiler.compile(InKeySet(select.column, keys))
    statement = f"{select.sql} WHERE {condition}", (*select.params, *params)
    return _request(queryset, compiler, statement, select.columns, peers)


def _request(
    queryset: Any,
    compiler: Any,
    statement: tuple[str, Any],
    columns: list[Any],
    peers: list[Any],
) -> Request:
    converters = compiler.get_converters(columns)
    read = partial(
        make_instances,
        compiler=compiler,
        converters=converters,
        mode=fetch_mode_of(queryset),
        peers=peers,
    )
    return Request(compiler.connection, statement, read, is_plain=are_djangos(converters))


def runs_only_django(queryset: Any) -> bool:
    """Return whether streaming the rows of ``queryset`` runs Django's code only. No query."""
    # A copy: to ask for the columns adds the joins that they need.
    compiler = queryset.query.chain().get_compiler(using=queryset.db)
    cls: Any = type(queryset)
    return (
        not queryset._prefetch_related_lookups
        and cls.iterator is QuerySet.iterator
        and cls._iterator is QuerySet._iterator  # type: ignore[attr-defined] # noqa: SLF001
        and has_plain_rows(queryset, compiler)
        and are_djangos(compiler.get_converters(compiler.get_default_columns({})))
    )


class Select(NamedTuple):
    """A statement without a condition, and the column to set one for."""

    sql: str
    params: tuple[Any, ...]
    query: Query
    column: Any
    columns: list[Any]


@once_per_model
def _select(model: Any, key: str, alias: str, *_: Any) -> Select | None:
    """Return the statement for all rows of ``model``; the rest is what it depends on, too."""
    for field in model._meta.concrete_fields:
        ways = (getattr(type(field), name) for name in ("get_col", "select_format"))
        if not all(way.__module__.startswith(OWN) for way in ways):
            return None
    query: Any = QuerySet(model).query
    query.clear_ordering()
    column = query.resolve_ref(key)
    compiler = query.get_compiler(using=alias)
    sql, params = compiler.as_sql()
    return Select(sql, params, query, column, [column for column, *_ in compiler.select])
