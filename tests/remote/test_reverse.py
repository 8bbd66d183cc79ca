"""``Person.objects.filter(articles__title="Ants")``: paths from the target to its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import FieldError
from django.db.models import Q

from crossdb_reference.exceptions import ReferenceValueError
from tests.library.models import (
    Account,
    Article,
    Car,
    Comment,
    Draft,
    Event,
    EventNote,
    Everything,
    Review,
    Shelf,
)
from tests.people.keys import Badge
from tests.people.models import (
    Adult,
    BadgeKey,
    Country,
    Employee,
    Person,
    Profile,
    Team,
    TextKey,
    VisitorKey,
)
from tests.queries import queries
from tests.remote.data import ANN, ANTS, ASPS, BEES, CATS, CID, LOW, NOBODY, counts, names

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]


class TestPaths:
    """From a person to articles, and on from there."""

    @pytest.mark.parametrize(
        ("condition", "expected", "rest"),
        [
            ({"articles__title": "Ants"}, "Ann", "Bob Cid"),
            ({"articles__title": "Cats"}, "", "Ann Bob Cid"),
            ({"articles__title__startswith": "A"}, "Ann", "Bob Cid"),
            ({"articles__title__in": ["Ants", "Asps", "Bees"]}, "Ann Bob", "Cid"),
            ({"articles__title__gt": "Asps"}, "Bob", "Ann Cid"),
            ({"articles__shelf__name": "Low"}, "Ann", "Bob Cid"),
            ({"articles__shelf": LOW}, "Ann", "Bob Cid"),
            ({"articles__shelf_id": LOW}, "Ann", "Bob Cid"),
            ({"articles": BEES}, "Bob", "Ann Cid"),
            ({"articles": str(BEES)}, "Bob", "Ann Cid"),
            ({"articles__exact": BEES}, "Bob", "Ann Cid"),
            ({"articles__pk": BEES}, "Bob", "Ann Cid"),
            ({"articles__id": BEES}, "Bob", "Ann Cid"),
            ({"articles": CATS}, "", "Ann Bob Cid"),
            ({"articles": NOBODY}, "", "Ann Bob Cid"),
            ({"articles": 2**70}, "", "Ann Bob Cid"),
            ({"articles__in": [ANTS, ASPS, CATS]}, "Ann", "Bob Cid"),
            ({"articles__in": [ANTS, BEES]}, "Ann Bob", "Cid"),
            ({"articles__in": []}, "", "Ann Bob Cid"),
            ({"articles__pk__in": [ANTS, BEES]}, "Ann Bob", "Cid"),
            ({"articles__gt": ASPS}, "Bob", "Ann Cid"),
            ({"articles__range": (ANTS, ASPS)}, "Ann", "Bob Cid"),
            ({"articles__isnull": True}, "Cid", "Ann Bob"),
            ({"articles__isnull": False}, "Ann Bob", "Cid"),
            ({"articles": None}, "Cid", "Ann Bob"),
            ({"articles__pk__isnull": True}, "Cid", "Ann Bob"),
            ({"articles__title__isnull": True}, "Cid", "Ann Bob"),
            ({"articles__shelf": None}, "Bob Cid", "Ann"),
            ({"articles__shelf__isnull": True}, "Bob Cid", "Ann"),
            ({"articles__shelf__isnull": False}, "Ann", "Bob Cid"),
            ({"articles__editor": None}, "Ann Cid", "Bob"),
            ({"articles__editor__isnull": False}, "Ann Bob", "Cid"),
            ({"articles__editor": CID}, "Bob", "Ann Cid"),
            ({"articles__author": ANN}, "Ann", "Bob Cid"),
            ({"edited__title": "Ants"}, "Bob", "Ann Cid"),
            ({"edited__isnull": True}, "Ann", "Bob Cid"),
            ({"edited": ANTS}, "Bob", "Ann Cid"),
        ],
    )
    def test_find_what_a_foreign_key_would(
        self, condition: dict[str, Any], expected: str, rest: str
    ) -> None:
        """``filter()`` any row, ``exclude()`` those without such a row; nobody twice."""
        assert names(Person.objects.filter(**condition)) == expected
        assert names(Person.objects.exclude(**condition)) == rest
        assert names(Person.objects.filter(~Q(**condition))) == rest

    def test_ask_the_sources_first(self, ann: Person) -> None:
        """Then the targets, if there are any."""
        with queries() as sent:
            assert names(Person.objects.filter(articles__title="Ants")) == "Ann"
        assert counts(sent) == {"default": 1, "people": 1}
        with queries() as sent:
            assert names(Person.objects.filter(articles__title="Bats")) == ""
        assert counts(sent) == {"default": 1}
        Event.objects.create(actor=ann, name="login")
        with queries() as sent:
            assert names(Person.objects.filter(events__name="login")) == "Ann"
        assert counts(sent) == {"archive": 1, "people": 1}

    def test_go_on_through_other_references(self, ann: Person, cid: Person) -> None:
        """Back to people, and from there to their sources."""
        with queries() as sent:
            assert names(Person.objects.filter(articles__editor__name="Cid")) == "Bob"
        assert counts(sent) == {"people": 2, "default": 1}
        assert names(Person.objects.filter(articles__editor__team__name="Blue")) == "Ann"
        assert names(Person.objects.filter(articles__editor__articles__title="Bees")) == "Ann"
        assert names(Person.objects.exclude(articles__editor__name="Cid")) == "Ann Cid"
        event = Event.objects.create(actor=cid, name="login")
        EventNote.objects.create(event=event, text="late")
        assert names(Person.objects.filter(events__notes__text="late")) == "Cid"
        assert names(Person.objects.filter(articles__editor__events__notes__text="late")) == "Bob"
        article = Article.objects.get(title="Bees")
        comment = Comment.objects.create(article=article, author=ann)
        Comment.objects.create(article=article, author=cid, reply_to=comment)
        assert names(Person.objects.filter(comment__article__title="Bees")) == "Ann Cid"
        assert names(Person.objects.filter(comment__reply_to__author__name="Ann")) == "Cid"
        assert names(Person.objects.filter(articles__comments__author__name="Cid")) == "Bob"

    def test_start_behind_local_relations(self) -> None:
        """The join is of the target's database, and repeats its rows as ever."""
        teams = Team.objects.order_by("name")
        with queries() as sent:
            assert names(teams.filter(members__articles__title="Ants")) == "Red"
        assert counts(sent) == {"default": 1, "people": 1}
        assert names(teams.filter(members__articles__isnull=False)) == "Blue Red"
        assert names(teams.exclude(members__articles__title="Ants")) == "Blue"
        assert names(teams.filter(members__edited__isnull=True)) == "Red"
        Person.objects.create(name="Dan", email="d", team=Team.objects.get(name="Red"))
        assert names(teams.filter(members__articles__isnull=True)) == "Red"
        assert names(Person.objects.filter(team__members__articles__title="Ants")) == "Ann Dan"

    def test_a_queryset_of_sources(self) -> None:
        """A subquery of their database, filtered as it likes."""
        low = Article.objects.filter(shelf__name="Low")
        with queries() as sent:
            assert names(Person.objects.filter(articles__in=low)) == "Ann"
        assert counts(sent) == {"default": 1, "people": 1}
        assert names(Person.objects.exclude(articles__in=low)) == "Bob Cid"
        assert names(Person.objects.filter(articles__in=low.using("default"))) == "Ann"
        assert names(Person.objects.filter(articles__in=low.values("pk"))) == "Ann"
        assert names(Person.objects.filter(articles=low.order_by("title")[:1])) == "Ann"
        assert names(Person.objects.filter(articles__in=low.filter(author__name="Bob"))) == ""
        shelves = Shelf.objects.filter(name="Low")
        assert names(Person.objects.filter(articles__shelf__in=shelves)) == "Ann"

    @pytest.mark.parametrize(
        "value",
        [
            lambda bees: {"articles": bees},
            lambda bees: {"articles__exact": bees},
            lambda bees: {"articles__pk": bees},
            lambda bees: {"articles__in": [bees]},
            lambda bees: {"articles__in": (bees, CATS)},
            lambda bees: {"articles__in": {bees}},
            lambda bees: {"articles__in": frozenset([bees])},
            lambda bees: {"articles__in": (each for each in [bees])},
            lambda bees: {"articles__pk__in": [bees]},
            lambda _: {"articles": Draft.objects.get(title="Bees")},
            lambda _: {"articles__in": Draft.objects.filter(title="Bees")},
        ],
    )
    def test_sources_stand_for_their_keys(self, value: Callable[[Article], Any]) -> None:
        """One, or a collection of them; a proxy too."""
        bees = Article.objects.get(title="Bees")
        assert names(Person.objects.filter(**value(bees))) == "Bob"

    @pytest.mark.parametrize(
        "condition",
        [
            lambda ann: {"articles": ann},
            lambda ann: {"articles__in": [ann]},
            lambda _: {"articles__in": Person.objects.all()},
            lambda _: {"articles__in": Shelf.objects.all()},
            lambda _: {"articles": Shelf(pk=1)},
        ],
    )
    def test_objects_of_other_models_are_refused(
        self, ann: Person, condition: Callable[[Person], Any]
    ) -> None:
        """Their keys would compare by chance."""
        with queries() as sent, pytest.raises(ValueError, match="Article"):
            list(Person.objects.filter(**condition(ann)))
        assert sent == {}

    def test_an_unsaved_source_is_refused(self) -> None:
        """It has no key, and ``None`` would mean: no article."""
        with pytest.raises(ValueError, match="Article"):
            list(Person.objects.filter(articles=Article(title="new")))


