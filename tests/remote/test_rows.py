"""Several conditions on many rows: of one row in one ``filter()``, of any in two."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import Q, QuerySet

from crossdb_reference.exceptions import RemotePathError
from tests.library.models import Article, Comment
from tests.people.models import Person, Team
from tests.pickles import pickled
from tests.queries import queries
from tests.remote.data import LOW, counts, names, titles

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]

ON_LOW, ANTS, ASPS, BEES = (
    Q(articles__shelf__name="Low"),
    Q(articles__title="Ants"),
    Q(articles__title="Asps"),
    Q(articles__title="Bees"),
)
KNITTING, ROWING = Q(author__skills__name="knitting"), Q(author__skills__name="rowing")


class TestReverse:
    """The articles of a person."""

    @pytest.mark.parametrize(
        ("one", "two", "in_one", "in_two"),
        [
            (ANTS, ON_LOW, "Ann", "Ann"),
            (ASPS, ON_LOW, "", "Ann"),
            (ANTS, ASPS, "", "Ann"),
            (ANTS, BEES, "", ""),
            (ANTS | BEES, ON_LOW, "Ann", "Ann"),
            (ASPS | BEES, ON_LOW, "", "Ann"),
            (ASPS, Q(articles__editor__name="Bob"), "", "Ann"),
            (ANTS, Q(articles__editor__name="Bob"), "Ann", "Ann"),
            (ASPS, Q(age=40), "Ann", "Ann"),
            (ASPS | Q(age=60), ON_LOW, "", "Ann"),
            (ASPS | Q(age=60), Q(articles__isnull=False), "Ann", "Ann"),
            (Q(articles__isnull=True) | ASPS, Q(age__gt=30), "Ann Cid", "Ann Cid"),
        ],
    )
    def test_one_call_is_about_one_row_and_two_are_about_any(
        self, one: Q, two: Q, in_one: str, in_two: str
    ) -> None:
        """In either order, as arguments or as one ``Q``."""
        people = Person.objects
        assert names(people.filter(one, two)) == in_one
        assert names(people.filter(two, one)) == in_one
        assert names(people.filter(one & two)) == in_one
        assert names(people.filter(one).filter(two)) == in_two
        assert names(people.filter(two).filter(one)) == in_two
        assert names(people.filter(one).all().order_by("name").filter(two)) == in_two

    def test_exclude_is_about_any_row_each(self) -> None:
        """As Django says of ``exclude()`` over several rows."""
        people = Person.objects
        assert names(people.exclude(ASPS, ON_LOW)) == "Bob Cid"
        assert names(people.exclude(ASPS).exclude(ON_LOW)) == "Bob Cid"
        assert names(people.exclude(ANTS, BEES)) == "Ann Bob Cid"
        assert names(people.filter(ON_LOW).exclude(ASPS)) == ""
        assert names(people.filter(ANTS | BEES).exclude(ASPS)) == "Bob"
        assert names(people.exclude(ASPS).filter(articles__isnull=False)) == "Bob"

    def test_or(self) -> None:
        """Of conditions, and of querysets."""
        people = Person.objects
        assert names(people.filter(ANTS | BEES)) == "Ann Bob"
        assert names(people.filter(ANTS | Q(age=60))) == "Ann Cid"
        assert names(people.filter(~ANTS | ~BEES)) == "Ann Bob Cid"
        assert names(people.filter(~(ANTS | BEES))) == "Cid"
        assert names(people.filter(ANTS) | people.filter(BEES)) == "Ann Bob"
        assert names(people.filter(ANTS) | people.filter(age=60)) == "Ann Cid"
        assert names(people.filter(ANTS) & people.filter(ASPS)) == "Ann"
        assert names(people.filter(ASPS) & people.filter(ON_LOW)) == "Ann"
        assert names(people.filter(ASPS, ON_LOW) | people.filter(BEES)) == "Bob"
        assert names(people.filter(ASPS) & people.filter(age=20)) == ""

    def test_xor_with_conditions_of_another_database_is_refused(self) -> None:
        """Which row makes it true depends on both: what to write instead says which is meant."""
        with queries() as sent:
            for either in (ANTS ^ Q(age=40), Q(age=40) ^ ANTS, Q(age=1) ^ Q(age=40) ^ ~ANTS):
                with pytest.raises(RemotePathError) as caught:
                    list(Person.objects.filter(either))
                assert str(caught.value) == (
                    "A condition on many rows behind the reference library.Article.author stands in"
                    " a XOR (^) with conditions of another database. Write it out:"
                    " (a & ~b) | (~a & b)."
                )
        assert sent == {}
        people, old = Person.objects, Q(age__gte=40)
        assert names(people.filter((ANTS & ~old) | (~ANTS & old))) == "Cid"
        assert names(people.filter(ANTS & ~old) | people.filter(~ANTS & old)) == "Cid"
        assert titles(Article.objects.filter(Q(author__name="Ann") ^ Q(title="Ants"))) == "Asps"

    def test_behind_a_local_join(self) -> None:
        """The rows are those of a member, and the members those of a team."""
        teams = Team.objects
        same = teams.filter(members__name="Ann", members__articles__title="Ants")
        assert names(same) == "Red"
        assert names(teams.filter(members__name="Bob", members__articles__title="Ants")) == ""
        asps, low = Q(members__articles__title="Asps"), Q(members__articles__shelf=LOW)
        assert names(teams.filter(asps, low)) == ""
        assert names(teams.filter(asps).filter(low)) == "Red"

    def test_more_rows_behind_the_source(self, ann: Person, bob: Person) -> None:
        """Comments of articles: the path has many rows twice."""
        ants, asps = Article.objects.filter(author=ann).order_by("title")
        for article, author in ((ants, bob), (ants, ann), (asps, ann)):
            Comment.objects.create(article=article, author=author)
        people = Person.objects
        by_bob, by_ann = Q(articles__comments__author=bob), Q(articles__comments__author=ann)
        assert names(people.filter(by_ann)) == "Ann"
        assert names(people.filter(by_bob, ASPS)) == ""
        assert names(people.filter(by_bob).filter(ASPS)) == "Ann"
        assert names(people.filter(by_bob, by_ann)) == ""
        assert names(people.filter(by_bob).filter(by_ann)) == "Ann"
        assert names(people.filter(articles__comments__isnull=True)) == "Bob Cid"
        assert names(people.exclude(by_bob)) == "Bob Cid"


class TestForward:
    """The skills of an author."""

    @pytest.mark.parametrize(
        ("one", "two", "in_one", "in_two"),
        [
            (KNITTING, ROWING, "", "Ants Asps"),
            (ROWING, Q(author__name="Bob"), "Bees", "Bees"),
            (KNITTING | ROWING, Q(author__skills__name__startswith="r"), *2 * ["Ants Asps Bees"]),
            (KNITTING, Q(title="Ants"), "Ants", "Ants"),
            (KNITTING | Q(title="Bees"), ROWING, "Bees", "Ants Asps Bees"),
            (KNITTING, Q(editor__skills__name="rowing"), "Ants", "Ants"),
        ],
    )
    def test_one_call_is_about_one_row_and_two_are_about_any(
        self, one: Q, two: Q, in_one: str, in_two: str
    ) -> None:
        """In either order; nobody's article twice."""
        articles = Article.objects
        assert titles(articles.filter(one, two)) == in_one
        assert titles(articles.filter(two, one)) == in_one
        assert titles(articles.filter(one & two)) == in_one
        assert titles(articles.filter(one).filter(two)) == in_two
        assert titles(articles.filter(two).filter(one)) == in_two
        assert titles(articles.filter(one) & articles.filter(two)) == in_two

    def test_of_a_single_row_both_are_the_same(self) -> None:
        """An author has one name."""
        young, bobs = Q(author__age__lt=30), Q(author__name="Bob")
        for found in (
            Article.objects.filter(young, bobs),
            Article.objects.filter(young).filter(bobs),
            Article.objects.filter(young) & Article.objects.filter(bobs),
        ):
            with queries() as sent:
                assert titles(found) == "Bees"
            assert counts(sent) == {"people": 1, "default": 1}

    def test_exclude(self) -> None:
        """Those without such a row; the dangling key among them."""
        articles = Article.objects
        assert titles(articles.exclude(KNITTING)) == "Bees Cats"
        assert titles(articles.exclude(KNITTING, ROWING)) == "Bees Cats"
        assert titles(articles.exclude(KNITTING | ROWING)) == "Cats"
        assert titles(articles.exclude(KNITTING).exclude(title="Cats")) == "Bees"
        assert titles(articles.filter(~KNITTING & ROWING)) == "Bees"
        assert titles(articles.filter(ROWING).exclude(KNITTING)) == "Bees"


