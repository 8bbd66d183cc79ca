"""A million keys: in one prefetch, in one remote filter, in one set; and none, and one."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.db.models import F, Model, Q, prefetch_related_objects

from crossdb_reference.keysets import CHUNK_SIZE, InKeySet
from tests.library.models import Article, Everything
from tests.people.keys import Badge
from tests.people.models import (
    BadgeKey,
    DateKey,
    DecimalKey,
    DefaultKey,
    Person,
    SmallKey,
    TextKey,
    UUIDKey,
)
from tests.queries import queries

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db(databases="__all__")

MILLION = 1_000_000
SIZES = [0, 1, pytest.param(MILLION, marks=pytest.mark.million)]
NUMBERS = {
    "postgresql": "SELECT n FROM generate_series(1, %s) AS numbers (n)",
    "sqlite": (
        "WITH RECURSIVE numbers (n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) SELECT n FROM numbers"
    ),
    # The sequence engine is part of MariaDB.
    "mysql": "SELECT seq AS n FROM seq_1_to_1000000 WHERE seq <= %s",
}
TEXT = {"mysql": "CONCAT('k', n)"}, "'k' || n"


@dataclass(frozen=True)
class Kind:
    """A kind of key: a reference of :class:`Everything`, and its target's ``n``-th row.

    ``columns`` of the target are given as SQL: of all vendors, or of one by its name. ``key`` is
    the ``n``-th key in Python.
    """

    reference: str
    model: type[Model]
    key: Callable[[int], Any]
    columns: dict[str, tuple[dict[str, str], str]]

    def skip_if_too_long(self, size: int, alias: str) -> None:
        """Skip the test if one statement cannot hold ``size`` keys of this kind."""
        if self.reference == "uuid" and size == MILLION and connections[alias].vendor == "mysql":
            pytest.skip("40 MB of UUIDs are more than MariaDB takes by default: max_allowed_packet")

    def populate(self, size: int) -> None:
        """Store ``size`` targets."""
        connection = connections["people"]
        values = [own.get(connection.vendor, sql) for own, sql in self.columns.values()]
        into = f"{self.model._meta.db_table} ({', '.join(self.columns)})"
        numbers = f"({NUMBERS[connection.vendor]}) AS numbers"
        insert = f"INSERT INTO {into} SELECT {', '.join(values)} FROM {numbers}"  # noqa: S608 (of this test's own making)
        if size:
            with connection.cursor() as cursor:
                cursor.execute(insert, [size])


KINDS = [
    Kind("small", SmallKey, lambda n: n, {"id": ({}, "n")}),
    Kind("number", DefaultKey, lambda n: 3 * n, {"number": ({}, "3 * n")}),
    Kind(
        "uuid",
        UUIDKey,
        lambda n: uuid.UUID(int=n),
        {
            "id": (
                {
                    "postgresql": "lpad(to_hex(n), 32, '0')::uuid",
                    "sqlite": "printf('%%032x', n)",
                    "mysql": "LPAD(HEX(n), 32, '0')",
                },
                "",
            ),
            "name": ({}, "'some'"),
        },
    ),
    Kind("text", TextKey, lambda n: f"k{n}", {"code": TEXT, "name": ({}, "'some'")}),
    Kind(
        "decimal",
        DecimalKey,
        lambda n: Decimal(n) / 100,
        {"amount": ({"mysql": "n / 100"}, "n / 100.0")},
    ),
    Kind("badge", BadgeKey, lambda n: Badge(3 * n), {"badge": ({}, "3 * n")}),
    Kind(
        "date",
        DateKey,
        lambda n: dt.date(1000, 1, 1) + dt.timedelta(n),
        {
            "day": (
                {
                    "postgresql": "date '1000-01-01' + n",
                    "sqlite": "date('1000-01-01', '+' || n || ' days')",
                    "mysql": "DATE_ADD('1000-01-01', INTERVAL n DAY)",
                },
                "",
            )
        },
    ),
    Kind(
        "email",
        Person,
        lambda n: f"k{n}",
        {"id": ({}, "n"), "email": TEXT, "name": ({}, "'some'"), "age": ({}, "n %% 90")},
    ),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.reference)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Give a kind of key."""
    return request.param


