"""What a filter says, worked out row by row: the judge where Django errs.

Over foreign keys, Django answers one in a hundred of the filters drawn here wrongly:

- ``Q(a__x=1) & ~Q(a__y=2)`` of a multi-valued ``a`` excludes the very row that was joined, or any
  row, depending on their order; it may even take an alias of another table for that row's, and
  the database refuses (``Query.split_exclude()``);
- ``Q(a__x=1, a__y=2) | ~Q(a__x=1)`` is not true of a row without ``a``: the join was an inner one
  when the second half was added without a word about ``NULL`` (``Query.build_filter()``);
- ``Count("pk", filter=Q(pk__in=[]))`` is never 0.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Model, Q

from tests.twins.keywords import TRUE, Keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.twins.memory import Joined, Memory
    from tests.twins.paths import Hop


def meaning(code: str, memory: Memory) -> list[Any]:
    """Return the keys of the rows that ``code`` asks for."""
    models = {
        name: Objects(Rows(memory, name, [*rows.values()])) for name, rows in memory.rows.items()
    }
    return sorted(row.pk for row in eval(code, NAMES | models))  # noqa: S307 (as in the test)


class Objects(NamedTuple):
    """What a model is to the code."""

    objects: Rows


class Rows(list[Model]):
    """What a queryset is to the code."""

    def __init__(self, memory: Memory, model: str, rows: list[Model]) -> None:
        super().__init__(rows)
        self.memory = memory
        self.model = model
        self.flag = Q()
        self.link = ("", "")

    def filter(self, *conditions: Q, flag: int = 1, **link: OuterRef) -> Rows:
        """Keep the rows that are meant, or with ``flag=0`` the others."""
        condition = Q(*conditions) if conditions else self.flag
        kept = [row for row in self if self._means(row, condition) == bool(flag)]
        rows = Rows(self.memory, self.model, kept)
        for column, outer in link.items():
            rows.link = column, outer.column
        return rows

    def exclude(self, condition: Q) -> Rows:
        return self.filter(~Q(condition))

    def annotate(self, *, flag: Q) -> Rows:
        rows = Rows(self.memory, self.model, self)
        rows.flag = flag
        return rows

    def get(self, **column: object) -> Model:
        ((name, value),) = column.items()
        return next(row for row in self if getattr(row, name) == value)

    def __and__(self, other: Rows) -> Rows:
        return Rows(self.memory, self.model, [row for row in self if row in other])

    def __or__(self, other: Rows) -> Rows:
        return Rows(self.memory, self.model, [*{*self, *other}])

    def _means(self, row: Model, condition: Q) -> bool:
        ways = self.memory.joins(row, [*self._joined(condition)])
        return any(self._truth(row, condition, joined) == TRUE for joined in ways)

    def _joined(self, node: Q) -> Iterator[tuple[Hop, ...]]:
        """Yield the paths in ``node``, without those negated: these are about rows of their own."""
        for child in () if node.negated else node.children:
            if isinstance(child, Q):
                yield from self._joined(child)
            elif not isinstance(child, Exists):
                yield Keyword.parse(self.model, child[0]).path

    def _truth(
        self, row: Model, node: Q, joined: Joined, *, negated: bool = False, below: bool = False
    ) -> float:
        """Return the truth of a tree that is ``below`` a ``NOT``, and maybe ``negated`` by it."""
        negated ^= node.negated
        below |= node.negated
        truths = []
        for child in node.children:
            if isinstance(child, Q):
                truths.append(self._truth(row, child, joined, negated=negated, below=below))
            elif isinstance(child, Exists):
                truths.append(child.truth(row))
            else:
                keyword = Keyword.parse(self.model, child[0])
                own = below and any(hop.many for hop in keyword.path)
                ways = self.memory.joins(row, [keyword.path]) if own else [joined]
                ends = [self.memory.reach(row, keyword.path, way) for way in ways]
                said = [keyword.truth(end, child[1], negated=negated and not own) for end in ends]
                truths.append(float(TRUE in said) if own else said[0])
        if node.connector == Q.XOR:
            truth = truths.count(TRUE) % 2
        else:
            truth = (min if node.connector == Q.AND else max)(truths, default=TRUE)
        return 1 - truth if node.negated else truth


class OuterRef(NamedTuple):
    """A column of the row outside."""

    column: str


class Exists(NamedTuple):
    """Whether one of ``rows`` is linked to the row outside."""

    rows: Rows
    conditional = True

    def truth(self, outside: Model) -> float:
        column, outer = self.rows.link
        wanted = _value(outside, outer)
        return float(any(_value(row, column) == wanted is not None for row in self.rows))


def _value(row: Model, column: str) -> Any:
    return row.pk if column == "pk" else getattr(row, row._meta.get_field(column).attname)


NAMES = {
    "Case": lambda when, **_: when,
    "Count": lambda _, **options: options["filter"],
    "Exists": Exists,
    "OuterRef": OuterRef,
    "Q": Q,
    "Value": int,
    "When": lambda condition, **_: condition,
    "date": date,
}
