"""Wherever a condition may stand: negated and combined, in expressions, in subqueries."""

from __future__ import annotations

import pytest
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    FilteredRelation,
    Max,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from tests.library.models import Article, Comment, Shelf
from tests.people.models import Person, Team
from tests.queries import queries
from tests.remote.data import ANN, BOB, counts, names, titles

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]

ONE_EACH = {"people": 1, "default": 1}
BY_ANN = Q(author__name="Ann")


class TestCombinations:
    """``exclude``, and ``Q`` with ``& | ^ ~``."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (BY_ANN, "Ants Asps"),
            (~BY_ANN, "Bees Cats"),
            (~~BY_ANN, "Ants Asps"),
            (BY_ANN & Q(title="Ants"), "Ants"),
            (BY_ANN | Q(title="Bees"), "Ants Asps Bees"),
            (BY_ANN ^ Q(title="Ants"), "Asps"),
            (BY_ANN ^ Q(author__age=40), ""),
            (BY_ANN ^ Q(author__age=20), "Ants Asps Bees"),
            (BY_ANN ^ Q(author__age=40) ^ Q(title__startswith="A"), "Ants Asps"),
            (BY_ANN & ~Q(editor__name="Bob"), "Asps"),
            (~(BY_ANN & Q(editor__name="Bob")), "Asps Bees Cats"),
            (~(BY_ANN | Q(editor__name="Cid")), "Cats"),
            (~BY_ANN & ~Q(title="Cats"), "Bees"),
            (~BY_ANN | Q(editor__name="Bob"), "Ants Bees Cats"),
            (~(BY_ANN ^ Q(title="Ants")), "Ants Bees Cats"),
            ((BY_ANN | Q(title="Cats")) & (Q(editor__isnull=True) | Q(author__age=1)), "Asps Cats"),
            (~(~BY_ANN & ~Q(author__age=20)), "Ants Asps Bees"),
            (Q(author__name="Eve") | Q(author__team__name="Blue"), "Bees"),
            (Q(BY_ANN, Q(), ~Q()), "Ants Asps"),
        ],
    )
    def test_filter_and_exclude(self, condition: Q, expected: str) -> None:
        """Each row is in one of the two: the authors' names are not NULL."""
        assert titles(Article.objects.filter(condition)) == expected
        rest = " ".join(t for t in ["Ants", "Asps", "Bees", "Cats"] if t not in expected)
        assert titles(Article.objects.exclude(condition)) == rest


