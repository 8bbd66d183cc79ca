"""Every way to read what a remote filter finds, and to write to it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.db.models import (
    Case,
    Count,
    F,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)

from tests.library.models import Article, Comment, Event, Review, Shelf
from tests.people.models import Person, Profile
from tests.queries import queries
from tests.remote.data import ANN, ANTS, ASPS, BEES, BOB, NOBODY, counts, names, titles

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]

ONE_EACH = {"people": 1, "default": 1}
BY_ANN = Q(author__name="Ann")


class TestWrites:
    """``update()`` and ``delete()`` of what a remote filter finds."""

    def test_update(self) -> None:
        """One remote query, one statement."""
        with queries() as sent:
            assert Article.objects.filter(BY_ANN).update(title=F("title")) == 2
        assert counts(sent) == ONE_EACH
        with queries() as sent:
            assert Article.objects.filter(author__name="Eve").update(title="x") == 0
        assert counts(sent) == {"people": 1}
        assert Article.objects.exclude(BY_ANN).update(editor=None) == 2
        assert Article.objects.filter(editor__isnull=False).count() == 1
        assert Article.objects.filter(BY_ANN, title="Ants").update(author_id=BOB, editor=None) == 1
        assert titles(Article.objects.filter(author__name="Bob")) == "Ants Bees"

    def test_update_to_what_a_condition_says(self) -> None:
        """``Case`` on the right side."""
        marked = Case(When(BY_ANN, then=Value("of Ann")), default=F("title"))
        Article.objects.exclude(title="Asps").update(title=marked)
        assert titles(Article.objects.all()) == "Asps Bees Cats of Ann"

    def test_update_through_a_join_and_of_a_child(self) -> None:
        """Which Django does by the primary keys."""
        ann = Person.objects.get(name="Ann")
        comment = Comment.objects.create(article_id=ANTS, author=ann)
        Comment.objects.create(article_id=BEES, author=ann)
        assert Comment.objects.filter(article__author__name="Ann").update(author_id=BOB) == 1
        comment.refresh_from_db()
        assert comment.author_id == BOB
        review = Review.objects.create(title="Rats", author=ann, critic_id=BOB)
        Review.objects.create(title="Owls", author_id=BOB)
        assert Review.objects.filter(author__name="Ann").update(title="Mice", stars=5) == 1
        review.refresh_from_db()
        assert (review.title, review.stars) == ("Mice", 5)

    def test_delete(self) -> None:
        """With the rows of this database that depend on them."""
        Comment.objects.create(article_id=ANTS, author_id=BOB)
        Comment.objects.create(article_id=BEES, author_id=BOB)
        deleted = Article.objects.filter(BY_ANN).delete()
        assert deleted == (3, {"library.Article": 2, "library.Comment": 1})
        assert titles(Article.objects.all()) == "Bees Cats"
        assert Comment.objects.filter(article__author__name="Bob").delete()[0] == 1
        assert Event.objects.filter(actor__name="Ann").delete() == (0, {})
        assert Article.objects.exclude(author__name="Bob").delete()[0] == 1

    def test_targets(self) -> None:
        """The other way round."""
        with queries() as sent:
            assert Person.objects.filter(articles__title="Ants").update(age=41) == 1
        assert counts(sent) == ONE_EACH
        assert Person.objects.filter(articles__isnull=True).delete()[0] == 1
        assert names(Person.objects.all()) == "Ann Bob"

    def test_a_subquery_on_the_written_table_itself(self) -> None:
        """A reference within one database to its own model."""
        first = Comment.objects.create(article_id=ANTS, author_id=ANN)
        second = Comment.objects.create(article_id=BEES, author_id=ANN, reply_to=first)
        replies = Comment.objects.filter(reply_to__article__title="Ants")
        assert replies.update(author_id=BOB) == 1
        second.refresh_from_db()
        assert second.author_id == BOB
        assert replies.delete()[0] == 1
        assert list(Comment.objects.all()) == [first]
        Profile.objects.create(person_id=ANN)
        assert Profile.objects.filter(person__name="Ann").update(bio="x") == 1
        assert Profile.objects.filter(person__name="Ann").delete()[0] == 1


class TestReading:
    """Every way that a queryset gives its rows."""

    def test_as_tuples_and_parts(self) -> None:
        """``values_list``, ``only``, ``defer``, ``in_bulk``, ``iterator``, ``dates``."""
        anns = Article.objects.filter(BY_ANN).order_by("title")
        assert list(anns.values_list("title", flat=True)) == ["Ants", "Asps"]
        assert list(anns.values_list("title", "author")) == [("Ants", ANN), ("Asps", ANN)]
        assert [article.get_deferred_fields() for article in anns.only("title")[:1]] == [
            {"author_id", "editor_id", "shelf_id"}
        ]
        assert titles(anns.defer("title")) == "Ants Asps"
        assert anns.in_bulk() == {ANTS: anns[0], ASPS: anns[1]}
        assert anns.in_bulk([ANTS, BEES]) == {ANTS: anns[0]}
        assert titles(anns.iterator(chunk_size=1)) == "Ants Asps"
        assert titles(anns.select_related("shelf")) == "Ants Asps"
        assert titles(anns.reverse()[:1]) == "Asps"
        assert titles(anns[1:5]) == "Asps"
        assert titles(anns.distinct()) == "Ants Asps"
        assert list(anns.order_by().values("author").distinct()) == [{"author": ANN}]

    def test_one_row_and_none(self) -> None:
        """``get``, ``first``, ``last``, ``exists``, ``count``, ``contains``."""
        anns = Article.objects.filter(BY_ANN).order_by("title")
        assert (anns.first().title, anns.last().title, anns.latest("title").title) == (
            *("Ants", "Asps"),
            "Asps",
        )
        assert (anns.count(), anns.exists(), anns.get(title="Ants").pk) == (2, True, ANTS)
        assert anns.contains(Article(pk=ANTS))
        assert not anns.contains(Article(pk=BEES))
        with pytest.raises(Article.MultipleObjectsReturned):
            Article.objects.get(author__name="Ann")
        with pytest.raises(Article.DoesNotExist):
            Article.objects.get(author__name="Eve")
        found, created = Article.objects.get_or_create(
            author__name="Bob", defaults={"title": "x", "author_id": NOBODY}
        )
        assert (found.title, created) == ("Bees", False)

    def test_set_operations(self) -> None:
        """Each part with its own keys."""
        anns, bobs = Article.objects.filter(BY_ANN), Article.objects.filter(author__name="Bob")
        assert titles(anns.union(bobs)) == "Ants Asps Bees"
        assert titles(anns.union(bobs, all=True).order_by("-title")[:2]) == "Asps Bees"
        assert anns.union(bobs).count() == 3
        assert titles(anns.union(Article.objects.filter(author__name="Eve"))) == "Ants Asps"
        assert titles(anns | bobs) == "Ants Asps Bees"
        assert titles(anns & bobs) == ""
        if connections["default"].features.supports_select_difference:
            assert titles(anns.difference(anns.filter(title="Ants"))) == "Asps"

    def test_prefetches(self) -> None:
        """A prefetch of what a remote filter finds, and one beside it."""
        old = Article.objects.filter(editor__age=20)
        shelf = Shelf.objects.prefetch_related(Prefetch("articles", old, to_attr="some")).get(
            name="Low"
        )
        assert titles(shelf.some) == "Ants"
        person = Person.objects.prefetch_related(Prefetch("articles", old)).get(name="Ann")
        assert titles(person.articles.all()) == "Ants"
        with queries() as sent:
            (found,) = Article.objects.filter(author__name="Bob").prefetch_related("author")
            assert found.author.name == "Bob"
        assert counts(sent) == {"people": 2, "default": 1}
        assert titles(person.articles.filter(editor__name="Bob")) == "Ants"

    def test_explain_and_str_show_the_keys(self) -> None:
        """The remote query runs for it."""
        anns = Article.objects.filter(BY_ANN)
        with queries() as sent:
            assert str(ANN) in str(anns.query)
            assert anns.explain()
        assert counts(sent) == {"people": 2, "default": 1}

    def test_asynchronously(self) -> None:
        """The async twins do the same."""
        anns = Article.objects.filter(BY_ANN).order_by("title")

        async def read() -> list[Any]:
            return [
                [article.title async for article in anns],
                [article.title async for article in anns.aiterator()],
                (await anns.aget(title="Ants")).pk,
                await anns.acount(),
                await anns.aexists(),
                (await anns.afirst()).title,
                await anns.aaggregate(n=Count("pk", filter=Q(editor__name="Bob"))),
                await anns.filter(title="Ants").aupdate(title="Apes"),
                (await Article.objects.filter(author__name="Bob").adelete())[0],
            ]

        assert async_to_sync(read)() == [
            *(["Ants", "Asps"], ["Ants", "Asps"], ANTS, 2, True, "Ants", {"n": 1}, 1, 1)
        ]
        assert titles(Article.objects.all()) == "Apes Asps Cats"


@pytest.mark.django_db(databases="__all__", transaction=True)
class TestThreads:
    """Querysets are shared between threads: each run asks for itself."""

    def test_one_queryset_in_eight_threads(self) -> None:
        """At the same time, over and over."""
        anns = Article.objects.filter(BY_ANN, author__skills=None) | Article.objects.filter(BY_ANN)
        reverse = Person.objects.filter(articles__title="Asps").filter(articles__title="Ants")
        start = threading.Barrier(8)

        def read(_: int) -> set[str]:
            try:
                start.wait()
                return {f"{titles(anns.all())} {names(reverse.all())}" for _ in range(10)}
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as threads:
            assert set().union(*threads.map(read, range(8))) == {"Ants Asps Ann"}

    def test_conditions_built_in_many_threads_do_not_mix(self) -> None:
        """The calls of one thread are nobody else's."""
        start = threading.Barrier(8)

        def build(_: int) -> list[str]:
            low, asps = Q(articles__shelf__name="Low"), Q(articles__title="Asps")
            try:
                start.wait()
                querysets: list[Callable[[], QuerySet[Person]]] = [
                    lambda: Person.objects.filter(low, asps),
                    lambda: Person.objects.filter(low).filter(asps),
                ]
                return [names(each()) for each in querysets * 10]
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(build, range(8))) == [["", "Ann"] * 10] * 8
