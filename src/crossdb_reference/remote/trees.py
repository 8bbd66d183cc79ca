"""What a tree of conditions means as a filter of the model at the other end of a reference.

A tree is *pure* if nothing but conditions on one side is in it, and tests of that side's own
local column for NULL: Django adds these to what ``exclude()`` negates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import Q
from django.db.models.lookups import IsNull
from django.db.models.sql.where import AND, XOR, WhereNode

from crossdb_reference.remote.conditions import Condition, Leaf
from crossdb_reference.remote.ends import ReferenceCol, ReverseCol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models.sql.compiler import SQLCompiler

    from crossdb_reference.remote.conditions import LeafKey
    from crossdb_reference.remote.ends import End

Side = tuple[str, "End"]
TRUE = Q(pk__isnull=False)
FALSE = Q(pk__in=[])  # Which ends a query before it is sent.


def conditions(tree: Any) -> Iterator[Condition]:
    """Yield the conditions in ``tree``, in order."""
    leaves = tree.leaves() if isinstance(tree, WhereNode) else [tree]
    return (leaf for leaf in leaves if isinstance(leaf, Condition))


def positives(tree: Any) -> Iterator[Condition]:
    """Yield the conditions in ``tree`` that no ``NOT`` of it, and no mixed ``XOR``, is above."""
    if isinstance(tree, Condition):
        yield tree
    elif (
        isinstance(tree, WhereNode)
        and not tree.negated
        and (tree.connector != XOR or side_of(tree))
    ):
        for child in tree.children:
            yield from positives(child)


def side_of(tree: Any) -> Side | None:
    """Return the side that ``tree`` is about if it is pure, else ``None``."""
    if isinstance(tree, Condition):
        return tree.side
    if not isinstance(tree, WhereNode) or not any(True for _ in conditions(tree)):
        return None
    sides = {_side_of_key(child) or side_of(child) for child in tree.children}
    return sides.pop() if len(sides) == 1 else None


def _side_of_key(leaf: Any) -> Side | None:
    is_key = isinstance(leaf, Leaf) and isinstance(leaf.lhs, ReferenceCol | ReverseCol)
    if is_key and isinstance(leaf, IsNull):
        return leaf.lhs.alias, leaf.lhs.end
    return None


def as_q(tree: Any) -> Q:
    """Return the pure ``tree`` as a filter of the model at the other end."""
    if isinstance(tree, Condition):
        exists = tree.lookup_name == "isnull" and tree.path.startswith("pk__")
        return _constant(not tree.rhs) if exists else Q((tree.path, tree.value))
    if not isinstance(tree, WhereNode):
        return _constant(not tree.rhs)  # The local key of a row that is there is not NULL.
    q = Q(*map(as_q, tree.children), _connector=tree.connector)
    return ~q if tree.negated else q


def _constant(value: object) -> Q:
    return TRUE if value else FALSE


def without_a_row(tree: Any, *, negated: bool = False) -> bool | None:
    """Return what the pure ``tree`` is where the other end has no row: ``None`` is SQL's NULL.

    That is what a ``LEFT JOIN`` would make of it: all columns are NULL. ``negated`` says whether
    an odd number of ``NOT`` is above it.
    """
    if isinstance(tree, Condition):
        null_is_listed = negated and tree.includes_null and not tree.multiple
        if null_is_listed or tree.lookup_name == "isnull":
            return null_is_listed or bool(tree.rhs)
        return False if tree.multiple or tree.end.reverse else None
    if not isinstance(tree, WhereNode):
        return bool(tree.rhs)
    parts = [without_a_row(child, negated=negated != tree.negated) for child in tree.children]
    value = all_of(parts) if tree.connector == AND else any_of(parts)
    if tree.connector == XOR:
        value = parts.count(True) % 2 == 1  # As Django writes it where SQL has no XOR.
    return value if value is None else value != tree.negated


def all_of(parts: Iterable[bool | None]) -> bool | None:
    """Return the ``AND`` of values that may be NULL."""
    parts = list(parts)
    return False if False in parts else None if None in parts else True


def any_of(parts: Iterable[bool | None]) -> bool | None:
    """Return the ``OR`` of values that may be NULL."""
    parts = list(parts)
    return True if True in parts else None if None in parts else False


def calls_of(tree: WhereNode) -> dict[LeafKey, tuple[int, ...]]:
    """Return what the leaves of one ``filter()`` call in ``tree`` have in common, by their key."""
    leaves = (leaf for leaf in tree.leaves() if isinstance(leaf, Leaf))
    return {
        leaf.key: tuple(step - place for step in leaf.steps) for place, leaf in enumerate(leaves)
    }


class Constant:
    """A condition that is always true (``AND`` leaves it out), or never (``OR`` leaves it out)."""

    def __init__(self, error: type[Exception]) -> None:
        """Say it as Django's own conditions do."""
        self.error = error

    def as_sql(self, *_: Any) -> NoReturn:
        """Raise."""
        raise self.error


class Spelled:
    """A part where Django makes nothing of constants, such as the ``filter=`` of an aggregate."""

    def __init__(self, part: Any) -> None:
        """Write ``part`` out."""
        self.part = part

    def as_sql(self, compiler: SQLCompiler, _connection: object) -> Any:
        """Return its SQL, or that of the constant that it is."""
        try:
            return compiler.compile(self.part)
        except FullResultSet:
            return "1 = 1", ()
        except EmptyResultSet:
            return "1 = 0", ()


EVERYTHING = Constant(FullResultSet)
NOTHING = Constant(EmptyResultSet)


def put(part: Any, tree: Any) -> dict[LeafKey, Any]:
    """Return what the leaves of the pure ``tree`` compile to, by key, for it to be ``part``.

    The first that is not negated does; what is around it adds nothing.
    """
    if isinstance(tree, Condition):
        return {tree.key: part}
    leader = next(child for child in tree.children if any(True for _ in positives(child)))
    parts = put(part, leader)
    for child in tree.children:
        if child is not leader:
            parts.update(remove(child, true=tree.connector == AND))
    return parts


def remove(tree: Any, *, true: bool) -> dict[LeafKey, Any]:
    """Return what the leaves of the pure ``tree`` compile to, for it to be true, or false."""
    if not isinstance(tree, WhereNode):
        return {tree.key: EVERYTHING if true else NOTHING}
    parts: dict[LeafKey, Any] = {}
    for place, child in enumerate(tree.children):
        one = tree.connector != XOR or place == 0  # Of a XOR, one that is true is enough.
        parts.update(remove(child, true=one and true != tree.negated))
    return parts
