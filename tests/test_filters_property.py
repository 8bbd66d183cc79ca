r"""Filters through references find what the same filters through foreign keys find.

Hypothesis draws filters over the same rows twice: in one database with foreign keys, asked with
``distinct()``, and in three databases with references. ``tests.twins`` has the models, the rows and
the filters; those are Python code, so that a failure names one that a person can read and paste.

A few hundred are drawn, the same in every run. For a longer run, of other ones each time::

    CROSSDB_PAIR=postgres-postgres CROSSDB_FILTERS=10000 \
        python -m pytest -n 3 tests/test_filters_property.py

Where Django itself does not find what a filter says, references may find that or the same as it:
``tests.twins.meaning`` has the cases, and works out what is said. Where it errs in what references
leave to it, ``tests.twins.spelt`` says the same in other words; that must stay rare.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from hypothesis import HealthCheck, Phase, given, reject, seed, settings

from crossdb_reference.exceptions import RemotePathError
from tests.queries import queries
from tests.twins.apart import models as apart
from tests.twins.filters import Filter, filters
from tests.twins.joined import models as joined
from tests.twins.meaning import meaning
from tests.twins.memory import Memory
from tests.twins.rows import populate
from tests.twins.spelt import spelt_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

pytestmark = pytest.mark.django_db(databases="__all__")

LONG = int(os.environ.get("CROSSDB_FILTERS", "0"))
ROWS = [1, 2, 3]
"""The seeds of the sets of rows; each test asks each of them."""

REFUSALS = ("stands in a XOR (^)", "are mixed with more than")
NAMES = {thing.__name__: thing for thing in (Case, Count, Exists, OuterRef, Q, Value, When, date)}
WITHOUT_DEPENDENTS = (apart.Line, apart.Account, apart.Card, apart.Phone)


@pytest.fixture(params=ROWS)
def rows(request: pytest.FixtureRequest) -> int:
    """Create the rows of a seed in both twins."""
    for app in ("joined", "apart"):
        populate(app, request.param)
    return request.param


def search(
    check: Callable[[Filter], None],
    rows: int,
    *,
    filters_in_all: int = 300,
    phases: Sequence[Phase] = (Phase.generate, Phase.shrink),
) -> None:
    """Call ``check`` with the share of the filters that this set of rows gets."""
    examples = settings(
        max_examples=(LONG or filters_in_all) // len(ROWS),
        phases=phases,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    test = examples(given(filters())(check))
    (test if LONG else seed(rows)(test))()


def evaluate(code: str, twins: ModuleType) -> QuerySet[Any]:
    """Return the queryset that ``code`` makes of the models of one twin."""
    return eval(code, NAMES | vars(twins))  # noqa: S307 (code that tests.twins.filters wrote)


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block writes; after an error the connections can go on."""
    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(transaction.atomic(alias))
        yield
        for alias in connections:
            transaction.set_rollback(True, alias)


def keys(queryset: QuerySet[Any]) -> list[Any]:
    """Return the keys of the rows found."""
    with undone():
        return sorted(queryset.values_list("pk", flat=True))


@contextmanager
def but_refusals() -> Iterator[None]:
    """Leave out the filters that references refuse, with reasons, and foreign keys do not."""
    try:
        yield
    except RemotePathError as error:
        if not any(reason in str(error) for reason in REFUSALS):
            raise
        reject()


def explained(queryset: QuerySet[Any]) -> str:
    """Return the queries sent, for a person to read."""
    with queries() as sent, suppress(DatabaseError):
        keys(queryset)
    return "\n".join(
        f"{alias}: {sql}"
        for alias, statements in sent.items()
        for sql in statements
        if "SAVEPOINT" not in sql
    )


def found_by(queryset: QuerySet[Any], drawn: Filter) -> list[Any]:
    """Return the keys of the rows found, each as often as it must not be repeated."""
    found = keys(queryset)
    return sorted(set(found)) if drawn.repeats else found


def assert_agree(drawn: Filter, one: QuerySet[Any], other: QuerySet[Any], memory: Memory) -> bool:
    """Assert that both find the same rows, and ``other`` each once.

    Return whether Django's slip in the part that references leave to it had to be left out.
    """
    try:
        expected = keys(one.distinct())
    except DatabaseError as error:
        expected = [error]
    try:
        found = found_by(other, drawn)
    except DatabaseError as error:
        found = [error]
    said = expected if found == expected else meaning(drawn.code, memory)
    if found != said and other.model.__module__ == apart.__name__:
        in_other_words = evaluate(spelt_out(drawn.code), apart)
        if found_by(in_other_words, drawn) == said:
            return True
    assert found == said, (
        f"{drawn}\n\nthe filter says {said}\n\n"
        f"joined: {expected}\n{explained(one)}\n\napart: {found}\n{explained(other)}"
    )
    return False