class TestExpressions:
    """``When``, ``filter=`` and conditions as values."""

    def test_case_when(self) -> None:
        """In an annotation, an order and a filter, asked once."""
        who = Case(
            When(BY_ANN, then=Value("Ann's")),
            When(author__team__name="Blue", then=Value("blue")),
            default=Value("other"),
        )
        with queries() as sent:
            found = Article.objects.annotate(who=who).order_by("who", "title")
            assert [(article.title, article.who) for article in found] == [
                ("Ants", "Ann's"),
                ("Asps", "Ann's"),
                ("Bees", "blue"),
                ("Cats", "other"),
            ]
        assert counts(sent) == {"people": 2, "default": 1}
        assert titles(Article.objects.alias(who=who).filter(who="blue")) == "Bees"
        in_order = Article.objects.order_by(Case(When(~BY_ANN, then=0), default=1), "title")
        assert [article.title for article in in_order] == ["Bees", "Cats", "Ants", "Asps"]
        groups = Article.objects.values(by=who).annotate(n=Count("pk")).order_by("by")
        assert list(groups.values_list("by", "n")) == [("Ann's", 2), ("blue", 1), ("other", 1)]

    def test_filter_of_aggregates(self) -> None:
        """Of ``aggregate()`` and of groups, beside a remote filter of the query."""
        with queries() as sent:
            found = Article.objects.aggregate(
                anns=Count("pk", filter=BY_ANN),
                others=Count("pk", filter=~BY_ANN),
                last=Max("title", filter=Q(author__age__lt=30)),
                nobodys=Count("pk", filter=Q(author__name="Eve")),
            )
        assert found == {"anns": 2, "others": 2, "last": "Bees", "nobodys": 0}
        assert counts(sent)["default"] == 1
        shelves = Shelf.objects.annotate(n=Count("articles", filter=Q(articles__author__age=40)))
        assert list(shelves.order_by("name").values_list("name", "n")) == [("High", 1), ("Low", 1)]
        edited = Article.objects.filter(BY_ANN).aggregate(n=Count("pk", filter=Q(editor__age=20)))
        assert edited == {"n": 1}
        teams = Team.objects.annotate(
            old=Sum("members__age", filter=Q(members__articles__title="Ants"))
        )
        assert dict(teams.values_list("name", "old")) == {"Red": 40, "Blue": None}

    def test_a_condition_as_a_column(self) -> None:
        """True or false of each row, to be selected, filtered and grouped by."""
        flagged = Article.objects.annotate(anns=BY_ANN)
        with queries() as sent:
            found = flagged.filter(anns=True).order_by("title").values_list("title", "anns")
            assert list(found) == [("Ants", True), ("Asps", True)]
        assert counts(sent)["default"] == 1
        assert titles(flagged.exclude(anns=True)) == "Bees Cats"
        assert list(flagged.values("anns").annotate(n=Count("pk")).order_by("anns")) == [
            {"anns": False, "n": 2},
            {"anns": True, "n": 2},
        ]
        wrapped = ExpressionWrapper(Q(author__name="Eve"), output_field=BooleanField())
        assert set(Article.objects.values_list(wrapped, flat=True)) == {False}
        assert [article.title for article in flagged.order_by("-anns", "-title")] == [
            *("Asps", "Ants", "Cats", "Bees")
        ]
        assert titles(Article.objects.filter(Case(When(BY_ANN, then=True), default=False))) == (
            "Ants Asps"
        )

    def test_after_aggregation(self) -> None:
        """``WHERE`` and ``HAVING``, in one condition too."""
        ants, bob = Article.objects.get(title="Ants"), Person.objects.get(name="Bob")
        for _ in range(2):
            Comment.objects.create(article=ants, author=bob)
        counted = Article.objects.annotate(n=Count("comments"))
        assert titles(counted.filter(BY_ANN, n=0)) == "Asps"
        assert titles(counted.filter(n__gt=1).filter(BY_ANN)) == "Ants"
        assert titles(counted.filter(Q(n__gt=1) | Q(author__name="Bob"))) == "Ants Bees"
        assert titles(counted.filter(~Q(n__gt=1) & ~Q(author__name="Bob"))) == "Asps Cats"
        assert titles(Article.objects.filter(BY_ANN).annotate(n=Count("comments")).filter(n=2)) == (
            "Ants"
        )
        by_author = Article.objects.values("author").annotate(n=Count("pk"))
        found = by_author.filter(Q(n__gt=1) | Q(author__name="Bob")).order_by("author")
        assert [row["author"] for row in found] == [ANN, BOB]

    def test_window_functions(self) -> None:
        """Before and after the rows are numbered."""
        numbered = Article.objects.annotate(
            number=Window(RowNumber(), partition_by="author", order_by="title")
        )
        assert titles(numbered.filter(BY_ANN, number=2)) == "Asps"
        assert titles(numbered.filter(number=1).filter(~BY_ANN)) == "Bees Cats"
        assert titles(numbered.filter(Q(number=2) | Q(author__name="Bob"))) == "Asps Bees"

    def test_a_filtered_relation_of_this_database(self) -> None:
        """Its condition may be remote, and so may what is asked of it."""
        anns = FilteredRelation("articles", condition=Q(articles__author__name="Ann"))
        shelves = Shelf.objects.annotate(anns=anns)
        assert names(shelves.filter(anns__title="Ants")) == "Low"
        assert names(shelves.filter(anns__title="Cats")) == ""
        low = FilteredRelation("articles", condition=Q(articles__title="Ants"))
        shelves = Shelf.objects.annotate(chosen=low)
        assert names(shelves.filter(chosen__author__name="Ann")) == "Low"
        assert names(shelves.filter(chosen__author__name="Bob")) == ""


class TestSubqueries:
    """Of the same database: the remote part runs once, and the rest is one query."""

    def test_exists(self) -> None:
        """With the condition inside."""
        anns = Article.objects.filter(BY_ANN, shelf=OuterRef("pk"))
        with queries() as sent:
            assert names(Shelf.objects.filter(Exists(anns))) == "High Low"
        assert counts(sent) == ONE_EACH
        red = Article.objects.filter(editor__team__name="Blue", shelf=OuterRef("pk"))
        assert names(Shelf.objects.filter(Exists(red))) == "Low"
        assert names(Shelf.objects.filter(~Exists(red))) == "High"
        nobodys = Article.objects.filter(author__name="Eve", shelf=OuterRef("pk"))
        assert names(Shelf.objects.filter(~Exists(nobodys))) == "High Low"
        assert names(Shelf.objects.filter(Exists(nobodys))) == ""
        people = Person.objects.filter(articles__title="Ants", team=OuterRef("pk"))
        assert names(Team.objects.filter(Exists(people))) == "Red"

    def test_inside_one_another(self) -> None:
        """A remote filter whose local subquery has another."""
        with queries() as sent:
            inner = Article.objects.filter(BY_ANN).values("pk")
            assert titles(Article.objects.filter(pk__in=inner, editor__name="Bob")) == "Ants"
        assert counts(sent) == {"people": 2, "default": 1}
        anns = Article.objects.filter(BY_ANN)
        assert names(Shelf.objects.filter(articles__in=anns)) == "High Low"
        first = Article.objects.filter(BY_ANN, shelf=OuterRef("pk")).values("title")[:1]
        found = Shelf.objects.annotate(title=Subquery(first)).order_by("name")
        assert list(found.values_list("name", "title")) == [("High", "Asps"), ("Low", "Ants")]

    def test_the_column_of_the_reference_may_be_an_outer_one(self) -> None:
        """The key is of this database."""
        same = Article.objects.filter(author=OuterRef("author"), author__age__gt=1)
        others = same.exclude(pk=OuterRef("pk"))
        assert titles(Article.objects.filter(Exists(others))) == "Ants Asps"
