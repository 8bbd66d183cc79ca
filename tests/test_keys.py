"""Every kind of key: stored, loaded, looked up, prefetched and serialized."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import serializers
from django.db import connections, models, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy

from crossdb_reference import CrossDBReference
from crossdb_reference.exceptions import ReferenceValueError
from tests.library.models import Everything
from tests.people.keys import Badge, BadgeAutoField, BadgeField
from tests.people.models import (
    Adult,
    BadgeKey,
    Country,
    DateKey,
    DecimalKey,
    DefaultKey,
    Employee,
    Person,
    Profile,
    SmallKey,
    TextKey,
    UUIDKey,
    VisitorKey,
)
from tests.queries import queries

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

pytestmark = pytest.mark.django_db(databases="__all__")

KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")
TEXT = """a b,{c}"d"\\e'%s😀"""


def person(cls: type[Person] = Person, **own: object) -> Person:
    """Return a saved person, or something derived from one."""
    return cls.objects.create(name="Ann", email="ann@example.org", **own)


# The target's maker, its key (None: whatever the database gave), and the stock field of it.
KINDS: dict[str, tuple[Callable[[], models.Model], Any, type[models.Field]]] = {
    "small": (SmallKey.objects.create, None, models.IntegerField),
    "uuid": (lambda: UUIDKey.objects.create(id=KEY), KEY, models.UUIDField),
    "text": (lambda: TextKey.objects.create(code=TEXT), TEXT, models.CharField),
    "decimal": (
        lambda: DecimalKey.objects.create(amount=Decimal("12.50")),
        Decimal("12.50"),
        models.DecimalField,
    ),
    "badge": (lambda: BadgeKey.objects.create(badge=Badge(7)), Badge(7), BadgeField),
    "visitor": (VisitorKey.objects.create, None, models.IntegerField),
    "code": (lambda: VisitorKey.objects.create(code="x"), "x", models.CharField),
    "number": (DefaultKey.objects.create, 42, models.IntegerField),
    "date": (
        lambda: DateKey.objects.create(day=dt.date(2024, 2, 29)),
        dt.date(2024, 2, 29),
        models.DateField,
    ),
    "email": (person, "ann@example.org", models.CharField),
    "adult": (lambda: Adult.objects.get(pk=person().pk), None, models.BigIntegerField),
    "employee": (lambda: person(Employee, salary=1), None, models.BigIntegerField),
    "profile": (
        lambda: Profile.objects.create(person=person()),
        None,
        models.BigIntegerField,
    ),
    "country": (lambda: Country.objects.create(code="NL", name="x"), "NL", models.CharField),
}
DATABASE = {kind: "geo" if kind == "country" else "people" for kind in KINDS}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of a reference, one test for each kind of key."""
    return request.param


@pytest.fixture
def target(kind: str) -> models.Model:
    """Give a target of the kind."""
    return KINDS[kind][0]()


@pytest.fixture
def key(kind: str, target: models.Model) -> Any:
    """Give its key."""
    return KINDS[kind][1] or target.pk


@pytest.fixture
def source(kind: str, target: models.Model) -> Everything:
    """Give the source that refers to it, next to one that refers to nothing."""
    Everything.objects.create()
    return Everything.objects.create(**{kind: target})


def test_every_reference_is_tested() -> None:
    """A new kind of key in the models needs a line above."""
    references = {field.name for field in Everything._meta.fields} - {"id"}
    assert references == set(KINDS)


class TestSaveLoad:
    """There and back."""

    def test_the_key_comes_back_as_it_was(self, source: Everything, kind: str, key: Any) -> None:
        """The same value, of the same type."""
        loaded = getattr(Everything.objects.get(pk=source.pk), f"{kind}_id")
        assert loaded == key
        assert type(loaded) is type(key)

    def test_the_target_comes_back(
        self, source: Everything, kind: str, target: models.Model
    ) -> None:
        """By one query on its database."""
        loaded = Everything.objects.get(pk=source.pk)
        with queries() as sent:
            assert getattr(loaded, kind) == target
        assert {alias: len(sql) for alias, sql in sent.items()} == {DATABASE[kind]: 1}

    def test_by_its_key_it_is_the_same(self, kind: str, target: models.Model, key: Any) -> None:
        """Assigned as a key, in either attribute."""
        for name in (kind, f"{kind}_id"):
            saved = Everything.objects.create(**{name: key})
            assert getattr(Everything.objects.get(pk=saved.pk), kind) == target

    def test_values_and_aggregates_have_the_keys_type(
        self, source: Everything, kind: str, key: Any
    ) -> None:
        """Converters run once, wherever the column is selected."""
        row = Everything.objects.filter(pk=source.pk).values_list(kind, f"{kind}_id")
        assert list(row) == [(key, key)]
        if kind != "uuid":  # PostgreSQL has no max(uuid) before version 18.
            assert Everything.objects.aggregate(n=Max(kind)) == {"n": key}

    @pytest.mark.usefixtures("source")
    def test_the_raw_value_is_what_the_target_stores(self, kind: str) -> None:
        """Both columns have the same representation, where the vendors are the same."""
        field = Everything._meta.get_field(kind)
        here, there = connections["default"], connections[DATABASE[kind]]
        mine = raw(here, Everything._meta.db_table, field.column)
        theirs = raw(there, field.target_model._meta.db_table, field.target_field.column)
        assert len(mine) == 1
        assert mine == theirs or here.vendor != there.vendor


class TestLookup:
    """By target and by key, on the source's database alone."""

    def test_finds_the_source(
        self, source: Everything, kind: str, target: models.Model, key: Any
    ) -> None:
        """And only that one."""
        to = Everything._meta.get_field(kind).target_field.name
        with queries() as sent:
            for condition in (
                {kind: target},
                {kind: key},
                {f"{kind}_id": key},
                {f"{kind}__in": [target, None]},
                {f"{kind}__in": [key]},
                {f"{kind}__{to}": key},
                {f"{kind}__{to}__in": [target]},
                {f"{kind}__isnull": False},
            ):
                assert list(Everything.objects.filter(**condition)) == [source], condition
        assert list(sent) == ["default"]

    def test_excludes_the_source(self, source: Everything, kind: str, key: Any) -> None:
        """NULL is not that key."""
        assert source not in Everything.objects.exclude(**{kind: key})
        assert Everything.objects.exclude(**{kind: key}).count() == 1

    def test_finds_by_a_queryset_of_the_targets(
        self, source: Everything, kind: str, target: models.Model
    ) -> None:
        """The inner query runs on the target's database."""
        targets = type(target).objects.all()
        with queries() as sent:
            assert list(Everything.objects.filter(**{f"{kind}__in": targets})) == [source]
        assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, DATABASE[kind]: 1}

    def test_finds_among_many_keys(self, source: Everything, kind: str, key: Any) -> None:
        """More keys than a plain ``IN`` would take."""
        others = {
            uuid.UUID: lambda n: uuid.UUID(int=n),
            str: str,
            Decimal: lambda n: Decimal(n) / 100,
            Badge: lambda n: Badge(n + 1_000),
            dt.date: lambda n: dt.date(2000, 1, 1) + dt.timedelta(n),
            int: lambda n: n + 10**9,
        }[type(key)]
        keys = [*(others(n) for n in range(150)), key]
        assert list(Everything.objects.filter(**{f"{kind}__in": keys})) == [source]
        assert not Everything.objects.filter(**{f"{kind}__in": keys[:-1]}).exists()


