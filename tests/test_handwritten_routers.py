"""Routers written by hand: beside ``CrossDBRouter``, and replaced by a declaration."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, models, router, transaction
from django.test import override_settings
from django.test.utils import isolate_apps

from crossdb_reference import PinnedManager
from crossdb_reference.pins import declared_home
from tests.library.models import Account, Article, Event, EventNote, Shelf
from tests.people.models import Adult, Country, Employee, Person, Skill, Team
from tests.queries import queries
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

everywhere = pytest.mark.django_db(databases="__all__")

ALIASES = ("default", "archive", "people", "geo")
OURS = "crossdb_reference.routers.CrossDBRouter"

both_orders = pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "ours last"])


def chain(*routers: str, **pins: str) -> override_settings:
    """Override routers and pins: a name without a dot is one of ``tests.handwritten``."""
    paths = [name if "." in name else f"tests.handwritten.{name}" for name in routers]
    named = {name.replace("__", "."): alias for name, alias in pins.items()}
    return override_settings(DATABASE_ROUTERS=paths, CROSSDB_REFERENCE={"PINS": named})


def beside(name: str, *, ours_first: bool, **pins: str) -> override_settings:
    """Set ``CrossDBRouter`` before or behind the router ``name``."""
    return chain(*((OURS, name) if ours_first else (name, OURS)), **pins)


@pytest.fixture(scope="module")
def _copies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Let the library's shelves be on what plays the replicas too, and events on ``default``."""
    with ExitStack() as stack:
        for alias in ("people", "geo"):
            stack.enter_context(tables(django_db_blocker, alias, Shelf, Article))
        stack.enter_context(tables(django_db_blocker, "default", Event, EventNote))
        yield


def replicate(*aliases: str) -> None:
    """Do what a replica does: take over what the primary has."""
    for alias in aliases:
        Shelf.objects.using(alias).delete()
        Shelf.objects.using(alias).bulk_create(Shelf.objects.using("default"))


def everything() -> list[type[models.Model]]:
    """Return every model, automatic tables included."""
    return list(apps.get_models(include_auto_created=True))


def answers() -> dict[tuple[str, ...], Any]:
    """Return what the live chain answers to every question."""
    found: dict[tuple[str, ...], Any] = {}
    for model in everything():
        opts = model._meta
        found["read", opts.label] = router.db_for_read(model)
        found["write", opts.label] = router.db_for_write(model)
        for alias in ALIASES:
            found["migrate", opts.label, alias] = router.allow_migrate_model(alias, model)
    for config in apps.get_app_configs():
        for alias in ALIASES:
            found["operation", config.label, alias] = router.allow_migrate(alias, config.label)
    for one in everything():
        for two in everything():
            # As Django has them when it asks: it gives new objects a database first.
            objects = [model() for model in (one, two)]
            for obj in objects:
                obj._state.db = router.db_for_write(type(obj))
            found["relation", one._meta.label, two._meta.label] = router.allow_relation(*objects)
    return found


