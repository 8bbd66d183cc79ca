"""References in queries: what is local, what asks the other database first, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import FieldError
from django.db import DatabaseError, connections, transaction
from django.db.models import (
    Case,
    CheckConstraint,
    Count,
    Exists,
    F,
    FilteredRelation,
    Index,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    UniqueConstraint,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from crossdb_reference.exceptions import ReferenceValueError, RemotePathError
from tests.library.models import Account, Article, Comment, Event, EventNote, Everything, Shelf
from tests.people.keys import Badge
from tests.people.models import Adult, BadgeKey, Employee, Person, Profile, Team
from tests.pickles import pickled
from tests.queries import queries
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def ann() -> Person:
    """Give an author."""
    return Person.objects.create(name="Ann", email="ann@example.org", age=40)


@pytest.fixture
def bob() -> Person:
    """Give another author."""
    return Person.objects.create(name="Bob", email="bob@example.org", age=20)


@pytest.fixture(scope="module")
def _copies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Let articles exist on ``archive`` too."""
    with tables(django_db_blocker, "archive", Shelf, Article):
        yield


@pytest.fixture(autouse=True)
def articles(ann: Person, bob: Person) -> None:
    """Give Ann two articles, one of them edited by Bob, and Bob one."""
    shelf = Shelf.objects.create(name="Low")
    Article.objects.create(title="Ants", author=ann, editor=bob, shelf=shelf)
    Article.objects.create(title="Asps", author=ann)
    Article.objects.create(title="Bees", author=bob)


def titles(queryset: QuerySet[Article]) -> str:
    """Return the titles, sorted, in one string."""
    return " ".join(sorted(article.title for article in queryset))


def counts(sent: dict[str, list[str]]) -> dict[str, int]:
    """Return how many queries each alias got."""
    return {alias: len(sql) for alias, sql in sent.items()}


