"""Managers and querysets that keep to the home of their model."""

from __future__ import annotations

import copy
import pickle
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldError
from django.db import models, router, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Upper
from django.test import override_settings
from django.test.utils import isolate_apps
from django.utils.module_loading import import_string

from crossdb_reference import PinnedManager, PinnedQuerySet
from crossdb_reference.exceptions import ReferenceValueError, RemotePathError
from crossdb_reference.pins import declared_home
from tests.library.models import Album, Event, EventNote, EventQuerySet, Shelf, Track, TrackQuerySet
from tests.people.models import Country, Person
from tests.queries import queries
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

everywhere = pytest.mark.django_db(databases="__all__")

OURS = "crossdb_reference.routers.CrossDBRouter"
OTHER = f"{__name__}.EverythingToGeo"


class EverythingToGeo:
    """A router that answers for every model, and wrongly."""

    def db_for_read(self, model: type[models.Model], **_: Any) -> str:  # noqa: ARG002
        """Answer where no table is."""
        return "geo"

    db_for_write = db_for_read


class ReadsFromGeo:
    """A router that splits reads from writes."""

    def db_for_read(self, model: type[models.Model], **_: Any) -> str:  # noqa: ARG002
        """Answer for reads only."""
        return "geo"


@pytest.fixture(
    params=[[OURS], [OTHER, OURS], [OTHER], []],
    ids=["our router", "another first", "another alone", "no router"],
)
def _any_routers(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(DATABASE_ROUTERS=request.param):
        yield


@pytest.fixture(scope="module")
def _copies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Let the tables of the pinned models exist on ``default`` too."""
    with tables(django_db_blocker, "default", Event, EventNote, Track, Album):
        yield


class ArchiveManager(PinnedManager[Any]):
    """The alias as an attribute of the class; written down in migrations."""

    database = "archive"
    use_in_migrations = True


class Outer:
    """A class with a manager class inside."""

    class Inner(PinnedManager[Any]):
        """The manager class."""


class WithoutDrafts(models.Manager[Any]):
    """An ordinary manager that filters, and takes an argument."""

    def __init__(self, word: str = "draft") -> None:
        """Leave out what has ``word`` in its name."""
        super().__init__()
        self.word = word

    def get_queryset(self) -> models.QuerySet[Any]:
        """Filter what the next manager gives."""
        return super().get_queryset().exclude(name__contains=self.word)


class PinnedBefore(PinnedManager[Any], WithoutDrafts):
    """The pin comes first."""

    database = "archive"


class PinnedAfter(WithoutDrafts, PinnedManager[Any]):
    """The other manager comes first, and calls ``super()``."""

    database = "archive"


class OfItsOwn(models.Manager[Any]):
    """A manager that makes its queryset by itself, as ``from_queryset`` made unnecessary."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """Ask no other manager."""
        return TrackQuerySet(self.model, using=self._db).exclude(name="draft")


class PinnedOfItsOwn(PinnedManager[Any], OfItsOwn):
    """A pin around such a manager."""

    database = "archive"


# The declaration


@pytest.mark.parametrize("arguments", [(), (None,)])
def test_a_pinned_manager_without_an_alias_is_refused(arguments: tuple[Any, ...]) -> None:
    """The error names the class and both ways to give one."""
    with pytest.raises(TypeError) as caught:
        PinnedManager(*arguments)
    assert str(caught.value) == (
        "PinnedManager needs the alias of a database: PinnedManager('alias'), or the class"
        " attribute 'database'."
    )
    with pytest.raises(TypeError, match=r"^PinnedManagerFromTrackQuerySet needs the alias of a"):
        PinnedManager.from_queryset(TrackQuerySet)()


def test_the_alias_is_given_by_position_or_by_name() -> None:
    """Both make the same manager."""
    assert PinnedManager(database="archive") == PinnedManager("archive")
    assert PinnedManager(database="archive").database == "archive"


def test_an_argument_goes_before_the_attribute_of_the_class() -> None:
    """``ArchiveManager("geo")`` is for ``geo``; the class itself stays as it is."""
    assert ArchiveManager("geo").database == "geo"
    assert ArchiveManager().database == ArchiveManager.database == "archive"


def test_managers_composed_with_the_pin_get_the_arguments_behind_the_alias() -> None:
    """By position and by name."""
    assert PinnedBefore("geo", "note").word == "note"
    assert PinnedBefore("geo", word="note").word == "note"
    assert PinnedBefore(word="note").word == "note"
    assert PinnedBefore().word == "draft"


def test_a_manager_for_an_alias_keeps_the_name_and_module_of_its_class() -> None:
    """As it is shown, and written down in migrations."""
    manager = PinnedManager("archive")
    assert isinstance(manager, PinnedManager)
    assert type(manager).__module__ == PinnedManager.__module__
    assert type(manager).__qualname__ == type(manager).__name__ == "PinnedManager"
    assert type(Outer.Inner("geo")).__qualname__ == "Outer.Inner"


# Every query of a pinned model runs at its home


async def drain(manager: models.Manager[Any]) -> list[Any]:
    """Iterate asynchronously."""
    return [each async for each in manager.aiterator()] + [each async for each in manager.all()]


QUERIES: dict[str, Callable[[models.Manager[Any]], Any]] = {
    "all": lambda m: list(m.all()),
    "chain": lambda m: list(m.filter(name="a").exclude(name="b").order_by("-name").distinct()),
    "slice": lambda m: list(m.order_by("pk")[1:2]),
    "index": lambda m: m.order_by("pk")[0],
    "union": lambda m: list(m.filter(name="a").union(m.filter(name="b"))),
    "or": lambda m: list(m.filter(name="a") | m.filter(name="b")),
    "subquery": lambda m: list(m.filter(pk__in=m.filter(name="a"))),
    "values": lambda m: list(m.values("name")),
    "values_list": lambda m: list(m.values_list("name", flat=True)),
    "annotate": lambda m: list(m.annotate(upper=Upper("name"))),
    "only": lambda m: [each.name for each in m.only("name")],
    "iterator": lambda m: list(m.iterator(chunk_size=1)),
    "get": lambda m: m.get(name="a"),
    "first": lambda m: m.first(),
    "in_bulk": lambda m: m.in_bulk(),
    "aggregate": lambda m: m.aggregate(models.Max("name")),
    "count": lambda m: m.count(),
    "exists": lambda m: m.exists(),
    "contains": lambda m: m.all().contains(m.first()),
    "raw": lambda m: list(m.raw("SELECT * FROM library_event")),
    "explain": lambda m: m.all().explain(),
    "create": lambda m: m.create(name="c"),
    "get_or_create that gets": lambda m: m.get_or_create(name="a"),
    "get_or_create that creates": lambda m: m.get_or_create(name="c"),
    "update_or_create that updates": lambda m: m.update_or_create({"name": "c"}, name="a"),
    "update_or_create that creates": lambda m: m.update_or_create(name="c"),
    "bulk_create": lambda m: m.bulk_create([m.model(name="c"), m.model(name="d")]),
    "bulk_update": lambda m: m.bulk_update(m.all(), ["name"]),
    "update": lambda m: m.filter(name="a").update(name="c"),
    "delete": lambda m: m.filter(name="a").delete(),
    "select_for_update": lambda m: list(m.select_for_update()),
    "aget": lambda m: async_to_sync(m.all().aget)(name="a"),
    "afirst": lambda m: async_to_sync(m.all().afirst)(),
    "acount": lambda m: async_to_sync(m.all().acount)(),
    "aexists": lambda m: async_to_sync(m.all().aexists)(),
    "ain_bulk": lambda m: async_to_sync(m.all().ain_bulk)(),
    "aaggregate": lambda m: async_to_sync(m.all().aaggregate)(models.Max("name")),
    "acreate": lambda m: async_to_sync(m.all().acreate)(name="c"),
    "aget_or_create": lambda m: async_to_sync(m.all().aget_or_create)(name="c"),
    "aupdate_or_create": lambda m: async_to_sync(m.all().aupdate_or_create)(
        {"name": "c"}, name="a"
    ),
    "abulk_create": lambda m: async_to_sync(m.all().abulk_create)([m.model(name="c")]),
    "abulk_update": lambda m: async_to_sync(m.all().abulk_update)(list(m.all()), ["name"]),
    "aupdate": lambda m: async_to_sync(m.filter(name="a").aupdate)(name="c"),
    "adelete": lambda m: async_to_sync(m.filter(name="a").adelete)(),
    "aiterator": async_to_sync(drain),
}


@everywhere
@pytest.mark.usefixtures("_any_routers")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_query_runs_at_home_whichever_routers_there_are(
    query: Callable[[models.Manager[Any]], Any],
) -> None:
    """The pin holds beside a wrong router, and without any."""
    Event(name="a").save(using="archive")
    Event(name="b").save(using="archive")
    with transaction.atomic(using="archive"), queries() as sent:
        query(Event.objects)
    assert set(sent) == {"archive"}


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_query_of_a_view_runs_on_the_database_of_the_view(
    query: Callable[[models.Manager[Any]], Any],
) -> None:
    """Reads and writes alike."""
    Event(name="a").save(using="default")
    Event(name="b").save(using="default")
    with transaction.atomic(using="default"), queries() as sent:
        query(Event.elsewhere)
    assert set(sent) == {"default"}


@everywhere
@pytest.mark.usefixtures("_copies")
def test_a_second_pinned_manager_is_a_view_of_another_database() -> None:
    """What it creates is there; the home and its manager do not see it."""
    there, home = Event.elsewhere.create(name="there"), Event.objects.create(name="home")
    assert (there._state.db, home._state.db) == ("default", "archive")
    assert [event.name for event in Event.elsewhere.all()] == ["there"]
    assert [event.name for event in Event.objects.all()] == ["home"]
    assert (Event.elsewhere.db, Event.objects.db) == ("default", "archive")


@everywhere
@pytest.mark.usefixtures("_copies")
def test_using_and_db_manager_are_the_way_out_of_a_pin() -> None:
    """Of a home and of a view alike."""
    for manager in (Event.objects, Event.elsewhere):
        for alias in ("default", "archive"):
            assert manager.using(alias).db == alias
            assert manager.db_manager(alias).db == manager.db_manager(alias).all().db == alias
            event = manager.db_manager(alias).create(name="made")
            assert event._state.db == alias
            assert manager.using(alias).filter(name="made").delete()[0] == 1


@everywhere
@pytest.mark.usefixtures("_copies")
def test_a_hint_counts_for_a_manager_as_it_does_for_the_router() -> None:
    """An instance of the same home leads to its origin, one of another home to nothing."""
    event, person = Event(name="x"), Person(name="Ada", email="ada@example.org")
    event.save(using="default")
    person.save()
    hinted = EventNote.objects.db_manager(hints={"instance": event})
    assert hinted.db == hinted.all().db == "default"
    assert hinted.create(event=event, text="t")._state.db == "default"
    foreign = EventNote.objects.db_manager(hints={"instance": person})
    assert foreign.db == foreign.all().db == "archive"


# Querysets of the user's


def test_from_queryset_with_a_pinned_queryset_gives_that_very_class() -> None:
    """Nothing is derived from a class that is pinned already."""
    assert type(Event.objects.all()) is EventQuerySet
    assert type(EventNote.objects.all()) is PinnedQuerySet


@everywhere
@pytest.mark.usefixtures("_any_routers")
def test_from_queryset_keeps_the_methods_and_the_pin() -> None:
    """For a queryset class derived from ``PinnedQuerySet`` and for an ordinary one."""
    Event.objects.create(name="login")
    Event.objects.create(name="logout")
    Track.objects.create(name="a long track")
    Track.objects.create(name="a short track")
    with queries() as sent:
        assert [event.name for event in Event.objects.logins()] == ["login"]
        assert [event.name for event in Event.objects.all().logins()] == ["login"]
        assert [track.name for track in Track.objects.long()] == ["a long track"]
        assert [track.name for track in Track.objects.all().long().order_by("pk")] == [
            "a long track"
        ]
    assert set(sent) == {"archive"}


def test_an_ordinary_queryset_class_is_pinned_by_a_class_derived_from_it() -> None:
    """It stays an instance of the user's class, and keeps its docstring and module."""
    queryset = Track.objects.all()
    assert isinstance(queryset, PinnedQuerySet)
    assert isinstance(queryset, TrackQuerySet)
    assert type(queryset).__name__ == "PinnedTrackQuerySet"
    assert type(queryset).__module__ == TrackQuerySet.__module__
    assert type(queryset).__doc__ == TrackQuerySet.__doc__
    assert type(queryset) is type(Track.objects.long())


@everywhere
@pytest.mark.usefixtures("_any_routers")
@pytest.mark.parametrize(
    "duplicate",
    [lambda queryset: pickle.loads(pickle.dumps(queryset)), copy.copy, copy.deepcopy],  # noqa: S301
    ids=["pickled", "copied", "deeply copied"],
)
@pytest.mark.parametrize(
    "queryset",
    [Track.objects.long(), Event.objects.logins(), EventNote.objects.filter(text="x")],
    ids=["ordinary", "pinned", "plain"],
)
def test_a_queryset_is_copied_and_pickled_with_its_class_and_its_pin(
    queryset: models.QuerySet[Any], duplicate: Callable[[Any], Any]
) -> None:
    """What comes back goes on at home, with the methods of its class."""
    event = Event.objects.create(name="login")
    EventNote.objects.create(event_id=event.pk, text="x")
    Track.objects.create(name="a long track")
    twin = duplicate(queryset.all())
    assert type(twin) is type(queryset)
    assert [each.pk for each in twin] == [each.pk for each in queryset.all()] != []
    with queries() as sent:
        assert twin.all().count() == 1
    assert set(sent) == {"archive"}


@everywhere
def test_a_pickled_query_is_taken_up_by_a_new_queryset() -> None:
    """As Django documents it: ``queryset.query = pickle.loads(…)``."""
    Track.objects.create(name="a long track")
    Track.objects.create(name="another")
    queryset = Track.objects.all()
    queryset.query = pickle.loads(pickle.dumps(Track.objects.long().query))  # noqa: S301
    assert [track.name for track in queryset] == ["a long track"]


@everywhere
def test_a_pinned_queryset_of_a_model_without_a_home_goes_where_the_routers_say() -> None:
    """Its reads and its writes may be in two places."""
    queryset = PinnedQuerySet(Shelf)
    assert queryset.db == "default"
    with override_settings(DATABASE_ROUTERS=[OURS, f"{__name__}.ReadsFromGeo"]):
        assert queryset.all().db == "geo"
        with queries() as sent:
            assert queryset.all().create(name="top")._state.db == "default"
            assert queryset.filter(name="top").update(name="low") == 1
        assert set(sent) == {"default"}


# Managers of the user's


@everywhere
@pytest.mark.usefixtures("_any_routers")
@pytest.mark.parametrize("manager", [PinnedBefore, PinnedAfter, PinnedOfItsOwn])
@isolate_apps("tests.library")
def test_a_pin_composes_with_a_manager_that_filters(manager: type[PinnedManager[Any]]) -> None:
    """In both orders: the filter counts, and the query runs at home."""

    class Record(models.Model):
        name = models.CharField(max_length=80)

        objects = manager()

        class Meta:
            app_label = "library"
            db_table = Track._meta.db_table

    Track(name="draft").save(using="archive")
    Track(name="a long track").save(using="archive")
    with queries() as sent:
        assert [record.name for record in Record.objects.all()] == ["a long track"]
        assert Record.objects.filter(name="draft").count() == 0
        assert Record.objects.create(name="new")._state.db == "archive"
    assert set(sent) == {"archive"}
    assert declared_home(Record) == "archive"


@everywhere
@pytest.mark.usefixtures("_any_routers")
@isolate_apps("tests.library")
def test_a_manager_of_an_abstract_base_pins_the_querysets_of_each_child() -> None:
    """Also one with a queryset class and a second manager beside it."""

    class Base(models.Model):
        name = models.CharField(max_length=80)

        everything = models.Manager()
        objects = PinnedManager.from_queryset(TrackQuerySet)("archive")

        class Meta:
            abstract = True
            app_label = "library"

    class Child(Base):
        class Meta:
            app_label = "library"
            db_table = Track._meta.db_table

    Track(name="a long track").save(using="archive")
    with queries() as sent:
        assert [child.name for child in Child.objects.long()] == ["a long track"]
    assert set(sent) == {"archive"}


def test_the_default_manager_is_pinned_and_the_base_manager_follows_the_router() -> None:
    """``_base_manager`` is Django's own, unless ``base_manager_name`` says otherwise."""
    assert isinstance(Event._default_manager, PinnedManager)
    assert type(Event._base_manager) is models.Manager
    assert Event._base_manager.all().db == Event._default_manager.all().db == "archive"
    with override_settings(DATABASE_ROUTERS=[OTHER, OURS]):
        assert Event._base_manager.all().db == "geo"
        assert Event._default_manager.all().db == "archive"


@isolate_apps("tests.library")
def test_a_pinned_base_manager_holds_beside_any_router() -> None:
    """``base_manager_name`` pins forward foreign keys and ``refresh_from_db()`` too."""

    class Record(models.Model):
        objects = PinnedManager("archive")

        class Meta:
            app_label = "library"
            base_manager_name = "objects"

    with override_settings(DATABASE_ROUTERS=[OTHER, OURS]):
        assert Record._base_manager.all().db == "archive"


# Ordinary relations of pinned models


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("origin", ["archive", "default"])
def test_a_foreign_key_stays_on_the_origin_in_both_directions(origin: str) -> None:
    """``event.notes`` and ``note.event`` are where the object came from, also on a view."""
    event = Event.objects.using(origin).create(name="login")
    with queries() as sent:
        created = event.notes.create(text="one")
        event.notes.get_or_create(text="two")
        event.notes.update_or_create(defaults={"text": "three"}, text="two")
        event.notes.add(EventNote(text="four"), bulk=False)
        event.notes.bulk_create([EventNote(event=event, text="five")])
        assert [note.text for note in event.notes.order_by("pk")] == [
            "one", "three", "four", "five",
        ]  # fmt: skip
        assert event.notes.filter(text="one").update(text="changed") == 1
        assert EventNote.objects.using(origin).first().event == event
        [fetched] = Event.objects.using(origin).prefetch_related("notes")
        assert len(fetched.notes.all()) == 4
        [note, *_] = EventNote.objects.using(origin).select_related("event").order_by("pk")
        assert note.event._state.db == origin
        assert event.notes.all().delete()[0] == 4
    assert created._state.db == origin
    assert set(sent) == {origin}


@everywhere
@pytest.mark.usefixtures("_copies")
def test_a_related_manager_by_name_of_a_view_goes_to_the_view() -> None:
    """``parent.children(manager="…")`` keeps the alias of that manager."""
    person = Person.objects.create(name="Ada", email="ada@example.org")
    Event.elsewhere.create(name="there", actor=person)
    Event.objects.create(name="home", actor=person)
    assert [event.name for event in person.events(manager="elsewhere").all()] == ["there"]
    assert [event.name for event in person.events.all()] == ["home"]


@everywhere
def test_related_managers_are_pinned_managers_of_the_same_alias() -> None:
    """Those that Django derives from a pinned manager hold to its pin for reads."""
    event = Event.objects.create(name="login")
    event.notes.create(text="x")
    assert isinstance(event.notes, PinnedManager)
    assert isinstance(event.notes.all(), PinnedQuerySet)
    with override_settings(DATABASE_ROUTERS=[OTHER, OURS]):
        assert [note.text for note in event.notes.all()] == ["x"]
        # Django's related managers ask the router themselves before they write.
        assert router.db_for_write(EventNote, instance=event) == "geo"


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("origin", ["archive", "default"])
def test_many_to_many_stays_on_the_origin_in_both_directions(origin: str) -> None:
    """The automatic table, and the rows on both sides."""
    album = Album.objects.using(origin).create(name="An album")
    with queries() as sent:
        track = album.tracks.create(name="a long track")
        other = Track.objects.using(origin).create(name="other")
        album.tracks.add(other)
        assert sorted(map(attrgetter("name"), album.tracks.all())) == ["a long track", "other"]
        album.tracks.remove(other)
        assert list(track.albums.all()) == [album]
        other.albums.set([album])
        [fetched] = Album.objects.using(origin).prefetch_related("tracks__albums")
        assert all(album in track.albums.all() for track in fetched.tracks.all())
        album.tracks.clear()
        assert not album.tracks.exists()
    assert set(sent) == {origin}


@everywhere
@pytest.mark.usefixtures("_copies")
def test_a_row_of_another_origin_is_refused_by_a_many_to_many_relation() -> None:
    """Both have the same home, but come from different databases."""
    album = Album.objects.using("default").create(name="An album")
    track = Track.objects.create(name="at home")
    message = 'instance is on database "default", value is on database "archive"'
    with pytest.raises(ValueError, match=message), transaction.atomic(using="default"):
        album.tracks.add(track)
    assert not album.tracks.exists()


# Migrations


@pytest.mark.parametrize(
    ("manager", "path", "arguments"),
    [
        (PinnedManager("archive"), "crossdb_reference.managers.PinnedManager", ("archive",)),
        (ArchiveManager(), f"{__name__}.ArchiveManager", ()),
        (ArchiveManager("geo"), f"{__name__}.ArchiveManager", ("geo",)),
        (PinnedBefore("geo", "note"), f"{__name__}.PinnedBefore", ("geo", "note")),
    ],
)
def test_a_manager_is_written_down_and_made_again(
    manager: PinnedManager[Any], path: str, arguments: tuple[str, ...]
) -> None:
    """Path and arguments make an equal manager for the same alias."""
    assert manager.deconstruct() == (False, path, None, arguments, {})
    again = import_string(path)(*arguments)
    assert again == manager
    assert again.database == manager.database


def test_managers_are_equal_by_class_and_alias() -> None:
    """So that the autodetector sees a moved pin, and no other change."""
    assert PinnedManager("archive") == PinnedManager("archive")
    assert PinnedManager("archive") != PinnedManager("geo")
    assert ArchiveManager() == ArchiveManager()
    assert ArchiveManager() != PinnedManager("archive")
    assert PinnedManager("archive") != models.Manager()


@isolate_apps("tests.library")
def test_a_manager_used_in_migrations_pins_the_historical_model() -> None:
    """The state holds it, and the model made from the state has its home and its queries."""

    class Log(models.Model):
        objects = ArchiveManager()

        class Meta:
            app_label = "library"

    state = ProjectState()
    state.add_model(ModelState.from_model(Log))
    assert state.models["library", "log"].managers == [("objects", ArchiveManager())]
    historical = state.apps.get_model("library", "Log")
    assert declared_home(historical) == "archive"
    assert historical.objects.all().db == "archive"


# References in queries of pinned models


def test_select_related_through_a_reference_is_refused_with_what_to_use() -> None:
    """At any depth, before any query."""
    words = (
        "Cannot join the reference library.Event.actor: its target lives in the database 'people'."
        " Use prefetch_related('actor'): one more query."
    )
    for queryset, path in [
        (Event.objects.all(), "actor"),
        (Event.objects.all(), "actor__team"),
        (EventNote.objects.all(), "event__actor"),
    ]:
        with pytest.raises(RemotePathError) as caught:
            queryset.select_related(path)
        assert str(caught.value) == words


@everywhere
def test_select_related_of_ordinary_relations_joins() -> None:
    """One query, and Django's own error for what is no relation."""
    event = Event.objects.create(name="login")
    event.notes.create(text="x")
    with queries() as sent:
        [note] = EventNote.objects.select_related("event")
        assert note.event == event
        [note] = EventNote.objects.select_related("event").select_related(None)
        assert note.event == event
    assert len(sent["archive"]) == 3
    for path in ("nothing", "text__more", "event__name__more"):
        with pytest.raises(FieldError, match=r"^(Invalid|Non-relational) field"):
            list(EventNote.objects.select_related(path))


@everywhere
def test_bulk_update_refuses_an_unsaved_target() -> None:
    """As ``save()`` does; nothing is written."""
    event = Event.objects.create(name="login")
    event.actor = Person(name="Ada", email="ada@example.org")
    with queries() as sent, pytest.raises(ReferenceValueError, match="is not saved"):
        Event.objects.bulk_update([event], ["name", "actor"])
    assert sent == {}
    assert Event.objects.get().actor_id is None


@everywhere
def test_bulk_update_takes_generators_and_the_key_of_a_target_saved_since() -> None:
    """Objects and names may be given once only."""
    event = Event.objects.create(name="login")
    event.actor = person = Person(name="Ada", email="ada@example.org")
    person.save()
    event.name = "changed"
    names = (name for name in ("name", "actor"))
    assert Event.objects.bulk_update((each for each in [event]), names) == 1
    stored = Event.objects.get()
    assert (stored.name, stored.actor_id) == ("changed", person.pk)


def test_each_home_has_managers_of_its_own() -> None:
    """A model of another app is pinned to another database by the same class."""
    assert Country.objects.database == "geo"
    assert Country.objects.all().db == "geo"


def test_the_manager_of_an_old_migration_is_no_view_of_a_former_home() -> None:
    """The model's home is today's, and a data migration reads and writes there."""
    state = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True))]
    managers = [("objects", PinnedManager("geo"))]
    state.add_model(ModelState("library", "Event", fields, managers=managers))
    event = state.apps.get_model("library", "Event")
    assert event.objects.all().db == event.objects.db == "archive"
