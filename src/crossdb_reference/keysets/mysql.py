"""``column IN (SELECT … FROM JSON_TABLE(…))``: one text parameter, for integers.

Other keys travel as a parameter each: ``JSON_TABLE`` gives texts a collation of its own, and
comparing them with a column of another one is an error, or makes the index useless.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crossdb_reference.keysets import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field

JSON_TABLE = (
    "{column} IN (SELECT crossdb_key FROM"
    " JSON_TABLE(%s, '$[*]' COLUMNS (crossdb_key BIGINT PATH '$')) AS crossdb_keys)"
)


def condition(
    column: str, keys: Sequence[Any], field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition and its parameter. Keys that no row can have are left out."""
    if not isinstance(keys[0], int):
        return plain.condition(column, keys, field, connection)
    elements = [key for key in keys if plain.fits_bigint(key)]
    return JSON_TABLE.format(column=column), (json.dumps(elements),)
