"""A few people, and what they wrote."""

from __future__ import annotations

import pytest

from tests.library.models import Article, Shelf
from tests.people.models import Person, Skill, Team
from tests.remote import data


@pytest.fixture
def world() -> None:
    """Store the people and articles.

    ====== === ===== =================    ======= ====== ====== =====
    person age team  skills               article author editor shelf
    ====== === ===== =================    ======= ====== ====== =====
    Ann    40  Red   knitting, rowing     Ants    Ann    Bob    Low
    Bob    20  Blue  rowing               Asps    Ann           High
    Cid    60                             Bees    Bob    Cid
    ====== === ===== =================    Cats    nobody        Low
                                          ======= ====== ====== =====

    The author of Cats is a key that no person has.
    """
    red = Team.objects.create(pk=data.RED, name="Red")
    blue = Team.objects.create(pk=data.BLUE, name="Blue")
    knitting = Skill.objects.create(pk=data.KNITTING, name="knitting")
    rowing = Skill.objects.create(pk=data.ROWING, name="rowing")
    ann, bob, cid = (
        Person.objects.create(
            pk=pk, name=name, email=f"{name.lower()}@example.org", age=age, team=team
        )
        for pk, name, age, team in (
            (data.ANN, "Ann", 40, red),
            (data.BOB, "Bob", 20, blue),
            (data.CID, "Cid", 60, None),
        )
    )
    ann.skills.set([knitting, rowing])
    bob.skills.set([rowing])
    low = Shelf.objects.create(pk=data.LOW, name="Low")
    high = Shelf.objects.create(pk=data.HIGH, name="High")
    Article.objects.create(pk=data.ANTS, title="Ants", author=ann, editor=bob, shelf=low)
    Article.objects.create(pk=data.ASPS, title="Asps", author=ann, shelf=high)
    Article.objects.create(pk=data.BEES, title="Bees", author=bob, editor=cid)
    Article.objects.create(pk=data.CATS, title="Cats", author_id=data.NOBODY, shelf=low)


@pytest.fixture
def ann(world: None) -> Person:  # noqa: ARG001 (she is in it)
    """Give Ann."""
    return Person.objects.get(name="Ann")


@pytest.fixture
def bob(world: None) -> Person:  # noqa: ARG001 (he is in it)
    """Give Bob."""
    return Person.objects.get(name="Bob")


@pytest.fixture
def cid(world: None) -> Person:  # noqa: ARG001 (he is in it)
    """Give Cid."""
    return Person.objects.get(name="Cid")
