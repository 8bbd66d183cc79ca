"""What a path is compared with, and where it leads over several databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from tests.library.models import (
    Article,
    Event,
    Everything,
    Shelf,
)
from tests.people.models import Country, Person, Skill, Team
from tests.queries import queries
from tests.remote.data import ANN, counts, titles
from tests.twins.apart import models as apart

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]


class TestSeveralDatabases:
    """A path that meets another reference goes on from there."""

    def test_to_a_third_and_back(self) -> None:
        """One query per database on the way: the farthest first."""
        depot = Shelf.objects.create(name="Depot")
        country = Country.objects.create(code="NL", name="Netherlands", registry=depot)
        source = Everything.objects.create(country=country)
        Everything.objects.create(country=Country.objects.create(code="BE"))
        with queries() as sent:
            assert Everything.objects.get(country__registry__name="Depot") == source
        assert counts(sent) == {"default": 2, "geo": 1}
        with queries() as sent:
            assert Everything.objects.get(country__registry=depot) == source
        assert counts(sent) == {"default": 1, "geo": 1}
        assert not Everything.objects.filter(country__registry__name="None such").exists()

    def test_over_three_databases_and_back_to_the_first(self) -> None:
        """``default`` to ``people`` to ``geo`` to ``default``."""
        depot = apart.Shelf.objects.create(name="Depot")
        region = apart.Region.objects.create(name="South")
        italy = apart.Country.objects.create(code="IT", name="Italy", region=region, depot=depot)
        spain = apart.Country.objects.create(code="ES", name="Spain")
        club = apart.Team.objects.create(country=spain)
        for name, country in (("Ada", italy), ("Bea", spain), ("Cya", None)):
            customer = apart.Customer.objects.create(
                name=name, club=club, birthplace=spain, country=country
            )
            apart.Order.objects.create(title=f"of {name}", customer=customer)
        orders = apart.Order.objects
        with queries() as sent:
            assert titles(orders.filter(customer__country__name="Italy")) == "of Ada"
        assert counts(sent) == {"geo": 1, "people": 1, "default": 1}
        with queries() as sent:
            assert titles(orders.filter(customer__country__depot__name="Depot")) == "of Ada"
        assert counts(sent) == {"default": 2, "geo": 1, "people": 1}
        assert titles(orders.filter(customer__country__region__name="South")) == "of Ada"
        assert titles(orders.filter(customer__country__region=None)) == "of Bea of Cya"
        assert titles(orders.exclude(customer__country__name="Italy")) == "of Bea of Cya"
        assert titles(orders.filter(customer__country__isnull=True)) == "of Cya"
        assert titles(
            orders.filter(customer__country__name="Italy", customer__birthplace__name="Spain")
        ) == ("of Ada")
        assert titles(orders.filter(customer__club__country__name="Spain")) == (
            "of Ada of Bea of Cya"
        )
        assert titles(orders.filter(customer__country__code="IT")) == "of Ada"

    def test_forwards_and_backwards(self, ann: Person, bob: Person) -> None:
        """From an article to its author, and to what else refers to that person."""
        Event.objects.create(actor=ann, name="login")
        Event.objects.create(actor=bob, name="logout")
        with queries() as sent:
            assert titles(Article.objects.filter(author__events__name="login")) == "Ants Asps"
        assert counts(sent) == {"archive": 1, "people": 1, "default": 1}
        assert titles(Article.objects.filter(author__edited__title="Ants")) == "Bees"
        assert titles(Article.objects.filter(author__articles__shelf__name="High")) == "Ants Asps"
        assert titles(Article.objects.exclude(author__events__name="login")) == "Bees Cats"
        assert titles(Article.objects.filter(editor__events__isnull=True)) == "Asps Bees Cats"


class TestValues:
    """The right-hand side belongs to the target's database."""

    @pytest.mark.parametrize(
        "condition",
        [
            lambda _: Q(author__team__in=Team.objects.filter(name="Red")),
            lambda _: Q(author__team__in=Team.objects.using("people").filter(name="Red")),
            lambda _: Q(author__team__in=Team.objects.filter(name="Red").values("pk")),
            lambda _: Q(author__in=Person.objects.filter(team__name="Red").order_by("name")[:1]),
            lambda _: Q(author__team=Team.objects.filter(name="Red")[:1]),
            lambda _: Q(author__team__in=list(Team.objects.filter(name="Red"))),
            lambda ann: Q(author__team=ann.team),
            lambda ann: Q(author__team=ann.team_id),
            lambda ann: Q(author__team__in={ann.team}),
            lambda ann: Q(author__team__in=(team for team in [ann.team])),
            lambda _: Q(author__skills__in=Skill.objects.filter(name="knitting")),
            lambda _: Q(author__skills=Skill.objects.get(name="knitting")),
            lambda _: Q(author__name__in=Person.objects.filter(age=40).values("name")),
            lambda _: Q(
                author__age__in=Person.objects.using("people").filter(pk=ANN).values("age")
            ),
            lambda _: Q(author__name__in=("Ann", "Eve")),
            lambda _: Q(author__name__in={"Ann", "Eve"}),
            lambda _: Q(author__name__in=frozenset({"Ann", "Eve"})),
            lambda _: Q(author__name__in=iter(["Ann", "Eve"])),
            lambda _: Q(author__name__in=dict.fromkeys(["Ann", "Eve"])),
            lambda _: Q(author__name__in=dict.fromkeys(["Ann", "Eve"]).keys()),
            lambda _: Q(author__age__in=range(30, 50)),
            lambda _: Q(author__age__range=[30, 50]),
            lambda _: Q(author__name__in=[None, "Ann"]),
            lambda _: Q(author__age__gt=Value(30)),
            lambda _: Q(author__email=Lower(Value("ANN@example.org"))),
            lambda _: Q(author__age__gt=Value(10) + Value(20)),
        ],
    )
    def test_of_every_kind(self, ann: Person, condition: Callable[[Person], Q]) -> None:
        """Values, lists, generators, sets, instances, and querysets of that database."""
        found = Article.objects.filter(condition(ann))
        with queries() as sent:
            assert titles(found) == "Ants Asps"
        assert counts(sent) in ({"default": 1, "people": 1}, {"default": 1, "people": 2})
        assert titles(found.all()) == "Ants Asps"

    def test_a_generator_is_read_once_and_kept(self) -> None:
        """For every run of the queryset."""
        found = Article.objects.filter(author__name__in=(name for name in ["Ann"]))
        for _ in range(2):
            assert titles(found.all()) == "Ants Asps"
        assert found.count() == 2

    def test_a_queryset_is_a_subquery_there(self) -> None:
        """No query of its own."""
        teams = Team.objects.filter(name="Red")
        with queries() as sent:
            assert titles(Article.objects.filter(author__team__in=teams)) == "Ants Asps"
        assert counts(sent) == {"people": 1, "default": 1}

    @pytest.mark.skipif(
        not connections["people"].features.allow_sliced_subqueries_with_in,
        reason="MariaDB refuses LIMIT in such a subquery.",
    )
    def test_a_sliced_queryset(self) -> None:
        """As far as the target's database takes one."""
        first = Team.objects.order_by("-name")[:1]
        assert titles(Article.objects.filter(author__team__in=first)) == "Ants Asps"

    def test_a_queryset_with_a_remote_filter_of_its_own(self) -> None:
        """Asked from the inside out."""
        rowers: QuerySet[Person] = Person.objects.filter(articles__title="Asps")
        with queries() as sent:
            assert titles(Article.objects.filter(author__in=rowers)) == "Ants Asps"
        assert counts(sent) == {"default": 2, "people": 1}
        teams = Team.objects.filter(members__articles__title="Asps")
        assert titles(Article.objects.filter(author__team__in=teams)) == "Ants Asps"
