"""Random paths through the twins' relations, and random comparisons at their end."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from django.apps import apps
from django.db.models import Field, ForeignKey, ForeignObjectRel
from django.db.models.fields.related import RelatedField
from hypothesis import strategies as st

from tests.servers import session
from tests.twins.rows import VALUES, keys

ONE_VENDOR = len(set(session.PAIRS[session.pair()])) == 1
LENGTHS = [0, 1, 1, 2, 2, 3, 3, 4]
# A join multiplies its rows by each of them.
MAX_MANY = 2


class Hop(NamedTuple):
    """One relation, as a filter names it, from whichever side."""

    name: str
    model: str
    key: Field
    many: bool
    reference: bool


class Path(NamedTuple):
    """Relations, one after the other, and the model at their end."""

    hops: tuple[Hop, ...]
    model: str

    @property
    def repeats(self) -> bool:
        """Whether a join repeats rows of the first model: one before any reference does."""
        first = next((hop for hop in self.hops if hop.many or hop.reference), None)
        return first is not None and not first.reference


@cache
def hops(model: str) -> list[Hop]:
    """Return the relations of ``model``; references twice, to be drawn more often."""
    apart = apps.get_model("apart", model)._meta
    found = []
    for field in apps.get_model("joined", model)._meta.get_fields():
        if not field.is_relation:
            continue
        related = field.related_model._meta
        hop = Hop(
            field.name,
            related.object_name,
            field.target_field if isinstance(field, ForeignKey) else related.pk,
            field.one_to_many or field.many_to_many,
            not isinstance(apart.get_field(field.name), RelatedField | ForeignObjectRel),
        )
        found += [hop] * (2 if hop.reference else 1)
    return found


@st.composite
def paths(draw: st.DrawFn, model: str, *, single: bool = False) -> Path:
    """Follow relations from ``model`` on, each to one row at most if ``single``."""
    followed: list[Hop] = []
    for _ in range(draw(st.sampled_from(LENGTHS))):
        many = not single and sum(hop.many for hop in followed) < MAX_MANY
        onwards = [hop for hop in hops(model) if many or not hop.many]
        if not onwards:
            break
        hop = draw(st.sampled_from(onwards))
        followed.append(hop)
        model = hop.model
    return Path(tuple(followed), model)


@st.composite
def comparisons(draw: st.DrawFn, path: Path) -> tuple[str, str]:
    """Compare a column at the end of ``path``, or its last relation: keyword and value as code."""
    names = [hop.name for hop in path.hops]
    if names and draw(st.integers(0, 2)) == 0:
        lookup, value = draw(_of_key(path.hops[-1].key))
    else:
        columns = apps.get_model("joined", path.model)._meta.concrete_fields
        column = draw(st.sampled_from([c for c in columns if not c.is_relation] or columns))
        names.append("pk" if column.primary_key else column.name)
        lookup, value = draw(_of_column(column))
    return "__".join([*names, *([lookup] if lookup else [])]), value


@cache
def _of_key(key: Field) -> st.SearchStrategy[tuple[str, str]]:
    instances = st.sampled_from(keys(key)).map(
        lambda value: ("", f"{key.model.__name__}.objects.get({key.attname}={value!r})")
    )
    return _of_column(key) | instances


@cache
def _of_column(column: Field) -> st.SearchStrategy[tuple[str, str]]:
    kind = column.get_internal_type()
    if kind == "JSONField":
        return _lookups(JSON)
    values = keys(column) if column.unique else VALUES[kind]
    lookups = {lookup: strategy(values) for lookup, strategy in ANY.items()}
    if column.unique:  # Relations to it have fewer lookups than columns.
        del lookups["range"]
        return _lookups(lookups)
    if kind == "BooleanField":
        lookups = {lookup: lookups[lookup] for lookup in ("", "in", "isnull")}
    if kind == "CharField":
        lookups |= dict.fromkeys(("contains", "startswith", "endswith"), st.sampled_from(values))
        upper = st.sampled_from(values).map(str.upper if ONE_VENDOR else str)
        lookups |= {"iexact": upper, "icontains": upper, "regex": st.sampled_from(["^a", "n$"])}
    if kind == "DateField":
        years, months = st.sampled_from([1999, 2000, 2001]), st.sampled_from([1, 7, 12])
        lookups |= {
            "year": years,
            "year__gt": years,
            "month": months,
            "month__in": st.lists(months, max_size=2),
        }
    return _lookups(lookups)


def _lookups(table: dict[str, st.SearchStrategy]) -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from(sorted(table)).flatmap(
        lambda lookup: st.tuples(st.just(lookup), table[lookup].map(_code))
    )


def _code(value: object) -> str:
    return repr(value).replace("datetime.", "")


ANY = {
    "": lambda values: st.sampled_from([*values, None]),
    "in": lambda values: st.lists(st.sampled_from([*values, None]), max_size=3),
    "isnull": lambda _: st.booleans(),
    "gt": st.sampled_from,
    "lte": st.sampled_from,
    "range": lambda values: st.lists(st.sampled_from(values), min_size=2, max_size=2),
}
JSON = {
    "isnull": st.booleans(),
    "has_key": st.sampled_from(["n", "s"]),
    "n": st.sampled_from([1, 2, 9]),
}
# They differ in what else they make of JSON: MariaDB loses an equality of texts that stands twice.
if ONE_VENDOR:
    JSON |= {
        "s": st.sampled_from(["a", "b"]),
        "n__gt": st.sampled_from([0, 1, 2]),
        "n__isnull": st.booleans(),
        "s__in": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        "s__startswith": st.sampled_from(["a", "b"]),
        "o__p": st.just(1),
        "l__0": st.sampled_from([1, 2]),
    }
