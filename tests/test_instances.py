"""Instances that are made from rows directly are Django's own, and Django makes them where not."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from contextlib import contextmanager

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connections, models, router, transaction
from django.db.models import QuerySet
from django.db.models.base import ModelBase
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init
from django.test import override_settings
from django.test.utils import isolate_apps

from crossdb_reference import PinnedManager, instances
from crossdb_reference.fetching import fetch_all, requests_by_key
from crossdb_reference.iterables import PlainIterable
from crossdb_reference.requests import request_of
from tests.library.models import Car, Draft, Event, EventNote, Everything, Review
from tests.people.models import (
    Adult,
    BadgeKey,
    Country,
    DateKey,
    DecimalKey,
    Employee,
    Person,
    Profile,
    Team,
    UUIDKey,
    VisitorKey,
)
from tests.queries import queries
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.django_db(databases="__all__")

MODES = [
    getattr(models, name)
    for name in ("FETCH_ONE", "FETCH_PEERS", "FETCH_RAISE")
    if hasattr(models, name)
]


def has_plain_rows(queryset):
    compiler = queryset.query.get_compiler(using=queryset.db)
    return instances.has_plain_rows(queryset, compiler)


def made_directly(queryset):
    """Return the objects of ``queryset`` by the shortcut, which must be open to it."""
    assert has_plain_rows(queryset)
    request = request_of(queryset, [])
    request.send()
    request.receive()
    request.close()
    return request.objects()


def described(obj):
    """Return all that an instance is made of."""
    state = dict(vars(obj._state))
    peers = [peer().pk for peer in state.pop("peers", ())]
    mode = getattr(obj._state, "fetch_mode", None)
    state.pop("fetch_mode", None)
    state.pop("fields_cache", None)
    data = {name: value for name, value in vars(obj).items() if name != "_state"}
    types = [type(value) for value in data.values()]
    # Of two times that a clock shows twice, only the fold tells them apart.
    zones = [(getattr(v, "tzinfo", None), getattr(v, "fold", None)) for v in data.values()]
    return (
        type(obj),
        list(vars(obj)),
        data,
        types,
        zones,
        state,
        mode,
        peers,
        obj._state.fields_cache,
    )


def assert_same(queryset):
    """The shortcut gives what Django gives, and so does a pinned queryset."""
    made, expected = made_directly(queryset.all()), list(ModelIterable(queryset.all()))
    assert expected
    assert list(map(described, made)) == list(map(described, expected))
    read = list(PlainIterable(queryset.all()))
    assert list(map(described, read)) == list(map(described, expected))
    return made


@pytest.fixture
def person():
    return Person.objects.create(
        name="Ann", email="ann@example.org", team=Team.objects.create(name="team")
    )


class TestSame:
    """What is made directly."""

    @pytest.mark.parametrize(
        "make",
        [
            lambda person: Person.objects.filter(pk=person.pk),
            lambda _: Person.objects.filter(team__name="team").order_by("-name"),
            lambda _: Person.objects.extra(where=["1 = 1"]),
            lambda _: Adult.objects.all(),
            lambda _: Team.objects.using("people"),
            lambda person: Employee.objects.filter(
                pk=Employee.objects.create(name="E", email="e", team=person.team).pk
            ),
            lambda _: BadgeKey.objects.filter(pk=BadgeKey.objects.create(badge="B-7").pk),
            lambda _: VisitorKey.objects.filter(pk=VisitorKey.objects.create(code=None).pk),
            lambda _: UUIDKey.objects.filter(pk=UUIDKey.objects.create().pk),
            lambda _: DecimalKey.objects.filter(pk=DecimalKey.objects.create(amount="1.50").pk),
            lambda _: DateKey.objects.filter(pk=DateKey.objects.create(day="2024-02-29").pk),
            lambda _: Country.objects.filter(pk=Country.objects.create(code="AA").pk),
            lambda person: Profile.objects.filter(pk=Profile.objects.create(person=person).pk),
            lambda _: User.objects.filter(pk=User.objects.create(username="u").pk),
            lambda person: Everything.objects.filter(
                pk=Everything.objects.create(email=person, decimal_id="2.50").pk
            ),
            lambda person: Event.objects.filter(pk=Event.objects.create(actor=person).pk),
            lambda person: Event.objects.filter(actor=Event.objects.create(actor=person).actor),
            lambda person: Review.objects.filter(
                pk=Review.objects.create(title="r", author=person, stars=3).pk
            ),
            lambda person: Draft.objects.filter(
                pk=Draft.objects.create(title="d", author=person).pk
            ),
            lambda _: Car.objects.filter(pk=Car.objects.create().pk),
        ],
    )
    def test_every_kind_of_model(self, person, make):
        """Types, order of attributes, state; converters, parents, proxies, references."""
        (made,) = assert_same(make(person))
        again = pickle.loads(pickle.dumps(made))  # noqa: S301 (of this process)
        assert (again, again._state.db) == (made, made._state.db)

    @pytest.mark.parametrize("mode", MODES, ids=lambda mode: type(mode).__name__)
    def test_every_fetch_mode(self, person, mode):
        """With the peers that Django would give them."""
        Person.objects.create(name="Ben", email="ben", team=person.team)
        first, second = assert_same(Person.objects.fetch_mode(mode).order_by("pk"))
        assert first._state.peers is second._state.peers or not first._state.peers
        assert first._state.fetch_mode is mode

    def test_no_rows(self):
        """No instances; and no query if that is known before."""
        assert made_directly(Team.objects.all()) == []
        assert made_directly(Team.objects.filter(pk__in=[])) == []

    def test_instances_are_saved_and_fetch_as_others(self, person):
        """They are ordinary objects."""
        (made,) = made_directly(Person.objects.filter(pk=person.pk))
        assert made.team == person.team
        made.name = "Bea"
        made.save()
        made.refresh_from_db()
        assert (made.name, made._state.db) == ("Bea", "people")

    def test_locked_rows(self, person):
        """``select_for_update`` is part of the query."""
        assert made_directly(Person.objects.select_for_update()) == [person]

    def test_a_converter_of_the_user_sees_what_django_gives_it(self, person):
        """Value, expression and connection, for each of several."""
        seen = []

        class Converted(models.IntegerField):
            def from_db_value(self, value, expression, connection):
                seen.append((value, expression.target.name, connection.alias))
                return str(value)

        with isolate_apps("tests.people"):

            class Aged(models.Model):
                name = models.CharField(max_length=80)
                age = Converted()

                class Meta:
                    app_label = "people"
                    db_table = "people_person"

        (made,) = made_directly(Aged.objects.all())
        assert (made.age, seen) == ("30", [(30, "age", "people")])
        assert_same(Aged.objects.all())
        assert person


class TestLeftToDjango:
    """What changes the making of instances, or their number of columns."""

    @pytest.mark.parametrize(
        "queryset",
        [
            Person.objects.only("name"),
            Person.objects.defer("name"),
            Person.objects.select_related("team"),
            Person.objects.annotate(n=models.Count("skills")),
            Person.objects.alias(n=models.Count("skills")),
            Person.objects.extra(select={"n": "1"}),
            Person.objects.distinct(),
            Person.objects.values("name"),
            Person.objects.union(Person.objects.all()),
            Person.objects.filter(
                models.lookups.GreaterThan(models.Window(models.functions.RowNumber()), 1)
            ),
        ],
    )
    def test_querysets_that_select_something_else(self, queryset):
        """No plain rows."""
        assert has_plain_rows(Person.objects.all())
        assert not has_plain_rows(queryset)

    def test_querysets_with_ways_of_their_own(self, person):
        """Theirs are taken."""

        class Shouting(ModelIterable):
            def __iter__(self):
                for obj in super().__iter__():
                    obj.name = obj.name.upper()
                    yield obj

        class Counting(models.QuerySet):
            def _fetch_all(self):
                super()._fetch_all()
                for number, obj in enumerate(self._result_cache):
                    obj.number = number

        class Iterating(models.QuerySet):
            def __iter__(self):
                return (obj for obj in super().__iter__() if obj.pk is None)

        shouting = Person.objects.all()
        shouting._iterable_class = Shouting
        known = Person.objects.all()
        known._known_related_objects = {
            Person._meta.get_field("team"): {person.team_id: person.team}
        }
        for queryset, check in [
            (shouting, lambda found: found[0].name == "ANN"),
            (Counting(Person), lambda found: found[0].number == 0),
            (Iterating(Person), lambda found: not found),
            (known, lambda found: found[0].team is person.team),
        ]:
            assert not has_plain_rows(queryset)
            keys = [person.pk]
            assert check(fetch_all(queryset, requests_by_key(queryset, "id", keys, whole=False)))

    def test_compilers_with_ways_of_their_own(self, person, monkeypatch):
        """As of a third party's backend."""
        compiler = type(Person.objects.all().query.get_compiler(using="people"))
        other = type("Compiler", (compiler,), {"results_iter": lambda *_, **__: iter(())})
        monkeypatch.setattr(connections["people"].ops, "compiler", lambda _: other)
        assert not has_plain_rows(Person.objects.all())
        assert person

    @staticmethod
    def person_model(*bases, metaclass=ModelBase, mixins=(), **members):
        """Return a model of the table of people, with ``members`` of its own."""

        class Meta:
            app_label = "people"
            db_table = "people_person"

        fields = {
            "name": models.CharField(max_length=80),
            "email": models.CharField(max_length=80),
            "Meta": Meta,
            "__module__": __name__,
        }
        with isolate_apps("tests.people"):
            return metaclass("Someone", (*bases, models.Model, *mixins), fields | members)

    def assert_left_to_django(self, model, person):
        """What Django would do to an instance has been done."""
        queryset = model._default_manager.all()
        assert not has_plain_rows(queryset)
        (found,) = fetch_all(queryset, requests_by_key(queryset, "id", [person.pk], whole=True))
        assert found.mark
        (expected,) = ModelIterable(queryset)
        assert described(found) == described(expected)
        (read,) = PlainIterable(queryset)
        assert described(read) == described(expected)

    def test_models_that_make_instances_in_a_way_of_their_own(self, person):
        """Each method that takes part in it, also of a mixin on either side."""

        class Before:
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.mark = True

        class Behind:
            def __init__(self):
                self.mark = True

        class Setting:
            def __setattr__(self, name, value):
                super().__setattr__(name, value)
                super().__setattr__("mark", True)

        class New:
            def __new__(cls, *_, **__):
                obj = super().__new__(cls)
                obj.mark = True
                return obj

        class FromDB:
            @classmethod
            def from_db(cls, *args, **kwargs):
                obj = super().from_db(*args, **kwargs)
                obj.mark = True
                return obj

        class Calling(ModelBase):
            def __call__(cls, *args, **kwargs):  # noqa: N805 (of a metaclass)
                obj = super().__call__(*args, **kwargs)
                obj.mark = True
                return obj

        class Static:
            from_db = staticmethod(lambda *_: None)

        class Getting:
            def __getattribute__(self, name):
                return True if name == "mark" else super().__getattribute__(name)

        assert not has_plain_rows(self.person_model(Static).objects.all())
        for mixin in (Before, Setting, New, FromDB, Getting):
            self.assert_left_to_django(self.person_model(mixin), person)
        self.assert_left_to_django(self.person_model(mixins=(Behind,)), person)
        self.assert_left_to_django(self.person_model(metaclass=Calling), person)

    def test_models_with_receivers_of_signals(self, person):
        """Only as long as there are any."""
        model = self.person_model()

        def mark_instance(instance, **_):
            instance.mark = True

        def mark_class(sender, **_):
            sender.mark = True

        assert has_plain_rows(model.objects.all())
        for signal, receiver in ((post_init, mark_instance), (pre_init, mark_class)):
            signal.connect(receiver, sender=model)
            try:
                self.assert_left_to_django(model, person)
            finally:
                signal.disconnect(receiver, sender=model)
            assert has_plain_rows(model.objects.all())

    def test_models_whose_attributes_do_more_than_hold_a_value(self, person):
        """A field's own descriptor, a property in its place, and a name that is no name."""

        class Marking(models.query_utils.DeferredAttribute):
            def __set__(self, instance, value):
                instance.__dict__[self.field.attname] = value
                instance.__dict__["mark"] = True

        class Marked(models.CharField):
            descriptor_class = Marking

        def set_name(self, name):
            vars(self).update(_name=name, mark=True)

        with_property = self.person_model()
        with_property.name = property(lambda self: self._name, set_name)
        with_odd_name = self.person_model(mark=True)
        odd = models.IntegerField(db_column="age")
        odd.contribute_to_class(with_odd_name, "age of")
        for model in (
            self.person_model(name=Marked(max_length=80)),
            with_property,
            with_odd_name,
        ):
            self.assert_left_to_django(model, person)
        # Python takes the first letter for two.
        odd = {"\ufb01eld": models.CharField(max_length=80, db_column="name")}
        assert not has_plain_rows(self.person_model(**odd).objects.all())

        class Bare(models.CharField):
            def contribute_to_class(self, cls, name, **_):
                self.set_attributes_from_name(name)
                self.model = cls
                cls._meta.add_field(self)

        assert not has_plain_rows(self.person_model(name=Bare(max_length=80)).objects.all())
        assert not has_plain_rows(self.person_model(email=models.FileField()).objects.all())


