"""What both twins have: the columns, and the relations within one database.

A relation that names its model without an app means the model of the twin's own app.
"""

from django.db import models

# On ``default``: the sources.


class Shelf(models.Model):
    """Before the source: sources are its multi-valued side."""

    name = models.CharField(max_length=20, null=True)

    class Meta:
        abstract = True


class Tag(models.Model):
    """Beside the source: many to many."""

    name = models.CharField(max_length=20)

    class Meta:
        abstract = True


class Order(models.Model):
    """The usual source."""

    title = models.CharField(max_length=20)
    note = models.CharField(max_length=20, null=True)
    amount = models.IntegerField(null=True)
    shelf = models.ForeignKey("Shelf", models.CASCADE, null=True, related_name="orders")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    tags = models.ManyToManyField("Tag", related_name="orders")

    class Meta:
        abstract = True


class Line(models.Model):
    """Two foreign keys to a source."""

    order = models.ForeignKey("Order", models.CASCADE, related_name="lines")
    spare = models.ForeignKey("Order", models.CASCADE, null=True, related_name="spares")
    quantity = models.IntegerField(null=True)

    class Meta:
        abstract = True


class Account(models.Model):
    """A source with a one-to-one reference."""

    code = models.CharField(max_length=20)
    limit = models.IntegerField(null=True)

    class Meta:
        abstract = True


class Card(models.Model):
    """A source whose one-to-one reference is its key."""

    kind = models.CharField(max_length=20, null=True)

    class Meta:
        abstract = True


# On ``people``: targets, and sources of a third database.


class Team(models.Model):
    """Behind a target."""

    name = models.CharField(max_length=20, null=True)

    class Meta:
        abstract = True


class Group(models.Model):
    """Beside a target: many to many."""

    name = models.CharField(max_length=20)
    rank = models.IntegerField(null=True)

    class Meta:
        abstract = True


class Customer(models.Model):
    """The usual target, with a column of each type."""

    name = models.CharField(max_length=20, null=True)
    email = models.CharField(max_length=20, null=True, unique=True)
    age = models.IntegerField(null=True)
    born = models.DateField(null=True)
    active = models.BooleanField(null=True)
    data = models.JSONField(null=True)
    club = models.ForeignKey("Team", models.CASCADE, related_name="club_members")
    team = models.ForeignKey("Team", models.CASCADE, null=True, related_name="members")
    sponsor = models.ForeignKey("self", models.CASCADE, null=True, related_name="sponsored")
    groups = models.ManyToManyField("Group", related_name="customers")

    class Meta:
        abstract = True
        # Said here, so that Django's check of the JSONField does not connect to find out.
        required_db_features = {"supports_json_field"}


class Phone(models.Model):
    """The multi-valued side of a target."""

    customer = models.ForeignKey("Customer", models.CASCADE, related_name="phones")
    number = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, null=True)

    class Meta:
        abstract = True


# On ``geo``: the targets' targets.


class Region(models.Model):
    """Behind the target of a target."""

    name = models.CharField(max_length=20, null=True)

    class Meta:
        abstract = True


class Country(models.Model):
    """A target with a string key."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=20, null=True)
    size = models.IntegerField(null=True)
    region = models.ForeignKey("Region", models.CASCADE, null=True, related_name="countries")

    class Meta:
        abstract = True


class City(models.Model):
    """The multi-valued side of the target of a target."""

    country = models.ForeignKey("Country", models.CASCADE, related_name="cities")
    name = models.CharField(max_length=20, null=True)

    class Meta:
        abstract = True
