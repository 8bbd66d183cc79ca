"""How remote conditions are asked: together, in which database, and with how many keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.db.models import Count, Q, QuerySet

from tests.library.models import Article, Comment, Event
from tests.people.models import Person, Profile, Team
from tests.queries import queries
from tests.remote.data import BOB, NOBODY, RED, ROWING, counts, names, titles

if TYPE_CHECKING:
    from collections.abc import Callable

    Chain = Callable[[QuerySet[Any]], QuerySet[Any]]

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]


class TestTogether:
    """Conditions on one target are one remote query."""

    @pytest.mark.parametrize(
        "build",
        [
            lambda rows: rows.filter(author__name="Ann", author__age=40, author__team__name="Red"),
            lambda rows: rows.filter(author__name="Ann").filter(author__age=40),
            lambda rows: rows.filter(Q(author__name="Ann") | Q(author__age=41)),
            lambda rows: rows.filter(Q(author__name="Ann") | Q(author__age=41) | Q(author__age=42)),
            lambda rows: rows.filter(Q(author__name="Ann") & ~Q(author__age=41)),
            lambda rows: rows.filter(author__name="Ann").exclude(author__age=41),
            lambda rows: rows.filter(
                Q(author__name="Ann") & (Q(author__age=1) | Q(author__age=40, author__team=RED))
            ),
            lambda rows: rows.filter(
                Q(author__name="Ann") | Q(author__age=1), ~Q(author__team__name="Blue")
            ),
            lambda rows: rows.filter(
                Q(author__name="Ann"), Q(title__startswith="A") | Q(shelf=None), author__age__gt=1
            ),
            lambda rows: rows.filter(author__skills__name="knitting", author__name="Ann"),
            lambda rows: rows.filter(author__skills__name="knitting").filter(author__name="Ann"),
            lambda rows: rows.filter(author__skills__name="knitting").filter(author__skills=ROWING),
            lambda rows: rows.filter(author__name="Ann") & rows.filter(author__age=40),
            lambda rows: rows.filter(author__name="Ann") | rows.filter(author__age=41),
            lambda rows: rows.exclude(Q(author__name="Bob") | Q(author__age=20)).exclude(
                author_id=NOBODY
            ),
        ],
    )
    def test_one_query_on_each_side(self, build: Chain) -> None:
        """In one call, in several, in any order, nested."""
        found = build(Article.objects.all())
        with queries() as sent:
            assert titles(found) == "Ants Asps"
        assert counts(sent) == {"people": 1, "default": 1}

    @pytest.mark.parametrize(
        "build",
        [
            lambda rows: rows.filter(articles__title="Ants", articles__shelf__name="Low"),
            lambda rows: rows.filter(Q(articles__title="Ants") | Q(articles__title="Cats")),
            lambda rows: rows.filter(articles__title="Ants", articles__editor=BOB),
        ],
    )
    def test_of_one_call_on_sources(self, build: Chain) -> None:
        """The other way round."""
        with queries() as sent:
            assert names(build(Person.objects.all())) == "Ann"
        assert counts(sent) == {"default": 1, "people": 1}

    def test_of_two_calls_on_sources_are_two_sets(self) -> None:
        """They may be about two rows: asked for together, where the sources are."""
        found = Person.objects.filter(articles__title="Ants").filter(articles__title="Asps")
        with queries() as sent:
            assert names(found) == "Ann"
        assert counts(sent)["people"] == 1
        assert counts(sent)["default"] <= 2

    def test_two_references_are_two_queries(self) -> None:
        """Also to the same model."""
        found = Article.objects.filter(author__name="Ann", editor__name="Bob")
        with queries() as sent:
            assert titles(found) == "Ants"
        assert counts(sent) == {"people": 2, "default": 1}

    def test_each_run_asks_anew(self) -> None:
        """And sees what has changed between the two."""
        found = Article.objects.filter(author__age__gt=65)
        with queries() as sent:
            assert titles(found.all()) == ""
            Person.objects.filter(name="Bob").update(age=70)
            assert titles(found.all()) == "Bees"
            assert found.count() == 1
            assert found.exists()
            assert titles(found) == "Bees"
            assert titles(found) == "Bees"  # Cached, as the rows of any queryset.
        assert counts(sent) == {"people": 6, "default": 4}


class TestEmptyAnswers:
    """No key at all decides without the source."""

    @pytest.mark.parametrize(
        "build",
        [
            lambda rows: rows.filter(author__name="Eve"),
            lambda rows: rows.filter(author__name="Eve", title="Ants"),
            lambda rows: rows.filter(author__name="Eve").filter(editor__isnull=True),
            lambda rows: rows.filter(Q(author__name="Eve") | Q(author__age=1)),
            lambda rows: rows.filter(comments__author__name="Eve"),
            lambda rows: rows.filter(author__team__name="Eve").order_by("title")[:5],
        ],
    )
    def test_the_source_is_not_asked(self, build: Chain) -> None:
        """Rows, ``count()``, ``exists()``, ``first()``, ``update()``, ``values()``."""
        with queries() as sent:
            found = build(Article.objects.all())
            assert found.count() == 0
            assert not found.exists()
            assert found.first() is None
            assert list(found.values("pk")) == []
            assert list(found) == []
        assert counts(sent) == {"people": 5}

    def test_a_subquery_is_never_true(self) -> None:
        """Django would take an aggregate's filter= with one that is known to be empty for none."""
        none = Article.objects.filter(author__name="Eve")
        with queries() as sent:
            assert list(Article.objects.filter(pk__in=none)) == []
            counted = Article.objects.annotate(n=Count("pk", filter=Q(pk__in=none)))
            assert {article.n for article in counted} == {0}
        assert counts(sent) == {"people": 2, "default": 2}

    def test_an_or_with_local_conditions_goes_on_without(self) -> None:
        """Only that part is empty."""
        with queries() as sent:
            assert titles(Article.objects.filter(Q(author__name="Eve") | Q(title="Bees"))) == "Bees"
        assert counts(sent) == {"people": 1, "default": 1}

    def test_excluding_nobody_leaves_everything(self) -> None:
        """The dangling key too."""
        with queries() as sent:
            assert titles(Article.objects.exclude(author__name="Eve")) == "Ants Asps Bees Cats"
        assert counts(sent) == {"people": 1, "default": 1}

    def test_what_is_known_to_be_empty_asks_nobody(self) -> None:
        """``none()`` and an empty list."""
        with queries() as sent:
            assert titles(Article.objects.filter(author__name__in=[])) == ""
            assert titles(Article.objects.filter(author__team__in=Team.objects.none())) == ""
            assert names(Person.objects.filter(articles__in=[])) == ""
        assert sent == {}

    @pytest.mark.parametrize(
        "build",
        [
            lambda rows: rows.none(),
            lambda rows: rows.filter(pk__in=[]),
            lambda rows: rows.filter(author__in=Person.objects.none()),
        ],
    )
    def test_what_else_is_known_to_be_empty_spares_the_question(self, build: Chain) -> None:
        """Whichever comes first."""
        with queries() as sent:
            assert titles(build(Article.objects.all()).filter(author__name="Ann")) == ""
            assert titles(build(Article.objects.filter(author__name="Ann"))) == ""
        assert sent == {}


