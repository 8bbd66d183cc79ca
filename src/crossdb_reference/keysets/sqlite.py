"""``column IN (SELECT value FROM json_each('[…]'))``: one text parameter.

``json_each`` gives integers from 2**63 on as REAL, which would find the rows of other keys, and
cuts texts at a NUL: both are kept out of it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crossdb_reference.keysets import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field


def condition(
    column: str, keys: Sequence[Any], field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition and its parameters. Keys that no row can have are left out."""
    # Sorted keys meet the pages of the table in order: 1.2 to 2.6 times as fast.
    if isinstance(keys[0], int):
        elements = sorted(key for key in keys if plain.fits_bigint(key))
        return _json_each(column, elements)
    if isinstance(keys[0], Decimal):
        # As a parameter would be: the column's affinity makes numbers of them again.
        keys = [str(key) for key in keys]
    if not isinstance(keys[0], str):
        return plain.condition(column, keys, field, connection)
    sql, params = _json_each(column, sorted(key for key in keys if "\0" not in key))
    if odd := [key for key in keys if "\0" in key]:
        odd_sql, odd_params = plain.condition(column, odd, field, connection)
        return f"({sql} OR {odd_sql})", (*params, *odd_params)
    return sql, params


def _json_each(column: str, elements: list[Any]) -> tuple[str, tuple[Any, ...]]:
    sql = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 (no value is in it)
    return sql, (json.dumps(elements),)