class TestLocal:
    """Comparisons with targets and keys: no query on the target's database."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (lambda ann, _: Q(author=ann), "Ants Asps"),
            (lambda ann, _: Q(author=ann.pk), "Ants Asps"),
            (lambda ann, _: Q(author=str(ann.pk)), "Ants Asps"),
            (lambda ann, _: Q(author_id=ann.pk), "Ants Asps"),
            (lambda ann, _: Q(author_id=ann), "Ants Asps"),
            (lambda ann, _: Q(author__exact=ann), "Ants Asps"),
            (lambda ann, _: Q(author__pk=ann.pk), "Ants Asps"),
            (lambda ann, _: Q(author__pk=ann), "Ants Asps"),
            (lambda ann, _: Q(author__id=ann.pk), "Ants Asps"),
            (lambda ann, _: Q(author__id__in=[ann.pk]), "Ants Asps"),
            (lambda ann, _: Q(author_id__in=[ann]), "Ants Asps"),
            (lambda _, bob: Q(editor=bob), "Ants"),
            (lambda *_: Q(editor=None), "Asps Bees"),
            (lambda *_: Q(editor__isnull=True), "Asps Bees"),
            (lambda *_: Q(editor__isnull=False), "Ants"),
            (lambda *_: Q(editor__pk__isnull=False), "Ants"),
            (lambda ann, bob: Q(author__in=[ann, bob.pk]), "Ants Asps Bees"),
            (lambda ann, bob: Q(author__in={ann, bob}), "Ants Asps Bees"),
            (lambda ann, _: Q(author__in=(p for p in [ann])), "Ants Asps"),
            (lambda *_: Q(author__in=[]), ""),
            (lambda _, bob: Q(editor__in=[None, bob]), "Ants"),
            (lambda *_: Q(editor__in=[None]), ""),
            (lambda _, bob: ~Q(author=bob), "Ants Asps"),
            (lambda _, bob: ~Q(editor=bob), "Asps Bees"),
            (lambda _, bob: ~Q(editor__in=[bob]), "Asps Bees"),
            (lambda *_: ~Q(editor=None), "Ants"),
            (lambda _, bob: Q(author=bob) | Q(editor=bob), "Ants Bees"),
            (lambda ann, bob: Q(author__gte=ann.pk, author__lt=bob.pk), "Ants Asps"),
            (lambda ann, _: Q(author__range=(ann.pk, ann.pk)), "Ants Asps"),
            (lambda *_: Q(author=F("editor")), ""),
            (lambda *_: Q(author__lt=F("editor")), "Ants"),
            (lambda _, bob: Q(author__in=[F("editor"), bob]), "Bees"),
            (lambda *_: Q(author=2**70), ""),
            (lambda *_: Q(author=-(2**63) - 1), ""),
            (lambda ann, _: Q(author__in=[2**70, ann]), "Ants Asps"),
            (lambda *_: Q(author__lt=2**70), "Ants Asps Bees"),
        ],
    )
    def test_filter(
        self,
        ann: Person,
        bob: Person,
        condition: Callable[[Person, Person], Q],
        expected: str,
    ) -> None:
        """As for a ``ForeignKey``, on the source's database alone."""
        articles = Article.objects.filter(condition(ann, bob))
        with queries() as sent:
            assert titles(articles) == expected
        assert sent.keys() <= {"default"}

    def test_to_field(self, ann: Person) -> None:
        """The key is that field: it is local, and the primary key is a path to the target."""
        found = Everything.objects.create(email=ann)
        Everything.objects.create(email_id="other")
        for condition in (
            Q(email=ann),
            Q(email="ann@example.org"),
            Q(email__email="ann@example.org"),
            Q(email__email__in=[ann]),
            Q(email__startswith="ann@"),
            Q(email__email__endswith="example.org"),
        ):
            with queries() as sent:
                assert Everything.objects.get(condition) == found
            assert list(sent) == ["default"]
        for condition in (Q(email__pk=ann.pk), Q(email__id__in=[ann.pk])):
            with queries() as sent:
                assert Everything.objects.get(condition) == found
            assert counts(sent) == {"people": 1, "default": 1}

    def test_transforms_of_the_key(self) -> None:
        """Those of its type are there, unless the target has a field of that name."""
        found = Everything.objects.create(date_id="2024-02-29", text_id="abc")
        Everything.objects.create(date_id="2025-02-28", text_id="xyz")
        assert Everything.objects.get(date__year=2024) == found
        assert Everything.objects.get(text__contains="b") == found

    def test_through_ordinary_relations(self, ann: Person, bob: Person) -> None:
        """Joins of one database end at the reference."""
        article = Article.objects.get(title="Ants")
        comment = Comment.objects.create(article=article, author=bob)
        assert Comment.objects.get(article__author=ann) == comment
        assert list(Shelf.objects.filter(articles__author=ann)) == [article.shelf]
        assert list(Shelf.objects.filter(articles__author__in=[bob])) == []
        assert list(Shelf.objects.exclude(articles__author=bob)) == [article.shelf]
        anns = FilteredRelation("articles", condition=Q(articles__author=ann))
        found = Shelf.objects.annotate(anns=anns).filter(anns__isnull=False)
        assert list(found) == [article.shelf]

    def test_a_hundred_keys_are_literals_and_more_are_one_parameter(self, ann: Person) -> None:
        """Both find the same rows."""
        for keys in ([*range(-99, 0), ann.pk], [*range(-100, 0), ann]):
            assert titles(Article.objects.filter(author__in=keys)) == "Ants Asps"
            assert titles(Article.objects.exclude(author__in=keys)) == "Bees"

    def test_a_hundred_thousand_keys(self, ann: Person) -> None:
        """Plain Django breaks at the limits of the databases."""
        keys = [ann.pk, *range(10**9, 10**9 + 100_000)]
        with queries() as sent:
            assert titles(Article.objects.filter(author__in=keys)) == "Ants Asps"
        assert counts(sent) == {"default": 1}

    def test_an_unknown_lookup_is_djangos_error(self) -> None:
        """Neither a field of the target nor a lookup of the key; see ``tests.remote``."""
        with pytest.raises(FieldError, match="Cannot resolve keyword 'nope' into field"):
            Article.objects.filter(author__nope=1)


