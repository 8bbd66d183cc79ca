"""Where remote conditions are asked, how many keys may travel, and the plan in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import Error, connections, transaction
from django.db.models import Q, QuerySet
from django.test import override_settings

from crossdb_reference import explain_references, pinned
from crossdb_reference.exceptions import TooManyRemoteKeys
from tests.library.models import Article, Comment, Event, Everything, Shelf
from tests.people.models import Person, Profile, TextKey
from tests.queries import queries
from tests.remote.data import KNITTING, ROWING, counts, names, titles
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]


@pytest.fixture(scope="module")
def _copies(
    django_db_setup: None,  # noqa: ARG001 (the databases must be there)
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Let articles exist on ``archive``, and events on ``default``, too."""
    with (
        tables(django_db_blocker, "archive", Shelf, Article),
        tables(django_db_blocker, "default", Event),
    ):
        yield


@pytest.mark.usefixtures("_copies")
class TestWhere:
    """Which database is asked: the other end's, whatever the query runs on."""

    def test_using_moves_the_query_and_not_the_question(self, ann: Person) -> None:
        """The rows are those of a copy, the keys those of the target's home."""
        Article.objects.using("archive").create(title="Copy", author=ann)
        with queries() as sent:
            assert titles(Article.objects.using("archive").filter(author__name="Ann")) == "Copy"
        assert counts(sent) == {"people": 1, "archive": 1}
        with queries() as sent:
            assert names(Person.objects.using("people").filter(articles__title="Copy")) == ""
        assert counts(sent) == {"default": 1}

    def test_a_view_of_another_database(self, ann: Person) -> None:
        """A second pinned manager; its reverse side is the model's home."""
        Event.elsewhere.create(name="there", actor=ann)
        with queries() as sent:
            assert Event.elsewhere.get(actor__name="Ann").name == "there"
            assert not Event.objects.filter(actor__name="Ann").exists()
            assert not Person.objects.filter(events__name="there").exists()
        assert counts(sent) == {"people": 2, "default": 1, "archive": 2}

    def test_a_block_on_one_database(self, ann: Person) -> None:
        """Sources without a home are those of the block, in both directions."""
        with pinned("archive"):
            Article.objects.create(title="Copy", author=ann)
            with queries() as sent:
                assert titles(Article.objects.filter(author__name="Ann")) == "Copy"
                assert names(Person.objects.filter(articles__title="Copy")) == "Ann"
            assert counts(sent) == {"people": 2, "archive": 2}
        assert titles(Article.objects.filter(author__name="Ann")) == "Ants Asps"

    def test_the_database_that_the_reference_names(self, ann: Person, monkeypatch: Any) -> None:
        """``using=`` of the declaration: here one without such a table."""
        monkeypatch.setattr(Article._meta.get_field("author"), "using", "geo")
        with pytest.raises(Error) as caught, transaction.atomic("geo"):
            list(Article.objects.filter(author__name=ann.name))
        assert caught.value.__notes__ == [
            "While following the reference library.Article.author to the database 'geo'."
        ]


def limited(most: int) -> override_settings:
    """Return a context in which ``most`` keys may travel."""
    pins = {"people": "people", "auth": "people"}
    return override_settings(CROSSDB_REFERENCE={"PINS": pins, "MAX_REMOTE_KEYS": most})


