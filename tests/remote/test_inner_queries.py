"""Keys that an inner queryset gives: of other types, more than once, NULL among them."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import models
from django.db.models import F
from django.test.utils import isolate_apps, override_settings

from crossdb_reference.exceptions import TooManyRemoteKeys
from crossdb_reference.keysets import Collected, InCollected
from tests.library.models import Article, Everything
from tests.people.models import Person, Skill, SmallKey, VisitorKey

pytestmark = pytest.mark.django_db(databases="__all__")


def limited(limit: int) -> Any:
    """Return a block in which ``MAX_REMOTE_KEYS`` is ``limit``."""
    return override_settings(
        CROSSDB_REFERENCE={**settings.CROSSDB_REFERENCE, "MAX_REMOTE_KEYS": limit}
    )


class TestLimit:
    """``MAX_REMOTE_KEYS`` counts keys, not rows, and loses none."""

    def test_keys_that_are_found_several_times(self) -> None:
        """Count once."""
        skills = [Skill.objects.create(name=f"s{number}") for number in range(3)]
        for name in "ab":
            person = Person.objects.create(name=name, email=name)
            person.skills.set(skills)
            Article.objects.create(title=name, author=person)
        skilled = Person.objects.filter(skills__name__startswith="s")
        for people in (skilled, skilled.order_by("pk")[:6], skilled | skilled.filter(name="a")):
            with limited(2):
                assert Article.objects.filter(author__in=people).count() == 2
            with limited(1), pytest.raises(TooManyRemoteKeys):
                Article.objects.filter(author__in=people).count()

    def test_null_is_no_key(self) -> None:
        """However often it is there."""
        for _ in range(3):
            VisitorKey.objects.create()
        for code in ("a", "b"):
            VisitorKey.objects.create(code=code)
            Everything.objects.create(code_id=code)
        codes = VisitorKey.objects.values("code")
        with limited(2):
            assert Everything.objects.filter(code__in=codes).count() == 2
        with limited(1), pytest.raises(TooManyRemoteKeys):
            Everything.objects.filter(code__in=codes).count()


def test_keys_of_another_type() -> None:
    """Are converted on the way, also where they fill a range."""
    SmallKey.objects.bulk_create([SmallKey(id=number) for number in range(1, 201)])
    for key in ("5", "50", "150", "10x"):
        Everything.objects.create(text_id=key)
    found = Everything.objects.filter(text__in=SmallKey.objects.values("id"))
    assert sorted(found.values_list("text_id", flat=True)) == ["150", "5", "50"]


class Negative(models.IntegerField):
    """An integer that the database has with the other sign."""

    def from_db_value(self, value: int, *_: object) -> int:
        return -value

    def get_db_prep_value(self, value: int, *_: object, **__: object) -> int:
        return -value


class Shifted(models.IntegerField):
    """An integer that the database has ten higher, without telling by a converter."""

    def get_db_prep_value(self, value: int, *_: object, **__: object) -> int:
        return value + 10


@isolate_apps("tests.library")
@pytest.mark.parametrize(
    ("cls", "as_range"), [(models.IntegerField, True), (Negative, False), (Shifted, False)]
)
def test_fields_that_convert_integers(cls: type[models.Field], as_range: bool) -> None:
    """Even if the keys fill a range as Python has them."""

    class Number(models.Model):
        number = cls()

        class Meta:
            app_label = "library"

    rows = Number.objects.filter(InCollected(F("number"), Collected(range(1, 201))))
    assert ("BETWEEN" in str(rows.query)) is as_range