class TestInnerQuerySets:
    """``author__in=Person.objects.…``: runs on its own database, once."""

    @pytest.mark.parametrize(
        ("inner", "expected"),
        [
            (Person.objects.all, "Ants Asps Bees"),
            (lambda: Person.objects.filter(name="Ann"), "Ants Asps"),
            (lambda: Person.objects.using("people").filter(name="Ann"), "Ants Asps"),
            (lambda: Person.objects.order_by("-name")[:1], "Bees"),
            (lambda: Person.objects.order_by("name")[1:2], "Bees"),
            (lambda: Person.objects.order_by("name").reverse()[:1], "Bees"),
            (lambda: Person.objects.filter(age__gt=30).values("pk"), "Ants Asps"),
            (lambda: Person.objects.filter(age__gt=30).values_list("id", flat=True), "Ants Asps"),
            (lambda: Person.objects.annotate(n=F("age")).filter(n=20), "Bees"),
            (lambda: Person.objects.annotate(n=F("id")).filter(age=20).values("n"), "Bees"),
            (lambda: Person.objects.filter(age=20).only("name"), "Bees"),
            (lambda: Person.objects.filter(age=20).distinct(), "Bees"),
            (lambda: Person.objects.filter(skills=None, age=20), "Bees"),
            (lambda: Person.objects.filter(name="Ann") | Person.objects.filter(age=1), "Ants Asps"),
            (lambda: Person.objects.filter(age=1).union(Person.objects.filter(age=20)), "Bees"),
            (lambda: Profile.objects.values("person"), ""),
        ],
    )
    def test_finds_what_the_inner_query_selects(
        self, inner: Callable[[], QuerySet[Any]], expected: str
    ) -> None:
        """One query on each side."""
        queryset = Article.objects.filter(author__in=inner())
        with queries() as sent:
            assert titles(queryset) == expected
        assert counts(sent) == {"people": 1} | ({"default": 1} if expected else {})

    def test_exact_with_a_slice_of_one(self) -> None:
        """``=`` takes a queryset that can give one row at most."""
        with queries() as sent:
            found = Article.objects.filter(author=Person.objects.filter(age=40)[:1])
            assert titles(found) == "Ants Asps"
        assert counts(sent) == {"default": 1, "people": 1}
        nobody = Person.objects.filter(age=1)[:1]
        assert titles(Article.objects.filter(author=nobody)) == ""

    def test_exact_without_a_slice_is_refused(self) -> None:
        """With what to write instead."""
        with pytest.raises(ReferenceValueError) as caught:
            Article.objects.filter(author=Person.objects.all())
        assert str(caught.value) == (
            "A queryset compared with the reference library.Article.author by '=' must be limited"
            " to one row by slicing. Write [:1], or use author__in."
        )

    @pytest.mark.parametrize(
        ("columns", "found"), [(("pk", "name"), 2), (("name", "age", "email"), 3)]
    )
    def test_several_columns_are_refused(self, columns: tuple[str, ...], found: int) -> None:
        """With the column to name."""
        queryset = Article.objects.filter(author__in=Person.objects.values(*columns))
        with queries() as sent, pytest.raises(ReferenceValueError) as caught:
            list(queryset)
        assert str(caught.value) == (
            "A queryset compared with the reference library.Article.author must select one column,"
            f" but it selects {found}. Name the key's column: .values('id')."
        )
        assert sent == {}

    def test_nothing_found_ends_without_touching_the_source(self) -> None:
        """An empty set of keys is nobody's."""
        queryset = Article.objects.filter(author__in=Person.objects.filter(age=1))
        with queries() as sent:
            assert queryset.count() == 0
            assert list(queryset) == []
        assert counts(sent) == {"people": 2}

    def test_none_touches_no_database(self) -> None:
        """``none()`` is known to be empty."""
        with queries() as sent:
            assert list(Article.objects.filter(author__in=Person.objects.none())) == []
        assert sent == {}

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (lambda people: ~Q(author__in=people), "Bees"),
            (lambda people: ~Q(editor__in=people), "Ants Asps Bees"),
            (lambda _: ~Q(editor__in=Person.objects.all()), "Asps Bees"),
            (lambda people: ~Q(author__in=people.filter(age=1)), "Ants Asps Bees"),
            (lambda people: Q(author__in=people) & Q(title="Asps"), "Asps"),
            (lambda people: Q(author__in=people.filter(age=1)) | Q(title="Bees"), "Bees"),
            (lambda people: Q(author__in=people) ^ Q(title="Asps"), "Ants"),
        ],
    )
    def test_in_conditions(self, condition: Callable[[QuerySet[Person]], Q], expected: str) -> None:
        """NULL is kept by ``exclude()``, as for a ``ForeignKey``."""
        people = Person.objects.filter(name="Ann")
        assert titles(Article.objects.filter(condition(people))) == expected

    def test_keys_that_are_null_are_nobodys(self) -> None:
        """An inner column with NULLs does not make ``exclude()`` empty."""
        people = Person.objects.filter(name="Ann").values("team")
        assert titles(Article.objects.filter(author__in=people)) == ""
        assert titles(Article.objects.exclude(author__in=people)) == "Ants Asps Bees"

    def test_runs_once_per_evaluation_and_anew_for_the_next(self) -> None:
        """A queryset that is evaluated twice sees two states."""
        queryset = Article.objects.filter(author__in=Person.objects.filter(age=40))
        with queries() as sent:
            assert titles(queryset.all()) == "Ants Asps"
            assert queryset.exists()
            assert queryset.count() == 2
        assert counts(sent) == {"default": 3, "people": 3}
        Person.objects.update(age=40)
        assert titles(queryset.all()) == "Ants Asps Bees"

    def test_runs_once_where_the_condition_is_compiled_twice(self) -> None:
        """Selected and grouped by."""
        young = Case(
            When(author__in=Person.objects.filter(age__lt=30), then=Value("young")),
            default=Value("old"),
        )
        with queries() as sent:
            found = Article.objects.annotate(of=young).values("of").annotate(n=Count("pk"))
            assert sorted(found.values_list("of", "n")) == [("old", 2), ("young", 1)]
        assert counts(sent) == {"default": 1, "people": 1}

    def test_in_update_delete_and_aggregates(self) -> None:
        """Wherever a condition may stand."""
        old = Person.objects.filter(age=40)
        assert Article.objects.aggregate(n=Count("pk", filter=Q(author__in=old))) == {"n": 2}
        assert Article.objects.filter(author__in=old).update(shelf=None) == 2
        assert Article.objects.filter(author__in=old).delete() == (2, {"library.Article": 2})
        assert titles(Article.objects.all()) == "Bees"

    def test_nested_in_a_queryset_of_the_source(self, bob: Person) -> None:
        """The subquery stays local, and its keys come from the other database."""
        comment = Comment.objects.create(article=Article.objects.get(title="Ants"), author=bob)
        articles = Article.objects.filter(author__in=Person.objects.filter(name="Ann"))
        with queries() as sent:
            assert list(Comment.objects.filter(article__in=articles)) == [comment]
            assert list(Shelf.objects.filter(articles__in=articles)) == list(Shelf.objects.all())
        assert counts(sent) == {"default": 3, "people": 2}

    def test_of_the_same_database_stays_a_subquery(self, ann: Person) -> None:
        """No query of its own, whatever its size."""
        Comment.objects.create(article=Article.objects.get(title="Bees"), author=ann)
        authors = Comment.objects.values("author")
        with queries() as sent:
            assert titles(Article.objects.filter(author__in=authors)) == "Ants Asps"
            assert titles(Article.objects.filter(author=authors[:1])) == "Ants Asps"
        assert counts(sent) == {"default": 2}
        Profile.objects.create(person=ann)
        with queries() as sent:
            assert Profile.objects.filter(person__in=Person.objects.filter(age=40)).exists()
        assert counts(sent) == {"people": 1}

    def test_of_a_third_database_runs_there(self, ann: Person) -> None:
        """A pinned model's queryset runs on its home."""
        Event.objects.create(actor=ann, name="login")
        actors = Event.objects.filter(name="login").values("actor")
        with queries() as sent:
            assert titles(Article.objects.filter(author__in=actors)) == "Ants Asps"
        assert counts(sent) == {"default": 1, "archive": 1}

    def test_using_decides_where_it_runs(self) -> None:
        """And the error of a database names the reference."""
        wrong = Article.objects.filter(author__in=Person.objects.using("geo"))
        with pytest.raises(DatabaseError) as caught, transaction.atomic("geo"):
            list(wrong)
        assert caught.value.__notes__ == [
            "While following the reference library.Article.author to the database 'geo'."
        ]

    def test_outer_references_are_refused(self) -> None:
        """The inner database cannot see the outer query."""
        people = Person.objects.filter(age=OuterRef("pk"), pk=OuterRef("shelf"))
        with queries() as sent, pytest.raises(RemotePathError) as caught:
            list(Article.objects.filter(author__in=people))
        assert str(caught.value) == (
            "What is compared through the reference library.Article.author is answered by the"
            " database 'people', which cannot see library_article.id, library_article.shelf_id of"
            " the query around it. Compare with a value, or with a queryset of that database,"
            " instead of F or OuterRef."
        )
        assert sent == {}

    def test_of_another_model_is_refused(self) -> None:
        """Its keys would compare by chance."""
        with queries() as sent, pytest.raises(ReferenceValueError) as caught:
            Article.objects.filter(author__in=Team.objects.all())
        assert str(caught.value) == (
            "Cannot compare the reference library.Article.author with a queryset of people.Team:"
            " use a queryset of people.Person, or select keys with values()."
        )
        assert sent == {}
        with pytest.raises(ReferenceValueError, match=r"a queryset of people\.Team"):
            Article.objects.filter(author=Team.objects.all()[:1])

    def test_of_another_model_may_select_keys(self, ann: Person) -> None:
        """With ``values()`` it is the caller who says what they are keys of."""
        Team.objects.create(pk=ann.pk, name="T")
        for keys in (Team.objects.values("pk"), Team.objects.values_list("id", flat=True)):
            assert titles(Article.objects.filter(author__in=keys)) == "Ants Asps"

    def test_of_a_model_that_shares_the_rows_is_taken(self, ann: Person) -> None:
        """A proxy, a child, and for a reference to either the parent."""
        eve = Employee.objects.create(name="Eve", email="eve@example.org")
        Article.objects.create(title="Eels", author=eve)
        source = Everything.objects.create(employee=eve, adult=ann)
        for inner, expected in [
            (Adult.objects.filter(age=40), "Ants Asps"),
            (Employee.objects.all(), "Eels"),
        ]:
            assert titles(Article.objects.filter(author__in=inner)) == expected
        named = Person.objects.filter
        for condition in (
            Q(employee__in=named(name="Eve")),
            Q(employee=named(name="Eve")[:1]),
            Q(adult__in=named(name="Ann")),
        ):
            assert Everything.objects.get(condition) == source
        assert not Everything.objects.filter(employee__in=named(name="Ann")).exists()

    def test_a_union_is_compared_by_the_key(self, ann: Person, bob: Person) -> None:
        """Of each part that field is selected which the reference stores."""
        union = Person.objects.filter(name="Ann").union(Person.objects.filter(name="Eve"))
        source = Everything.objects.create(email=ann)
        Everything.objects.create(email=bob)
        assert Everything.objects.get(email__in=union) == source
        assert titles(Article.objects.filter(author__in=union)) == "Ants Asps"

    @pytest.mark.usefixtures("_copies")
    def test_of_the_sources_own_home_follows_the_outer_one(self, ann: Person, bob: Person) -> None:
        """With ``using()`` both run there, in one query."""
        Article.objects.using("archive").create(title="Ants", author=bob)
        Article.objects.using("archive").create(title="Asps", author=ann)
        mine = Article.objects.filter(title="Ants").values("author")
        with queries() as sent:
            assert titles(Article.objects.using("archive").filter(author__in=mine)) == "Ants"
        assert counts(sent) == {"archive": 1}
        with queries() as sent:
            assert titles(Article.objects.filter(author__in=mine)) == "Ants Asps"
        assert counts(sent) == {"default": 1}

    @pytest.mark.usefixtures("_copies")
    def test_with_using_runs_where_it_says(self, bob: Person) -> None:
        """Whatever the outer one does."""
        Article.objects.using("archive").create(title="Ants", author=bob)
        there = Article.objects.using("archive").values("author")
        with queries() as sent:
            assert titles(Article.objects.filter(author__in=there)) == "Bees"
        assert counts(sent) == {"archive": 1, "default": 1}

    def test_is_seen_by_explain_and_str(self) -> None:
        """The keys are in the words of the outer query."""
        queryset = Article.objects.filter(author__in=Person.objects.filter(age=40))
        with queries() as sent:
            assert "author_id" in str(queryset.query)
            assert queryset.explain()
        assert counts(sent) == {"default": 1, "people": 2}

    def test_survives_pickling_before_and_after_a_run(self) -> None:
        """A pickled query runs the inner one anew."""
        queryset = Article.objects.filter(author__in=Person.objects.filter(age=40))
        for _ in range(2):
            copy = Article.objects.all()
            copy.query = pickled(queryset.query)
            assert titles(copy) == "Ants Asps"
            assert titles(queryset) == "Ants Asps"

    def test_prefetches_may_use_it(self) -> None:
        """As any queryset of sources."""
        old = Article.objects.filter(author__in=Person.objects.filter(age=40))
        (shelf,) = Shelf.objects.prefetch_related(Prefetch("articles", old, to_attr="old"))
        assert titles(shelf.old) == "Ants"


