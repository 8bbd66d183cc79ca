"""Rows behind a reference, mixed with local conditions in one ``filter()`` call.

``filter(Q(articles__title="a") | Q(age=3), articles__shelf=1)`` is about one article: either its
title is "a" or the person is 3, *and* it is on shelf 1. No condition can be asked on its own. So it
is asked what has to hold of the article for each way that the local conditions may turn out:

    (title "a" and shelf 1)  or  (age=3 and (shelf 1))
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from django.db.models.sql.where import AND, OR, WhereNode

from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.remote.conditions import Condition
from crossdb_reference.remote.trees import (
    EVERYTHING,
    as_q,
    conditions,
    positives,
    put,
    side_of,
    without_a_row,
)
from crossdb_reference.remote.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crossdb_reference.remote.conditions import LeafKey

MAX_ATOMS = 5
"""Beyond, 2 ** (number of local conditions) queries are no answer any more."""


class Entangled:
    """Children of an ``AND`` with conditions of one call on many rows of one side.

    ``members`` are the children, ``own`` these conditions, ``atoms`` the largest parts of the
    members that have nothing to do with them.
    """

    def __init__(self, members: list[Any], own: list[Condition]) -> None:
        """Take the conditions ``own`` of ``members`` apart from the rest."""
        self.members = members
        self.own = own
        self._keys = {condition.key for condition in own}
        self.atoms = [*self._parts_without(WhereNode(members, AND))]

    @classmethod
    def among(cls, children: Sequence[Any], calls: Mapping[LeafKey, Any]) -> Iterator[Entangled]:
        """Yield what is entangled among the ``children`` of an ``AND``, each child once."""
        found: dict[Any, dict[int, list[Condition]]] = {}
        for place, child in enumerate(children):
            for condition in positives(child):
                if condition.multiple:
                    key = condition.side, calls[condition.key]
                    found.setdefault(key, {}).setdefault(place, []).append(condition)
        taken: set[int] = set()
        for (side, _), places in found.items():
            members = [children[place] for place in places]
            mixed = any(side_of(member) != side for member in members)
            if mixed and len(members) > 1 and taken.isdisjoint(places):
                taken.update(places)
                yield cls(members, [part for parts in places.values() for part in parts])

    def parts(self) -> dict[LeafKey, Any]:
        """Return what the conditions compile to: the whole, where it can be put."""
        whole = self._whole()
        for member in self.members:
            inside = {condition.key for condition in conditions(member)}
            if inside <= self._keys and side_of(member):
                return {**dict.fromkeys(self._keys, EVERYTHING), **put(whole, member)}
        # The tree is monotone in these conditions, so the whole may stand for each of them.
        return dict.fromkeys(self._keys, whole)

    def _parts_without(self, tree: Any) -> Iterator[Any]:
        if not self._is_inside(tree):
            yield tree
        elif isinstance(tree, WhereNode):
            for child in tree.children:
                yield from self._parts_without(child)

    def _is_inside(self, tree: Any) -> bool:
        return any(condition.key in self._keys for condition in positives(tree))

    def _whole(self) -> WhereNode:
        if len(self.atoms) > MAX_ATOMS:
            label = self.own[0].end.reference.label
            raise RemotePathError.too_entangled(label, MAX_ATOMS)
        whole = WhereNode([], OR)
        asked: list[tuple[set[int], Any]] = []
        for size in range(len(self.atoms) + 1):
            for true in map(set, combinations(range(len(self.atoms)), size)):
                atoms = [self.atoms[place] for place in true]
                rest = self._given(WhereNode(self.members, AND), set(map(id, atoms)))
                if rest is False or any(less <= true and q == rest for less, q in asked):
                    continue
                asked.append((true, rest))
                whole.children.append(WhereNode([*atoms, *self._ask(rest)], AND))
        return whole

    def _given(self, tree: Any, true: set[int]) -> Any:
        """Return what is left of ``tree`` where the atoms ``true`` hold and the others do not."""
        if not self._is_inside(tree):
            return id(tree) in true
        if isinstance(tree, Condition):
            return tree
        parts = [self._given(child, true) for child in tree.children]
        decisive = tree.connector == OR
        if any(part is decisive for part in parts):
            return decisive
        parts = [part for part in parts if not isinstance(part, bool)]
        return WhereNode(parts, tree.connector) if parts else not decisive

    @staticmethod
    def _ask(rest: Any) -> list[Any]:
        if rest is True:
            return []
        first = next(conditions(rest))
        return [Unit(first, [as_q(rest)], absent=without_a_row(rest), repeats=True)]
