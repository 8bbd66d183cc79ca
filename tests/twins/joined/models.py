"""The twins in one database: ordinary foreign keys, all on ``default``."""

from django.db import models

from tests.twins import shape


class Shelf(shape.Shelf):
    pass


class Tag(shape.Tag):
    pass


class Order(shape.Order):
    customer = models.ForeignKey("Customer", models.CASCADE, related_name="orders")
    payer = models.ForeignKey("Customer", models.CASCADE, null=True, related_name="paid")
    agent = models.ForeignKey(
        "Customer", models.CASCADE, to_field="email", null=True, related_name="arranged"
    )


class Line(shape.Line):
    origin = models.ForeignKey("Country", models.CASCADE, null=True, related_name="lines")


class Account(shape.Account):
    customer = models.OneToOneField("Customer", models.CASCADE, null=True, related_name="account")


class Card(shape.Card):
    customer = models.OneToOneField(
        "Customer", models.CASCADE, primary_key=True, related_name="card"
    )


class Team(shape.Team):
    country = models.ForeignKey("Country", models.CASCADE, null=True, related_name="teams")


class Group(shape.Group):
    pass


class Customer(shape.Customer):
    country = models.ForeignKey("Country", models.CASCADE, null=True, related_name="customers")
    birthplace = models.ForeignKey("Country", models.CASCADE, related_name="natives")


class Phone(shape.Phone):
    pass


class Region(shape.Region):
    pass


class Country(shape.Country):
    depot = models.ForeignKey("Shelf", models.CASCADE, null=True, related_name="countries")


class City(shape.City):
    pass
