"""``with_remote()``: columns of the other end as attributes of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldError
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Value, When
from django.db.models.functions import Lower, Upper

from crossdb_reference import with_remote
from crossdb_reference.exceptions import RemotePathError
from tests.library.models import Account, Article, Comment, Event, EventNote, Review
from tests.people.models import Employee, Person, Team
from tests.pickles import pickled
from tests.queries import queries
from tests.remote import data
from tests.remote.data import counts

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]

ROWS = Article.objects.all()
NAMED = ROWS.annotate(x=Value(1))
TITLES = Count("members__articles")
AGES = F("author__age") + F("editor__age")


def column(rows: Any, name: str) -> list[Any]:
    """Return an attribute of each row, with the row's title or name, in order."""
    return [(getattr(row, "title", None) or row.name, getattr(row, name)) for row in rows]


class TestForward:
    """Columns of targets."""

    def test_one_query_on_the_targets_database(self) -> None:
        """Whatever is asked, through whichever reference to them."""
        articles = with_remote(
            Article.objects.order_by("title"), "author__name", "editor__email", "author__team__name"
        )
        with queries() as sent:
            rows = list(articles)
        assert counts(sent) == {"default": 1, "people": 1}
        assert [(row.author__name, row.editor__email, row.author__team__name) for row in rows] == [
            ("Ann", "bob@example.org", "Red"),
            ("Ann", None, "Red"),
            ("Bob", "cid@example.org", "Blue"),
            (None, None, None),
        ]

    def test_expressions_and_aggregates(self) -> None:
        """Any that Django has, over paths through one reference."""
        articles = with_remote(
            Article.objects.order_by("title"),
            loud=Upper("author__name"),
            skills=Count("author__skills"),
            rowing=Count("author__skills", filter=Q(author__skills__name="rowing")),
            old=Case(When(Q(author__age__gt=30), then=Value("yes")), default=Value("no")),
            mail="author__email",
        )
        found = [(a.loud, a.skills, a.rowing, a.old, a.mail) for a in articles]
        assert found == [
            ("ANN", 2, 1, "yes", "ann@example.org"),
            ("ANN", 2, 1, "yes", "ann@example.org"),
            ("BOB", 1, 1, "no", "bob@example.org"),
            (None, 0, 0, None, None),
        ]

    def test_aggregates_of_different_references_are_asked_separately(self) -> None:
        """One's rows do not multiply the other's."""
        articles = with_remote(
            Article.objects.all(), a=Count("author__skills"), b=Count("editor__team__members")
        )
        with queries() as sent:
            row = articles.get(title="Ants")
        assert (row.a, row.b) == (2, 1)
        assert counts(sent) == {"default": 1, "people": 2}

    def test_negated_and_nested_conditions(self) -> None:
        """Of a ``filter=``."""
        condition = ~Q(author__skills__name="rowing") | Q(
            Q(author__age=1), author__name=F("author__email")
        )
        row = with_remote(Article.objects, n=Count("author__skills", filter=condition)).get(
            title="Ants"
        )
        assert row.n == 1

    def test_local_relations_before_the_reference(self, cid: Person) -> None:
        """The keys come with the rows, and leave no trace on them."""
        comment = Comment.objects.create(article_id=data.ANTS, author=cid)
        with queries() as sent:
            (row,) = with_remote(Comment.objects.all(), "article__author__name", "author__name")
        assert (row.article__author__name, row.author__name) == ("Ann", "Cid")
        assert counts(sent) == {"default": 1, "people": 1}
        assert row == comment
        assert not [name for name in vars(row) if name.startswith("crossdb")]

    def test_deferred_keys_are_read_with_the_rows(self) -> None:
        """They stay deferred."""
        for articles in (Article.objects.only("title"), Article.objects.defer("author")):
            with queries() as sent:
                rows = list(with_remote(articles.order_by("title"), "author__name"))
            assert counts(sent) == {"default": 1, "people": 1}
            assert [row.author__name for row in rows] == ["Ann", "Ann", "Bob", None]
            assert "author_id" in rows[0].get_deferred_fields()

    def test_on_pinned_querysets_it_is_a_method(self, ann: Person) -> None:
        """Further calls add columns."""
        Event.objects.create(actor=ann, name="login")
        row = (
            Event.objects.with_remote("actor__name")
            .logins()
            .with_remote(n=Count("actor__skills"))
            .get()
        )
        assert (row.actor__name, row.n) == ("Ann", 2)
        note = EventNote.objects.create(event=row, text="x")
        assert (
            EventNote.objects.with_remote("event__actor__name").get(pk=note.pk).event__actor__name
            == "Ann"
        )

    def test_of_a_child_by_multi_table_inheritance(self, ann: Person, bob: Person) -> None:
        """The reference may be the parent's or its own."""
        Review.objects.create(title="R", author=ann, critic=bob)
        row = with_remote(Review.objects, "author__name", "critic__name").get()
        assert (row.author__name, row.critic__name) == ("Ann", "Bob")


