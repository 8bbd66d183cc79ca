"""``column IN (…)`` with a parameter per key: what every database understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field


def fits_bigint(key: int) -> bool:
    """Return whether an integer column can hold ``key``; a key beyond is no row's."""
    # Not "in range(…)": for a subclass of int, such as psycopg's Int8, that counts through it.
    return -(2**63) <= key < 2**63


def condition(
    column: str, keys: Sequence[Any], _field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition and its parameters; lists longer than the database takes are split."""
    size = connection.ops.max_in_list_size() or len(keys)
    parts = [keys[start : start + size] for start in range(0, len(keys), size)]
    sql = " OR ".join(f"{column} IN ({', '.join(['%s'] * len(part))})" for part in parts)
    return f"({sql})", tuple(keys)
