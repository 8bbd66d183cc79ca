"""What cannot be answered is refused in Django's words, with the reference and its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import (
    Error,
    OperationalError,
    close_old_connections,
    connections,
    transaction,
)
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from crossdb_reference.exceptions import RemotePathError, UnknownDatabase
from tests.library.models import Account, Article, Comment, Shelf
from tests.people.models import Person, Skill, Team
from tests.queries import queries
from tests.remote.data import titles
from tests.twins.apart import models as apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.django_db(databases="__all__")

ARTICLES = "through the reference library.Article.author, asked of library.Article of the database"
AUTHOR = "through the reference library.Article.author, asked of people.Person of the database"
BAD: list[tuple[Callable[[], Any], type[Exception], str, list[str]]] = [
    # No such path.
    (
        lambda: Article.objects.filter(author__nope=1),
        *(FieldError, "Cannot resolve keyword 'nope' into field. Choices are: account, age,"),
        [f"In 'nope__exact' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__team__nope=1),
        *(FieldError, "Unsupported lookup 'nope' for ForeignKey or join on the field not"),
        [f"In 'team__nope' {AUTHOR} 'people'."],
    ),
    (
        lambda: Comment.objects.exclude(article__author__nope__name=1),
        *(FieldError, "Cannot resolve keyword 'nope' into field. Choices are: account, age,"),
        [f"In 'nope__name' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(Q(title="x") | ~Q(author____name="Ann")),
        *(FieldError, "Cannot resolve keyword '' into field. Choices are: account, age,"),
        [f"In '__name' {AUTHOR} 'people'."],
    ),
    (
        lambda: Person.objects.filter(articles__nope__name=1),
        *(FieldError, "Cannot resolve keyword 'nope' into field. Choices are: author, author_id,"),
        [f"In 'nope__name' {ARTICLES} 'default'."],
    ),
    (
        lambda: apart.Order.objects.filter(customer__country__nope=1),
        *(FieldError, "Cannot resolve keyword 'nope' into field. Choices are: cities, code,"),
        [
            "In 'nope__exact' through the reference apart.Customer.country, asked of"
            " apart.Country of the database 'geo'.",
            "In 'country__nope' through the reference apart.Order.customer, asked of"
            " apart.Customer of the database 'people'.",
        ],
    ),
    # No such lookup.
    (
        lambda: Article.objects.filter(author__name__nope=1),
        *(FieldError, "Unsupported lookup 'nope' for CharField or join on the field not"),
        [f"In 'name__nope' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__skills__name__year=1),
        *(FieldError, "Unsupported lookup 'year' for CharField or join on the field not"),
        [f"In 'skills__name__year' {AUTHOR} 'people'."],
    ),
    (
        lambda: Person.objects.filter(articles__nope=1),
        *(FieldError, "Unsupported lookup 'nope' for BigAutoField or join on the field not"),
        [f"In 'pk__nope' {ARTICLES} 'default'."],
    ),
    # A value of the wrong type.
    (
        lambda: Article.objects.filter(author__age="x"),
        *(ValueError, "Field 'age' expected a number but got 'x'."),
        [f"In 'age__exact' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__age__in=[1, "x"]),
        *(ValueError, "Field 'age' expected a number but got 'x'."),
        [f"In 'age__in' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__age__in=5),
        *(TypeError, "'int' object is not iterable"),
        [f"In 'age__in' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__age__gt=None),
        *(ValueError, "Cannot use None as a query value"),
        [f"In 'age__gt' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__name__isnull="x"),
        *(ValueError, "The QuerySet value for an isnull lookup must be True or False."),
        [f"In 'name__isnull' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__age__range=(1,)),
        *(IndexError, "tuple index out of range"),
        ["While following the reference library.Article.author to the database 'people'."],
    ),
    (
        lambda: Account.objects.filter(user__date_joined="x"),
        *(ValidationError, "“x” value has an invalid format."),
        [
            "In 'date_joined__exact' through the reference library.Account.user, asked of"
            " auth.User of the database 'people'."
        ],
    ),
    (
        lambda: Article.objects.filter(author__team=Skill(pk=1)),
        *(ValueError, 'Cannot query "Skill object (1)": Must be "Team" instance.'),
        [f"In 'team__exact' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__team__in=Skill.objects.all()),
        *(ValueError, 'Cannot use QuerySet for "Skill": Use a QuerySet for "Team".'),
        [f"In 'team__in' {AUTHOR} 'people'."],
    ),
    (
        lambda: Article.objects.filter(author__team__in=Team.objects.values("pk", "name")),
        *(ValueError, "The QuerySet value for the 'in' lookup must have 1 selected fields"),
        [f"In 'team__in' {AUTHOR} 'people'."],
    ),
    (
        lambda: Person.objects.filter(articles="x"),
        *(ValueError, "Field 'id' expected a number but got 'x'."),
        [f"In 'pk__exact' {ARTICLES} 'default'."],
    ),
    (
        lambda: Person.objects.filter(articles__isnull="x"),
        *(ValueError, "The QuerySet value for an isnull lookup must be True or False."),
        [f"In 'pk__isnull' {ARTICLES} 'default'."],
    ),
    (
        lambda: Person.objects.filter(articles__shelf=Team(pk=1)),
        *(ValueError, 'Cannot query "Team object (1)": Must be "Shelf" instance.'),
        [f"In 'shelf__exact' {ARTICLES} 'default'."],
    ),
]


class TestPathsLookupsAndValues:
    """Django's error, and a note."""

    @pytest.mark.parametrize(("build", "error", "words", "notes"), BAD)
    def test_has_djangos_words_and_names_the_reference(
        self, build: Callable[[], Any], error: type[Exception], words: str, notes: list[str]
    ) -> None:
        """Before any query, and from the inside out where the path goes through two references."""
        with queries() as sent, pytest.raises(error) as caught:
            list(build())
        assert words in str(caught.value)
        assert caught.value.__notes__ == notes
        assert sent == {}

    def test_what_only_the_database_refuses_has_a_note_too(self) -> None:
        """A pattern that is none."""
        Person.objects.create(name="Ann", email="a")
        with pytest.raises(Error) as caught, transaction.atomic("people"):
            list(Article.objects.filter(author__name__regex="("))
        assert caught.value.__notes__ == [
            "While following the reference library.Article.author to the database 'people'."
        ]

    def test_querysets_of_another_database_than_the_targets(self) -> None:
        """The target's database cannot run them: with ``values_list`` and ``list`` they travel."""
        Shelf.objects.create(name="Ann")
        names = Shelf.objects.values("name")
        for shelves in (names, names.using("default")):
            with (
                queries() as sent,
                pytest.raises(ValueError, match="different databases") as caught,
            ):
                list(Article.objects.filter(author__name__in=shelves))
            assert sent == {}
            assert "library.Article.author" in "".join(caught.value.__notes__)
        listed = list(Shelf.objects.values_list("name", flat=True))
        ann = Person.objects.create(name="Ann", email="a")
        Article.objects.create(title="a", author=ann)
        assert titles(Article.objects.filter(author__name__in=listed)) == "a"

    def test_a_mistyped_alias_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As everywhere."""
        monkeypatch.setattr(Article._meta.get_field("author"), "using", "nowhere")
        with pytest.raises(UnknownDatabase, match=r"library\.Article\.author names the database"):
            list(Article.objects.filter(author__name="Ann"))


class TestColumnsOfTheOuterQuery:
    """``F`` and ``OuterRef`` of the source are none of the target's database."""

    @pytest.mark.parametrize(
        ("condition", "column"),
        [
            ({"author__name": F("title")}, "library_article.title"),
            ({"author__age__gt": F("pk") + 1}, "library_article.id"),
            ({"author__age__range": (1, F("shelf"))}, "library_article.shelf_id"),
            ({"author__name__in": ["x", F("title")]}, "library_article.title"),
            ({"author__name__in": {F("title")}}, "title"),
            ({"author__team": F("editor")}, "library_article.editor_id"),
            ({"author__name": F("shelf__name")}, "library_shelf.name"),
            ({"author__name": OuterRef("title")}, "title"),
            (
                {"author__team__in": Team.objects.filter(name=OuterRef("title"))},
                "library_article.title",
            ),
            (
                {
                    "author__team__in": Team.objects.filter(name="x").union(
                        Team.objects.filter(name=OuterRef("title"))
                    )
                },
                "library_article.title",
            ),
            (
                {
                    "author__name": Coalesce(
                        Subquery(Team.objects.filter(name=OuterRef("title")).values("name")[:1]),
                        Value(""),
                    )
                },
                "library_article.title",
            ),
        ],
    )
    def test_are_refused_with_the_reason(self, condition: dict[str, Any], column: str) -> None:
        """Which column, in which database, and what to do instead."""
        with queries() as sent, pytest.raises(RemotePathError) as caught:
            list(Article.objects.filter(**condition))
        before, _, after = str(caught.value).partition(", which cannot see ")
        named, _, after = after.partition(" of the query around it. ")
        assert before == (
            "What is compared through the reference library.Article.author is answered by the"
            " database 'people'"
        )
        assert column in named
        assert after == (
            "Compare with a value, or with a queryset of that database, instead of F or OuterRef."
        )
        assert sent == {}

    def test_of_a_query_further_out(self) -> None:
        """A column of the same name on the way is not taken for it."""
        theirs = Article.objects.filter(shelf__name=OuterRef(OuterRef("title")))
        with pytest.raises(RemotePathError, match="'default', which cannot see title of the"):
            Person.objects.filter(articles__in=theirs)

    def test_those_of_an_inner_query_are_its_own(self) -> None:
        """Whatever stands between."""
        team = Team.objects.create(name="x")
        person = Person.objects.create(name="x", email="x", team=team)
        article = Article.objects.create(title="x", author=person)
        same = Team.objects.filter(Exists(Person.objects.filter(team=OuterRef("pk"), name="x")))
        named = Team.objects.annotate(
            n=Subquery(Person.objects.filter(team=OuterRef("pk")).values("name")[:1])
        ).filter(n="x")
        for teams in (same, named, same.union(named), Team.objects.exclude(members__name="y")):
            assert list(Article.objects.filter(author__team__in=teams.values("pk"))) == [article]

    def test_of_the_other_side_too(self) -> None:
        """The names are the target's there."""
        with pytest.raises(
            RemotePathError, match=r"'default', which cannot see people_person\.name"
        ):
            Person.objects.filter(articles__title=F("name"))