class TestRemoteFilters:
    """Every key that the target's database finds counts, and none beside."""

    @pytest.mark.parametrize("size", SIZES)
    def test_of_every_kind_of_key(self, kind: Kind, size: int) -> None:
        """The first, the one in the middle and the last; not one beyond, and not ``NULL``."""
        kind.skip_if_too_long(size, "default")
        kind.populate(size)
        some = {1, size // 2 or 1, size} if size else set()
        for n in {*some, size + 1}:
            Everything.objects.create(**{f"{kind.reference}_id": kind.key(n)})
        Everything.objects.create()
        name = kind.reference
        # A target that has nothing but its key has no other condition.
        condition = (
            Q(**{f"{name}__name": "some"})
            if kind.model in (UUIDKey, TextKey, Person)
            else Q(**{f"{name}__in": kind.model.objects.all()})
        )
        with queries() as sent:
            found = list(Everything.objects.filter(condition).values_list(name, flat=True))
        assert Counter(found) == Counter(map(kind.key, some))
        assert {alias: len(sql) for alias, sql in sent.items()} == (
            {"people": 1, "default": 1} if size else {"people": 1}
        )
        rest = Everything.objects.exclude(condition).values_list(name, flat=True)
        assert set(rest) == {None, kind.key(size + 1)}

    @pytest.mark.parametrize("size", [0, 1, 1000])
    def test_of_those_that_nobody_refers_to(self, kind: Kind, size: int) -> None:
        """A few keys there, and nearly all back."""
        kind.populate(size)
        if size:
            Everything.objects.create(**{f"{kind.reference}_id": kind.key(size)})
        name = "by_email" if kind.reference == "email" else "everything"
        lonely = Q(**{f"{name}__isnull": True})
        assert kind.model.objects.filter(lonely).count() == max(size - 1, 0)
        assert kind.model.objects.exclude(lonely).count() == min(size, 1)
        among = Everything.objects.filter(
            **{f"{kind.reference}__in": kind.model.objects.filter(lonely)}
        )
        assert not among.exists()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_set_of_keys_of_every_kind(kind: Kind, size: int, side: str) -> None:
    """In the column of the source and of the target: one row has one of them, and one has not."""
    model, name = (
        (Everything, f"{kind.reference}_id")
        if side == "source"
        else (kind.model, Everything._meta.get_field(kind.reference).target_field.name)
    )
    kind.skip_if_too_long(size, "default" if side == "source" else "people")
    for n in (size or 7, size + 1):
        model.objects.create(**{name: kind.key(n)})
    keys = [kind.key(n) for n in range(1, size + 1)]
    found = model.objects.filter(InKeySet(F(name), keys)).values_list(name, flat=True)
    assert list(found) == ([kind.key(size)] if size else [])


@pytest.mark.million
def test_a_million_distinct_keys_are_prefetched_at_once(request, record_property, capsys):
    """Each of a million sources gets its own target; the time is reported."""
    connection = connections["people"]
    KINDS[-1].populate(MILLION)
    # In an order that is not the table's.
    step = 514_229
    sources = [Article(author_id=n * step % MILLION + 1) for n in range(MILLION)]
    sent = []

    def count(execute, sql, params, many, context):
        sent.append(sql)
        return execute(sql, params, many, context)

    # Not queries(): that keeps the text of each.
    with connection.execute_wrapper(count):
        started = time.perf_counter()
        prefetch_related_objects(sources, "author")
        seconds = time.perf_counter() - started
        found = [(source.author.pk, source.author.email) for source in sources]
    assert len(sent) == MILLION // CHUNK_SIZE
    assert found == [(source.author_id, f"k{source.author_id}") for source in sources]
    assert len(set(found)) == Person.objects.count() == MILLION
    record_property("seconds", seconds)
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # A worker of pytest-xdist has none.
        with capsys.disabled():
            reporter.write_line(f"\n1,000,000 keys on {connection.vendor}: {seconds:.1f} s")