def differences(
    by_hand: override_settings, declared: override_settings
) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Return the questions that two chains answer differently, with both answers."""
    with by_hand:
        old = answers()
    with declared:
        new = answers()
    assert old.keys() == new.keys()
    return {
        question: (old[question], new[question])
        for question in old
        if old[question] != new[question]
    }


# App-specific


def test_a_strict_app_router_is_replaced_by_one_line_with_the_same_answers() -> None:
    """``PINS = {"auth": "people"}`` answers every question as the strict router did."""
    assert differences(chain("StrictAppRouter", OURS), chain(OURS, auth="people")) == {}


def test_a_lax_app_router_lets_other_apps_onto_the_database_and_a_declaration_does_not() -> None:
    """The only difference: the tables of every other app are no longer created there too.

    The hand-written router says nothing of other apps, so Django migrates all of them onto the
    app's database. A database that is a home takes only its own models.
    """
    found = differences(chain("AppRouter", OURS), chain(OURS, auth="people"))
    assert set(found.values()) == {(True, False)}
    strays = {question[1] for question in found if question[0] == "migrate"}
    assert {question[0] for question in found} == {"migrate", "operation"}
    assert {question[2] for question in found} == {"people"}
    assert "sessions.Session" in strays
    assert not any(label.startswith("auth.") for label in strays)


@isolate_apps("tests.library")
def test_an_app_router_is_replaced_by_managers_too() -> None:
    """``PinnedManager`` on a model of one's own gives the answers that its app's router gave."""

    class Measure(models.Model):
        objects = PinnedManager("people")

        class Meta:
            app_label = "auth"

    def of_measure() -> list[Any]:
        return [
            router.db_for_read(Measure),
            router.db_for_write(Measure),
            *(router.allow_migrate_model(alias, Measure) for alias in ALIASES),
            router.allow_relation(Measure(), Measure()),
        ]

    with chain("StrictAppRouter"):
        by_hand = of_measure()
    with chain(OURS):
        assert of_measure() == by_hand == ["people", "people", False, False, True, False, True]


def test_what_an_app_router_says_of_objects_from_elsewhere_is_wrong_and_ours_is_right() -> None:
    """Three more differences, on objects that do not come from the app's database.

    The hand-written router writes an object into the app's database although it was loaded from
    another one, and allows a relation between objects of two databases. It forbids a relation
    between two new objects of different apps, which have no database yet: ours leaves that open,
    because Django gives them one, and asks then.
    """
    user, group = User(pk=1), Group(pk=1)
    user._state.db, group._state.db = "geo", "people"
    with chain("StrictAppRouter", OURS):
        assert router.db_for_write(User, instance=user) == "people"
        assert router.allow_relation(user, group) is True
        assert router.allow_relation(User(), Article()) is False
    with chain(OURS, auth="people"):
        assert router.db_for_write(User, instance=user) == "geo"
        assert router.allow_relation(user, group) is False
        assert router.allow_relation(User(), Article()) is True


@everywhere
@both_orders
@pytest.mark.parametrize("name", ["AppRouter", "StrictAppRouter"])
def test_an_app_router_and_ours_stand_side_by_side(name: str, *, ours_first: bool) -> None:
    """In either order each answers for its own models, on real tables."""
    with beside(name, ours_first=ours_first, contenttypes="people"), queries() as sent:
        group = Group.objects.create(name="readers")
        user = User.objects.create_user("ada")
        user.groups.add(group)
        assert [group.name for group in user.groups.all()] == ["readers"]
        event = Event.objects.create(name="login")
        event.notes.create(text="x").save()
        event.save()
        shelf = Shelf.objects.create(name="top")
        shelf.articles.create(title="T", author_id=1)
    origins = [user._state.db, group._state.db, event._state.db, shelf._state.db]
    assert origins == ["people", "people", "archive", "default"]
    assert set(sent) == {"people", "archive", "default"}
    assert not [sql for sql in sent["default"] if "auth_" in sql or "event" in sql]


@everywhere
@both_orders
def test_sources_stay_at_home_if_only_an_app_router_knows_where_their_targets_are(
    *, ours_first: bool
) -> None:
    """Neither side has a pin: the origin of a target is still no home for its sources."""
    with beside("PeopleRouter", ours_first=ours_first), queries() as sent:
        person = Person.objects.create(name="Ann", email="ann@example.org")
        article = Article.objects.create(title="T", author=person)
        account = Account.objects.create(person=person)
        person = Person.objects.get()
        assert person._state.db == "people"
        assert person.articles.all().db == "default"
        assert person.articles.create(title="U")._state.db == "default"
        assert person.articles.get_or_create(title="V")[0]._state.db == "default"
        person.articles.add(article)
        assert person.articles.count() == 3
        assert person.account == account
        (found,) = Person.objects.prefetch_related("articles", "account")
        assert len(found.articles.all()) == 3
        assert found.account == account
        assert Article.objects.filter(author__in=Person.objects.all()).count() == 3
        assert {a.author for a in Article.objects.prefetch_related("author")} == {person}
    assert set(sent) == {"people", "default"}
    assert not [sql for sql in sent["people"] if "library_" in sql]
    assert not [sql for sql in sent["default"] if "people_" in sql]


@both_orders
def test_an_app_router_forbids_relations_out_of_its_app_if_it_comes_first(
    *, ours_first: bool
) -> None:
    """Even within one database: a permission's content type. Ours first sees that it is one."""
    with beside("AppRouter", ours_first=ours_first, auth="people", contenttypes="people"):
        permission, kind = Permission(), ContentType(pk=1)
        permission._state.db = kind._state.db = "people"
        assert router.allow_relation(permission, kind) is ours_first


