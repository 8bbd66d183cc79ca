"""``Article.objects.filter(author__name="Ann")``: paths from the source into the target."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Q
from django.utils import timezone

from tests.library.models import (
    Account,
    Article,
    Comment,
    Draft,
    Event,
    EventNote,
    Everything,
    Review,
    Shelf,
)
from tests.people.models import Employee, Person, UUIDKey
from tests.queries import queries
from tests.remote.data import NOBODY, counts, titles
from tests.twins.apart import models as apart

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]


class TestLookups:
    """Every lookup and transform that the target's field has."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"author__name": "Ann"}, "Ants Asps"),
            ({"author__name__exact": "Bob"}, "Bees"),
            ({"author__name": "Eve"}, ""),
            ({"author__name__iexact": "Ann"}, "Ants Asps"),
            ({"author__name__contains": "o"}, "Bees"),
            ({"author__name__icontains": "nn"}, "Ants Asps"),
            ({"author__name__startswith": "B"}, "Bees"),
            ({"author__name__iendswith": "nn"}, "Ants Asps"),
            ({"author__name__regex": "^[AB].[bn]$"}, "Ants Asps Bees"),
            ({"author__name__in": ["Ann", "Eve"]}, "Ants Asps"),
            ({"author__name__in": []}, ""),
            ({"author__age__gt": 20}, "Ants Asps"),
            ({"author__age__gte": 20}, "Ants Asps Bees"),
            ({"author__age__lt": 40}, "Bees"),
            ({"author__age__lte": "20"}, "Bees"),
            ({"author__age__range": (30, 50)}, "Ants Asps"),
            ({"author__name__isnull": False}, "Ants Asps Bees"),
            ({"author__email__endswith": "@example.org"}, "Ants Asps Bees"),
            ({"author__name__contains": "%"}, ""),
            ({"author__name__contains": "'"}, ""),
            # The target's own relations.
            ({"author__team__name": "Red"}, "Ants Asps"),
            ({"author__team__name__in": ["Red", "Blue"]}, "Ants Asps Bees"),
            ({"author__skills__name": "rowing"}, "Ants Asps Bees"),
            ({"author__skills__name__startswith": "knit"}, "Ants Asps"),
            ({"author__team__members__name": "Bob"}, "Bees"),
            ({"author__team__isnull": False}, "Ants Asps Bees"),
            ({"editor__team__isnull": False}, "Ants"),
            ({"editor__skills__isnull": False}, "Ants"),
            ({"editor__name": "Bob"}, "Ants"),
        ],
    )
    def test_find_what_a_foreign_key_would(self, condition: dict[str, Any], expected: str) -> None:
        """One query on the target's database, then one on the source's if there are any keys."""
        with queries() as sent:
            assert titles(Article.objects.filter(**condition)) == expected
        empty = condition == {"author__name__in": []}
        assert counts(sent) == ({} if empty else {"people": 1}) | (
            {"default": 1} if expected else {}
        )

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"editor__name": None}, "Asps Cats"),
            ({"editor__name__isnull": True}, "Asps Cats"),
            ({"editor__name__isnull": False}, "Ants Bees"),
            ({"editor__team": None}, "Asps Bees Cats"),
            ({"editor__team__name__isnull": True}, "Asps Bees Cats"),
            ({"editor__skills": None}, "Asps Bees Cats"),
            ({"editor__skills__name__isnull": True}, "Asps Bees Cats"),
            ({"editor__skills__isnull": True, "editor__isnull": False}, "Bees"),
        ],
    )
    def test_no_target_is_null_in_all_its_columns(
        self, condition: dict[str, Any], expected: str
    ) -> None:
        """As in the outer join that Django makes of it."""
        assert titles(Article.objects.filter(**condition)) == expected
        rest = " ".join(t for t in ["Ants", "Asps", "Bees", "Cats"] if t not in expected)
        assert titles(Article.objects.exclude(**condition)) == rest

    @pytest.mark.parametrize(
        "condition",
        [
            {"user__date_joined__year": 2024},
            {"user__date_joined__year__gt": 2023},
            {"user__date_joined__date": dt.date(2024, 2, 29)},
            {"user__date_joined__date__range": (dt.date(2024, 2, 1), dt.date(2024, 3, 1))},
            {"user__date_joined__gt": dt.datetime(2024, 2, 1, tzinfo=dt.UTC)},
            {"user__date_joined__month": 2},
            {"user__date_joined__week_day__in": [5]},
            {"user__date_joined__hour__gte": 12},
            {"user__date_joined__time": dt.time(13, 30)},
            {"user__last_login__isnull": False},
            {"user__groups__name": "staff"},
            {"user__is_active": False},
        ],
    )
    def test_dates_and_times(self, condition: dict[str, Any]) -> None:
        """With the transforms that a path goes through."""
        moment = dt.datetime(2024, 2, 29, 13, 30, tzinfo=dt.UTC)
        ann = User.objects.create(
            username="ann", date_joined=moment, last_login=moment, is_active=False
        )
        ann.groups.add(Group.objects.create(name="staff"))
        bob = User.objects.create(
            username="bob", date_joined=dt.datetime(2023, 1, 1, 1, 1, tzinfo=dt.UTC)
        )
        found = Account.objects.create(user=ann)
        Account.objects.create(user=bob)
        Account.objects.create()
        with timezone.override("UTC"):
            assert list(Account.objects.filter(**condition)) == [found]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"customer__data__city": "Rome"}, "one"),
            ({"customer__data__city__startswith": "R"}, "one"),
            ({"customer__data__address__number": 7}, "two"),
            ({"customer__data__address__number__gt": 5}, "two"),
            ({"customer__data__tags__0": "x"}, "two"),
            ({"customer__data__has_key": "tags"}, "two"),
            ({"customer__data__has_any_keys": ["tags", "city"]}, "one two"),
            ({"customer__data": {"city": "Rome"}}, "one"),
            ({"customer__data__isnull": True}, "three"),
            ({"customer__data__city__isnull": True}, "three two"),
        ],
    )
    def test_keys_of_json(self, condition: dict[str, Any], expected: str) -> None:
        """A path goes on into the value."""
        country = apart.Country.objects.create(code="IT")
        club = apart.Team.objects.create()
        for title, data in (
            ("one", {"city": "Rome"}),
            ("two", {"address": {"number": 7}, "tags": ["x", "y"]}),
            ("three", None),
        ):
            customer = apart.Customer.objects.create(data=data, club=club, birthplace=country)
            apart.Order.objects.create(title=title, customer=customer)
        with queries() as sent:
            assert titles(apart.Order.objects.filter(**condition)) == expected
        assert counts(sent) == {"people": 1, "default": 1}