def test_find_the_same_rows(rows: int) -> None:
    """Each row once, unless a local relation before any reference repeats it."""
    memory = Memory("joined")
    slips = []

    def check(drawn: Filter) -> None:
        with but_refusals():
            joins, references = (evaluate(drawn.code, twins) for twins in (joined, apart))
            slips.append(assert_agree(drawn, joins, references, memory))

    search(check, rows)
    assert sum(slips) <= 1 + len(slips) / 500


@pytest.mark.parametrize(
    "code",
    [
        """Line.objects.annotate(flag=Case(
            When(~(~Q(origin__region=301) | Q(origin__region=302)), then=Value(1)),
            default=Value(0))).filter(flag=0)""",
        """Customer.objects.annotate(flag=Case(
            When(~(~Q(country__depot=101) & Q(country__depot=None)), then=Value(1)),
            default=Value(0))).filter(flag=0)""",
        """Order.objects.filter(~(Q(payer=None) & Q(payer__active__isnull=True)
            & ~Q(payer__born__lte=date(2001, 1, 1))))""",
        "Order.objects.exclude(payer__orders__children__in=[None])",
        "Account.objects.filter(~(Q(customer__sponsored__email__in=[None]) & Q(pk=1202)))",
        """Order.objects.annotate(flag=Count(
            "pk", filter=Q(customer__in=Customer.objects.filter(pk=1)))).filter(flag=0)""",
        "Line.objects.filter(~Q(order__customer__card__kind__in=[None]))",
        "Customer.objects.filter(Q(orders__children=1001) | ~Q(orders__children__isnull=True))",
        """Account.objects.filter(~Q(customer__orders=1001)).exclude(
            Q(customer__orders=1001) | ~Q(customer__orders=1001))""",
        """Customer.objects.annotate(flag=Case(When(~Q(account__customer__data__s="a"),
            then=Value(1)), default=Value(0))).filter(flag=0)""",
        """Line.objects.annotate(flag=Case(When(Q(origin__depot=101) & Q(origin__depot__in=
            Shelf.objects.filter(~Q(orders__isnull=True))), then=Value(1)), default=Value(0))
            ).filter(flag=0)""",
        """Customer.objects.filter(Q(orders__customer__orders=1001)
            & ~Q(orders__customer__orders=Order.objects.get(id=1002)))""",
        "Customer.objects.filter(Q(orders__children__shelf=101) & ~Q(orders__children__shelf=102))",
        "Customer.objects.filter(Q(orders__agent='m803') & ~Q(orders__agent=None))",
        "Customer.objects.filter(Q(orders=1002)).filter(Q(orders__gt=1001) & ~Q(orders=1002))",
    ],
)
def test_what_was_once_wrong(rows: int, code: str) -> None:  # noqa: ARG001 (they are there)
    """Filters that a search found, before they were right."""
    assert keys(evaluate(code, apart)) == keys(evaluate(code, joined).distinct())


@pytest.mark.usefixtures("rows")
def test_in_other_words_django_finds_what_is_meant() -> None:
    """Of a filter that a search found: Django errs in what references leave to it."""
    memory = Memory("joined")
    code = """Line.objects.filter(~((~Q(order__children=1001)
        & Q(spare__shelf__countries=Country.objects.get(code='aa'))) & Q(order__children=1002)))"""
    for twins in (joined, apart):
        assert keys(evaluate(spelt_out(code), twins).distinct()) == meaning(code, memory)


def test_other_uses_of_a_filter_agree_with_its_rows(rows: int) -> None:
    """``count()``, ``exists()``, a subquery, ``update()`` and ``delete()``."""

    def check(drawn: Filter) -> None:
        # An empty part ends a query before a refused one is met, and a subquery not.
        with but_refusals():
            agree(evaluate(drawn.code, apart), drawn.code)

    def agree(queryset: QuerySet[Any], code: str) -> None:
        found = keys(queryset)
        model, alias = queryset.model, queryset.db
        column = next(f.name for f in model._meta.concrete_fields if not f.is_relation)
        with undone():
            assert queryset.count() == len(found)
            assert queryset.exists() == bool(found)
            assert keys(model.objects.filter(pk__in=queryset)) == sorted(set(found))
            # Django cannot write what an aggregate selects, or on MySQL the same table.
            if "Count" in code or connections[alias].vendor == "mysql":
                return
            assert queryset.update(**{column: F(column)}) == len(set(found))
            if issubclass(model, WITHOUT_DEPENDENTS):
                assert queryset.delete()[0] == len(set(found))

    search(check, rows, filters_in_all=100)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("~Q", "Q"), ("&", "|"), ("exclude", "filter"), ("payer", "customer"), ("None", "0")],
)
def test_a_wrong_answer_is_noticed(right: str, wrong: str) -> None:
    """The search is no formality: with the filters of one side changed, it fails."""
    populate("joined", 1)
    memory = Memory("joined")

    def check(drawn: Filter) -> None:
        one, other = (
            evaluate(code, joined) for code in (drawn.code, drawn.code.replace(right, wrong))
        )
        assert_agree(drawn, one, other, memory)

    with pytest.raises(AssertionError):
        search(check, 1, filters_in_all=3000, phases=[Phase.generate])
