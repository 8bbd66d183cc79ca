"""A twin's rows in memory, with the relations between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.apps import apps

from tests.twins.paths import Hop, hops
from tests.twins.rows import KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    Joined = dict[tuple[Hop, ...], Model | None]


class Memory:
    """The rows as they are when this is made."""

    def __init__(self, app: str) -> None:
        """Load them."""
        managers = {name: apps.get_model(app, name)._default_manager for name in KEYS}
        self.rows: dict[str, dict[Any, Model]] = {
            name: manager.in_bulk() for name, manager in managers.items()
        }
        self._related: dict[Any, list[Model]] = defaultdict(list)
        for name, manager in managers.items():
            for hop in set(hops(name)):
                for pk, other in manager.values_list("pk", f"{hop.name}__pk"):
                    if other is not None:
                        self._related[name, pk, hop.name].append(self.rows[hop.model][other])

    def reach(self, row: Model, path: Sequence[Hop], joined: Joined) -> Model | None:
        """Follow ``path`` from ``row``: where there are many, to the one that is ``joined``."""
        here: Model | None = row
        for length, hop in enumerate(path, 1):
            here = joined[tuple(path[:length])] if hop.many else self._others(here, hop)[0]
        return here

    def joins(self, row: Model, paths: Sequence[Sequence[Hop]]) -> list[Joined]:
        """Return the ways to choose a row wherever ``paths`` lead to many; ``None`` of none.

        Paths that begin alike have these rows in common.
        """
        ways: list[Joined] = [{}]
        to_many = {tuple(path[:n]) for path in paths for n, hop in enumerate(path, 1) if hop.many}
        for path in sorted(to_many, key=len):
            ways = [
                joined | {path: other}
                for joined in ways
                for other in self._others(self.reach(row, path[:-1], joined), path[-1])
            ]
        return ways

    def _others(self, row: Model | None, hop: Hop) -> Sequence[Model | None]:
        return (row and self._related[type(row).__name__, row.pk, hop.name]) or [None]
