"""Each statement here is checked by ``make types``; nothing of it runs."""

from __future__ import annotations

from typing import Any, assert_type

from django.db import models

from crossdb_reference import (
    CrossDBOneToOneReference,
    CrossDBReference,
    DanglingReference,
    PinnedManager,
    PinnedQuerySet,
    home_database,
    pinned,
)


class Person(models.Model):
    """A target."""

    name: models.CharField[str, str] = models.CharField(max_length=80)


class ArticleQuerySet(PinnedQuerySet["Article"]):
    """A queryset of its own."""

    def long(self) -> ArticleQuerySet:
        """Return some."""
        return self.filter(title="")


class ArticleManager(PinnedManager["Article"]):
    """A manager of its own."""

    database = "default"


class Article(models.Model):
    """A source."""

    author_id: int
    author = CrossDBReference(Person, models.CASCADE)
    editor = CrossDBReference(Person, models.SET_NULL, null=True)
    reviewer = CrossDBReference(Person, models.PROTECT, null=False, using="people")
    publisher: CrossDBReference[Person] = CrossDBReference("people.Person", models.CASCADE)
    printer: CrossDBReference[Person | None] = CrossDBReference(
        "people.Person", models.CASCADE, null=True
    )
    unknown = CrossDBReference("people.Person", models.CASCADE)
    cover = CrossDBOneToOneReference(Person, models.CASCADE)
    draft = CrossDBOneToOneReference(Person, models.CASCADE, null=True)
    scan: CrossDBOneToOneReference[Person] = CrossDBOneToOneReference(
        "people.Person", models.CASCADE
    )

    objects = PinnedManager["Article"]("default")
    others = ArticleManager()


def attributes(article: Article, person: Person) -> None:
    """The attribute is of the target's class, or None where it may be null."""
    assert_type(article.author, Person)
    assert_type(article.author.name, str)
    assert_type(article.author_id, int)
    assert_type(article.editor, Person | None)
    assert_type(article.reviewer, Person)
    assert_type(article.publisher, Person)
    assert_type(article.printer, Person | None)
    assert_type(article.unknown, Any)
    assert_type(article.cover, Person)
    assert_type(article.draft, Person | None)
    assert_type(article.scan, Person)
    article.author = person
    article.editor = None


def mistakes(article: Article) -> None:
    """Each line is an error: an ignore that is not needed fails the check."""
    article.author = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    article.author = article  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    article.editor.name  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]  # noqa: B018
    CrossDBReference(Person)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def managers() -> None:
    """A manager gives its model."""
    assert_type(Article.objects.get(pk=1), Article)
    assert_type(Article.others.get(pk=1), Article)
    assert_type(Article.objects.filter(title="").first(), Article | None)


def functions() -> None:
    """The functions take models and aliases."""
    assert_type(home_database(Article), str)
    with pinned("default") as nothing:
        assert_type(nothing, None)
    error = DanglingReference("")
    assert_type(error.alias, str)
    assert_type(error.field, str)
