"""Sets of keys in one parameter: the same rows on every database, for any keys."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.db.models import CharField, F, FloatField, Model
from django.db.models.functions import Cast

from crossdb_reference.keysets import CHUNK_SIZE, InKeySet, chunks, lookup, mysql, plain
from tests.library.models import Event, Everything
from tests.people.keys import Badge
from tests.people.models import (
    BadgeKey,
    Country,
    DateKey,
    DecimalKey,
    Person,
    Profile,
    SmallKey,
    TextKey,
    UUIDKey,
)
from tests.queries import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.django_db(databases="__all__")

# A column of strings and one of integers on each alias.
STRINGS = {
    "default": (Everything, "text_id"),
    "archive": (Event, "name"),
    "people": (TextKey, "code"),
    "geo": (Country, "name"),
}
INTEGERS = {
    "default": (Everything, "adult_id"),
    "archive": (Event, "actor_id"),
    "people": (Person, "age"),
}
ODD = [
    "",
    " ",
    "a",
    "A",
    "a ",
    "a,b",
    "{a}",
    "{}",
    "[1]",
    'a"b',
    "a'b",
    "a''b",
    "a\\b",
    'a\\"b',
    "a\\",
    "%s",
    "%(a)s",
    "NULL",
    "null",
    "1",
    "01",
    "1.0",
    "tab\there",
    "new\nline",
    "é",
    "e\u0301",
    "😀",
    "\u2028",
]


def stored(where: tuple[type[Model], str], keys: Iterable[Any]) -> None:
    """Store a row with each of the keys."""
    model, name = where
    for number, key in enumerate(keys):
        own = {"email": f"{number} {key}"} if model is Person else {}
        own |= {"code": f"{number:02}"[-2:]} if model is Country else {}
        model.objects.create(**own | {name: key})


def found(where: tuple[type[Model], str], keys: Iterable[Any]) -> list[Any]:
    """Return the keys among ``keys`` that rows have, by one query."""
    model, name = where
    with queries() as sent:
        rows = list(
            model.objects.filter(InKeySet(F(name), list(keys))).values_list(name, flat=True)
        )
    assert sum(map(len, sent.values())) == 1
    return sorted(rows, key=repr)


@pytest.fixture(params=STRINGS)
def strings(request: pytest.FixtureRequest) -> tuple[type[Model], str]:
    """Give a model and its column of strings, on each alias."""
    return STRINGS[request.param]


@pytest.fixture(params=INTEGERS)
def integers(request: pytest.FixtureRequest) -> tuple[type[Model], str]:
    """Give a model and its column of integers."""
    return INTEGERS[request.param]


class TestStrings:
    """Texts with every character that some literal gives a meaning to."""

    @pytest.fixture(autouse=True)
    def rows(self, strings: tuple[type[Model], str]) -> None:
        """Store a row for each odd key."""
        stored(strings, ODD)

    def test_each_is_found_alone(self, strings: tuple[type[Model], str]) -> None:
        """And nothing else is."""
        for key in ODD:
            assert found(strings, [key]) == [key]

    def test_all_are_found_together(self, strings: tuple[type[Model], str]) -> None:
        """Next to keys that no row has."""
        missing = ["missing", "x" * 300, "b", "{a,b}", '"', "\\"]
        assert found(strings, [*ODD, *missing]) == sorted(ODD, key=repr)
        assert found(strings, missing) == []

    def test_a_key_with_nul_is_found_where_the_database_can_store_one(
        self, strings: tuple[type[Model], str]
    ) -> None:
        """Elsewhere it is no row's, and no error."""
        vendor = connections[strings[0].objects.db].vendor
        odd = [] if vendor == "postgresql" else ["a\0b"]
        if odd:
            strings[0].objects.filter(**{strings[1]: "%s"}).update(**{strings[1]: "a\0b"})
        assert found(strings, ["a\0b"]) == odd
        assert found(strings, ["a\0b", "a\0c", "\0"]) == odd
        assert found(strings, ["a", "a\0b"]) == sorted(["a", *odd], key=repr)


