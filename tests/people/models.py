"""Targets."""

from __future__ import annotations

import uuid

from django.db import models

from crossdb_reference import CrossDBOneToOneReference, CrossDBReference, PinnedManager
from tests.people.keys import BadgeAutoField, BadgeField


class Team(models.Model):
    """A target with an automatic key and ordinary relations around it."""

    name = models.CharField(max_length=80)


class PersonManager(models.Manager):
    """A manager with natural keys."""

    def get_by_natural_key(self, email):
        return self.get(email=email)


class Person(models.Model):
    """The usual target: an automatic big key, a unique field, relations of its own."""

    name = models.CharField(max_length=80)
    email = models.CharField(max_length=80, unique=True)
    age = models.IntegerField(default=30)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="members")
    skills = models.ManyToManyField("Skill")

    objects = PersonManager()

    def __str__(self):
        return self.name

    def natural_key(self):
        return (self.email,)


class Skill(models.Model):
    """Many to many with people."""

    name = models.CharField(max_length=80)


class Adult(Person):
    """A proxy of a target."""

    class Meta:
        proxy = True


class Employee(Person):
    """A target with multi-table inheritance: its key is a relation."""

    salary = models.IntegerField(default=0)


class SmallKey(models.Model):
    """A target with an automatic integer key."""

    id = models.AutoField(primary_key=True)


class UUIDKey(models.Model):
    """A target whose key is a UUID with a default."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=80, default="")


class TextKey(models.Model):
    """A target with a string key."""

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=80, default="")


class DecimalKey(models.Model):
    """A target with a decimal key."""

    amount = models.DecimalField(max_digits=10, decimal_places=2, primary_key=True)


class BadgeKey(models.Model):
    """A target whose key has converters."""

    badge = BadgeField(primary_key=True)


class VisitorKey(models.Model):
    """A target with an automatic key that has converters, and a unique field that may be NULL."""

    badge = BadgeAutoField(primary_key=True)
    code = models.CharField(max_length=20, unique=True, null=True)


class DefaultKey(models.Model):
    """A target whose key is a default of the database."""

    number = models.IntegerField(primary_key=True, db_default=42)


class DateKey(models.Model):
    """A target whose key is a date."""

    day = models.DateField(primary_key=True)


class Country(models.Model):
    """A target on a database of its own, with a string key and a name for its table."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=80)
    # A reference in the other direction, from a target to a source's database.
    registry = CrossDBReference("library.Shelf", models.SET_NULL, null=True, related_name="+")

    objects = PinnedManager("geo")

    class Meta:
        db_table = "tbl_country"


class Profile(models.Model):
    """A one-to-one reference that is the primary key, to a target in the same database."""

    person = CrossDBOneToOneReference(
        Person, models.CASCADE, primary_key=True, related_name="home_profile"
    )
    bio = models.TextField(default="")
