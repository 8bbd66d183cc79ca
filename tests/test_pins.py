"""Homes as they are declared, and blocks of code pinned to a database."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core.exceptions import AppRegistryNotReady
from django.db import connections, models, router
from django.db.migrations.state import ModelState, ProjectState
from django.test import override_settings
from django.test.utils import isolate_apps
from django.utils.connection import ConnectionDoesNotExist

from crossdb_reference import PinnedManager, home_database, pinned
from crossdb_reference.conf import conf
from crossdb_reference.exceptions import UnknownDatabase
from crossdb_reference.pins import (
    _homes,
    declared_home,
    declared_homes,
    labelled_home,
    pinned_here,
)
from tests.library.models import Album, Article, Draft, Event, EventNote, Review, Shelf, Track
from tests.people.models import Adult, Country, Employee, Person, Team
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_django import DjangoDbBlocker

everywhere = pytest.mark.django_db(databases="__all__")


def pins(**named: str) -> override_settings:
    """Override ``PINS``; ``__`` stands for the dot in a name."""
    named = {name.replace("__", "."): alias for name, alias in named.items()}
    return override_settings(CROSSDB_REFERENCE={"PINS": named})


class ArchiveManager(PinnedManager[Any]):
    """The alias as an attribute of the class."""

    database = "archive"


class PlainRouter:
    """What a project had before: the library's models go to ``geo``."""

    def db_for_read(self, model: type[models.Model], **_: Any) -> str | None:
        """Answer for one app."""
        return "geo" if model._meta.app_label == "library" else None

    db_for_write = db_for_read


# Homes by manager


def test_a_pinned_manager_declares_the_home() -> None:
    """The alias given to the manager of a model is the model's home."""
    assert declared_home(EventNote) == "archive"


def test_the_first_of_two_pinned_managers_declares_the_home() -> None:
    """A second pinned manager is a view; it does not move the model."""
    assert Event.elsewhere.database == "default"
    assert declared_home(Event) == "archive"


@isolate_apps("tests.library")
def test_the_class_attribute_declares_the_home() -> None:
    """A manager class with ``database`` pins without an argument."""

    class Log(models.Model):
        objects = ArchiveManager()

        class Meta:
            app_label = "library"

    assert declared_home(Log) == "archive"


@isolate_apps("tests.library")
def test_a_pin_counts_whatever_the_manager_is_called_and_wherever_it_stands() -> None:
    """An ordinary default manager before it does not hide a pin."""

    class Log(models.Model):
        objects = models.Manager()
        at_home = PinnedManager("archive")

        class Meta:
            app_label = "library"

    assert type(Log._default_manager) is models.Manager
    assert declared_home(Log) == "archive"


@isolate_apps("tests.library")
def test_a_pin_on_an_abstract_base_holds_for_every_child() -> None:
    """Children of an abstract pinned model have its home, unless they pin themselves."""

    class Base(models.Model):
        objects = PinnedManager("archive")

        class Meta:
            abstract = True
            app_label = "library"

    class Child(Base):
        class Meta:
            app_label = "library"

    class Moved(Base):
        objects = PinnedManager("geo")

        class Meta:
            app_label = "library"

    class MovedByAnotherName(Base):
        here = PinnedManager("geo")

        class Meta:
            app_label = "library"

    class Freed(Base):
        objects = models.Manager()

        class Meta:
            app_label = "library"

    homes = [declared_home(model) for model in (Child, Moved, MovedByAnotherName, Freed)]
    assert homes == ["archive", "geo", "geo", None]


@isolate_apps("tests.library")
def test_a_child_by_multi_table_inheritance_lives_where_its_parent_lives() -> None:
    """A row of the child is a row of the parent too, however the parent is pinned."""

    class Login(Event):
        class Meta:
            app_label = "library"

    class Adherent(Person):
        class Meta:
            app_label = "library"

    class Pensioner(Adherent):
        class Meta:
            app_label = "library"

    class Borrower(Article):
        class Meta:
            app_label = "library"

    homes = [declared_home(model) for model in (Login, Adherent, Pensioner, Borrower)]
    assert homes == ["archive", "people", "people", None]
    assert declared_home(Employee) == "people"