MESSAGE = (
    "Cannot use {path!r} of the reference library.Article.author as a column of this query: its"
    " target people.Person lives in the database 'people'. To show it, use"
    " with_remote('author__{path}') or prefetch_related('author'); to filter by it,"
    " filter(author__{path}=…); to sort by it, sort in Python."
)


class TestRemoteColumns:
    """Paths into the target are for filters (``tests.remote``): they are no columns."""

    @pytest.mark.parametrize(
        ("use", "path"),
        [
            (lambda: Article.objects.order_by("author__name"), "name"),
            (lambda: Article.objects.order_by("-author__team__name"), "team__name"),
            (lambda: Article.objects.order_by("author__articles"), "articles"),
            (lambda: Article.objects.values("author__name"), "name"),
            (lambda: Article.objects.values_list("author__team__name"), "team__name"),
            (lambda: Article.objects.distinct("author__name"), "name"),
            (lambda: Article.objects.annotate(n=F("author__name")), "name"),
            (lambda: Article.objects.annotate(n=Count("author__skills")), "skills"),
            (lambda: Article.objects.aggregate(n=Max("author__age")), "age"),
            (lambda: Article.objects.filter(title=F("author__name")), "name"),
            (lambda: Article.objects.filter(title__in=[F("author__name")]), "name"),
            (lambda: Article.objects.update(title=F("author__name")), "name"),
            (lambda: Comment.objects.order_by("article__author__name"), "name"),
            (lambda: Comment.objects.values("article__author__name"), "name"),
        ],
    )
    def test_are_refused(self, use: Callable[[], Any], path: str) -> None:
        """The error names reference, path, target and alias, and what to use instead."""
        with queries() as sent, pytest.raises(RemotePathError) as caught:
            list(use())
        assert str(caught.value) == MESSAGE.format(path=path)
        assert isinstance(caught.value, FieldError)
        assert sent == {}

    def test_conditions_of_constraints_and_indexes_are_refused(self) -> None:
        """One database keeps them; they are validated on a value instead of a column."""
        field = Article._meta.get_field("author")
        words = (
            "Cannot follow the reference library.Article.author here: a constraint, an index or a"
            " default is kept by one database, which cannot see another one. Compare the key"
            " itself."
        )
        remote = Q(author__name="Ann")
        check = CheckConstraint(condition=remote, name="by_ann")
        unique = UniqueConstraint(fields=["title"], condition=remote, name="title_by_ann")
        index = Index(fields=["title"], condition=remote, name="index_by_ann")
        # Not in a block: nothing is changed.
        editor = connections["default"].schema_editor(collect_sql=True)
        for use in (
            lambda: remote.check({"author": Value(1, field)}),
            lambda: check.create_sql(Article, editor),
            lambda: unique.create_sql(Article, editor),
            lambda: index.create_sql(Article, editor),
        ):
            with pytest.raises(RemotePathError) as caught:
                use()
            assert str(caught.value) == words

    def test_select_related_on_a_pinned_model_is_refused_with_a_remedy(self) -> None:
        """Wherever on the path the reference is."""
        with pytest.raises(RemotePathError) as caught:
            Event.objects.select_related("actor")
        assert str(caught.value) == (
            "Cannot join the reference library.Event.actor: its target lives in the database"
            " 'people'. Use prefetch_related('actor'): one more query."
        )
        with pytest.raises(RemotePathError, match=r"library\.Event\.actor"):
            EventNote.objects.select_related("event__actor")

    def test_select_related_on_other_models_is_refused_by_django(self) -> None:
        """A reference is no relation that Django could join."""
        for queryset in (
            Article.objects.select_related("author"),
            Comment.objects.select_related("article__author"),
        ):
            with pytest.raises(FieldError, match="author"):
                list(queryset)

    def test_select_related_of_ordinary_relations_works(self) -> None:
        """Beside references, and with Django's own errors."""
        note = EventNote.objects.create(event=Event.objects.create(name="x"), text="y")
        with queries() as sent:
            assert EventNote.objects.select_related("event").get().event == note.event
            assert EventNote.objects.select_related(None).get() == note
            assert Article.objects.select_related("shelf").get(title="Ants").shelf.name == "Low"
        assert counts(sent) == {"archive": 2, "default": 1}
        for path in ("nope", "event__name__x", "event__nope"):
            with pytest.raises(FieldError):
                list(EventNote.objects.select_related(path))


