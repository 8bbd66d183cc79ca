"""A keyword of a filter, and whether it is true of a row.

Truth is a number, so that ``min()``, ``max()`` and ``1 - truth`` are SQL's ``AND``, ``OR`` and
``NOT``: ``UNKNOWN`` is what comes of comparing ``NULL``.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import django
from django.apps import apps
from django.db.models import Model

from tests.twins.paths import Hop, hops

if TYPE_CHECKING:
    from collections.abc import Callable

FALSE, UNKNOWN, TRUE = 0.0, 0.5, 1.0

LOOKUPS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "lte": operator.le,
    "in": lambda value, values: value in values,
    "range": lambda value, ends: ends[0] <= value <= ends[1],
    "iexact": lambda value, text: value.lower() == text.lower(),
    "contains": lambda value, text: text in value,
    "icontains": lambda value, text: text.lower() in value.lower(),
    "startswith": lambda value, text: value.startswith(text),
    "endswith": lambda value, text: value.endswith(text),
    "regex": lambda value, pattern: re.search(pattern, value) is not None,
    "has_key": lambda value, key: key in value,
    "isnull": lambda *_: False,  # Of what is not None.
}


class Keyword(NamedTuple):
    """Relations, the column at their end, the steps into its value, and the lookup."""

    path: tuple[Hop, ...]
    column: str
    steps: list[str]
    lookup: str

    @classmethod
    def parse(cls, model: str, keyword: str) -> Keyword:
        """Split a keyword of a filter of ``model``."""
        names, path = keyword.split("__"), []
        while names and (hop := next((h for h in hops(model) if h.name == names[0]), None)):
            path.append(hop)
            model = hop.model
            del names[0]
        opts = apps.get_model("joined", model)._meta
        columns = {"pk", *(field.name for field in opts.concrete_fields)}
        column = names.pop(0) if columns & {*names[:1]} else path[-1].key.attname
        lookup = names.pop() if LOOKUPS.keys() & {*names[-1:]} else "exact"
        return cls(tuple(path), column, names, lookup)

    def truth(self, row: Model | None, given: Any, *, negated: bool) -> float:
        """Return whether ``row``, which is at the end of the path, compares so with ``given``."""
        value = whole = None if row is None else getattr(row, self.column)
        for step in self.steps:
            value = _step(value, step)
        given = self._plain(given)
        if given is None or self.lookup == "isnull":
            return float((value is None) == (given is not False))
        if self.lookup == "in":
            # Django 6.1: NULL is in a list with None, if that is negated.
            if negated and whole is None and None in given and django.VERSION >= (6, 1):
                return TRUE
            given = [each for each in given if each is not None]
            if not given:
                return FALSE
        if value is None:
            # Django says that what is negated is false of NULL; but not of a key that JSON lacks.
            return FALSE if negated and whole is None else UNKNOWN
        return float(LOOKUPS[self.lookup](value, given))

    def _plain(self, given: Any) -> Any:
        if isinstance(given, Model):
            return getattr(given, self.column)
        if isinstance(given, list):
            plain = [(each, self._plain(each)) for each in given]
            return [value for each, value in plain if each is None or value is not None]
        return given


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list):
        return value[int(step)] if int(step) < len(value) else None
    return getattr(value, step, None)
