"""The twins in three databases: references where the others have foreign keys across them."""

from django.db import models

from crossdb_reference import CrossDBOneToOneReference, CrossDBReference, PinnedManager
from tests.twins import shape


class Shelf(shape.Shelf):
    pass


class Tag(shape.Tag):
    pass


class Order(shape.Order):
    customer = CrossDBReference("Customer", models.CASCADE, related_name="orders")
    payer = CrossDBReference("Customer", models.CASCADE, null=True, related_name="paid")
    agent = CrossDBReference(
        "Customer", models.CASCADE, to_field="email", null=True, related_name="arranged"
    )


class Line(shape.Line):
    origin = CrossDBReference("Country", models.CASCADE, null=True, related_name="lines")


class Account(shape.Account):
    customer = CrossDBOneToOneReference(
        "Customer", models.CASCADE, null=True, related_name="account"
    )


class Card(shape.Card):
    customer = CrossDBOneToOneReference(
        "Customer", models.CASCADE, primary_key=True, related_name="card"
    )


class Team(shape.Team):
    country = CrossDBReference("Country", models.CASCADE, null=True, related_name="teams")


class Group(shape.Group):
    pass


class Customer(shape.Customer):
    country = CrossDBReference("Country", models.CASCADE, null=True, related_name="customers")
    birthplace = CrossDBReference("Country", models.CASCADE, related_name="natives")


class Phone(shape.Phone):
    pass


class Region(shape.Region):
    objects = PinnedManager("geo")


class Country(shape.Country):
    depot = CrossDBReference("Shelf", models.CASCADE, null=True, related_name="countries")

    objects = PinnedManager("geo")


class City(shape.City):
    objects = PinnedManager("geo")