class TestOneToOne:
    """``Person.objects.filter(account__user=…)``."""

    def test_has_the_paths_of_any_other(self, ann: Person, bob: Person) -> None:
        """And at most one row."""
        account = Account.objects.create(person=ann, user_id=7)
        Account.objects.create(person=bob)
        Account.objects.create()  # Of nobody.
        people = Person.objects
        assert names(people.filter(account__user=7)) == "Ann"
        assert names(people.filter(account__user_id=7)) == "Ann"
        assert names(people.filter(account=account.pk)) == "Ann"
        assert names(people.filter(account__isnull=False)) == "Ann Bob"
        assert names(people.filter(account__isnull=True)) == "Cid"
        assert names(people.filter(account=None)) == "Cid"
        assert names(people.filter(account__user__isnull=True)) == "Bob Cid"
        assert names(people.exclude(account__user=7)) == "Bob Cid"
        assert names(people.exclude(account__isnull=True)) == "Ann Bob"
        with queries() as sent:
            assert names(people.filter(account__user=7, account__pk=account.pk)) == "Ann"
            assert names(people.filter(account__user=7).filter(account__pk=account.pk)) == "Ann"
        assert counts(sent) == {"default": 2, "people": 2}

    def test_that_is_the_primary_key(self, ann: Person, bob: Person) -> None:
        """Of a source in the same database: one query, with a subquery."""
        Profile.objects.create(person=ann, bio="x")
        Profile.objects.create(person=bob)
        with queries() as sent:
            assert names(Person.objects.filter(home_profile__bio="x")) == "Ann"
            assert names(Person.objects.filter(home_profile=bob.pk)) == "Bob"
            assert names(Person.objects.exclude(home_profile__bio="x")) == "Bob Cid"
            assert names(Person.objects.filter(home_profile__isnull=True)) == "Cid"
            assert Profile.objects.get(person__name="Ann").bio == "x"
        assert counts(sent) == {"people": 5}