class TestStatement:
    """The statement by keys, which is kept."""

    @staticmethod
    def found_by_key(model, key):
        queryset = model._base_manager.using("people")
        return fetch_all(queryset, requests_by_key(queryset, "id", [key], whole=True))

    def test_a_field_may_decide_how_it_is_selected(self, person):
        """Each time."""
        shown = iter("ab")

        class Shown(models.CharField):
            def select_format(self, _compiler, sql, params):
                return f"CONCAT({sql}, %s)", (*params, next(shown))

        model = TestLeftToDjango.person_model(name=Shown(max_length=80))
        if connections["people"].vendor == "sqlite":
            connections["people"].connection.create_function("CONCAT", 2, str.__add__)
        names = [self.found_by_key(model, person.pk)[0].name for _ in range(2)]
        assert names == ["Anna", "Annb"]

    def test_a_model_may_get_another_column(self, person):
        """Or another table."""
        model = TestLeftToDjango.person_model()
        self.found_by_key(model, person.pk)
        assert list(PlainIterable(model.objects.using("people")))
        with isolate_apps("tests.people"):
            model.add_to_class("age", models.IntegerField())
        (found,) = self.found_by_key(model, person.pk)
        (read,) = PlainIterable(model.objects.using("people"))
        assert vars(found)["age"] == vars(read)["age"] == 30

    def test_a_parent_may_get_another_table(self, person, monkeypatch):
        """As the model itself."""
        employee = Employee.objects.create(name="E", email="e", team=person.team)
        self.found_by_key(Employee, employee.pk)
        monkeypatch.setattr(Person._meta, "db_table", "nowhere")
        with pytest.raises(DatabaseError), transaction.atomic("people"):
            self.found_by_key(Employee, employee.pk)