# Model-specific

# The hand-written router compares one name: these are other names for rows of that model.
FORGOTTEN = {"people.Adult", "people.Employee", "people.Person_skills"}


def test_a_model_router_is_replaced_by_one_line_and_what_it_forgot_comes_along() -> None:
    """``PINS = {"people.Person": "people"}``: all differences are gaps of the router.

    It compares a model's name, so it leaves behind what belongs to the model under another one:
    its proxies, its children by multi-table inheritance and the automatic tables of its
    many-to-many relations. Their tables were looked for, and created, on ``default``, with foreign
    keys to a table that is not there. And, saying nothing of other models, it let all of them be
    migrated onto the model's database.
    """
    found = differences(chain("ModelRouter", OURS), chain(OURS, people__Person="people"))
    routed = {
        question: found.pop(question)
        for question in list(found)
        if question[0] in {"read", "write"}
    }
    assert set(routed.values()) == {("default", "people")}
    assert {question[1] for question in routed} == FORGOTTEN
    related = {
        question: found.pop(question) for question in list(found) if question[0] == "relation"
    }
    assert all(FORGOTTEN & set(question[1:]) for question in related)
    assert ("relation", "people.Employee", "people.Person") in related
    operations = {
        question: found.pop(question) for question in list(found) if question[0] == "operation"
    }
    assert set(operations.values()) == {(True, False)}
    assert {question[2] for question in operations} == {"people"}
    assert {question[0] for question in found} == {"migrate"}
    for (_, label, alias), answer in found.items():
        if label in FORGOTTEN:
            # On default it was; on people it was by chance, and is by declaration.
            assert (alias, answer) == ("default", (True, False))
        else:
            assert (alias, answer) == ("people", (True, False))


@everywhere
def test_proxies_and_children_are_found_by_a_declaration_and_not_by_a_model_router() -> None:
    """Real queries: the hand-written router looks for their tables on ``default``."""
    Employee.objects.using("people").create(name="Ada", email="ada@example.org", salary=1)
    with chain("ModelRouter"):
        assert Person.objects.get().name == "Ada"
        for model in (Adult, Employee, Person.skills.through):
            with pytest.raises(DatabaseError), transaction.atomic(using="default"):
                model.objects.count()
    with chain(OURS, people__Person="people"):
        assert Person.objects.get().name == "Ada"
        assert [model.objects.count() for model in (Adult, Employee)] == [1, 1]
        assert Person.skills.through.objects.count() == 0


@isolate_apps("tests.library")
def test_a_model_router_catches_models_of_the_same_name_and_a_declaration_does_not() -> None:
    """The name of a model is unique within its app only."""

    class Person(models.Model):
        class Meta:
            app_label = "library"

    with chain("ModelRouter"):
        assert router.db_for_write(Person) == "people"
        assert not router.allow_migrate_model("default", Person)
    with chain(OURS, people__Person="people"):
        assert router.db_for_write(Person) == "default"
        assert router.allow_migrate_model("default", Person)


@isolate_apps("tests.library")
def test_a_model_router_is_replaced_by_a_manager_too() -> None:
    """``PinnedManager`` on the model gives the same answers for it."""

    class Person(models.Model):
        objects = PinnedManager("people")

        class Meta:
            app_label = "library"

    def of_person() -> list[Any]:
        return [
            router.db_for_read(Person),
            router.db_for_write(Person),
            *(router.allow_migrate_model(alias, Person) for alias in ALIASES),
        ]

    with chain("ModelRouter"):
        by_hand = of_person()
    with chain(OURS):
        assert of_person() == by_hand == ["people", "people", False, False, True, False]