class TestSelectingAndSorting:
    """By the key, in the source's database."""

    def test_values(self, ann: Person, bob: Person) -> None:
        """By any name that means the key."""
        for name in ("author", "author_id", "author__pk", "author__id"):
            with queries() as sent:
                keys = Article.objects.order_by("title").values_list(name, flat=True)
                assert list(keys) == [ann.pk, ann.pk, bob.pk]
            assert counts(sent) == {"default": 1}
        assert Article.objects.filter(title="Bees").values("author").get() == {"author": bob.pk}

    def test_order_by(self) -> None:
        """By the key, both ways, with other fields."""
        for order, expected in (
            (("author", "title"), ["Ants", "Asps", "Bees"]),
            (("-author", "-title"), ["Bees", "Asps", "Ants"]),
            (("author__pk", "-title"), ["Asps", "Ants", "Bees"]),
            ((F("author_id").desc(), "title"), ["Bees", "Ants", "Asps"]),
        ):
            assert [a.title for a in Article.objects.order_by(*order)] == expected

    def test_distinct_and_group_by(self, ann: Person, bob: Person) -> None:
        """One row per key."""
        assert Article.objects.values("author").distinct().count() == 2
        found = Article.objects.values("author").annotate(n=Count("pk")).order_by("author")
        assert list(found) == [{"author": ann.pk, "n": 2}, {"author": bob.pk, "n": 1}]
        found = Article.objects.values("author").annotate(n=Count("pk")).filter(n__gt=1)
        assert list(found) == [{"author": ann.pk, "n": 2}]

    def test_aggregates(self, bob: Person) -> None:
        """Of the keys."""
        found = Article.objects.aggregate(
            Max("author"), n=Count("author", distinct=True), edited=Count("editor")
        )
        assert found == {"author__max": bob.pk, "n": 2, "edited": 1}

    def test_expressions(self, ann: Person, bob: Person) -> None:
        """Arithmetic, ``Coalesce``, ``Case``."""
        ants = Article.objects.filter(title__in=["Ants", "Asps"]).order_by("title")
        rows = ants.annotate(
            more=F("author") + 1,
            who=Coalesce("editor", "author"),
            mine=Case(When(editor=bob, then=Value("yes")), default=Value("no")),
        ).values_list("more", "who", "mine")
        assert list(rows) == [(ann.pk + 1, bob.pk, "yes"), (ann.pk + 1, ann.pk, "no")]
        assert titles(Article.objects.alias(m=F("author")).filter(m=bob.pk)) == "Bees"
        assert titles(Article.objects.alias(m=F("author")).filter(m=bob)) == "Bees"

    def test_subqueries_of_the_same_database(self, ann: Person) -> None:
        """``Exists``, ``Subquery`` and ``OuterRef`` see the key."""
        Comment.objects.create(article=Article.objects.get(title="Bees"), author=ann)
        same = Comment.objects.filter(author=OuterRef("author"))
        with queries() as sent:
            assert titles(Article.objects.filter(Exists(same))) == "Ants Asps"
            assert titles(Article.objects.filter(~Exists(same))) == "Bees"
            first = Subquery(same.values("article__title")[:1])
            found = Article.objects.annotate(commented=first).get(title="Ants")
        assert found.commented == "Bees"
        assert list(sent) == ["default"]

    def test_set_operations(self) -> None:
        """Each part with its own keys from the other database."""
        old = Article.objects.filter(author__in=Person.objects.filter(age=40))
        young = Article.objects.filter(author__in=Person.objects.filter(age=20))
        assert titles(old.union(young)) == "Ants Asps Bees"
        assert titles(old | young) == "Ants Asps Bees"
        assert titles(old & young) == ""

    def test_pickled_queries_convert_keys(self) -> None:
        """A key with converters comes back as itself from a query that was pickled."""
        Everything.objects.create(badge=BadgeKey.objects.create(badge=Badge(7)))
        queryset = Everything.objects.annotate(top=Max("badge")).values("badge", "top")
        copy = Everything.objects.all()
        copy.query = pickled(queryset.query)
        assert list(copy) == list(queryset) == [{"badge": Badge(7), "top": Badge(7)}]


def test_one_to_one_references_have_the_same_lookups(ann: Person) -> None:
    """They are references."""
    account = Account.objects.create(person=ann)
    Account.objects.create()
    assert Account.objects.get(person=ann) == account
    assert Account.objects.get(person__in=Person.objects.filter(age=40)) == account
    assert Account.objects.get(person__name="Ann") == account
    with pytest.raises(RemotePathError, match=r"library\.Account\.person as a column"):
        list(Account.objects.order_by("person__name"))