def test_a_proxy_lives_where_its_concrete_model_lives() -> None:
    """Also if the proxy's own name or app is pinned elsewhere: it has no table of its own."""
    assert declared_home(Adult) == "people"
    with pins(library__draft="archive", people__adult="geo", people="people"):
        assert declared_home(Draft) is None
        assert declared_home(Adult) == "people"
    with pins(library__article="archive"):
        assert declared_home(Draft) == "archive"


@isolate_apps("tests.library")
def test_a_pinned_manager_on_a_proxy_is_a_view() -> None:
    """It does not move the table, but its querysets go to its alias."""

    class Copy(EventNote):
        copies = PinnedManager("default")

        class Meta:
            app_label = "library"
            proxy = True

    assert declared_home(Copy) == "archive"
    assert Copy.copies.all().db == "default"
    assert Copy.objects.all().db == "archive"


@isolate_apps("tests.library")
def test_an_automatic_through_table_lives_with_the_model_that_declares_it() -> None:
    """Not with the target of the relation, and whatever its own name is pinned to."""

    class Playlist(models.Model):
        objects = PinnedManager("geo")
        tracks = models.ManyToManyField(Track)

        class Meta:
            app_label = "library"

    assert declared_home(Playlist.tracks.through) == "geo"
    assert declared_home(Album.tracks.through) == "archive"
    assert declared_home(Person.skills.through) == "people"
    assert declared_home(User.groups.through) == "people"
    with pins(people="people", people__person_skills="geo"):
        assert declared_home(Person.skills.through) == "people"


# Homes by settings


def test_pins_of_the_settings_name_apps_and_models_in_any_case() -> None:
    """``PINS`` pins an app, or one model of it; capitals do not matter."""
    with pins(library="archive"):
        assert declared_home(Shelf) == declared_home(Article) == "archive"
    with pins(library__Shelf="archive"):
        assert declared_home(Shelf) == "archive"
        assert declared_home(Article) is None
    with pins(LIBRARY__shelf="archive", SESSIONS="geo"):
        assert declared_home(Shelf) == "archive"
        assert declared_home(Session) == "geo"


@isolate_apps("tests.library")
def test_the_settings_reach_an_app_whose_label_has_capitals() -> None:
    """The case of an app's label matters as little as that of a model's name."""

    class Legacy(models.Model):
        class Meta:
            app_label = "OldShop"

    with pins(OldShop="archive"):
        assert declared_home(Legacy) == "archive"
    with pins(OldShop__Legacy="archive"):
        assert declared_home(Legacy) == "archive"


def test_the_manager_goes_before_the_models_pin_and_that_before_the_apps() -> None:
    """The nearer declaration counts."""
    with pins(people="people", people__country="archive"):
        assert declared_home(Country) == "geo"
    with pins(people="people", people__team="archive"):
        assert declared_home(Team) == "archive"
        assert declared_home(Person) == "people"


def test_a_model_without_a_declaration_has_no_declared_home() -> None:
    """``None``, also with no setting at all."""
    assert declared_home(Article) is None
    with override_settings(CROSSDB_REFERENCE={}):
        assert declared_home(Person) is None
    with pins(people="geo"):
        del settings.CROSSDB_REFERENCE
        assert declared_home(Person) is None
        assert conf().pins == conf().also_migrate == {}
    assert declared_home(Person) == "people"


def test_what_was_found_is_kept_until_the_settings_change() -> None:
    """The second answer comes from a cache, which follows ``override_settings``."""
    assert declared_home(Person) == "people"
    assert _homes[Person] == "people"
    with pins(people="geo"):
        assert Person not in _homes
        assert declared_home(Person) == "geo"
    assert declared_home(Person) == "people"


def test_the_cache_follows_the_installed_apps_and_no_other_setting() -> None:
    """Another set of apps is asked anew."""
    declared_home(Person)
    with override_settings(USE_TZ=False):
        assert Person in _homes
    with override_settings(INSTALLED_APPS=settings.INSTALLED_APPS[1:]):
        assert Person not in _homes