def from_pickled_query(people: QuerySet[Any]) -> QuerySet[Any]:
    """Return a queryset with a copy of the query, as another process gets it."""
    again = Person.objects.all()
    again.query = pickled(people.query)
    return again


CHAINS: list[Callable[[QuerySet[Any]], QuerySet[Any]]] = [
    lambda people: people,
    lambda people: people.all(),
    lambda people: people.order_by("-name"),
    lambda people: people.distinct(),
    lambda people: people.annotate(n=Q(age=1)),
    lambda people: people.select_related("team"),
    lambda people: people.only("name"),
    lambda people: people.using("people"),
    lambda people: people.filter(age__gt=0),
    lambda people: people.exclude(name="Eve"),
    copy.copy,
    copy.deepcopy,
    from_pickled_query,
    lambda people: people | people.none(),
    lambda people: people & people.all(),
]


class TestChains:
    """What is done between two calls does not tie their rows together, nor tear one call apart."""

    @pytest.mark.parametrize("chain", CHAINS)
    def test_rows_stay_as_they_were(self, chain: Callable[[QuerySet[Any]], QuerySet[Any]]) -> None:
        """Before, between and after."""
        assert names(chain(Person.objects.all()).filter(ASPS, ON_LOW)) == ""
        assert names(chain(Person.objects.filter(ASPS, ON_LOW))) == ""
        assert names(chain(Person.objects.filter(ANTS, ON_LOW))) == "Ann"
        assert names(chain(Person.objects.filter(ASPS)).filter(ON_LOW)) == "Ann"
        assert names(chain(chain(Person.objects.filter(ASPS)).filter(ON_LOW))) == "Ann"

    def test_a_queryset_that_two_are_made_of_is_neither(self) -> None:
        """Chains are copies."""
        base = Person.objects.filter(ASPS)
        low, bees = base.filter(ON_LOW), base.filter(BEES)
        assert (names(base), names(low), names(bees)) == ("Ann", "Ann", "")
        assert names(low | bees) == "Ann"
        assert names(base.filter(ON_LOW | BEES)) == "Ann"

    def test_after_a_slice(self) -> None:
        """It can be an inner queryset, and is sliced after the filter."""
        first = Person.objects.filter(articles__isnull=False).order_by("name")[:1]
        assert names(first) == "Ann"
        assert titles(Article.objects.filter(author__in=first)) == "Ants Asps"
        assert names(Person.objects.filter(pk__in=Person.objects.filter(ASPS).filter(ON_LOW))) == (
            "Ann"
        )
        assert names(Person.objects.filter(pk__in=Person.objects.filter(ASPS, ON_LOW))) == ""

    def test_a_pickled_queryset_has_its_rows_and_its_query(self) -> None:
        """Its query runs anew in another process."""
        found = Person.objects.filter(ASPS).filter(ON_LOW)
        again = pickled(found)
        with queries() as sent:
            assert names(again) == "Ann"
        assert sent == {}
        assert names(again.all()) == "Ann"