class TestLimit:
    """``MAX_REMOTE_KEYS``: raises before anything large is read."""

    @pytest.fixture(autouse=True)
    def crowd(self, world: None) -> None:  # noqa: ARG002 (the articles have numbers)
        """Store 50 more people, without articles."""
        Person.objects.bulk_create(Person(name="crowd", email=str(n)) for n in range(50))
        TextKey.objects.bulk_create(TextKey(code=str(n)) for n in range(50))

    def test_more_keys_are_refused_with_what_to_do(self) -> None:
        """No more than one key beyond the limit is read, and the source is not asked."""
        with limited(10), queries() as sent, pytest.raises(TooManyRemoteKeys) as caught:
            list(Article.objects.filter(author__name="crowd"))
        assert str(caught.value) == (
            "The condition on the reference library.Article.author holds for more than 10 rows of"
            " the database 'people', and MAX_REMOTE_KEYS allows no more keys to travel. Narrow the"
            " condition, or raise CROSSDB_REFERENCE['MAX_REMOTE_KEYS']."
        )
        assert counts(sent) == {"people": 1}
        assert "LIMIT 12" in sent["people"][0]

    @pytest.mark.parametrize(
        "build",
        [
            lambda: Article.objects.filter(author__in=Person.objects.filter(name="crowd")),
            lambda: Article.objects.exclude(author__name="crowd"),
            lambda: Everything.objects.filter(text__name=""),
            lambda: Everything.objects.filter(email__name="crowd"),
            lambda: Article.objects.filter(Q(author__name="crowd") | Q(title="Ants")),
            lambda: Comment.objects.filter(article__author__name="crowd"),
            lambda: Article.objects.filter(author__team=None, author__name="crowd"),
        ],
    )
    def test_wherever_keys_travel(self, build: Callable[[], QuerySet[Article]]) -> None:
        """Of every type, from inner querysets, negated."""
        with limited(50):
            list(build())
        with limited(49), queries() as sent, pytest.raises(TooManyRemoteKeys):
            list(build())
        assert counts(sent) == {"people": 1}

    def test_as_many_are_allowed(self) -> None:
        """The limit itself is none too many; the same key counts once."""
        with limited(1):
            assert titles(Article.objects.filter(author__name="Ann")) == "Ants Asps"
            skilled = Article.objects.filter(author__skills__pk__gte=KNITTING, author__age=40)
            assert titles(skilled) == "Ants Asps"
            assert names(Person.objects.filter(articles__title__startswith="A")) == "Ann"
            assert titles(Article.objects.filter(author__name="Eve")) == ""

    def test_local_conditions_have_no_limit(self, ann: Person, bob: Person) -> None:
        """Nothing travels between databases."""
        Profile.objects.bulk_create([Profile(person=ann), Profile(person=bob)])
        with limited(1):
            some = Article.objects.filter(author__in=[ann, *range(1000, 1200)])
            assert titles(some) == "Ants Asps"
            assert Profile.objects.filter(person__name__gt="").count() == 2


class TestExplaining:
    """``explain_references``: the plan in words."""

    @pytest.mark.skipif(
        connections["default"].vendor != "sqlite" or connections["people"].vendor != "sqlite",
        reason="The words are those of SQLite: each vendor writes its own SQL.",
    )
    def test_the_words(self) -> None:
        """Which query on which database, how many keys, how they travel."""
        found = Article.objects.filter(author__name="Ann", shelf__name="Low").only("title")
        assert explain_references(found) == (
            "1. people: library.Article.author\n"
            '   SELECT "people_person"."id" AS "id" FROM "people_person"'
            ' WHERE "people_person"."name" = Ann\n'
            "   1 key, sent as one parameter\n"
            "2. default: library.Article\n"
            '   SELECT "library_article"."id", "library_article"."title" FROM "library_article"'
            ' INNER JOIN "library_shelf" ON ("library_article"."shelf_id" = "library_shelf"."id")'
            ' WHERE ("library_article"."author_id" IN (SELECT value FROM json_each([1000101]))'
            ' AND "library_shelf"."name" = Low)'
        )

    def test_runs_the_remote_queries_and_not_its_own(self) -> None:
        """The queryset itself stays as it was."""
        found = Article.objects.filter(author__name="Ann")
        with queries() as sent:
            explain_references(found)
        assert counts(sent) == {"people": 1}
        with queries() as sent:
            assert titles(found) == "Ants Asps"
        assert counts(sent) == {"people": 1, "default": 1}

    def test_an_empty_set_ends_the_plan(self) -> None:
        """No row can match."""
        plan = explain_references(Article.objects.filter(author__name="Eve"))
        assert plan.splitlines()[0] == "1. people: library.Article.author"
        assert plan.splitlines()[2:] == [
            "   0 keys: nothing to send",
            "2. default: library.Article",
            "   not asked: no row can match",
        ]

    def test_each_step_has_its_place(self) -> None:
        """The farthest first, then what needs it."""
        events = Person.objects.filter(articles__shelf__name="Low").filter(events__name="x")
        steps = [line for line in explain_references(events).splitlines() if line[0] != " "]
        assert steps == [
            "1. default: library.Article.author",
            "2. archive: library.Event.actor",
            "3. people: people.Person",
        ]
        local = explain_references(Shelf.objects.filter(name="Low")).splitlines()
        assert local[0] == "1. default: library.Shelf"
        assert len(local) == 2

    def test_says_how_keys_travel(self) -> None:
        """A range where they are dense, one array undecoded between two PostgreSQL servers."""
        keys = [key for key in range(5_000_000, 5_000_200) if key % 9]
        Person.objects.bulk_create(Person(pk=key, name="crowd", email=str(key)) for key in keys)
        plan = explain_references(Article.objects.filter(author__name="crowd"))
        assert "178 keys, sent as the range 5,000,000 to 5,000,199 without 22 keys" in plan
        both = {connections[alias].vendor for alias in ("default", "people")}
        few = explain_references(Article.objects.filter(author__skills__pk=ROWING))
        how = "array, not decoded on the way" if both == {"postgresql"} else "parameter"
        assert f"2 keys, sent as one {how}" in few