def test_nothing_is_kept_while_models_are_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is asked about while it is being built may still get a manager."""
    _homes.clear()
    monkeypatch.setattr(apps, "models_ready", False)
    assert declared_home(Event) == "archive"
    assert not _homes
    with pytest.raises(AppRegistryNotReady):
        declared_home(Person)


@isolate_apps("tests.library")
def test_the_cache_does_not_keep_a_model_alive() -> None:
    """Historical models come and go with each migration."""

    def make() -> None:
        state = ProjectState()
        state.add_model(
            ModelState("library", "Gone", [("id", models.BigAutoField(primary_key=True))])
        )
        declared_home(state.apps.get_model("library", "Gone"))

    make()
    gc.collect()
    assert "Gone" not in {model.__name__ for model in _homes}


# Homes by label: historical models, and models that are no more


def historical(app_label: str, name: str, **options: Any) -> type[models.Model]:
    """Return a model as a migration sees it, with the managers that ``options`` name."""
    state = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True))]
    state.add_model(ModelState(app_label, name, fields, **options))
    return state.apps.get_model(app_label, name)


def test_a_historical_model_lives_where_the_model_of_its_label_lives() -> None:
    """Its managers are not in the migrations, so its label is looked up."""
    assert not [m for m in historical("library", "Event")._meta.managers if m.name == "elsewhere"]
    assert declared_home(historical("library", "Event")) == "archive"
    assert declared_home(historical("people", "Country")) == "geo"
    assert declared_home(historical("people", "Person")) == "people"
    assert declared_home(historical("library", "Article")) is None


def test_a_pin_in_an_old_migration_does_not_hold_a_model_that_was_moved_since() -> None:
    """The model of today says where it lives; what was written down counts for a gone one."""
    managers = [("objects", PinnedManager("geo"))]
    assert declared_home(historical("library", "Event", managers=managers)) == "archive"
    assert declared_home(historical("library", "Shelf", managers=managers)) is None
    assert declared_home(historical("library", "Gone", managers=managers)) == "geo"


def test_a_historical_through_table_lives_with_its_historical_model() -> None:
    """As the table of today does."""
    state = ProjectState()
    key = ("id", models.BigAutoField(primary_key=True))
    state.add_model(ModelState("library", "Track", [key]))
    state.add_model(
        ModelState("library", "Album", [key, ("tracks", models.ManyToManyField("library.Track"))])
    )
    through = state.apps.get_model("library", "Album").tracks.through
    assert declared_home(through) == "archive"


def test_a_model_that_is_no_more_lives_where_the_settings_say() -> None:
    """``PINS`` may name it, so that its history runs on a fresh database."""
    assert declared_home(historical("library", "Gone")) is None
    with pins(library__Gone="geo"):
        assert declared_home(historical("library", "Gone")) == "geo"
        assert labelled_home("library", "Gone") == labelled_home("library", "gone") == "geo"
        assert labelled_home("library", "event") == "archive"
    with pins(library="archive"):
        assert labelled_home("library", "gone") == "archive"
    assert labelled_home("uninstalled", "gone") is None


# All homes


def test_every_declared_home_is_listed_once() -> None:
    """From managers and settings; a view is nobody's home."""
    assert declared_homes() == {"archive", "geo", "people"}
    with pins(library__gone="default"):
        assert declared_homes() == {"archive", "default", "geo"}


def test_the_home_of_an_unpinned_model_is_what_the_routers_say_of_a_write() -> None:
    """``home_database`` never gives ``None``."""
    assert home_database(Event) == "archive"
    assert home_database(Article) == home_database(Session) == "default"
    routers = [*settings.DATABASE_ROUTERS, f"{__name__}.PlainRouter"]
    with override_settings(DATABASE_ROUTERS=routers):
        assert home_database(Article) == "geo"
        assert home_database(Event) == "archive"
        assert home_database(Session) == "default"


# Blocks