class TestDanglingAndNull:
    """Keys without a row, and no keys."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"author__name__gt": ""}, "Ants Asps Bees"),
            ({"author__age__gte": 0}, "Ants Asps Bees"),
            ({"author__team__isnull": False}, "Ants Asps Bees"),
            ({"author__name__isnull": False}, "Ants Asps Bees"),
            ({"author__team": None}, ""),
            ({"author__skills": None}, ""),
        ],
    )
    def test_filter_never_finds_a_dangling_key_and_exclude_does(
        self, condition: dict[str, object], expected: str
    ) -> None:
        """No row says that the condition is true."""
        assert titles(Article.objects.filter(**condition)) == expected
        rest = " ".join(t for t in ["Ants", "Asps", "Bees", "Cats"] if t not in expected)
        assert titles(Article.objects.exclude(**condition)) == rest
        assert titles(Article.objects.filter(~Q(**condition))) == rest

    def test_exclude_keeps_rows_without_a_key(self) -> None:
        """As it does over a nullable ``ForeignKey``."""
        assert titles(Article.objects.exclude(editor__name="Bob")) == "Asps Bees Cats"
        assert titles(Article.objects.exclude(editor__team__name="Blue")) == "Asps Bees Cats"
        assert titles(Article.objects.exclude(editor__name__in=["Bob", "Cid"])) == "Asps Cats"
        assert titles(Article.objects.exclude(editor__age__gt=0)) == "Asps Cats"
        assert titles(Article.objects.filter(~~Q(editor__name="Bob"))) == "Ants"

    def test_null_in_a_list_is_nobodys(self) -> None:
        """In both databases."""
        assert titles(Article.objects.filter(editor__name__in=["Bob", None])) == "Ants"
        assert titles(Article.objects.filter(editor__in=[None])) == ""
        teams = Person.objects.filter(name="Cid").values("team")
        assert titles(Article.objects.filter(author__team__in=teams)) == ""


class TestRanges:
    """Keys that fill more than half of their range travel as the range, and those missing."""

    FIRST = 5_000_000

    @pytest.fixture(autouse=True)
    def crowd(self, world: None) -> None:  # noqa: ARG002 (the articles have numbers)
        """Store 300 people in a row and an article of each, and articles of keys in the gaps."""
        keys = range(self.FIRST, self.FIRST + 300)
        Person.objects.bulk_create(
            Person(pk=key, name="crowd", email=str(key), age=key % 10) for key in keys
        )
        Article.objects.bulk_create(Article(title=str(key), author_id=key) for key in keys)
        # Below, among and beyond them, there are keys that no row has any more.
        Person.objects.filter(pk__in=[self.FIRST + 7, self.FIRST + 100]).delete()
        Article.objects.create(title="below", author_id=self.FIRST - 1)
        Article.objects.create(title="beyond", author_id=self.FIRST + 300)

    def test_give_exactly_the_rows(self) -> None:
        """No dangling key among the found; all of them among the excluded."""
        crowd = Article.objects.filter(author__name="crowd")
        with queries() as sent:
            found = set(crowd.values_list("author", flat=True))
        assert found == set(Person.objects.filter(name="crowd").values_list("pk", flat=True))
        assert len(found) == 298
        assert counts(sent) == {"people": 1, "default": 1}
        if connections["default"].vendor != "postgresql":
            assert "BETWEEN 5000000 AND 5000299" in sent["default"][0]
        rest = Article.objects.exclude(author__name="crowd")
        assert titles(rest) == "5000007 5000100 Ants Asps Bees Cats below beyond"

    def test_half_a_range_is_none(self) -> None:
        """A tenth of the keys travels as it is."""
        some = Article.objects.filter(author__age__in=[1, 2], author__name="crowd")
        with queries() as sent:
            assert some.count() == 60
        assert "BETWEEN" not in sent["default"][0]
        most = Article.objects.filter(author__age__gte=3, author__name="crowd")
        assert most.count() == 209
        older = Article.objects.filter(author__age__gte=3)
        others = Article.objects.exclude(author__age__gte=3)
        assert older.count() + others.count() == Article.objects.count()

    def test_of_sources(self) -> None:
        """The other way round, with the keys that no target has."""
        everyone = Person.objects.filter(articles__title__gt="0")
        assert everyone.count() == 298 + 2
        assert names(Person.objects.exclude(articles__title__gt="0")) == "Cid"

    def test_negative_and_large_keys(self) -> None:
        """To the edges of eight bytes."""
        for first in (-150, 2**63 - 201, -(2**63)):
            keys = range(first, first + 200)
            Event.objects.all().delete()
            Event.objects.bulk_create(Event(actor_id=key, name=str(key)) for key in keys)
            Profile.objects.all().delete()
            Profile.objects.bulk_create(Profile(person_id=key) for key in keys if key % 50)
            found = Event.objects.filter(actor__in=Profile.objects.values("person"))
            with queries() as sent:
                assert {int(event.name) for event in found} == {key for key in keys if key % 50}
            assert counts(sent) == {"people": 1, "archive": 1}


class TestOneDatabase:
    """A target in the database that the query runs on is a subquery there."""

    def test_in_one_query(self, ann: Person) -> None:
        """Forwards and backwards, negated too."""
        Profile.objects.create(person=ann, bio="x")
        article = Article.objects.get(title="Ants")
        first = Comment.objects.create(article=article, author_id=NOBODY)
        reply = Comment.objects.create(article=article, author_id=NOBODY, reply_to=first)
        with queries() as sent:
            assert Profile.objects.get(person__team__name="Red").pk == ann.pk
            assert not Profile.objects.exclude(person__name="Ann").exists()
            assert names(Person.objects.filter(home_profile__bio="x")) == "Ann"
            assert names(Person.objects.exclude(home_profile__bio="x")) == "Bob Cid"
        assert counts(sent) == {"people": 4}
        with queries() as sent:
            assert Comment.objects.get(reply_to__article__title="Ants") == reply
            assert Comment.objects.get(reply_to__isnull=True) == first
            assert Comment.objects.exclude(reply_to__article__title="Ants").get() == first
        assert counts(sent) == {"default": 3}

    def test_follows_the_outer_database(self) -> None:
        """Source and target of one home are taken to be together wherever they are."""
        with queries() as sent:
            assert Profile.objects.using("people").filter(person__name="Ann").count() == 0
        assert counts(sent) == {"people": 1}