class TestPrefetch:
    """``prefetch_related()``."""

    def test_takes_one_query_on_the_targets_database(
        self, source: Everything, kind: str, target: models.Model
    ) -> None:
        """And none when the target is asked for."""
        with queries() as sent:
            sources = list(Everything.objects.order_by("pk").prefetch_related(kind))
            assert [getattr(found, kind) for found in sources] == [None, target]
        assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, DATABASE[kind]: 1}
        assert sources[1] == source


class TestSerialization:
    """Fixtures."""

    @pytest.mark.parametrize("form", ["python", "json", "jsonl", "xml"])
    def test_round_trip(
        self, source: Everything, kind: str, target: models.Model, form: str
    ) -> None:
        """What is written is read back as the same reference."""
        written = serializers.serialize(form, Everything.objects.order_by("pk"))
        Everything.objects.all().delete()
        for found in serializers.deserialize(form, written):
            found.save()
        assert Everything.objects.count() == 2
        assert getattr(Everything.objects.get(pk=source.pk), kind) == target

    def test_natural_keys_of_a_target_that_has_them(self) -> None:
        """In JSON the key is written as the target's natural key, and looked up when read."""
        ann = person()
        Everything.objects.create(adult=ann.pk, email=ann)
        written = serializers.serialize(
            "json", Everything.objects.all(), use_natural_foreign_keys=True
        )
        assert '"adult": ["ann@example.org"]' in written
        Everything.objects.all().delete()
        (found,) = serializers.deserialize("json", written)
        assert (found.object.adult_id, found.object.email_id) == (ann.pk, "ann@example.org")


