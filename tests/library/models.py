"""Sources."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from crossdb_reference import (
    CrossDBOneToOneReference,
    CrossDBReference,
    PinnedManager,
    PinnedQuerySet,
)
from tests.people.models import Person


class Shelf(models.Model):
    """A local target: sources have ordinary relations too."""

    name = models.CharField(max_length=80)


class Article(models.Model):
    """The usual source: no pin, so it lives on ``default``."""

    title = models.CharField(max_length=80)
    author = CrossDBReference(Person, models.CASCADE, related_name="articles")
    editor = CrossDBReference(Person, models.SET_NULL, null=True, related_name="edited")
    shelf = models.ForeignKey(Shelf, models.SET_NULL, null=True, related_name="articles")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["author", "title"], name="one_title_per_author"),
            models.CheckConstraint(
                condition=~models.Q(author=models.F("editor")), name="edited_by_another"
            ),
        ]
        indexes = [models.Index(fields=["editor", "title"], name="by_editor")]

    def __str__(self):
        return self.title


class Comment(models.Model):
    """A source behind an ordinary foreign key to a source."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="comments")
    author = CrossDBReference("people.Person", models.CASCADE)
    reply_to = CrossDBReference("self", models.CASCADE, null=True, using="default")


class Account(models.Model):
    """A one-to-one reference, and one to the swappable user."""

    person = CrossDBOneToOneReference(Person, models.CASCADE, null=True, related_name="account")
    user = CrossDBReference(settings.AUTH_USER_MODEL, models.CASCADE, null=True)


class Everything(models.Model):
    """A reference to every kind of key."""

    small = CrossDBReference("people.SmallKey", models.CASCADE, null=True)
    uuid = CrossDBReference("people.UUIDKey", models.CASCADE, null=True)
    text = CrossDBReference("people.TextKey", models.CASCADE, null=True)
    decimal = CrossDBReference("people.DecimalKey", models.CASCADE, null=True)
    badge = CrossDBReference("people.BadgeKey", models.CASCADE, null=True)
    visitor = CrossDBReference("people.VisitorKey", models.CASCADE, null=True)
    code = CrossDBReference(
        "people.VisitorKey", models.CASCADE, to_field="code", null=True, related_name="by_code"
    )
    number = CrossDBReference("people.DefaultKey", models.CASCADE, null=True)
    date = CrossDBReference("people.DateKey", models.CASCADE, null=True)
    email = CrossDBReference(
        "people.Person", models.CASCADE, to_field="email", null=True, related_name="by_email"
    )
    adult = CrossDBReference("people.Adult", models.CASCADE, null=True, related_name="of_adult")
    employee = CrossDBReference(
        "people.Employee", models.CASCADE, null=True, related_name="of_employee"
    )
    profile = CrossDBReference("people.Profile", models.CASCADE, null=True)
    country = CrossDBReference("people.Country", models.PROTECT, null=True)


class Owned(models.Model):
    """An abstract source."""

    owner = CrossDBReference(
        Person, models.CASCADE, related_name="%(app_label)s_%(class)s", null=True
    )

    class Meta:
        abstract = True


class Car(Owned):
    """A child of the abstract source."""


class Truck(Owned):
    """Another one."""


class Review(Article):
    """A source with multi-table inheritance."""

    stars = models.IntegerField(default=0)
    critic = CrossDBReference(Person, models.CASCADE, null=True, related_name="reviews")


class Draft(Article):
    """A proxy of a source."""

    class Meta:
        proxy = True


class EventQuerySet(PinnedQuerySet):
    """A pinned queryset with a method of its own."""

    def logins(self):
        return self.filter(name="login")


class Event(models.Model):
    """A pinned source: on ``archive``, with a view of ``default``."""

    actor = CrossDBReference(Person, models.CASCADE, related_name="events", null=True)
    name = models.CharField(max_length=80)

    objects = PinnedManager.from_queryset(EventQuerySet)("archive")
    elsewhere = PinnedManager("default")


class EventNote(models.Model):
    """An ordinary foreign key between pinned models."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="notes")
    text = models.CharField(max_length=80)

    objects = PinnedManager("archive")


class TrackQuerySet(models.QuerySet):
    """An ordinary queryset with a method of its own."""

    def long(self):
        return self.filter(name__contains="long")


class Track(models.Model):
    """The other side of a many-to-many relation, with a pinned manager of an ordinary queryset."""

    name = models.CharField(max_length=80)

    objects = PinnedManager.from_queryset(TrackQuerySet)("archive")


class Album(models.Model):
    """Many to many between pinned models: the automatic table lives with them."""

    name = models.CharField(max_length=80)
    tracks = models.ManyToManyField(Track, related_name="albums")

    objects = PinnedManager("archive")