class TestIntegers:
    """Integers of any size."""

    @pytest.fixture(autouse=True)
    def rows(self, integers: tuple[type[Model], str]) -> None:
        """Store small ones and those at the edge of four bytes."""
        stored(integers, [0, 1, -1, 2**31 - 1, -(2**31)])

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ([1], [1]),
            ([0], [0]),
            ([-1, 1], [-1, 1]),
            ([1, 1, 1], [1]),
            ([1, None], [1]),
            ([2**31 - 1, -(2**31)], [2**31 - 1, -(2**31)]),
            ([2, 3], []),
            ([2**63 - 1, -(2**63), 1], [1]),
            ([2**63, -(2**63) - 1, 1], [1]),
            ([2**70, -(2**70)], []),
            ([2**64 + 1], []),
            (["1", 0], [0, 1]),
            (range(-5, 20_000), [-1, 0, 1]),
        ],
    )
    def test_exactly_those_are_found(
        self, integers: tuple[type[Model], str], keys: Iterable[Any], expected: list[int]
    ) -> None:
        """A key that no column can hold is no row's, and no error."""
        assert found(integers, keys) == sorted(expected, key=repr)

    def test_a_hundred_thousand(self, integers: tuple[type[Model], str]) -> None:
        """In one parameter."""
        assert found(integers, range(1, 100_000)) == [1]

    @pytest.mark.parametrize("keys", [[], [None], [None, None]])
    def test_no_key_sends_no_query(
        self, integers: tuple[type[Model], str], keys: list[Any]
    ) -> None:
        """Nobody's key ends the query before it is sent."""
        model, name = integers
        with queries() as sent:
            assert list(model.objects.filter(InKeySet(F(name), keys))) == []
        assert sent == {}

    def test_the_edges_of_eight_bytes(self, integers: tuple[type[Model], str]) -> None:
        """The largest and smallest keys are found exactly: no float comes near them."""
        if integers[0] is Person:  # Its ages are smaller, and its ids count on from the largest.
            integers = (Profile, "person_id")
        edges = [2**63 - 1, 2**63 - 2, -(2**63), 2**53 + 1, 2**53]
        stored(integers, edges)
        for key in edges:
            assert found(integers, [key]) == [key]
        assert found(integers, [*edges, 2**63]) == sorted(edges, key=repr)
        assert found(integers, [2**63, -(2**63) - 1, 2**53 + 2]) == []


OTHERS = [
    (UUIDKey, "id", [uuid.UUID(int=n) for n in (0, 1, 2**128 - 1)], uuid.UUID(int=5)),
    (DecimalKey, "amount", [Decimal(n) for n in ("0.00", "-1.50", "99999999.99")], Decimal(7)),
    (BadgeKey, "badge", [Badge(0), Badge(7), Badge(-7)], Badge(8)),
    (
        DateKey,
        "day",
        [dt.date(1, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31)],
        dt.date(2000, 1, 1),
    ),
    (Profile, "person_id", [1, 2], 3),
    (Country, "code", ["NL", "BE"], "nl"),
]
REFERENCES = [
    (Everything, f"{name}_id", keys, other)
    for name, (_, _, keys, other) in zip(
        ["uuid", "decimal", "badge", "date", "profile", "country"], OTHERS, strict=True
    )
]


class TestOtherKeys:
    """Every kind of key, in the target's column and in the source's."""

    @pytest.mark.parametrize(("model", "name", "keys", "other"), OTHERS + REFERENCES)
    def test_exactly_those_are_found(
        self, model: type[Model], name: str, keys: list[Any], other: Any
    ) -> None:
        """One, some, all; never another one."""
        for key in keys:
            model.objects.create(**{name: key})
        where = (model, name)
        assert found(where, keys[:1]) == keys[:1]
        assert found(where, [*keys, *keys, other, None]) == sorted(keys, key=repr)
        assert found(where, [*keys[1:], other]) == sorted(keys[1:], key=repr)
        assert found(where, [other]) == []

    def test_automatic_keys(self) -> None:
        """A four-byte column compared with larger keys."""
        keys = [SmallKey.objects.create().pk for _ in range(3)]
        assert set(found((SmallKey, "id"), [*keys[:2], 2**40, 2**80])) == set(keys[:2])

    def test_floats_travel_as_parameters_of_their_own(self) -> None:
        """What has no literal of its own is a plain ``IN``."""
        for number in (20, 40):
            Person.objects.create(email=str(number), age=number)
        people = Person.objects.annotate(years=Cast("age", FloatField()))
        assert people.get(InKeySet(F("years"), [20.0, 20.5])).age == 20