class TestKeys:
    """What the column itself can tell never goes to the other database."""

    @pytest.mark.parametrize(
        "condition",
        [
            lambda ann: Q(author__pk=ann.pk),
            lambda ann: Q(author__id=ann),
            lambda ann: Q(author__id__in=[ann.pk, 2**70]),
            lambda ann: Q(author__pk__in=[ann]),
            lambda ann: Q(author__pk__lte=ann.pk),
            lambda ann: Q(author__pk__range=(ann.pk, ann.pk)),
            lambda ann: Q(author__isnull=False, author=ann),
            lambda ann: ~Q(author__isnull=True) & ~Q(author__gt=ann.pk),
        ],
    )
    def test_are_local(self, ann: Person, condition: Callable[[Person], Q]) -> None:
        """One query, on the source's database."""
        with queries() as sent:
            assert titles(Article.objects.filter(condition(ann))) == "Ants Asps"
        assert counts(sent) == {"default": 1}

    def test_of_every_kind_lead_to_their_target(self) -> None:
        """UUIDs, texts, and the unique field that ``to_field`` names."""
        uuid = UUIDKey.objects.create(name="a")
        eve = Employee.objects.create(name="Eve", email="eve@example.org", salary=9)
        source = Everything.objects.create(
            uuid=uuid, email=eve, employee=eve, adult_id=eve.pk, number_id=5
        )
        Everything.objects.create(uuid_id=UUIDKey().pk, email_id="nobody", employee_id=NOBODY)
        for condition in (
            Q(uuid__name="a"),
            Q(email__name="Eve"),
            Q(email__pk=eve.pk),
            Q(email__employee__salary=9),
            Q(employee__salary=9),
            Q(employee__name="Eve"),
            Q(employee__person_ptr__name="Eve"),
            Q(adult__name__startswith="E"),
        ):
            with queries() as sent:
                assert Everything.objects.get(condition) == source
            assert counts(sent) == {"people": 1, "default": 1}


class TestLocalRelations:
    """Ordinary relations before the reference, and other references beside it."""

    @pytest.fixture(autouse=True)
    def comments(self, bob: Person) -> None:
        """Bob comments on Ants, twice, and Ann's other article gets a review."""
        ants = Article.objects.get(title="Ants")
        for _ in range(2):
            Comment.objects.create(article=ants, author=bob)

    def test_before_the_reference(self) -> None:
        """A foreign key forwards, backwards, and a parent of multi-table inheritance."""
        with queries() as sent:
            assert Comment.objects.filter(article__author__name="Ann").count() == 2
            assert not Comment.objects.filter(article__author__name="Bob").exists()
        assert counts(sent) == {"people": 2, "default": 2}
        assert [s.name for s in Shelf.objects.filter(articles__author__name="Ann")] == [
            "Low",
            "High",
        ]
        assert [s.name for s in Shelf.objects.exclude(articles__author__name="Bob")] == [
            "Low",
            "High",
        ]
        assert [s.name for s in Shelf.objects.exclude(articles__editor__name="Bob")] == ["High"]
        event = Event.objects.create(actor=Person.objects.get(name="Ann"), name="x")
        note = EventNote.objects.create(event=event)
        assert EventNote.objects.get(event__actor__team__name="Red") == note

    def test_in_a_child_and_a_proxy_of_the_source(self, ann: Person, bob: Person) -> None:
        """References are inherited."""
        review = Review.objects.create(title="Rats", author=ann, critic=bob)
        assert Review.objects.get(author__name="Ann", critic__name="Bob") == review
        assert not Review.objects.filter(author__name="Bob").exists()
        assert titles(Article.objects.filter(review__critic__name="Bob")) == "Rats"
        assert titles(Draft.objects.filter(author__name="Bob")) == "Bees"

    def test_two_references_are_two_conditions(self) -> None:
        """Even to one model: they are about different rows of it."""
        with queries() as sent:
            found = Article.objects.filter(author__name="Ann", editor__name="Bob")
            assert titles(found.filter(shelf__name="Low")) == "Ants"
        assert counts(sent) == {"people": 2, "default": 1}
        assert titles(Article.objects.filter(Q(author__age=40) | Q(editor__age=60))) == (
            "Ants Asps Bees"
        )
        comments = Comment.objects.filter(author__name="Bob", article__author__name="Ann")
        assert comments.count() == 2

    def test_after_distinct_and_joins_rows_are_as_many_as_sql_says(self) -> None:
        """A join of this database repeats rows, as ever; the reference does not."""
        found = Article.objects.filter(comments__author__name="Bob")
        assert titles(found) == "Ants Ants"
        assert titles(found.distinct()) == "Ants"
