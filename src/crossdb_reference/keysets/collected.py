"""Keys that one database collected for another, and the condition that another makes of them.

``Collected``    the keys: as Python values, or as the text of an array that nobody decoded
``InCollected``  the condition: it picks the shortest form

Integers that fill more than half of their range travel as that range and the keys missing from
it: the same set, and far fewer keys where a filter lets most rows pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crossdb_reference.keysets import postgresql
from crossdb_reference.keysets.lookup import InKeySet, is_one_parameter
from crossdb_reference.keysets.plain import fits_bigint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field
    from django.db.models.sql.compiler import SQLCompiler

HASHED_SINCE = 150000
"""The version of PostgreSQL that hashes ``<> ALL``, in the form of ``connection.pg_version``."""
WORTH_A_RANGE = 100
"""Fewer keys travel as they are: a range saves nothing."""


@dataclass(frozen=True)
class Range:
    """The integers from ``first`` to ``last`` but ``missing``."""

    first: int
    last: int
    missing: list[int]


class Collected:
    """The keys that a query found: ``count`` of them, each once, none of them NULL.

    ``text`` is the array as a PostgreSQL server wrote it, for another one to read. ``bounds`` are
    the least and the greatest of integers, where they are known.
    """

    def __init__(
        self,
        keys: Sequence[Any] = (),
        *,
        text: str = "",
        count: int | None = None,
        bounds: tuple[int, int] | None = None,
    ) -> None:
        """Hold ``keys``, or ``text`` with the ``count`` of keys in it."""
        self._keys = keys
        self.text = text
        self.count = len(keys) if count is None else count
        self._bounds = bounds

    @property
    def keys(self) -> Sequence[Any]:
        """The keys as Python values; a text is known to be of integers if there are bounds."""
        if self.text:
            return [*map(int, self.text[1:-1].split(","))]
        return self._keys

    @cached_property
    def range(self) -> Range | None:
        """The keys as a range with fewer keys missing than are there, or ``None``."""
        bounds = self._bounds
        if self.count < WORTH_A_RANGE:
            return None
        if bounds is None and not self.text:
            if not all(type(key) is int for key in self._keys):
                return None
            bounds = min(self._keys), max(self._keys)
        if bounds is None or not all(map(fits_bigint, bounds)):
            return None
        first, last = bounds
        if last - first + 1 >= 2 * self.count:
            return None
        return Range(first, last, sorted(set(range(first, last + 1)).difference(self.keys)))

    def describe(self, connection: BaseDatabaseWrapper) -> str:
        """Return in words how many keys there are, and how they travel to ``connection``."""
        found = f"{self.count:,} key{'' if self.count == 1 else 's'}"
        if not self.count:
            return f"{found}: nothing to send"
        if self.range and _anti_joins_fast(connection):
            first, last, missing = self.range.first, self.range.last, len(self.range.missing)
            but = f" without {missing:,} keys" if missing else ""
            return f"{found}, sent as the range {first:,} to {last:,}{but}"
        if self.text:
            return f"{found}, sent as one array, not decoded on the way"
        in_one = is_one_parameter(self.keys[0], connection)
        return f"{found}, sent as {'one parameter' if in_one else 'a parameter each'}"


class InCollected(InKeySet):
    """``InCollected(column, Collected(…))``: true of rows with one of the collected keys."""

    rhs: Collected

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Return the condition: a range, the text as it came, or the vendor's key set."""
        collected = self.rhs
        plain = _anti_joins_fast(connection) and _is_plain_integer(
            self.lhs.output_field, connection
        )
        found = collected.range if plain else None
        if found and _is_as_in_python(self.lhs.output_field, found, connection):
            return self._within(found, compiler, connection)
        if collected.text:
            column, params = self.process_lhs(compiler, connection)
            field = self.lhs.output_field
            sql, keys = postgresql.any_of(column, collected.text, field, connection)
            return sql, (*params, *keys)
        return InKeySet(self.lhs, collected.keys).as_sql(compiler, connection)

    def _within(
        self, found: Range, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        sql, params = f"{column} BETWEEN %s AND %s", (*params, found.first, found.last)
        if found.missing:
            missing = InKeySet(self.lhs, found.missing)
            missing_sql, missing_params = missing.as_sql(compiler, connection)
            sql, params = f"({sql} AND NOT ({missing_sql}))", (*params, *missing_params)
        return sql, params


def _is_plain_integer(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> bool:
    kind = (field.rel_db_type(connection) or "").partition(" ")[0]
    return kind in postgresql.INTEGERS and not field.get_db_converters(connection)


def _is_as_in_python(field: Field[Any, Any], found: Range, connection: BaseDatabaseWrapper) -> bool:
    """Return whether the database holds the numbers themselves: a field may convert them."""
    return all(
        field.get_db_prep_value(key, connection, prepared=False) == key
        for key in (found.first, found.last)
    )


def _anti_joins_fast(connection: Any) -> bool:
    """Return whether the negation of a key set is hashed: on PostgreSQL from 15 on."""
    return bool(connection.vendor != "postgresql" or connection.pg_version >= HASHED_SINCE)
