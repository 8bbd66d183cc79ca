"""The same rows twice: behind a reference, and behind a ``ForeignKey`` within one database."""

from __future__ import annotations

from django.db import models

from crossdb_reference import CrossDBReference, PinnedManager
from tests.bench.databases import REMOTES


class PersonColumns(models.Model):
    """A target of nine columns."""

    name = models.CharField(max_length=80)
    email = models.CharField(max_length=80)
    city = models.CharField(max_length=80)
    age = models.IntegerField()
    score = models.IntegerField()
    weight = models.FloatField()
    active = models.BooleanField()
    joined = models.DateTimeField()

    class Meta:
        abstract = True


class ArticleColumns(models.Model):
    """A source, less its reference."""

    title = models.CharField(max_length=80)
    words = models.IntegerField()

    class Meta:
        abstract = True


class Person(PersonColumns):
    """A target on the targets' server."""


class Reader(PersonColumns):
    """The same, of which there is one per ``Visit``."""


class LocalPerson(PersonColumns):
    """The yardstick's target: in the database of its sources."""


class Article(ArticleColumns):
    """A source behind a reference."""

    author = CrossDBReference(Person, models.CASCADE, related_name="articles")

    objects = PinnedManager("default")


class LocalArticle(ArticleColumns):
    """The yardstick: a source behind a ``ForeignKey``."""

    author = models.ForeignKey(LocalPerson, models.CASCADE, related_name="articles")


class SQLiteArticle(ArticleColumns):
    """A source whose targets are in a SQLite file."""

    author = CrossDBReference(Person, models.CASCADE, using="sqlite_people", related_name="+")


class ForeignTableArticle(ArticleColumns):
    """The rows of ``Article``, joined with a foreign table of ``postgres_fdw``."""

    author = models.ForeignKey(Person, models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        managed = False
        db_table = "bench_article"


class Visit(ArticleColumns):
    """A source, one of as many as there are targets."""

    reader = CrossDBReference(Reader, models.CASCADE, related_name="visits")


class Trip(models.Model):
    """A source that refers to eight databases: ``stop1`` to ``stop8``. It has no table."""


STOPS = [f"stop{number}" for number, _ in enumerate(REMOTES, 1)]
for stop, alias in zip(STOPS, REMOTES, strict=True):
    Trip.add_to_class(stop, CrossDBReference(Person, models.CASCADE, using=alias, related_name="+"))