@everywhere
@both_orders
def test_a_model_router_and_ours_stand_side_by_side(*, ours_first: bool) -> None:
    """In either order each answers for its own model; the rest of the app is by declaration."""
    with beside(
        "ModelRouter", ours_first=ours_first, people__team="people", people__skill="people"
    ):
        assert declared_home(Person) is None
        team = Team.objects.create(name="Reds")
        person = Person.objects.create(name="Ada", email="ada@example.org", team=team)
        person.skills.add(Skill.objects.create(name="chess"))
        event = Event.objects.create(name="login", actor=person)
        country = Country.objects.create(code="NL", name="Netherlands")
        assert [team, *event.actor.skills.all()] == [person.team, *Skill.objects.all()]
        for obj in (team, person, event, country):
            obj.save()
        origins = [obj._state.db for obj in (team, person, event, country)]
    assert origins == ["people", "people", "archive", "geo"]


@both_orders
def test_a_model_router_in_front_takes_no_notice_of_origins(*, ours_first: bool) -> None:
    """An object of another database is written back there only if ours is asked first."""
    person = Person(pk=1)
    person._state.db = "geo"
    with beside("ModelRouter", ours_first=ours_first, people="people"):
        assert router.db_for_write(Person, instance=person) == ("geo" if ours_first else "people")


# Primary and replica: what is left to such a router, as long as ours knows no replicas

REPLICAS = {"PrimaryReplicaRouter": ["people"], "RandomReplicaRouter": ["people", "geo"]}
replica_routers = pytest.mark.parametrize("name", REPLICAS)


@everywhere
@replica_routers
@pytest.mark.usefixtures("_copies")
def test_behind_ours_a_replica_router_serves_the_models_without_a_home(name: str) -> None:
    """Reads from a replica, writes to the primary, also of what a replica gave."""
    with chain(OURS, name):
        made = Shelf.objects.create(name="before")
        replicate(*REPLICAS[name])
        shelf = Shelf.objects.get(pk=made.pk)
        assert made._state.db == "default"
        assert shelf._state.db in REPLICAS[name]
        shelf.name = "after"
        shelf.save()
        assert Shelf.objects.using("default").get().name == "after"
        for alias in REPLICAS[name]:
            assert Shelf.objects.using(alias).get().name == "before"
        shelf = Shelf.objects.get(pk=made.pk)
        shelf.delete()
        assert not Shelf.objects.using("default").exists()


@everywhere
@replica_routers
@pytest.mark.usefixtures("_copies")
def test_behind_ours_a_replica_router_decides_which_aliases_are_one_database(name: str) -> None:
    """Objects of the primary and of a replica may be related: ours leaves them to it."""
    with chain(OURS, name):
        Shelf.objects.create(name="top")
        replicate(*REPLICAS[name])
        shelf = Shelf.objects.get()
        article = Article.objects.using("default").create(title="T", author_id=1)
        article.shelf = shelf
        article.save()
        assert article._state.db == "default"
        assert shelf._state.db in REPLICAS[name]
        assert Article.objects.using("default").get().shelf_id == shelf.pk
    with chain(OURS), pytest.raises(ValueError, match="prevents this relation"):
        article.shelf = shelf


@everywhere
@replica_routers
@pytest.mark.usefixtures("_copies")
def test_behind_ours_a_replica_router_leaves_pinned_models_at_home(name: str) -> None:
    """Neither their reads nor their writes nor their migrations are touched."""
    with chain(OURS, name, sessions="geo"), queries() as sent:
        event = Event.objects.create(name="login")
        event.notes.create(text="x")
        assert [note.text for note in event.notes.all()] == ["x"]
        event.save()
        event.refresh_from_db()
        EventNote.objects.get().event.delete()
        found = {alias: router.allow_migrate_model(alias, Event) for alias in ALIASES}
    assert set(sent) == {"archive"}
    assert found == {"default": False, "archive": True, "people": False, "geo": False}