class TestPinnedQuerysets:
    """They read their rows that way, and are otherwise as Django's."""

    @pytest.fixture
    def pinned(self):
        manager = PinnedManager("people")
        manager.model = Person
        return manager

    @pytest.fixture
    def people(self, person):
        for number in range(4):
            Person.objects.create(name=f"n{number}", email=f"e{number}", team=person.team)
        return list(ModelIterable(Person._base_manager.order_by("pk")))

    def test_in_every_way_to_read_them(self, pinned, people):
        """At once, streamed, asynchronously, sliced, by key, from a copy."""
        queryset = pinned.order_by("pk")
        assert queryset._iterable_class is PlainIterable
        for found in (
            list(queryset),
            list(queryset.iterator(chunk_size=2)),
            async_to_sync(read_asynchronously)(queryset),
            [*queryset[:2], *queryset[2:]],
            list(queryset.in_bulk().values()),
            list(copy.deepcopy(queryset)),
        ):
            assert list(map(described, found)) == list(map(described, people))

    def test_no_rows(self, pinned):
        """And no query where that is known before."""
        assert list(pinned.all()) == []
        with queries() as sent:
            assert list(pinned.filter(pk__in=[])) == []
        assert sent == {}

    def test_one_row_after_the_other(self, people):
        """One query; what comes before a row that fails has been given."""
        made = []

        class Noted(models.IntegerField):
            def from_db_value(self, value, _expression, _connection):
                made.append(value)
                return int("x") if len(made) == 4 else value

        with isolate_apps("tests.people"):

            class Aged(models.Model):
                age = Noted()
                objects = PinnedManager("people")

                class Meta:
                    app_label = "people"
                    db_table = "people_person"

        assert people
        with queries() as sent:
            rows = Aged.objects.iterator(chunk_size=10)
            for count in (1, 2, 3):
                next(rows)
                assert len(made) == count
            with pytest.raises(ValueError, match="invalid literal"):
                next(rows)
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"people": 1}

    def test_a_router_is_asked_once(self, pinned, people, monkeypatch):
        """It may give another replica each time."""
        asked = []

        class Asked:
            def db_for_read(self, model, **_):
                asked.append(model)

        monkeypatch.setattr(router, "routers", [Asked(), *router.routers])
        for queryset in (pinned.all(), pinned.only("name")):
            monkeypatch.setattr(type(queryset), "db", QuerySet.db)
            asked.clear()
            assert len(queryset) == len(people)
            assert asked == [Person]

    def test_what_selects_something_else(self, pinned, people):
        """Is read as ever."""
        querysets = pinned.order_by("pk")
        assert [p.n for p in querysets.annotate(n=models.F("pk"))] == [p.pk for p in people]
        assert list(querysets.values_list("pk", flat=True)) == [p.pk for p in people]
        assert [p.get_deferred_fields() for p in querysets.only("pk", "name")[:1]] == [
            {"email", "age", "team_id"}
        ]

    def test_objects_that_are_known_are_given(self):
        """By a related manager, which derives from the pinned one."""
        event = Event.objects.create(actor=None)
        EventNote.objects.create(event=event)
        with queries() as sent:
            (note,) = event.notes.all()
            assert note.event is event
        assert len(sent["archive"]) == 1

    def test_a_way_of_the_users_own_is_kept(self, people):
        """Of the manager that is pinned."""

        class Shouting(ModelIterable):
            def __iter__(self):
                return (obj.name.upper() for obj in super().__iter__())

        class ShoutingManager(models.Manager):
            def get_queryset(self):
                queryset = super().get_queryset()
                queryset._iterable_class = Shouting
                return queryset

        class Pinned(PinnedManager, ShoutingManager):
            database = "people"

        manager = Pinned()
        manager.model = Person
        assert sorted(manager.all()) == sorted(person.name.upper() for person in people)


