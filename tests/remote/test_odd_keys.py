"""Keys that are hard to write: every kind of text, every type, and integers of any size."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections, models
from django.test.utils import isolate_apps

from crossdb_reference import CrossDBReference
from tests.library.models import Article, Everything
from tests.people.keys import Badge
from tests.people.models import BadgeKey, DateKey, DecimalKey, Person, TextKey, UUIDKey
from tests.queries import queries
from tests.remote.data import counts, names
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture(scope="module")
def _long_keys(
    django_db_setup: None,  # noqa: ARG001 (the databases must be there)
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[tuple[type[models.Model], type[models.Model]]]:
    """Give a target with a key of up to 300 characters, and a source."""
    with isolate_apps("tests.people", "tests.library"):

        class LongKey(models.Model):
            code = models.CharField(max_length=300, primary_key=True)
            name = models.CharField(max_length=80, default="")

            class Meta:
                app_label = "people"

        class LongSource(models.Model):
            key = CrossDBReference(LongKey, models.CASCADE, related_name="sources")

            class Meta:
                app_label = "library"

        with (
            tables(django_db_blocker, "people", LongKey),
            tables(django_db_blocker, "default", LongSource),
        ):
            yield LongSource, LongKey


ODD = [
    *("'", '"', "''", "a'b", 'a"b', "a,b", "{", "}", "{a,b}", "\\", 'a\\"', "%s", "%(a)s", "NULL"),
    *("[1]", "1", "-- ", "; DROP", "tab\t", "line\nline", "é", "😀", "\u2028", "x" * 300),
    "😀" * 75,
]


class TestOddKeys:
    """Keys with every character that some literal gives a meaning to."""

    def test_texts(self, _long_keys: tuple[type[models.Model], type[models.Model]]) -> None:  # noqa: PT019
        """Each alone and all together, in both directions."""
        sources, targets = _long_keys
        for key in ODD:
            target = targets.objects.create(code=key, name="odd")
            sources.objects.create(key=target)
        sources.objects.create(key_id="nobody")
        with queries() as sent:
            found = list(sources.objects.filter(key__name="odd").values_list("key", flat=True))
        assert sorted(found) == sorted(ODD)
        assert counts(sent) == {"people": 1, "default": 1}
        assert sources.objects.exclude(key__name="odd").get().key_id == "nobody"
        assert targets.objects.filter(sources__isnull=False).count() == len(ODD)
        for source in sources.objects.filter(key__name="odd"):
            targets.objects.update(name="odd")
            targets.objects.filter(pk=source.key_id).update(name=source.key_id[:80])
            assert sources.objects.get(key__name=source.key_id[:80]) == source
            assert targets.objects.get(sources=source).pk == source.key_id
            assert targets.objects.get(sources__key=source.key_id).pk == source.key_id

    def test_a_key_with_nul(self) -> None:
        """Where a database can store one, it is found; elsewhere it is no key, nor an error."""
        if connections["people"].vendor == "postgresql":
            pytest.skip("PostgreSQL has no NUL in texts.")
        nul = TextKey.objects.create(code="a\0b", name="odd")
        TextKey.objects.create(code="a", name="odd")
        plain = Everything.objects.create(text_id="a")
        if connections["default"].vendor == "postgresql":
            assert Everything.objects.get(text__name="odd") == plain
        else:
            found = Everything.objects.create(text=nul)
            assert set(Everything.objects.filter(text__name="odd")) == {plain, found}
            assert TextKey.objects.get(everything=found) == nul

    @pytest.mark.parametrize(
        ("name", "model", "keys"),
        [
            ("uuid", UUIDKey, [uuid.UUID(int=n) for n in (0, 5, 2**128 - 1)]),
            ("decimal", DecimalKey, [Decimal(n) for n in ("0.00", "-1.50", "99999999.99")]),
            ("badge", BadgeKey, [Badge(0), Badge(7), Badge(-(2**31))]),
            ("date", DateKey, [dt.date(1, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31)]),
        ],
    )
    def test_other_types(self, name: str, model: type[models.Model], keys: list[Any]) -> None:
        """They come back as they went, and as their converters make them."""
        for key in keys:
            model.objects.create(pk=key)
            Everything.objects.create(**{f"{name}_id": key})
        Everything.objects.create()
        model.objects.filter(pk=keys[0]).delete()
        known = Everything.objects.filter(**{f"{name}__in": model.objects.all()})
        assert set(known.values_list(name, flat=True)) == set(keys[1:])
        assert {each.pk for each in model.objects.filter(everything__isnull=False)} == set(keys[1:])
        around = Everything.objects.filter(**{f"{name}__everything__isnull": False})
        assert set(around.values_list(name, flat=True)) == set(keys[1:])

    @pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64 + 1, 2**70, -(2**63) - 1])
    def test_integers_beyond_the_column(self, number: int) -> None:
        """Are no row's, and no error."""
        ann = Person.objects.create(name="Ann", email="a")
        article = Article.objects.create(title="a", author=ann)
        for condition in (
            {"author__age": number},
            {"author__articles": number},
            {"author__articles__author": number},
            {"author__articles__author__in": [number, -number]},
            {"author__articles__editor__age": number},
        ):
            assert list(Article.objects.filter(**condition)) == []
            assert list(Article.objects.exclude(**condition)) == [article]
        assert list(Person.objects.filter(articles=number)) == []
        assert names(Person.objects.exclude(articles=number)) == "Ann"
        lookup = "author__age__lt" if number > 0 else "author__age__gt"
        assert list(Article.objects.filter(**{lookup: number})) == [article]

    def test_an_integer_that_djangos_lookup_does_not_catch(self) -> None:
        """Finds nothing, or is the error of the database's driver, with a note."""
        found = Article.objects.filter(author__age__in=[2**70])
        if connections["people"].vendor == "sqlite":
            with pytest.raises(OverflowError) as caught:
                list(found)
            assert caught.value.__notes__ == [
                "While following the reference library.Article.author to the database 'people'."
            ]
        else:
            assert list(found) == []
