"""Made-up customers and orders (factory_boy).

They name no database: what they create goes to its model's home.
"""

from datetime import timedelta
from decimal import Decimal

import factory
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils import timezone
from factory.django import DjangoModelFactory
from factory.random import randgen

from .models import Order

YEAR = timedelta(days=365).total_seconds()


class CustomerFactory(DjangoModelFactory[User]):
    """A customer who cannot log in."""

    class Meta:
        """A user of Django's."""

        model = User

    first_name = factory.Faker("first_name")
    last_name = factory.Faker("last_name")
    username = factory.LazyAttributeSequence(
        lambda user, n: f"{user.first_name}.{user.last_name}.{n}".lower()
    )
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.LazyFunction(lambda: make_password(None))


class OrderFactory(DjangoModelFactory[Order]):
    """An order of the past year, most of them small and a few large. The city is to be given."""

    class Meta:
        """An order."""

        model = Order

    customer = factory.SubFactory(CustomerFactory)
    amount = factory.LazyFunction(lambda: Decimal(f"{randgen.lognormvariate(3.5, 0.8):.2f}"))
    placed_at = factory.LazyFunction(
        lambda: timezone.now() - timedelta(seconds=randgen.uniform(0, YEAR))
    )
