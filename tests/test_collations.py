"""Databases that take two texts for the same: MariaDB does unless told otherwise."""

from __future__ import annotations

from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from django.db import connections, models
from django.db.models import prefetch_related_objects
from django.test.utils import isolate_apps

from crossdb_reference import CrossDBOneToOneReference, CrossDBReference, DanglingReference
from crossdb_reference.fetching import key_getter
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

pytestmark = pytest.mark.django_db(databases="__all__")

IGNORE_CASE = {"sqlite": "nocase", "mysql": "utf8mb4_general_ci"}
COLLATION = {alias: IGNORE_CASE.get(connections[alias].vendor) for alias in connections}

with isolate_apps("tests.library"):

    class Tag(models.Model):
        """A target whose key differs in case from what its sources have."""

        code = models.CharField(max_length=20, primary_key=True, db_collation=COLLATION["people"])

        class Meta:
            app_label = "library"

    class Tagged(models.Model):
        """Its sources."""

        tag = CrossDBReference(Tag, models.CASCADE, using="people", related_name="tagged")

        class Meta:
            app_label = "library"

    class Label(models.Model):
        """Its one source."""

        tag = CrossDBOneToOneReference(Tag, models.CASCADE, using="people", related_name="label")

        class Meta:
            app_label = "library"


@pytest.fixture(scope="module", autouse=True)
def _tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Make the tables, each on its side."""
    with (
        tables(django_db_blocker, "people", Tag),
        tables(django_db_blocker, "default", Tagged, Label),
    ):
        yield


@pytest.mark.parametrize("model", [Tagged, Label])
def test_a_prefetch_finds_what_a_single_fetch_finds(model: type[models.Model]) -> None:
    """Where the target's database ignores case, both do; elsewhere the reference dangles."""
    Tag.objects.using("people").create(code="NL")
    model.objects.create(tag_id="nl")
    fetched, prefetched = model.objects.get(), model.objects.get()
    prefetch_related_objects([prefetched], "tag")
    for source in (fetched, prefetched):
        assert source.tag_id == "nl"
        if COLLATION["people"]:
            assert source.tag.code == "NL"
        else:
            with pytest.raises(DanglingReference):
                _ = source.tag


@pytest.mark.parametrize(
    ("keys", "others", "matched"),
    [
        (["a", "b"], ["a", "b"], ["a", "b"]),
        (["a"], ["A"], ["A"]),
        (["a", "A"], ["A"], ["a", "A"]),
        (["a "], ["a"], ["a"]),
        (["a"], ["b"], ["a"]),
        ([5, "5"], [5], [5, 5]),
        ([None, "6"], [7], [None, "6"]),
    ],
)
def test_keys_are_matched_as_their_database_would(
    keys: list[object], others: list[object], matched: list[object]
) -> None:
    """Python's equality first, then the key's type, then case and final spaces."""
    numbers = isinstance(others[0], int)

    def to_python(key: object) -> object:
        return int(key) if numbers and key is not None else key

    get = key_getter("key", keys, others, to_python)
    assert [get(SimpleNamespace(key=key)) for key in keys] == matched


def test_nothing_is_asked_twice_where_all_are_found() -> None:
    """Then the attribute's value is the key."""
    get = key_getter("key", [1], [1, 2], int)
    assert isinstance(get, attrgetter)


@isolate_apps("tests.library")
def test_a_collation_goes_along_within_one_vendor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another vendor has none of that name, and its table could not be made."""
    other = connections.settings["default"] | {"ENGINE": "django.db.backends.dummy"}
    monkeypatch.setitem(connections.settings, "other", other)

    class Word(models.Model):
        text = models.CharField(max_length=20, primary_key=True, db_collation="binary")

        class Meta:
            app_label = "library"

    class Use(models.Model):
        near = CrossDBReference(Word, models.CASCADE, using="archive", related_name="+")
        far = CrossDBReference(Word, models.CASCADE, using="other", related_name="+")

        class Meta:
            app_label = "library"

    try:
        stock = {name: Use._meta.get_field(name).clone().db_collation for name in ("near", "far")}
    finally:
        del connections["other"]
    assert stock == {"near": "binary", "far": None}
