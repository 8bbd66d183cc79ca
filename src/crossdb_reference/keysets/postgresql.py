"""``column = ANY('{…}'::type[])``: one text parameter, planned in no time at any size.

The literal is the array input format of PostgreSQL's manual, section "Array Input and Output
Syntax": elements in double quotes, with backslashes before quotes and backslashes.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import uuid
from typing import TYPE_CHECKING, Any

from crossdb_reference.keysets import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field

UNQUOTED = (int, uuid.UUID, decimal.Decimal)
QUOTED = (str, dt.date, dt.time)
INTEGERS = {"smallint", "integer", "bigint"}
# In a cast, "char" means char(1), which would cut the keys.
UNCUT = {"char": "bpchar", "character": "bpchar"}


def condition(
    column: str, keys: Sequence[Any], field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition and its parameter. Keys that no row can have are left out."""
    first = keys[0]
    if isinstance(first, UNQUOTED):
        elements = [str(key) for key in keys if not _too_large(key)]
    elif isinstance(first, QUOTED):
        elements = [_quote(str(key)) for key in keys if "\0" not in str(key)]
    else:
        return plain.condition(column, keys, field, connection)
    return any_of(column, "{" + ",".join(elements) + "}", field, connection)


def any_of(
    column: str, array: str, field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition for ``array``, the text of an array of the field's type."""
    return f"{column} = ANY(%s::{_element_type(field, connection)}[])", (array,)


def _too_large(key: object) -> bool:
    return isinstance(key, int) and not plain.fits_bigint(key)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _element_type(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> str:
    # Without length and precision: a cast to varchar(3) would cut a longer key, and find the row
    # of another one. bigint for all integers: a larger key is then no error, but finds nothing.
    name = re.sub(r"\(.*?\)", "", field.rel_db_type(connection) or "text")
    return "bigint" if name in INTEGERS else UNCUT.get(name, name)
