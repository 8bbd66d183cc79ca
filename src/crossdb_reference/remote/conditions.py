"""One condition on the other side of a reference, as Django builds it into a query."""

from __future__ import annotations

from itertools import chain, count
from threading import local
from typing import TYPE_CHECKING, Any, Self

from django.db.models import F, Lookup, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import Col, Ref
from django.db.models.functions import Extract
from django.db.models.functions.datetime import TruncBase
from django.db.models.sql import Query

from crossdb_reference._compat import NULL_IN_LISTS
from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.remote.ends import ReferenceCol
from crossdb_reference.routers import home_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crossdb_reference.remote.ends import End, ReverseCol

    _Lookup = Lookup[bool]
    LeafKey = tuple[int, str | None, tuple[int, ...]]
else:
    _Lookup = Lookup


class _Clones(local):
    """Numbers for the clones of leaves, in each thread its own."""

    def __init__(self) -> None:
        self.number = count().__next__


_clones = _Clones()
_serial = count().__next__


class Leaf(_Lookup):
    """What a plan knows again: a condition on the other end, or a test of the local key for NULL.

    Django clones a tree of conditions again and again: before it adds the conditions of another
    ``filter()`` call, and while it compiles. ``serial`` tells what a leaf was cloned from, and
    ``steps`` the numbers of its clones.

    Which conditions came from one call decides what they mean together: true of one row, or each
    of any. Leaves of one call are neighbours in all of their steps. (Their ages would not do,
    because ``&`` merges two trees.)
    """

    steps: tuple[int, ...] = ()

    def __init__(self, lhs: Any, rhs: Any) -> None:
        """Begin a series of clones."""
        super().__init__(lhs, rhs)
        self.serial = _serial()

    @property
    def key(self) -> LeafKey:
        """What a plan knows the leaf by."""
        # Without an alias, Django has put the column of an inner query in its place.
        return self.serial, getattr(self.lhs, "alias", None), self.steps

    def clone(self) -> Self:
        """Return a copy with the number of this clone: what a tree of conditions asks for."""
        duplicate = self.copy()
        duplicate.steps = (*self.steps, _clones.number())
        return duplicate


class Condition(Leaf):
    """``author__team__name="Red"``: what the database of ``author`` has to answer.

    ``lhs``        the local column that holds the keys
    ``end``        who is asked
    ``path``       the filter that the model at the other end understands: ``team__name``
    ``value``      what it is compared with
    ``multiple``   whether many rows of that database may decide about one local row
    ``uncertain``  whether it may be NULL for a row that is there, in a way that ``exclude()`` does
                   not make up for: a missing key of a JSON object, say
    """

    prepare_rhs = False
    can_use_none_as_rhs = True  # The model at the other end has decided about None.

    def __init__(self, column: ReferenceCol | ReverseCol, path: str, value: Any) -> None:
        """Build the condition as the other model would, which refuses what it cannot answer.

        Raises what Django raises for a path, a lookup or a value that it does not understand, with
        a note that names the reference, and ``RemotePathError`` for a value of the outer query.
        """
        self.end = column.end
        self.path = path
        self.value = value
        with self.end.noting(path):
            refuse_outer(self.value, self.end.reference.label, self.end.usual_database)
            probe = QuerySet(self.end.model).filter(**{path: self.value}).query
            names = path.split(LOOKUP_SEP)
            steps = probe.names_to_path(names, self.end.model._meta)[0]
            (answer,) = probe.where.leaves()
            if answer.lookup_name == "isnull" and not isinstance(answer.rhs, bool):
                message = "The QuerySet value for an isnull lookup must be True or False."
                raise ValueError(message)
            nested = isinstance(answer, Condition)
            if not nested and not isinstance(answer.lhs, ReferenceCol):
                _refuse_elsewhere(self.value, self.end)
        self.lookup_name = answer.lookup_name
        self.multiple = (
            self.end.multiple or any(step.m2m for step in steps) or (nested and answer.multiple)
        )
        super().__init__(column.key, self._seen_by_django(answer))
        self.uncertain = answer.uncertain if nested else _uncertain(answer) or self.includes_null

    def _seen_by_django(self, answer: Any) -> Any:
        """Return what Django needs to see to choose local joins, and what NULL is in exclude()."""
        if self.lookup_name == "isnull":
            return answer.rhs
        return [] if self.includes_null and self.multiple else self.value

    @property
    def includes_null(self) -> bool:
        """Whether it is ``in`` a list with ``None``, where ``exclude()`` takes that for a value."""
        listed = isinstance(self.value, list | tuple | set | frozenset)
        return NULL_IN_LISTS and self.lookup_name == "in" and listed and None in self.value

    @property
    def side(self) -> tuple[str, End]:
        """Where the condition is attached: the alias of the local table, and the other end."""
        return getattr(self.lhs, "alias", ""), self.end

    def get_source_expressions(self) -> list[Any]:
        """Return the column: the value is none of this query's."""
        return [self.lhs]

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two conditions equal."""
        return type(self), self.lhs, self.path, self.value


def refuse_outer(value: Any, label: str, alias: str) -> None:
    """Raise ``RemotePathError`` if ``value`` needs a column of the query around it.

    ``value`` is compared through the reference ``label`` and answered by ``alias``. An ``F`` or an
    ``OuterRef`` in it has been resolved by the outer query, which knows no other columns; or it
    means a query further out, and must not find a column on the way.
    """
    names = {
        f"{part.alias}.{part.target.column}"
        if isinstance(part, Col)
        else getattr(part, "name", repr(part))
        for part in _outer_columns([value])
    }
    if names:
        raise RemotePathError.outer_reference(label, sorted(names), alias)


def _outer_columns(parts: Iterable[Any]) -> Iterator[Any]:
    """Yield the columns in ``parts`` that no query among them has.

    ``Query.get_external_cols()`` would take an inner query's own column for an outer one of the
    same alias.
    """
    for part in parts:
        if isinstance(part, list | tuple | set | frozenset):
            yield from _outer_columns(part)
        elif isinstance(part, Col | F | Ref):
            yield part
        elif isinstance(part, Query):
            inner = chain(part.annotations.values(), part.where.children, part.combined_queries)
            yield from (found for found in _outer_columns(inner) if not _has(part, found))
        elif hasattr(part, "get_source_expressions"):
            yield from _outer_columns(part.get_source_expressions())


def _has(query: Query, column: Any) -> bool:
    own = isinstance(column, Col) and column.alias in query.alias_map
    return own or isinstance(column, Ref)


def _refuse_elsewhere(value: Any, end: End) -> None:
    """Raise ``ValueError``, in Django's words, for a queryset that another database has to run."""
    if isinstance(value, Query) and not getattr(value, "_db", None):
        model: Any = value.model
        if home_database(model) != home_database(end.model):
            message = (
                "Subqueries aren't allowed across different databases. Force the inner query to be"
                " evaluated using `list(inner_query)`."
            )
            raise ValueError(message)


def _uncertain(answer: Any) -> bool:
    """Return whether ``answer`` may be NULL although its column is not."""
    column = answer.lhs
    while isinstance(column, Extract | TruncBase):
        column = column.lhs
    return not isinstance(column, Col) or hasattr(answer.rhs, "resolve_expression")