class TestReverse:
    """Aggregates over sources."""

    def test_one_query_on_the_sources_database(self) -> None:
        """And zero, not nothing, where there are none."""
        people = with_remote(
            Person.objects.order_by("name"),
            n=Count("articles"),
            last=Max("articles__title"),
            low=Count("articles", filter=Q(articles__shelf__name="Low")),
        )
        with queries() as sent:
            found = [(p.name, p.n, p.last, p.low) for p in people]
        assert counts(sent) == {"people": 1, "default": 1}
        assert found == [("Ann", 2, "Asps", 1), ("Bob", 1, "Bees", 0), ("Cid", 0, None, 0)]

    def test_several_sides_are_asked_separately(self, ann: Person) -> None:
        """So that none multiplies another's rows."""
        Event.objects.create(actor=ann)
        Event.objects.create(actor=ann)
        with queries() as sent:
            row = with_remote(
                Person.objects.all(), n=Count("articles"), e=Count("events"), d=Count("edited")
            ).get(name="Ann")
        assert (row.n, row.e, row.d) == (2, 2, 0)
        assert counts(sent) == {"people": 1, "default": 2, "archive": 1}

    def test_a_one_to_one_reference_gives_columns(self, ann: Person) -> None:
        """There is one row at most."""
        account = Account.objects.create(person=ann)
        found = with_remote(Person.objects.order_by("name"), "account__pk")
        assert column(found, "account__pk") == [("Ann", account.pk), ("Bob", None), ("Cid", None)]

    def test_local_relations_before_it(self, ann: Person) -> None:
        """To one object; children by multi-table inheritance too."""
        employee = Employee(person_ptr=ann, salary=1)
        employee.save_base(raw=True)
        assert with_remote(Employee.objects, n=Count("articles")).get().n == 2