@everywhere
@replica_routers
@pytest.mark.usefixtures("_copies")
def test_a_replica_router_alone_does_not_see_what_was_just_written(name: str) -> None:
    """Its pitfall: a lagging replica. The declaration of a home removes it."""
    with chain(OURS, name):
        shelf = Shelf.objects.create(name="new")
        assert not Shelf.objects.filter(pk=shelf.pk).exists()
        with pytest.raises(Shelf.DoesNotExist):
            shelf.refresh_from_db()
        with transaction.atomic(), pytest.raises(Shelf.DoesNotExist):
            Shelf.objects.get(pk=shelf.pk)
        # It reads and writes one relation in two databases.
        shelf.articles.create(title="T", author_id=1)
        assert shelf.articles.count() == 0
    with chain(OURS, name, library__Shelf="default", library__Article="default"):
        shelf = Shelf.objects.create(name="new")
        assert Shelf.objects.filter(pk=shelf.pk).exists()
        shelf.refresh_from_db()
        shelf.articles.create(title="T", author_id=2)
        assert shelf.articles.count() == 1


@everywhere
@pytest.mark.usefixtures("_copies")
def test_random_replicas_split_the_reads_of_one_model_and_a_home_keeps_them_together() -> None:
    """Two reads in a row may see two states; at home there is one."""
    with chain(OURS, "RandomReplicaRouter"):
        assert {router.db_for_read(Shelf) for _ in range(200)} == {"people", "geo"}
        Shelf.objects.using("people").create(name="arrived here only")
        assert {Shelf.objects.count() for _ in range(200)} == {0, 1}
    with chain(OURS, "RandomReplicaRouter", library__shelf="default"):
        assert {router.db_for_read(Shelf) for _ in range(200)} == {"default"}
        assert {Shelf.objects.count() for _ in range(200)} == {0}


@everywhere
@replica_routers
@pytest.mark.usefixtures("_copies")
def test_an_object_of_a_replica_is_written_back_to_the_primary_by_the_replica_router_only(
    name: str,
) -> None:
    """What is left to such a router: ours does not know yet that an alias is a replica.

    A model without a home is saved to the primary by the router behind ours. One with a declared
    home goes back to its origin, and if that was named by ``using("replica")``, to the replica.
    """
    with chain(OURS, name):
        Shelf.objects.create(name="before")
        replicate(*REPLICAS[name])
        shelf = Shelf.objects.using("people").get()
        assert router.db_for_write(Shelf, instance=shelf) == "default"
    with chain(OURS, name, library__shelf="default"):
        assert router.db_for_write(Shelf, instance=shelf) == "people"
        assert router.db_for_write(Shelf, instance=Shelf.objects.get()) == "default"


@everywhere
@replica_routers
@pytest.mark.usefixtures("_copies")
def test_in_front_of_ours_a_replica_router_overrules_all_but_pinned_querysets(name: str) -> None:
    """It answers for every model, so it must stand behind.

    What Django asks the routers is answered wrongly: ``save()`` leaves the origin, relations
    within the home are forbidden, and the home is not migrated. Querysets of ``PinnedManager``
    hold all the same; those of ``PINS`` are ordinary ones and do not.
    """
    with chain(name, OURS, auth="archive"):
        with queries() as sent:
            event = Event.objects.create(name="before")
            Event.objects.update(name="by a queryset")
            assert Event.objects.get().name == "by a queryset"
        assert set(sent) == {"archive"}
        event.name = "by save()"
        event.save()
        assert Event.objects.using("archive").get().name == "by a queryset"
        assert Event.objects.using("default").get().name == "by save()"
        note = EventNote(text="x")
        event = Event.objects.get()
        with pytest.raises(ValueError, match="prevents this relation"):
            note.event = event
        found = {alias: router.allow_migrate_model(alias, Event) for alias in ALIASES}
        assert found == {"default": True, "archive": False, "people": False, "geo": False}
        assert User.objects.db in REPLICAS[name]
        assert router.db_for_write(User) == "default"