@pytest.fixture(scope="module")
def _shelves(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Give the unpinned ``Shelf``, and what refers to it, tables on ``archive`` and ``geo`` too."""
    models = (Shelf, Article)
    with tables(django_db_blocker, "archive", *models), tables(django_db_blocker, "geo", *models):
        yield


def shelves() -> dict[str, list[str]]:
    """Return the names of the shelves on each database that has some."""
    found = {
        alias: sorted(Shelf.objects.using(alias).values_list("name", flat=True))
        for alias in ("default", "archive", "geo")
    }
    return {alias: names for alias, names in found.items() if names}


@everywhere
@pytest.mark.usefixtures("_shelves")
def test_unpinned_models_are_read_and_written_on_the_blocks_database() -> None:
    """By ``save()``, ``create()``, queries, updates and deletes alike."""
    with pinned("archive"):
        Shelf(name="saved").save()
        shelf = Shelf.objects.create(name="created")
        assert shelf._state.db == "archive"
        assert Shelf.objects.count() == 2
        Shelf.objects.filter(name="created").update(name="renamed")
        Shelf.objects.filter(name="saved").delete()
    assert shelves() == {"archive": ["renamed"]}
    assert Shelf.objects.count() == 0


@everywhere
@pytest.mark.usefixtures("_shelves")
def test_a_queryset_asks_when_it_runs_not_when_it_is_made() -> None:
    """One queryset gives the rows of the block that it is evaluated in."""
    Shelf.objects.using("archive").create(name="there")
    queryset = Shelf.objects.order_by("name")
    with pinned("archive"):
        assert [shelf.name for shelf in queryset.all()] == ["there"]
    assert list(queryset.all()) == []


@everywhere
@pytest.mark.usefixtures("_shelves")
def test_pinned_models_stay_at_home_inside_a_block() -> None:
    """Their tables are nowhere else."""
    with pinned("geo"):
        event = Event.objects.create(name="login")
        person = Person(name="Ada", email="ada@example.org")
        person.save()
        assert (event._state.db, person._state.db) == ("archive", "people")
        assert home_database(Event) == Event.objects.db == "archive"
        assert home_database(Shelf) == "geo"


@everywhere
@pytest.mark.usefixtures("_shelves")
def test_objects_go_back_to_their_origin_inside_a_block() -> None:
    """The block decides for new objects and for queries only."""
    shelf = Shelf.objects.create(name="old")
    with pinned("archive"):
        shelf.name = "changed"
        shelf.save()
        shelf.refresh_from_db()
        assert shelf._state.db == "default"
        assert shelves() == {"default": ["changed"]}
        article = shelf.articles.create(title="On it", author_id=1)
        assert article._state.db == "default"
        shelf.delete()
    assert shelves() == {}


@everywhere
@pytest.mark.usefixtures("_shelves")
def test_an_explicit_using_wins_over_a_block() -> None:
    """For ``using()``, ``db_manager()`` and ``save(using=…)``."""
    with pinned("archive"):
        Shelf.objects.using("geo").create(name="by using")
        Shelf.objects.db_manager("geo").create(name="by db_manager")
        Shelf(name="by save").save(using="geo")
    assert shelves() == {"geo": ["by db_manager", "by save", "by using"]}


def test_blocks_nest_and_each_end_restores_the_one_around_it() -> None:
    """The innermost counts."""
    assert pinned_here() is None
    with pinned("archive"):
        with pinned("geo"), pinned("people"):
            assert home_database(Shelf) == "people"
        assert home_database(Shelf) == "archive"
        with pinned("default"):
            assert router.db_for_read(Shelf) == "default"
        assert router.db_for_read(Shelf) == "archive"
    assert pinned_here() is None


def test_an_exception_ends_a_block_like_any_other_end() -> None:
    """The block around it counts again."""
    with pinned("archive"):
        with pytest.raises(ZeroDivisionError), pinned("geo"):
            _ = 1 / 0
        assert pinned_here() == "archive"
    assert pinned_here() is None


def test_a_coroutine_function_can_be_pinned_by_decorator() -> None:
    """Each call, as long as it runs; in between, others see what is theirs."""

    @pinned("archive")
    async def inside(*, steps: int) -> list[str | None]:
        seen = [pinned_here()]
        for _ in range(steps):
            await asyncio.sleep(0)
            seen.append(pinned_here())
        return seen

    async def both() -> list[Any]:
        return await asyncio.gather(inside(steps=2), inside(steps=3))

    assert asyncio.run(both()) == [["archive"] * 3, ["archive"] * 4]
    assert pinned_here() is None


def test_generators_are_refused() -> None:
    """They would run when the block is left already."""

    def generator() -> Any:
        yield

    async def async_generator() -> Any:
        yield

    for function in (generator, async_generator):
        with pytest.raises(
            TypeError, match=r"generator .*: it would be left before .*using\(\)\.$"
        ):
            pinned("archive")(function)


def test_one_block_object_can_be_entered_again() -> None:
    """Inside itself too."""
    block = pinned("archive")
    with block, pinned("geo"), block:
        assert pinned_here() == "archive"
    assert pinned_here() is None


def test_a_block_that_ends_before_one_inside_it_leaves_that_one_alone() -> None:
    """As of generators, which may end in any order."""

    def interleave() -> list[str | None]:
        outer, inner = pinned("archive"), pinned("default")
        outer.__enter__()
        inner.__enter__()
        outer.__exit__(None, None, None)
        found = [pinned_here()]
        inner.__exit__(None, None, None)
        return [*found, pinned_here()]

    assert copy_context().run(interleave) == ["default", None]


def test_of_two_blocks_of_one_alias_the_inner_one_ends_first() -> None:
    """They are the same to tell, and the block around both stays."""
    with pinned("archive"), pinned("geo"):
        with pinned("archive"):
            assert pinned_here() == "archive"
        assert pinned_here() == "geo"


def test_the_end_of_a_block_that_is_not_entered_here_changes_nothing() -> None:
    """It was entered in another task or thread."""
    with pinned("archive"):
        pinned("geo").__exit__(None, None, None)
        assert pinned_here() == "archive"


def test_a_function_can_be_pinned_by_decorator() -> None:
    """Each call is a block of its own, recursion included."""
    seen = []

    @pinned("archive")
    def work(depth: int) -> int:
        """Note what it sees."""
        seen.append(home_database(Shelf))
        return depth if depth == 0 else work(depth - 1)

    with pinned("geo"):
        assert work(2) == 0
        assert pinned_here() == "geo"
    assert seen == ["archive"] * 3
    assert work.__doc__ == "Note what it sees."


def test_an_unknown_alias_is_refused_and_nothing_is_entered() -> None:
    """The error names the alias and those that there are; Django's own class catches it."""
    entered = []
    with pinned("archive"):
        with pytest.raises(UnknownDatabase) as caught, pinned("nowhere"):
            entered.append("the block")
        assert pinned_here() == "archive"
    assert str(caught.value) == (
        "pinned('nowhere') names the database 'nowhere', but settings.DATABASES has only"
        " archive, default, geo, people. Correct the alias, or add the database."
    )
    assert isinstance(caught.value, ConnectionDoesNotExist)
    assert entered == []


# Threads and tasks


def test_a_block_belongs_to_its_thread() -> None:
    """Another thread sees nothing of it."""
    seen = []
    with pinned("archive"):
        thread = threading.Thread(target=lambda: seen.append(pinned_here()))
        thread.start()
        thread.join()
    assert seen == [None]


async def nest(path: list[str], seen: list[tuple[list[str], list[str]]]) -> None:
    """Enter the blocks of ``path`` one in another; note each path and what was seen on it."""
    before = home_database(Shelf)
    expected, found = [], []

    async def enter(rest: list[str]) -> None:
        if not rest:
            return
        with pinned(rest[0]):
            await asyncio.sleep(0)
            expected.append(rest[0])
            found.append(home_database(Shelf))
            # A child task enters blocks of its own at the same time.
            child = asyncio.create_task(alone(rest[0]))
            await enter(rest[1:])
            await child
            expected.append(rest[0])
            found.append(Shelf.objects.all().db)

    async def alone(outer: str) -> None:
        assert pinned_here() == outer
        with pinned("people"):
            await asyncio.sleep(0.001)
            expected.append("people")
            found.append(router.db_for_write(Shelf))

    await enter(path)
    expected.append(before)
    found.append(home_database(Shelf))
    seen.append((expected, found))


def test_blocks_are_kept_apart_in_threads_and_their_tasks_at_once() -> None:
    """Eight threads, each with a loop of forty tasks and their children: each sees its own."""
    aliases = ["archive", "geo", "people", "default"]
    start = threading.Barrier(8)

    def run(number: int) -> list[tuple[list[str], list[str]]]:
        seen: list[tuple[list[str], list[str]]] = []
        outer = aliases[number % 4]

        async def main() -> None:
            paths = [[aliases[(task + step) % 4] for step in range(task % 5)] for task in range(40)]
            await asyncio.gather(*(nest(path, seen) for path in paths))

        start.wait(timeout=30)
        with pinned(outer):
            asyncio.run(main())
            assert pinned_here() == outer
        assert pinned_here() is None
        assert all(expected[-1] == outer for expected, _ in seen)
        return seen

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, range(8)))
    assert [len(seen) for seen in results] == [40] * 8
    for seen in results:
        for expected, found in seen:
            assert found == expected