async def read_asynchronously(queryset):
    return [obj async for obj in queryset]


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as server:
        server.create_database("far")
        yield server


class TestTimes:
    """Times with a zone on PostgreSQL, which the driver may decode by itself."""

    TIMES = (
        dt.datetime(2024, 3, 31, 0, 59, 59, 999999, tzinfo=dt.UTC),
        dt.datetime(2024, 10, 27, 0, 30, tzinfo=dt.UTC),
        dt.datetime(2024, 10, 27, 1, 30, tzinfo=dt.UTC),
        dt.datetime(1, 1, 2, tzinfo=dt.UTC),
    )

    @pytest.fixture
    def far(self, server, extra_alias):
        """Open an alias for the server, with a table that has such a column."""

        @contextmanager
        def far(**options):
            with extra_alias("far", server.settings("far") | options) as connection:
                with connection.schema_editor() as editor:
                    editor.create_model(Session)
                try:
                    yield connection
                finally:
                    with connection.schema_editor() as editor:
                        editor.delete_model(Session)

        return far

    @pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "America/St_Johns"])
    def test_they_are_as_django_decodes_them(self, far, zone):
        """Equal, of the same type and with the same zone, in the zone of the connection."""
        with far(TIME_ZONE=zone) as connection:
            for number, time in enumerate(self.TIMES):
                Session.objects.using("far").create(session_key=number, expire_date=time)
            found = assert_same(Session.objects.using("far").order_by("pk"))
            utc = [session.expire_date.astimezone(dt.UTC) for session in found]
            assert utc == [*self.TIMES]
            assert {session.expire_date.tzinfo for session in found} == {connection.timezone}

    def test_times_without_a_zone(self, far):
        """As with ``USE_TZ = False``."""
        with override_settings(USE_TZ=False, TIME_ZONE="Asia/Tokyo"), far():
            Session.objects.using("far").create(session_key="k", expire_date="2024-03-31 00:59:59")
            (found,) = assert_same(Session.objects.using("far"))
            assert found.expire_date == dt.datetime(2024, 3, 31, 0, 59, 59)  # noqa: DTZ001 (none)

    def test_the_servers_zone_is_not_that_of_django(self, far):
        """Somebody has set another one for the session."""
        with far() as connection:
            Session.objects.using("far").create(session_key="k", expire_date=self.TIMES[1])
            with connection.cursor() as cursor:
                cursor.execute("SET TIME ZONE 'Asia/Tokyo'")
            assert_same(Session.objects.using("far"))

    def test_a_loader_of_the_users_stays(self, far):
        """It decodes what it decoded before; the connection is left as it was."""

        class Text(psycopg.types.string.TextLoader):
            timezone = dt.UTC  # Django asks every loader for it.

        with far() as connection:
            Session.objects.using("far").create(session_key="k", expire_date=self.TIMES[0])
            adapters = connection.connection.adapters
            before = adapters.get_loader(1184, psycopg.pq.Format.TEXT)
            assert_same(Session.objects.using("far"))
            assert adapters.get_loader(1184, psycopg.pq.Format.TEXT) is before
            adapters.register_loader("timestamptz", Text)
            (found,) = assert_same(Session.objects.using("far"))
            assert found.expire_date == "2024-03-31 00:59:59.999999+00"
