"""Random filters, as Python code that runs with the models of either twin."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connections
from hypothesis import strategies as st

from tests.twins.paths import Path, comparisons, paths

MODELS = ["Order", "Customer", "Line", "Country", "Account", "Card", "Shelf", "Team", "Phone"]
"""Where a filter starts."""

INNER = {
    "Order": [("Line", "order", "pk"), ("Account", "customer", "customer")],
    "Shelf": [("Order", "shelf", "pk")],
    "Customer": [("Phone", "customer", "pk"), ("Customer", "country", "country")],
    "Team": [("Customer", "club", "pk")],
    "Country": [("City", "country", "pk")],
    "Account": [("Order", "payer", "customer"), ("Card", "pk", "customer")],
}
"""Of each model, those of its database that ``Exists()`` may ask, and the two columns to equate."""

HAVE_XOR = any(each.features.supports_logical_xor for each in connections.all())
OPERATORS = "&&||" if HAVE_XOR else "&&||^"
"""Django leaves ``^`` to databases that have it, where ``NULL`` is not taken for false."""


class Filter(NamedTuple):
    """The code; ``repeats`` is whether Django's own joins may repeat its rows."""

    code: str
    repeats: bool

    def __repr__(self) -> str:
        return self.code


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    """Draw a queryset of any model."""
    model = draw(st.sampled_from(MODELS))
    kind = draw(st.sampled_from(["steps", "steps", "steps", "combined", "flag", "count"]))
    single = kind in ("flag", "count")
    pool = draw(pools(model, single=single))
    if single:
        annotation = {
            "flag": "flag=Case(When({}, then=Value(1)), default=Value(0))",
            "count": 'flag=Count("pk", filter={})',
        }[kind].format(tree(draw, model, pool, draw(st.integers(1, 4))))
        code = f"{model}.objects.annotate({annotation}).filter(flag={draw(st.integers(0, 1))})"
    else:
        code = f"{model}.objects{steps(draw, model, pool)}"
        if kind == "combined":
            operator = draw(st.sampled_from("&|"))
            code = f"{code} {operator} {model}.objects{steps(draw, model, pool)}"
    return Filter(code, any(path.repeats for path in pool))


def pools(model: str, *, single: bool = False) -> st.SearchStrategy[list[Path]]:
    """Draw few paths, so that several conditions meet on one of them."""
    return st.lists(paths(model, single=single), min_size=1, max_size=3)


def steps(draw: st.DrawFn, model: str, pool: list[Path]) -> str:
    """Draw one to three calls of ``filter()`` and ``exclude()``."""
    return "".join(call(draw, model, pool) for _ in range(draw(st.integers(1, 3))))


def call(
    draw: st.DrawFn, model: str, pool: list[Path], *, size: int = 4, nested: bool = False
) -> str:
    """Draw a call of ``filter()`` or ``exclude()`` with up to ``size`` conditions."""
    name = draw(st.sampled_from(["filter", "filter", "exclude"]))
    size = draw(st.integers(1, size))
    return f".{name}({tree(draw, model, pool, size, nested=nested, negated=name == 'exclude')})"


def tree(
    draw: st.DrawFn,
    model: str,
    pool: list[Path],
    size: int,
    *,
    nested: bool = False,
    negated: bool = False,
) -> str:
    """Draw a tree of ``size`` conditions, which may be ``negated`` from outside.

    ``^`` is never inside a negation: of that Django does not make the complement, for ``NULL``.
    Nor is it between more than comparisons, or over relations within one database: for these
    Django joins too tightly.
    """
    sign = draw(st.sampled_from(["", "", "~"]))
    negated = negated or bool(sign)
    if size == 1:
        return sign + leaf(draw, model, pool, nested=nested)
    apart = [path for path in pool if all(hop.reference for hop in path.hops)]
    operator = draw(st.sampled_from(OPERATORS if apart and not negated else "&|"))
    if operator == "^":
        one, other = (leaf(draw, model, apart, nested=nested, most=1) for _ in range(2))
    else:
        left = draw(st.integers(1, size - 1))
        one, other = (
            tree(draw, model, pool, part, nested=nested, negated=negated)
            for part in (left, size - left)
        )
    return f"{sign}({one} {operator} {other})"


def leaf(draw: st.DrawFn, model: str, pool: list[Path], *, nested: bool, most: int = 2) -> str:
    """Draw up to ``most`` comparisons of one path, or one with a subquery."""
    kind = "plain" if nested else draw(st.sampled_from(["plain"] * 8 + ["in", "exists"]))
    path = draw(st.sampled_from(pool))
    if kind == "in":
        keyword = "__".join([hop.name for hop in path.hops] or ["pk"])
        return f"Q({keyword}__in={inner(draw, path.model)})"
    if kind == "exists" and model in INNER:
        other, column, outer = draw(st.sampled_from(INNER[model]))
        return f'Q(Exists({inner(draw, other)}.filter({column}=OuterRef("{outer}"))))'
    compared = dict(draw(st.lists(comparisons(path), min_size=1, max_size=most)))
    return f"Q({', '.join(f'{keyword}={value}' for keyword, value in compared.items())})"


def inner(draw: st.DrawFn, model: str) -> str:
    """Draw a queryset for the inside of another."""
    return f"{model}.objects{call(draw, model, draw(pools(model)), size=2, nested=True)}"