class TestKeyField:
    """The stock field of the key."""

    def test_is_of_the_keys_class(self, kind: str) -> None:
        """What is automatic in the target is plain in the source."""
        field = Everything._meta.get_field(kind)
        assert type(field.column_field) is KINDS[kind][2]
        assert field.get_internal_type() == field.column_field.get_internal_type()

    def test_an_automatic_key_with_converters_lends_them_and_not_its_column(self) -> None:
        """Only the values are converted as the target's; every other key needs one field."""
        for kind in KINDS:
            field = Everything._meta.get_field(kind)
            if kind == "visitor":
                assert type(field.key_field) is BadgeAutoField
            else:
                assert field.key_field is field.column_field

    def test_is_what_migrations_see(self, kind: str) -> None:
        """A stock field with the column, the index and ``null``."""
        field = Everything._meta.get_field(kind)
        for stock in (field.clone(), rebuilt(field.deconstruct())):
            assert type(stock) is KINDS[kind][2]
            assert (stock.db_column, stock.db_index, stock.null) == (f"{kind}_id", True, True)
            assert not stock.primary_key
            assert not stock.unique
            assert stock.remote_field is None

    def test_keeps_lengths_and_digits(self) -> None:
        """They are part of the type."""
        get_field = Everything._meta.get_field
        assert get_field("text").key_field.max_length == 20
        assert get_field("email").key_field.max_length == 80
        decimal = get_field("decimal").key_field
        assert (decimal.max_digits, decimal.decimal_places) == (10, 2)

    def test_of_a_field_that_belongs_to_no_model_yet(self) -> None:
        """There is a type, and no column."""
        field = CrossDBReference(Person, models.CASCADE, to_field="email", unique=True)
        stock = field.clone()
        assert type(stock) is models.CharField
        assert (stock.max_length, stock.unique, stock.db_index) == (80, True, False)
        assert stock.db_column is None

    def test_prepares_values(self, source: Everything, kind: str, key: Any) -> None:
        """Once, whether the caller has begun or not."""
        field, connection = source._meta.get_field(kind), connections["default"]
        expected = field.key_field.get_db_prep_value(key, connection)
        assert field.get_db_prep_value(key, connection) == expected
        prepared = field.get_prep_value(key)
        assert field.get_db_prep_value(prepared, connection, prepared=True) == expected

    def test_the_targets_key_is_known_by_name(self) -> None:
        """As other libraries ask for it: ``remote_field.field_name``."""
        names = {kind: Everything._meta.get_field(kind).remote_field.field_name for kind in KINDS}
        assert names == dict.fromkeys(KINDS, "id") | {
            "text": "code",
            "decimal": "amount",
            "badge": "badge",
            "visitor": "badge",
            "code": "code",
            "number": "number",
            "date": "day",
            "email": "email",
            "employee": "person_ptr",
            "profile": "person",
            "country": "code",
        }