class TestTargetDatabaseGoesAway:
    """A server that is stopped before the remote part is asked, or the local one."""

    pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

    @pytest.fixture
    def server(
        self,
        postgres_server: PostgresServer,
        extra_alias: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Iterator[PostgresServer]:
        """Let the target of ``Article.author`` live on a server of its own, as ``far``."""
        postgres_server.create_database("far")
        with extra_alias("far", postgres_server.settings("far")) as connection:
            with connection.schema_editor() as editor:
                for model in (Team, Skill, Person):
                    editor.create_model(model)
            monkeypatch.setattr(Article._meta.get_field("author"), "using", "far")
            yield postgres_server

    def test_the_error_names_it_and_a_retry_works(self, server: PostgresServer) -> None:
        """The queryset keeps nothing of the run that failed."""
        ann = Person.objects.using("far").create(name="Ann", email="a")
        Article.objects.create(title="Ants", author=ann)
        found = Article.objects.filter(author__name="Ann")
        both = Article.objects.filter(Q(author__name="Ann") | Q(title="x"))
        assert titles(found.all()) == "Ants"
        server.stop()
        for queryset in (found, both, Article.objects.exclude(author__name="Bob")):
            with pytest.raises(OperationalError) as caught:
                list(queryset)
            assert caught.value.__notes__ == [
                "While following the reference library.Article.author to the database 'far'."
            ]
        with pytest.raises(OperationalError):
            Article.objects.filter(author__name="Ann").delete()
        assert titles(Article.objects.filter(author=ann.pk)) == "Ants"
        server.start()
        close_old_connections()
        assert titles(found) == "Ants"
        assert titles(both) == "Ants"

    def test_the_query_goes_on_with_keys_it_has(self, server: PostgresServer) -> None:
        """Gone after the remote part was answered: the rest needs it no more."""
        ann = Person.objects.using("far").create(name="Ann", email="a")
        Article.objects.create(title="Ants", author=ann)

        def stop_first(execute: Any, *args: Any) -> Any:
            server.stop()
            return execute(*args)

        with connections["default"].execute_wrapper(stop_first):
            assert titles(Article.objects.filter(author__name="Ann")) == "Ants"
