"""Which conditions of a query are asked together.

A plan is made once per run of a query (per compiler). It walks each tree of conditions and puts
what one remote query can answer into a :class:`Unit`; one condition of each unit compiles to it,
and the others to nothing. Every other node of the tree stays Django's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Q
from django.db.models.lookups import In
from django.db.models.sql import Query
from django.db.models.sql.where import AND, OR, XOR, NothingNode, WhereNode

from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.remote.conditions import Condition
from crossdb_reference.remote.entangled import Entangled
from crossdb_reference.remote.trees import (
    NOTHING,
    Spelled,
    as_q,
    calls_of,
    conditions,
    positives,
    put,
    side_of,
    without_a_row,
)
from crossdb_reference.remote.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models.sql.compiler import SQLCompiler

    from crossdb_reference.remote.conditions import Leaf, LeafKey


class Above(NamedTuple):
    """What stands above a condition in its tree.

    ``branch``: a ``NOT``; ``negated``: an odd number of them; ``strict``: something that makes a
    difference between NULL and false.
    """

    branch: bool = False
    negated: bool = False
    strict: bool = False

    def and_by(self, node: WhereNode) -> Above:
        """Return what stands above the children of ``node``."""
        return Above(
            self.branch or node.negated,
            self.negated != node.negated,
            self.strict or node.negated or node.connector == XOR,
        )


class Plan:
    """What each condition of a query compiles to."""

    def __init__(self, compiler: SQLCompiler) -> None:
        """Plan the query of ``compiler``."""
        query = compiler.query
        # What is known to be empty is so without a question.
        self._empty = query.where.connector == AND and any(map(_is_empty, query.where.children))
        self._parts: dict[LeafKey, Any] = {}
        self.calls = calls_of(query.where)
        self._walk(query.where, Above())
        local = (leaf for leaf in query.where.leaves() if not isinstance(leaf, Condition))
        inside: dict[LeafKey, Any] = {}
        for tree in _trees_in([*query.annotations.values(), *local]):
            self.calls.update(calls_of(tree))
            self._walk(tree, Above(strict=True))
            inside.update({each.key: self._parts[each.key] for each in conditions(tree)})
        self._parts.update({key: Spelled(part) for key, part in inside.items()})

    def part(self, leaf: Leaf) -> Any:
        """Return what ``leaf`` compiles to, or ``None`` if no tree of the query has it."""
        serial, alias, steps = leaf.key
        # What is compiled may be a copy that Django has just made.
        keys = ((serial, alias, steps[:length]) for length in range(len(steps), -1, -1))
        return next((self._parts[key] for key in keys if key in self._parts), None)

    def part_of(self, condition: Condition) -> Any:
        """Return what ``condition`` compiles to: on its own if it is in no tree of the query."""
        if self._empty:
            return NOTHING
        if self.part(condition) is None:
            self._together([condition], AND, Above(strict=True))
            self._parts[condition.key] = Spelled(self._parts[condition.key])
        return self.part(condition)

    def _walk(self, node: WhereNode, above: Above) -> None:
        """Plan a tree."""
        above = above.and_by(node)
        children = list(node.children)
        if node.connector == XOR and not above.branch:
            # Which of many rows makes it true depends on the conditions beside.
            for condition in conditions(node):
                if condition.multiple:
                    raise RemotePathError.mixed_xor(condition.end.reference.label)
        if node.connector == AND and not above.branch:
            for tangle in Entangled.among(children, self.calls):
                self._parts.update(tangle.parts())
                for atom in tangle.atoms:
                    self._plan(atom, above)
                inside = set(map(id, tangle.members))
                children = [child for child in children if id(child) not in inside]
        groups: dict[Any, list[Any]] = {}
        for child in children:
            group = self._group(child, node.connector, above)
            if group is None:
                self._plan(child, above)
            else:
                groups.setdefault(group, []).append(child)
        for members in groups.values():
            self._together(members, node.connector, above)

    def _plan(self, child: Any, above: Above) -> None:
        if isinstance(child, Condition):
            self._together([child], AND, above)
        elif isinstance(child, WhereNode):
            self._walk(child, above)

    def _group(self, child: Any, connector: str, above: Above) -> Any:
        """Return what a child of a node shares with those that are asked with it, or ``None``."""
        side = side_of(child)
        if side is None or connector == XOR:
            return None
        calls = {self.calls[part.key] for part in conditions(child) if part.multiple}
        _, end = side
        if above.branch and end.multiple:
            # Below a NOT, each condition is about any row of its own.
            return side if connector == OR and isinstance(child, Condition) else None
        mixed = end.multiple and isinstance(child, WhereNode) and not child.negated
        if len(calls) > 1 or (mixed and any(_negates(part) for part in child.children)):
            return None
        # Each call sees any one of many sources; of one target, all calls see the same.
        return (side, *calls) if end.multiple and connector == AND else side

    def _together(self, members: list[Any], connector: str, above: Above) -> None:
        """Plan pure ``members`` of a node that are about one side."""
        together = _asserting(members)
        for member in members:
            if not any(member is other for other in together):
                self._walk(member, above)
        if together:
            self._ask(together, connector, above)

    def _ask(self, members: list[Any], connector: str, above: Above) -> None:
        tree = WhereNode(members, connector)
        parts = [*conditions(tree)]
        many = sum(part.multiple for part in parts)
        if connector == AND and not above.branch:
            by_call: dict[Any, list[Any]] = {}
            for member in members:
                calls = [self.calls.get(part.key) for part in conditions(member) if part.multiple]
                by_call.setdefault(calls[0] if calls else None, []).append(member)
            questions = [Q(*map(as_q, together)) for together in by_call.values()]
        else:
            question = as_q(tree)
            # Below two NOTs Django takes each condition for one on any row of its own.
            questions = [~Q(~question) if above.branch and many > 1 else question]
        unit = Unit(
            parts[0],
            questions,
            absent=without_a_row(tree, negated=above.negated),
            repeats=many > 0,
            doubt=above.strict and any(part.uncertain and not part.multiple for part in parts),
            # Beside a condition that is directly below a NOT, Django tests the key for NULL itself.
            absent_doubt=above.strict
            and not (above.negated and all(isinstance(member, Condition) for member in members)),
        )
        self._parts.update(put(unit, tree))


def _negates(tree: Any) -> bool:
    inside = tree.children if isinstance(tree, WhereNode) else ()
    return getattr(tree, "negated", False) or any(map(_negates, inside))


def _asserting(members: list[Any]) -> list[Any]:
    """Return those of pure ``members`` to ask for in one query: none, if all are negated.

    Of negated ones alone, there are fewer keys to send that make them false. On many sources, what
    is negated is about any row, and not about that of the others.
    """
    asserting = [member for member in members if next(positives(member), None)]
    many = any(next(positives(member)).end.multiple for member in asserting)
    return asserting if many or not asserting else members


def _is_empty(child: Any) -> bool:
    if isinstance(child, In):
        values = child.rhs
        return values.is_empty() if isinstance(values, Query) else not values
    return isinstance(child, NothingNode)


def _trees_in(expressions: Iterable[Any]) -> Iterator[WhereNode]:
    """Yield the conditions of ``When``, ``filter=`` and the like, but none of subqueries."""
    for expression in expressions:
        if isinstance(expression, WhereNode):
            yield expression
        elif hasattr(expression, "get_source_expressions") and not isinstance(expression, Query):
            yield from _trees_in(expression.get_source_expressions())
