"""Keys by a query: ask one database for the keys that a query on another one needs.

Between two PostgreSQL databases the keys stay undecoded: the target's server writes an array, and
the source's server reads it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connections

from crossdb_reference.conf import conf
from crossdb_reference.exceptions import TooManyRemoteKeys
from crossdb_reference.fetching import naming
from crossdb_reference.keysets import Collected
from crossdb_reference.keysets.postgresql import INTEGERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field
    from django.db.models.sql import Query

# Types that every PostgreSQL server writes as every other one reads them.
UNDECODED = {*INTEGERS, "uuid", "text", "varchar"}
ARRAY = (
    "SELECT (array_agg(crossdb_key) FILTER (WHERE crossdb_key IS NOT NULL))::text,"
    " count(crossdb_key){} FROM ({}) AS crossdb_keys (crossdb_key)"
)
BOUNDS = ", min(crossdb_key), max(crossdb_key)"


@dataclass(frozen=True)
class KeyQuery:
    """A query for keys that was run.

    For which reference, on which alias, its SQL, what it found, and which connection that is for.

    The SQL is what ``str(queryset.query)`` gives: to read, not to run.
    """

    label: str
    alias: str
    sql: str
    keys: Collected
    to: BaseDatabaseWrapper


_steps: ContextVar[list[KeyQuery] | None] = ContextVar("crossdb_reference.steps", default=None)


@contextmanager
def recording() -> Iterator[list[KeyQuery]]:
    """Collect the steps that are run inside the block."""
    steps: list[KeyQuery] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def collect(
    query: Query, field: Field[Any, Any] | None, alias: str, to: BaseDatabaseWrapper, label: str
) -> Collected:
    """Return the keys that ``query``, which selects one column, finds on ``alias``: one query.

    ``field`` is the field of the column (``None`` for an expression), ``to`` the connection that
    the keys are for, and ``label`` the reference that is followed. NULL is left out. Raises
    ``TooManyRemoteKeys`` if ``MAX_REMOTE_KEYS`` is set and exceeded: hardly more are read, unless
    the query is sliced.
    """
    limit = conf().max_remote_keys
    if limit is not None and not query.is_sliced:
        query = query.clone()
        query.distinct = not query.combinator
        query.set_limits(high=limit + 2)  # One more than allowed, and NULL.
    compiler = query.get_compiler(using=alias)
    with naming(label, alias):
        try:
            sql, params = compiler.as_sql()
        except EmptyResultSet:
            return Collected()
        limited_slice = limit is not None and query.is_sliced and not query.distinct
        if field is not None and not limited_slice and _undecoded(field, connections[alias], to):
            keys = _array(sql, params, field, connections[alias])
        else:
            found = (row[0] for row in compiler.results_iter())
            keys = Collected([key for key in dict.fromkeys(found) if key is not None])
    if limit is not None and keys.count > limit:
        raise TooManyRemoteKeys.more_than(limit, label, alias)
    steps = _steps.get()
    if steps is not None:
        steps.append(KeyQuery(label, alias, sql % tuple(params), keys, to))
    return keys


def alike(one: Field[Any, Any], other: Field[Any, Any], connection: BaseDatabaseWrapper) -> bool:
    """Return whether columns of two fields hold the same kind of values."""
    return _kind(one, connection) == _kind(other, connection)


def _kind(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> str:
    name = (field.rel_db_type(connection) or "").partition("(")[0].partition(" ")[0].lower()
    return "bigint" if name in INTEGERS else name


def _undecoded(field: Field[Any, Any], *both: BaseDatabaseWrapper) -> bool:
    for connection in both:
        if connection.vendor != "postgresql" or _kind(field, connection) not in UNDECODED:
            return False
        if field.get_db_converters(connection):
            return False
    return True


def _array(
    sql: str, params: Any, field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> Collected:
    integers = field.rel_db_type(connection) in INTEGERS
    with connection.cursor() as cursor:
        cursor.execute(ARRAY.format(BOUNDS if integers else "", sql), params)
        text, count, *bounds = cursor.fetchone()
    bounds = bounds if count else []
    return Collected(
        text=text or "", count=count, bounds=(bounds[0], bounds[1]) if bounds else None
    )