class TestLengths:
    """No key is cut to the length of the column."""

    @pytest.mark.parametrize(
        "where", [(TextKey, "code"), (Everything, "text_id")], ids=["target", "source"]
    )
    def test_keys_that_differ_after_the_length_of_the_column_are_different(
        self, where: tuple[type[Model], str]
    ) -> None:
        """The column holds twenty characters."""
        key = "a" * 20
        stored(where, [key])
        assert found(where, [key + "b"]) == []
        assert found(where, [key + "b", key]) == [key]

    def test_long_texts_are_found(self) -> None:
        """In a column without a length."""
        long = "x" * 300 + "\\\"'😀"
        Profile.objects.create(person_id=1, bio=long)
        Profile.objects.create(person_id=2, bio="x" * 300)
        assert found((Profile, "bio"), [long, "y" * 300]) == [long]

    def test_fixed_length_is_not_one_character(self) -> None:
        """``char`` in a cast means ``char(1)``."""

        class Fixed(CharField):
            """A ``CHAR(n)``, as legacy tables have it."""

            def db_type(self, _connection: Any) -> str:
                """Return the type."""
                return f"char({self.max_length})"

            def rel_db_type(self, connection: Any) -> str:
                """Return the same."""
                return self.db_type(connection)

        TextKey.objects.create(code="abcdef")
        same = TextKey.objects.annotate(fixed=Cast("code", Fixed(max_length=6)))
        assert same.filter(InKeySet(F("fixed"), ["abcdef", "x"])).count() == 1
        assert same.filter(InKeySet(F("fixed"), ["a", "x"])).count() == 0


class TestPlain:
    """``IN (…)``, for databases that have nothing better."""

    @pytest.fixture(autouse=True)
    def only_plain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every vendor be an unknown one."""
        monkeypatch.setattr(lookup, "CONDITIONS", {})

    def test_finds_the_same(self, strings: tuple[type[Model], str]) -> None:
        """With a parameter per key."""
        stored(strings, ODD)
        assert found(strings, [*ODD, "missing"]) == sorted(ODD, key=repr)

    def test_longer_lists_than_the_database_takes_are_split(
        self, strings: tuple[type[Model], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Oracle's thousand."""
        model, name = strings
        stored(strings, ODD)
        ops = connections[model.objects.db].ops
        monkeypatch.setattr(type(ops), "max_in_list_size", lambda _: 3)
        assert found(strings, ODD) == sorted(ODD, key=repr)
        negated = model.objects.exclude(InKeySet(F(name), ODD[:-1])).values_list(name, flat=True)
        assert list(negated) == ODD[-1:]

    def test_the_words(self) -> None:
        """In brackets, so that ``NOT`` and ``AND`` around it mean what they say."""
        connection = connections["default"]
        field = Everything._meta.get_field("adult")
        sql, params = plain.condition("c", [1, 2, 3], field, connection)
        assert sql == "(c IN (%s, %s, %s))"
        assert list(params) == [1, 2, 3]


class TestMySQL:
    """The words alone; ``make test-mariadb`` runs them."""

    @pytest.mark.parametrize(
        ("keys", "sql", "expected"),
        [
            (
                [1, 2**63, 2],
                "c IN (SELECT crossdb_key FROM JSON_TABLE(%s, '$[*]' COLUMNS (crossdb_key BIGINT"
                " PATH '$')) AS crossdb_keys)",
                ("[1, 2]",),
            ),
            (["a", "b"], "(c IN (%s, %s))", ("a", "b")),
        ],
    )
    def test_integers_are_one_parameter_and_others_one_each(
        self, keys: list[Any], sql: str, expected: tuple[Any, ...]
    ) -> None:
        """A number that no column can hold is left out."""
        field = Everything._meta.get_field("adult")
        assert mysql.condition("c", keys, field, connections["default"]) == (sql, expected)


class TestChunks:
    """How many keys one query of a prefetch asks for."""

    @pytest.mark.parametrize("alias", list(connections))
    def test_are_of_the_measured_size(self, alias: str) -> None:
        """From any iterable, in its order, and none for nothing."""
        connection = connections[alias]
        parts = list(chunks(iter(range(2 * CHUNK_SIZE + 1)), connection))
        assert [len(part) for part in parts] == [CHUNK_SIZE, CHUNK_SIZE, 1]
        assert [key for part in parts for key in part] == list(range(2 * CHUNK_SIZE + 1))
        assert list(chunks([], connection)) == []