class TestAutomaticKeyWithConverters:
    """A subclass of ``AutoField`` that has values of a type of its own."""

    def test_values_are_converted_there_and_back(self) -> None:
        """Saved, loaded, filtered by, and prefetched in both directions."""
        visitor = VisitorKey.objects.create()
        assert type(visitor.pk) is Badge
        source = Everything.objects.create(visitor=visitor)
        assert Everything.objects.get().visitor_id == visitor.pk
        assert Everything.objects.get().visitor == visitor
        assert Everything.objects.values_list("visitor", flat=True).get() == visitor.pk
        for condition in (
            {"visitor": visitor.pk},
            {"visitor": str(visitor.pk)},
            {"visitor__in": [visitor]},
            {"visitor__in": VisitorKey.objects.all()},
        ):
            assert Everything.objects.get(**condition) == source
        with queries() as sent:
            (found,) = Everything.objects.prefetch_related("visitor")
            assert found.visitor == visitor
            (target,) = VisitorKey.objects.prefetch_related("everything_set")
            assert list(target.everything_set.all()) == [source]
        assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 2, "people": 2}

    def test_the_column_is_a_plain_integer(self) -> None:
        """Migrations know nothing of the target's own field."""
        field = Everything._meta.get_field("visitor")
        assert type(field.clone()) is models.IntegerField
        assert field.deconstruct()[1] == "django.db.models.IntegerField"
        assert field.get_internal_type() == "IntegerField"


class TestTextKeys:
    """A string key is a string, and not anything that has a ``__str__``."""

    @pytest.mark.parametrize(
        "value", [object(), ["a"], AnonymousUser()], ids=["object", "list", "user"]
    )
    @pytest.mark.parametrize("name", ["text", "email"])
    def test_refuse_what_is_no_string(self, name: str, value: object) -> None:
        """Assigned, filtered by and saved, before any query."""
        source = Everything.objects.create()
        setattr(source, f"{name}_id", value)
        reason = f"{type(value).__name__} is not a string"
        with queries() as sent:
            for use in (
                lambda: Everything(**{name: value}),
                lambda: setattr(Everything(), name, value),
                lambda: Everything.objects.filter(**{name: value}),
                lambda: Everything.objects.filter(**{f"{name}__in": [value]}),
                source.save,
            ):
                with pytest.raises(ReferenceValueError, match=reason), transaction.atomic():
                    use()
        assert not any("UPDATE" in sql for sql in sent.get("default", []))
        assert getattr(Everything.objects.get(), f"{name}_id") is None

    @pytest.mark.parametrize(("value", "key"), [("a", "a"), (7, "7"), (gettext_lazy("a"), "a")])
    def test_take_strings_numbers_and_lazy_strings(self, value: object, key: str) -> None:
        """As any string column does."""
        Everything.objects.create(text=value)
        assert Everything.objects.get(text=value).text_id == key


class TestColumn:
    """The column in the source's table."""

    def test_has_the_type_that_refers_to_the_key(self, kind: str) -> None:
        """As the column of a ``ForeignKey``."""
        field = Everything._meta.get_field(kind)
        connection = connections["default"]
        expected = field.target_field.rel_db_type(connection)
        assert field.db_type(connection) == field.rel_db_type(connection) == expected
        assert field.db_parameters(connection)["type"] == expected
        assert field.cast_db_type(connection) == field.column_field.cast_db_type(connection)

    def test_is_in_the_table_with_an_index(self, kind: str) -> None:
        """Under the name of a foreign key's column, and without a constraint."""
        connection = connections["default"]
        with connection.cursor() as cursor:
            table = Everything._meta.db_table
            columns = connection.introspection.get_table_description(cursor, table)
            constraints = connection.introspection.get_constraints(cursor, table).values()
        assert f"{kind}_id" in {column.name for column in columns}
        mine = [found for found in constraints if found["columns"] == [f"{kind}_id"]]
        assert any(found["index"] for found in mine)
        assert not any(found["foreign_key"] for found in mine)


def raw(connection: BaseDatabaseWrapper, table: str, column: str) -> set[Any]:
    """Return what is in a column of a table, as the driver gives it."""
    table, column = map(connection.ops.quote_name, (table, column))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608
        return {row[0] for row in cursor.fetchall()}


def rebuilt(parts: tuple[Any, ...]) -> models.Field:
    """Return the field that a migration would make of what ``deconstruct()`` gives."""
    _, path, args, kwargs = parts
    module, _, name = path.rpartition(".")
    cls = BadgeField if module == BadgeField.__module__ else getattr(models, name)
    return cls(*args, **kwargs)