@pytest.mark.django_db(databases="__all__", transaction=True)
@pytest.mark.usefixtures("_shelves")
def test_rows_written_by_threads_and_their_tasks_at_once_are_where_their_blocks_say() -> None:
    """Real writes: each thread with a connection of its own, each task with a block of its own."""
    aliases = ["default", "archive", "geo"]

    async def write(thread: int, task: int) -> None:
        with pinned(aliases[(thread + task) % 3]):
            await asyncio.sleep(0)
            await Shelf(name=f"{thread}.{task}").asave()
            with pinned(aliases[(thread + task + 1) % 3]):
                await Shelf.objects.acreate(name=f"{thread}.{task} next")

    async def write_all(thread: int) -> None:
        await asyncio.gather(*(write(thread, task) for task in range(6)))

    def run(thread: int) -> None:
        try:
            async_to_sync(write_all)(thread)
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(run, range(3)))
        expected: dict[str, list[str]] = {}
        for thread in range(3):
            for task in range(6):
                here, there = aliases[(thread + task) % 3], aliases[(thread + task + 1) % 3]
                expected.setdefault(here, []).append(f"{thread}.{task}")
                expected.setdefault(there, []).append(f"{thread}.{task} next")
        assert shelves() == {alias: sorted(names) for alias, names in expected.items()}
    finally:
        # What ends the test empties the tables of the homes only.
        for alias in ("archive", "geo"):
            Shelf.objects.using(alias).delete()