class TestQueriedModels:
    """Whatever shares the target's rows."""

    def test_a_child_and_a_proxy_of_the_target(self, ann: Person) -> None:
        """They have the names of their parent, and their own."""
        eve = Employee.objects.create(name="Eve", email="eve@example.org")
        Article.objects.create(title="Eels", author=eve)
        Everything.objects.create(employee=eve, adult_id=ann.pk)
        assert names(Employee.objects.filter(articles__title="Eels")) == "Eve"
        assert names(Employee.objects.filter(articles__title="Ants")) == ""
        assert names(Employee.objects.exclude(articles__title="Ants")) == "Eve"
        assert names(Employee.objects.filter(of_employee__isnull=False)) == "Eve"
        assert names(Person.objects.filter(employee__of_employee__isnull=False)) == "Eve"
        assert names(Person.objects.filter(employee__articles__title="Eels")) == "Eve"
        assert names(Adult.objects.filter(articles__title="Eels")) == "Eve"
        assert names(Adult.objects.filter(of_adult__isnull=False)) == "Ann"
        with pytest.raises(FieldError):
            Person.objects.filter(of_adult__isnull=False)

    def test_a_child_and_a_proxy_of_the_source(self, ann: Person, bob: Person) -> None:
        """Through the parent, or by a reference of their own."""
        Review.objects.create(title="Rats", author=bob, critic=ann, stars=3)
        assert names(Person.objects.filter(reviews__stars=3)) == "Ann"
        assert names(Person.objects.filter(reviews__title="Rats")) == "Ann"
        assert names(Person.objects.filter(reviews__author__name="Bob")) == "Ann"
        assert names(Person.objects.filter(articles__review__stars=3)) == "Bob"
        assert names(Person.objects.exclude(articles__review__stars=3)) == "Ann Cid"

    def test_keys_of_other_kinds(self) -> None:
        """Converted on the way, NULL among them, and ``to_field``."""
        seven = BadgeKey.objects.create(badge=Badge(7))
        BadgeKey.objects.create(badge=Badge(8))
        text = TextKey.objects.create(code="a'\"\\,{}")
        TextKey.objects.create(code="b")
        coded = VisitorKey.objects.create(code="c")
        VisitorKey.objects.create(code=None)
        person = Person.objects.get(name="Bob")
        source = Everything.objects.create(badge=seven, text=text, code=coded, email=person)
        Everything.objects.create()
        assert BadgeKey.objects.get(everything=source.pk) == seven
        assert BadgeKey.objects.exclude(everything=source.pk).get().badge == Badge(8)
        assert TextKey.objects.get(everything__pk=source.pk) == text
        assert TextKey.objects.get(everything__isnull=True).code == "b"
        assert VisitorKey.objects.get(by_code=source.pk) == coded
        assert VisitorKey.objects.exclude(by_code=source.pk).get().code is None
        assert VisitorKey.objects.get(by_code__isnull=True).code is None
        assert VisitorKey.objects.get(by_code__isnull=False) == coded
        assert names(Person.objects.filter(by_email__code="c")) == "Bob"
        assert names(Person.objects.exclude(by_email__code__isnull=False)) == "Ann Cid"

    def test_names_are_those_of_queries(self, ann: Person) -> None:
        """The default one, that of a child of an abstract source; a hidden one is none."""
        Car.objects.create(owner=ann)
        assert names(Person.objects.filter(library_car__isnull=False)) == "Ann"
        assert names(Person.objects.filter(library_truck__isnull=False)) == ""
        Country.objects.create(code="NL", registry_id=LOW)
        for path in ("country", "country__code", "comment_set", "+"):
            with pytest.raises(FieldError, match="Cannot resolve keyword"):
                (Person if path == "comment_set" else Shelf).objects.filter(**{path: "NL"})
        with pytest.raises(FieldError, match="Cannot resolve keyword 'articles'"):
            Country.objects.filter(articles__title="Ants")

    def test_a_wrong_object_has_the_words_of_the_package(self, ann: Person) -> None:
        """As on assignment."""
        with pytest.raises(ReferenceValueError, match=r"library\.Article"):
            Person.objects.filter(articles=ann)