class TestEntangled:
    """Rows behind a reference, mixed with local conditions in the ``OR`` of one call."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ((ANTS | Q(age=40)) & ON_LOW, "Ann"),
            ((ASPS | Q(age=40)) & ON_LOW, "Ann"),
            ((ASPS | Q(age=20)) & ON_LOW, ""),
            ((ASPS | Q(age=20)) & BEES, "Bob"),
            ((ASPS | (Q(age=20) & BEES)) & Q(articles__shelf__isnull=True), "Bob"),
            ((ANTS | Q(age=20)) & (ON_LOW | Q(name="Bob")), "Ann Bob"),
        ],
    )
    def test_the_row_is_one(self, condition: Q, expected: str) -> None:
        """Whichever way the local conditions turn out."""
        assert names(Person.objects.filter(condition)) == expected

    def test_too_many_are_refused(self) -> None:
        """With what to do instead."""
        local = [Q(age=age) | Q(articles__title=str(age)) for age in range(6)]
        few = Person.objects.filter(*local[:5], ON_LOW)
        assert names(few) == ""
        with queries() as sent, pytest.raises(RemotePathError) as caught:
            list(Person.objects.filter(*local, ON_LOW))
        assert str(caught.value) == (
            "Conditions on many rows behind the reference library.Article.author are mixed with"
            " more than 5 local conditions in the OR of one filter(). Put them into filter() calls"
            " of their own, or ask for the keys first."
        )
        assert sent == {}
        apart = Person.objects.all()
        for condition in local:
            apart = apart.filter(condition)
        assert names(apart) == ""
