"""The edges of what a filter through a reference understands."""

from __future__ import annotations

import pytest
from django.db.models import FilteredRelation, Q, Value

from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.keysets import Collected
from crossdb_reference.remote.detour import Detour
from tests.library.models import Article, Event, Everything
from tests.people.models import Person, Profile
from tests.queries import queries
from tests.remote.data import counts, names, titles

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("world")]


def test_a_filtered_relation_is_refused_from_both_sides() -> None:
    """Its condition would count for nothing."""
    condition = Q(author__name="nobody")
    articles = Article.objects.annotate(who=FilteredRelation("author", condition=condition))
    for found in (articles.filter(who__name="Ann"), articles.filter(who=1)):
        with pytest.raises(RemotePathError, match=r"FilteredRelation .* library\.Article\.author"):
            list(found)
    with pytest.raises(RemotePathError, match=r"FilteredRelation .* library\.Article\.author"):
        Person.objects.annotate(
            written=FilteredRelation("articles", condition=Q(articles__title="x"))
        ).filter(written__title="Ants")
    shelved = Article.objects.annotate(
        low=FilteredRelation("shelf", condition=Q(shelf__name="Low"))
    )
    assert titles(shelved.filter(low__isnull=False, author__name="Ann")) == "Ants"


def test_an_annotation_of_the_same_name_is_refused() -> None:
    """Django would filter by it instead."""
    with pytest.raises(RemotePathError, match="Give the annotation another name"):
        Person.objects.annotate(title=Value("Ants")).filter(articles__title="Ants")
    assert names(Person.objects.alias(title=Value("x")).filter(articles__title="Ants")) == "Ann"


def test_a_key_that_is_a_reference_is_followed(ann: Person) -> None:
    """By its own name and as ``pk``; another key is a key and nothing more."""
    everything = Everything.objects.create(profile=Profile.objects.create(person=ann))
    for path in ("profile__person__name", "profile__pk__name"):
        assert Everything.objects.get(**{path: "Ann"}) == everything
    with queries() as sent:
        assert Everything.objects.get(profile__person=ann.pk) == everything
    assert counts(sent) == {"default": 1}
    with pytest.raises(Exception, match="name"):
        Article.objects.filter(author__pk__name="Ann")


def test_local_conditions_that_decide_the_same_are_asked_about_once() -> None:
    """One question for each of two, and none for both."""
    people = Person.objects.filter(
        Q(articles__title="Ants") | Q(age=20) | Q(name="Cid"), articles__isnull=False
    )
    with queries() as sent:
        assert names(people) == "Ann Bob"
    assert counts(sent) == {"default": 3, "people": 1}


def test_a_plan_names_the_queries_for_remote_columns() -> None:
    """After the rows' own, which gives the keys."""
    plan = Event.objects.with_remote("actor__name", "actor__age").explain_references()
    assert plan.splitlines()[2:] == [
        "2. people: people.Person",
        "   actor__name, actor__age: for the keys of the rows",
    ]
    assert Event.objects.explain_references().startswith("1. archive: library.Event\n   SELECT")


def test_what_makes_no_range() -> None:
    """Few keys, sparse ones, others than integers, and integers that no column can hold."""
    for keys in (
        range(5),
        range(0, 1000, 3),
        list(map(str, range(200))),
        range(2**63, 2**63 + 200),
    ):
        assert Collected(list(keys)).range is None
    found = Collected([*range(1, 150), *range(160, 200)]).range
    assert found is not None
    assert (found.first, found.last, found.missing) == (1, 199, [*range(150, 160)])


def test_the_detour_of_a_field_is_one() -> None:
    """So that Django joins it once."""
    field, other = (Person._meta.get_field(name) for name in ("articles", "edited"))
    assert len({Detour(field), Detour(field), Detour(other)}) == 2