def test_a_block_goes_with_the_code_between_sync_and_async() -> None:
    """``sync_to_async`` and ``async_to_sync`` carry it in, and nothing out."""

    def sync(alias: str) -> tuple[str | None, str | None]:
        before = pinned_here()
        with pinned(alias):
            return before, pinned_here()

    async def main() -> list[Any]:
        seen: list[Any] = [pinned_here()]
        with pinned("geo"):
            seen.append(await sync_to_async(sync)("people"))
            seen.append(await sync_to_async(async_to_sync(deeper))())
            seen.append(pinned_here())
        return seen

    async def deeper() -> str | None:
        return pinned_here()

    with pinned("archive"):
        assert async_to_sync(main)() == ["archive", ("geo", "people"), "geo", "geo"]
        assert pinned_here() == "archive"
    assert pinned_here() is None


def test_a_block_of_a_child_task_is_not_seen_by_its_parent() -> None:
    """Nor the parent's later block by the child."""

    async def main() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def child() -> None:
            assert pinned_here() == "archive"
            with pinned("geo"):
                entered.set()
                await leave.wait()
                assert pinned_here() == "geo"
            assert pinned_here() == "archive"

        with pinned("archive"):
            task = asyncio.create_task(child())
            await entered.wait()
            assert pinned_here() == "archive"
            with pinned("people"):
                leave.set()
                await task
                assert pinned_here() == "people"
        assert pinned_here() is None

    asyncio.run(main())


def test_a_generator_closed_by_another_task_leaves_the_block_of_that_task_alone() -> None:
    """Its block is not one of that task's."""

    async def values() -> AsyncIterator[int]:
        with pinned("archive"):
            yield 1

    async def main() -> None:
        generator = values()
        await anext(generator)

        async def closes() -> str | None:
            with pinned("default"):
                await generator.aclose()
                return pinned_here()

        assert await asyncio.create_task(closes()) == "default"

    asyncio.run(main())


# Models of Django's own apps


def test_djangos_own_apps_live_where_the_settings_say() -> None:
    """``PINS`` is for models that are not yours."""
    assert {declared_home(model) for model in (User, Group, Permission)} == {"people"}
    assert {declared_home(model) for model in apps.get_app_config("admin").get_models()} == {
        "people"
    }


@everywhere
def test_review_inherits_no_home_from_an_unpinned_parent() -> None:
    """A child of a model on ``default`` is written there, with its parent."""
    assert declared_home(Review) is None
    review = Review.objects.create(title="A review", author_id=1)
    assert review._state.db == "default"
    assert Article.objects.using("default").get().pk == review.pk