class TestRows:
    """Rows with remote columns are those of the queryset."""

    def test_iterator_asks_per_chunk(self) -> None:
        """In bounded memory."""
        with queries() as sent:
            rows = with_remote(Article.objects.order_by("title"), "author__name").iterator(2)
            assert column(rows, "author__name") == [
                ("Ants", "Ann"), ("Asps", "Ann"), ("Bees", "Bob"), ("Cats", None),
            ]  # fmt: skip
        assert counts(sent)["people"] == 2

    def test_asynchronously(self) -> None:
        """As any queryset."""

        async def found() -> list[Any]:
            return [row.author__name async for row in rows] + [(await rows.alast()).author__name]

        rows = with_remote(Article.objects.order_by("title"), "author__name")
        assert async_to_sync(found)() == ["Ann", "Ann", "Bob", None, None]

    def test_filtering_slicing_counting_and_combining(self) -> None:
        """Before and after."""
        rows = with_remote(Article.objects.order_by("title"), "author__name")
        assert column(rows.filter(author__age=40)[1:2], "author__name") == [("Asps", "Ann")]
        assert rows.last().author__name is None
        assert column(rows.filter(title="Ants") | rows.filter(title="Bees"), "author__name") == [
            ("Ants", "Ann"),
            ("Bees", "Bob"),
        ]
        with queries() as sent:
            assert rows.count() == 4
            assert rows.exists()
            assert rows.values_list("title", flat=True)[0] == "Ants"
            assert list(with_remote(Article.objects.none(), "author__name")) == []
        assert list(sent) == ["default"]
        assert Article.objects.filter(Exists(rows.filter(pk=OuterRef("pk")))).count() == 4

    def test_related_objects_and_pickles(self) -> None:
        """``select_related``, ``prefetch_related``; a pickle holds the rows with their columns."""
        rows = with_remote(
            Article.objects.select_related("shelf").prefetch_related("author").order_by("title"),
            "author__name",
        )
        copy = pickled(rows)
        with queries() as sent:
            assert (copy[0].author__name, copy[0].author.age, copy[0].shelf.name) == (
                "Ann",
                40,
                "Low",
            )
        assert sent == {}
        unread = Article.objects.all()
        unread.query = pickled(rows.query)
        assert with_remote(unread, "editor__name").get(title="Ants").editor__name == "Bob"

    def test_a_target_in_the_same_database(self) -> None:
        """Is asked there."""
        comment = Comment.objects.create(article_id=data.ANTS, author_id=data.ANN)
        Comment.objects.create(article_id=data.ASPS, author_id=data.BOB, reply_to=comment)
        rows = with_remote(Comment.objects.order_by("pk"), "reply_to__article__title")
        assert [row.reply_to__article__title for row in rows] == [None, "Ants"]


class TestRefusals:
    """Before any query."""

    @pytest.mark.parametrize(
        ("build", "error", "words"),
        [
            (lambda: with_remote(ROWS, "title"), ValueError, "conflicts with an attribute"),
            (lambda: with_remote(NAMED, x="author__name"), ValueError, "or annotation"),
            (lambda: with_remote(ROWS.union(ROWS), "author__name"), TypeError, "union()"),
            (lambda: with_remote(ROWS, "editor__articles"), RemotePathError, "one reference"),
            (lambda: with_remote(ROWS, "author__account__user"), RemotePathError, "one reference"),
            (lambda: with_remote(ROWS, x="shelf__name"), RemotePathError, "no reference"),
            (lambda: with_remote(ROWS, "nope__name"), RemotePathError, "no reference"),
            (lambda: with_remote(ROWS, "comments__author__name"), RemotePathError, "many objects"),
            (lambda: with_remote(Team.objects, n=TITLES), RemotePathError, "many objects"),
            (lambda: with_remote(ROWS, x=Lower(Value("x"))), RemotePathError, "one reference"),
            (lambda: with_remote(ROWS, x=AGES), RemotePathError, "one reference"),
            (lambda: with_remote(ROWS, "author__skills__name"), RemotePathError, "an aggregate"),
            (lambda: with_remote(Person.objects, "articles__title"), RemotePathError, "aggregate"),
            (lambda: with_remote(ROWS, "author__nope"), FieldError, "Cannot resolve keyword"),
            (lambda: with_remote(ROWS.values("pk"), "author__name"), TypeError, "before values()"),
        ],
    )
    def test_are_errors_with_a_remedy(
        self, build: Callable[[], Any], error: type[Exception], words: str
    ) -> None:
        """And name what was asked for."""
        with queries() as sent, pytest.raises(error) as caught:
            build()
        assert words in str(caught.value)
        assert sent == {}

    def test_errors_of_the_other_end_have_a_note(self) -> None:
        """With the reference and its database."""
        with pytest.raises(FieldError) as caught:
            with_remote(Article.objects, "author__nope")
        assert caught.value.__notes__ == [
            "In 'author__nope' through the reference library.Article.author, asked of people.Person"
            " of the database 'people'."
        ]
