"""The router's answers, and that objects are written back to where they came from."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import models, router, transaction
from django.forms import modelform_factory
from django.test import Client, override_settings
from django.test.utils import isolate_apps
from django.urls import path, reverse

from crossdb_reference import CrossDBReference, PinnedManager, home_database, pinned
from crossdb_reference.routers import (
    CrossDBRouter,
    database_for_read,
    database_for_write,
    shared_hints,
)
from tests.library.models import Album, Article, Draft, Event, EventNote, Shelf
from tests.people.models import Country, Person, Skill, Team
from tests.queries import queries
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest
    from pytest_django import DjangoDbBlocker

everywhere = pytest.mark.django_db(databases="__all__")

ALIASES = ("default", "archive", "people", "geo")
OURS = "crossdb_reference.routers.CrossDBRouter"
PINS = {"auth": "people", "contenttypes": "people", "admin": "people", "people": "people"}


class ToGeo:
    """A router for what has no pin; it notes the hints that it is given."""

    hints: list[dict[str, Any]] = []

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        """Answer for one model."""
        self.hints.append(hints)
        return "geo" if model.__name__ == "Token" else None

    db_for_write = db_for_read


@pytest.fixture(scope="module")
def _copies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Let tables exist on a second database each, as of a copy."""
    with (
        tables(django_db_blocker, "default", Event, EventNote),
        tables(django_db_blocker, "archive", Shelf, Article),
        tables(django_db_blocker, "geo", Team, Skill, Person),
    ):
        yield


def loaded(model: type[models.Model], alias: str, **values: Any) -> Any:
    """Return an instance that seems to come from ``alias``, without a query."""
    return model.from_db(alias, [field.attname for field in model._meta.concrete_fields], [
        values.get(field.attname) for field in model._meta.concrete_fields
    ])  # fmt: skip


both = pytest.mark.parametrize("question", ["db_for_read", "db_for_write"])


# Reading and writing


@both
def test_a_pinned_model_is_sent_home(question: str) -> None:
    """By manager and by settings, proxies and automatic tables too."""
    ask, live = getattr(CrossDBRouter(), question), getattr(router, question)
    for model, home in [
        (Event, "archive"),
        (EventNote, "archive"),
        (Album.tracks.through, "archive"),
        (Country, "geo"),
        (Person, "people"),
        (Person.skills.through, "people"),
        (User, "people"),
    ]:
        assert ask(model) == live(model) == home


@both
def test_an_unpinned_model_is_left_to_others(question: str) -> None:
    """In the end to Django, which says ``default``."""
    for model in (Article, Draft, Session):
        assert getattr(CrossDBRouter(), question)(model) is None
        assert getattr(router, question)(model) == "default"


@both
def test_a_hint_of_the_same_home_leads_to_its_origin(question: str) -> None:
    """The object itself, or one that shares the home; a new one leads home."""
    ask, live = getattr(CrossDBRouter(), question), getattr(router, question)
    for model, instance, expected in [
        (Event, loaded(Event, "default"), "default"),
        (EventNote, loaded(Event, "default"), "default"),
        (Album, loaded(Event, "geo"), "geo"),
        (Event, Event(), "archive"),
        (Event, None, "archive"),
        (Person, loaded(User, "geo"), "geo"),
    ]:
        assert ask(model, instance=instance) == live(model, instance=instance) == expected


@both
def test_a_hint_of_another_home_does_not_count(question: str) -> None:
    """Its origin says nothing about where the model lives."""
    ask, live = getattr(CrossDBRouter(), question), getattr(router, question)
    for model, instance, expected in [
        (Event, loaded(Person, "people"), "archive"),
        (Event, loaded(Article, "default"), "archive"),
        (Person, loaded(Event, "archive"), "people"),
        (Country, loaded(Person, "people"), "geo"),
    ]:
        assert ask(model, instance=instance) == live(model, instance=instance) == expected


@both
def test_a_pinned_hint_does_not_lead_an_unpinned_model_astray(question: str) -> None:
    """Django alone would follow the instance: the routers are asked again without it."""
    ask, live = getattr(CrossDBRouter(), question), getattr(router, question)
    for instance in (loaded(Person, "people"), loaded(Event, "archive"), Event()):
        assert ask(Article, instance=instance) == live(Article, instance=instance) == "default"
    with pinned("geo"):
        assert live(Article, instance=loaded(Person, "people")) == "geo"


@both
def test_an_unpinned_hint_leads_an_unpinned_model_to_its_origin(question: str) -> None:
    """As Django does without any router, inside a block too."""
    shelf = loaded(Shelf, "archive")
    assert getattr(CrossDBRouter(), question)(Article, instance=shelf) is None
    assert getattr(router, question)(Article, instance=shelf) == "archive"
    with pinned("geo"):
        assert getattr(router, question)(Article, instance=shelf) == "archive"
        assert getattr(router, question)(Article, instance=Shelf()) == "geo"


@isolate_apps("tests.library")
def test_a_router_behind_ours_does_not_see_a_foreign_hint() -> None:
    """It answers for its model, from the hints that say something about it."""

    class Token(models.Model):
        class Meta:
            app_label = "library"

    with override_settings(DATABASE_ROUTERS=[OURS, f"{__name__}.ToGeo"]):
        ToGeo.hints.clear()
        assert router.db_for_read(Token, instance=loaded(Person, "people"), other=1) == "geo"
        assert ToGeo.hints == [{"other": 1}]
        ToGeo.hints.clear()
        own = loaded(Shelf, "archive")
        assert router.db_for_write(Token, instance=own) == "geo"
        assert ToGeo.hints == [{"instance": own}]


def test_the_policy_is_the_routers_even_if_the_router_is_not_in_the_list() -> None:
    """``PinnedQuerySet`` and references ask these functions."""
    person = loaded(Person, "people")
    for ask in (database_for_read, database_for_write):
        for routers in ([OURS], []):
            with override_settings(DATABASE_ROUTERS=routers):
                assert ask(Event) == "archive"
                assert ask(Event, instance=loaded(EventNote, "default")) == "default"
                assert ask(Event, instance=person) == "archive"
                assert ask(Article, instance=person) == "default"
                assert ask(Article, instance=loaded(Shelf, "geo")) == "geo"
                assert home_database(Person) == "people"


def test_only_the_instance_is_taken_out_of_foreign_hints() -> None:
    """And nothing is copied if it may stay."""
    hints = {"instance": loaded(Event, "archive"), "other": 1}
    assert shared_hints(EventNote, hints) is hints
    assert shared_hints(Article, hints) == {"other": 1}
    assert set(hints) == {"instance", "other"}


@everywhere
@isolate_apps("tests.library")
@pytest.mark.usefixtures("_copies")
def test_sources_stay_at_home_if_only_using_says_where_their_targets_are() -> None:
    """Neither model has a pin: the origin of a target is still no home for its sources."""

    class Box(models.Model):
        name = models.CharField(max_length=80)

        class Meta:
            app_label = "library"
            db_table = "library_shelf"

    class Thing(models.Model):
        owner = CrossDBReference(
            Box, models.CASCADE, using="archive", related_name="things", null=True
        )

        class Meta:
            app_label = "library"
            db_table = "library_car"

    with queries() as sent:
        box = Box.objects.using("archive").create(name="b")
        thing = Thing.objects.create(owner=box)
        box = Thing.objects.get().owner
        assert box._state.db == "archive"
        assert box.things.all().db == "default"
        assert list(box.things.all()) == [thing]
        assert box.things.create()._state.db == "default"
        (found,) = Box.objects.using("archive").prefetch_related("things")
        assert len(found.things.all()) == 2
    assert set(sent) == {"archive", "default"}
    assert not [sql for sql in sent["archive"] if "library_car" in sql]
    assert not [sql for sql in sent["default"] if "library_shelf" in sql]


# Writing back to the origin


class EverythingForm:
    """Forms of the models below."""

    @staticmethod
    def save(obj: models.Model) -> None:
        """Change the name by a form."""
        form = modelform_factory(type(obj), fields=["name"])({"name": "changed"}, instance=obj)
        assert form.is_valid()
        form.save()


def save(obj: Any) -> None:
    """Change the name."""
    obj.name = "changed"
    obj.save()


def asave(obj: Any) -> None:
    """Change the name asynchronously."""
    obj.name = "changed"
    async_to_sync(obj.asave)()


def save_one_field(obj: Any) -> None:
    """Change only the name."""
    obj.name = "changed"
    obj.save(update_fields=["name"])


CHANGES = {
    "save": save,
    "save(update_fields)": save_one_field,
    "asave": asave,
    "form": EverythingForm.save,
}
ORIGINS = [
    pytest.param(model, origin, other, id=f"{model.__name__} of {origin}")
    for model, home, copy in [
        (Event, "archive", "default"),  # Pinned by a manager.
        (Team, "people", "geo"),  # Pinned by the settings.
        (Shelf, "default", "archive"),  # Not pinned.
    ]
    for origin, other in [(home, copy), (copy, home)]
]


def two(model: type[models.Model], *aliases: str) -> None:
    """Give both databases a row with the same key: a write to the wrong one would be seen."""
    for alias in aliases:
        model._base_manager.using(alias).create(pk=1000, name="before")


def names(model: type[models.Model], alias: str) -> list[str]:
    """Return what ``alias`` has."""
    return list(model._base_manager.using(alias).values_list("name", flat=True))


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("block", [None, "geo"], ids=["", "in a block"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize(("model", "origin", "other"), ORIGINS)
def test_an_object_is_saved_where_it_came_from(
    model: type[models.Model],
    origin: str,
    other: str,
    change: Callable[[Any], None],
    block: str | None,
) -> None:
    """Home or not, pinned or not, whatever the block: no other database is asked."""
    two(model, origin, other)
    obj = model._base_manager.using(origin).get()
    with pinned(block) if block else nullcontext(), queries() as sent:
        change(obj)
    assert set(sent) == {origin}
    assert (names(model, origin), names(model, other)) == (["changed"], ["before"])


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("way", ["delete", "adelete"])
@pytest.mark.parametrize(("model", "origin", "other"), ORIGINS)
def test_an_object_is_deleted_where_it_came_from(
    model: type[models.Model], origin: str, other: str, way: str
) -> None:
    """Synchronously and asynchronously."""
    two(model, origin, other)
    obj = model._base_manager.using(origin).get()
    with queries() as sent:
        obj.delete() if way == "delete" else async_to_sync(obj.adelete)()
    assert set(sent) == {origin}
    assert (names(model, origin), names(model, other)) == ([], ["before"])


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("way", ["refresh_from_db", "arefresh_from_db", "deferred"])
@pytest.mark.parametrize(("model", "origin", "other"), ORIGINS)
def test_an_object_is_refreshed_from_where_it_came_from(
    model: type[models.Model], origin: str, other: str, way: str
) -> None:
    """Deferred fields too."""
    two(model, origin, other)
    obj = model._base_manager.using(origin).only("pk").get()
    model._base_manager.using(origin).update(name="changed")
    with queries() as sent:
        if way == "refresh_from_db":
            obj.refresh_from_db()
        elif way == "arefresh_from_db":
            async_to_sync(obj.arefresh_from_db)()
        assert obj.name == "changed"
    assert set(sent) == {origin}
    assert obj._state.db == origin


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize(("model", "origin", "other"), ORIGINS)
def test_update_or_create_writes_where_its_queryset_reads(
    model: type[models.Model], origin: str, other: str
) -> None:
    """Both in one database, updating and creating."""
    two(model, origin, other)
    with queries() as sent:
        updated, _ = model._base_manager.using(origin).update_or_create(
            defaults={"name": "changed"}, pk=1000
        )
        created, _ = model._base_manager.using(origin).update_or_create(name="new")
    assert set(sent) == {origin}
    assert updated._state.db == created._state.db == origin
    assert names(model, other) == ["before"]


@everywhere
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize(
    ("parent", "accessor", "origin", "values"),
    [
        (Event, "notes", "default", {"text": "x"}),
        (Event, "notes", "archive", {"text": "x"}),
        (Team, "members", "geo", {"name": "Ada", "email": "ada@example.org"}),
        (Team, "members", "people", {"name": "Ada", "email": "ada@example.org"}),
        (Shelf, "articles", "archive", {"title": "T", "author_id": 1}),
        (Shelf, "articles", "default", {"title": "T", "author_id": 1}),
    ],
)
def test_related_managers_write_where_their_parent_came_from(
    parent: type[models.Model], accessor: str, origin: str, values: dict[str, Any]
) -> None:
    """What they create stays with its parent, and goes back there when it is saved."""
    obj = parent._base_manager.using(origin).create(name="parent")
    related = getattr(obj, accessor)
    with queries() as sent:
        child = related.create(**values)
        child.save()
        again, made = related.get_or_create(**values)
        assert (again, made) == (child, False)
        assert list(related.all()) == [child]
        assert related.update(**values) == 1
    assert child._state.db == again._state.db == origin
    assert set(sent) == {origin}


@everywhere
@pytest.mark.usefixtures("_copies")
def test_an_explicit_using_wins_over_the_origin() -> None:
    """``save(using=…)`` copies, and the copy's database is the origin from then on."""
    event = Event.objects.create(pk=1000, name="before")
    event.name = "copied"
    event.save(using="default")
    assert (names(Event, "archive"), names(Event, "default")) == (["before"], ["copied"])
    event.name = "changed"
    event.save()
    assert (names(Event, "archive"), names(Event, "default")) == (["before"], ["changed"])
    event.refresh_from_db(using="archive")
    assert (event.name, event._state.db) == ("before", "archive")
    event.delete(using="default")
    assert (names(Event, "archive"), names(Event, "default")) == (["before"], [])


@pytest.mark.django_db(databases="__all__", transaction=True)
@pytest.mark.usefixtures("_copies")
@pytest.mark.parametrize("atomic", [None, "default", "archive", "people"])
def test_objects_go_back_to_their_origin_inside_and_outside_of_transactions(
    atomic: str | None,
) -> None:
    """Whichever database the transaction is on, with real commits."""
    rows = [(Event, "archive"), (Event, "default"), (Team, "people"), (Team, "geo")]
    for model, alias in rows:
        two(model, alias)
    try:
        with transaction.atomic(using=atomic) if atomic else nullcontext():
            for model, alias in rows:
                obj = model._base_manager.using(alias).get()
                obj.name = f"of {alias}"
                obj.save()
        for model, alias in rows:
            assert names(model, alias) == [f"of {alias}"]
            model._base_manager.using(alias).get().delete()
            assert names(model, alias) == []
    finally:
        # What ends the test empties the tables of the homes only.
        Event.objects.using("default").delete()
        Team.objects.using("geo").delete()


@everywhere
def test_a_failed_transaction_at_home_takes_back_what_was_saved_without_using() -> None:
    """So the write was part of that transaction."""
    event = Event.objects.create(name="before")
    event.name = "changed"
    with transaction.atomic(using="archive"):
        event.save()
        transaction.set_rollback(True, using="archive")
    assert names(Event, "archive") == ["before"]


# The admin

site = admin.AdminSite()


@admin.register(Person, site=site)
class PersonAdmin(admin.ModelAdmin):
    """As anyone would write it."""

    fields = ("name", "email")


@admin.register(Event, site=site)
class EventAdmin(admin.ModelAdmin):
    """An admin of what another database has."""

    fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Event]:  # noqa: ARG002
        """Show the view."""
        return Event.elsewhere.all()


urlpatterns = [path("admin/", site.urls)]


@pytest.fixture
def staff(client: Client) -> Client:
    """Give a client that may do everything."""
    client.force_login(User.objects.create_superuser("root", "root@example.org", "secret"))
    return client


@everywhere
@pytest.mark.urls(__name__)
def test_the_admin_adds_changes_and_deletes_at_home(staff: Client) -> None:
    """Objects, log entries and the user are in ``people``, the session in ``default``."""
    added = staff.post(
        reverse("admin:people_person_add"), {"name": "Ada", "email": "ada@example.org"}
    )
    assert added.status_code == 302
    person = Person.objects.using("people").get()
    change = reverse("admin:people_person_change", args=[person.pk])
    assert b"ada@example.org" in staff.get(change).content
    with queries() as sent:
        staff.post(change, {"name": "Ada Lovelace", "email": "ada@example.org"})
    assert Person.objects.using("people").get().name == "Ada Lovelace"
    assert set(sent) == {"default", "people"}
    assert not [sql for sql in sent["default"] if "django_session" not in sql]
    staff.post(reverse("admin:people_person_delete", args=[person.pk]), {"post": "yes"})
    assert not Person.objects.using("people").exists()
    assert LogEntry.objects.using("people").count() == 3


@everywhere
@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("_copies")
def test_the_admin_saves_an_object_where_its_queryset_found_it(staff: Client) -> None:
    """The row of the same key at home stays as it is."""
    two(Event, "archive", "default")
    Event.objects.update(name="at home")
    change = reverse("admin:library_event_change", args=[1000])
    assert b"before" in staff.get(change).content
    assert staff.post(change, {"name": "changed"}).status_code == 302
    assert (names(Event, "archive"), names(Event, "default")) == (["at home"], ["changed"])


# Relations


@pytest.mark.parametrize(
    ("one", "two", "allowed"),
    [
        # Pinned: by origin, else by home.
        (loaded(Event, "archive"), loaded(EventNote, "archive"), True),
        (loaded(Event, "default"), loaded(EventNote, "default"), True),
        (loaded(Event, "default"), loaded(EventNote, "archive"), False),
        (loaded(Event, "archive"), EventNote(), True),
        (loaded(Event, "default"), EventNote(), False),
        (Event(), EventNote(), True),
        (Event(), Person(), False),
        (loaded(Event, "archive"), loaded(Person, "people"), False),
        (loaded(User, "people"), loaded(Permission, "people"), True),
        # One of them pinned.
        (loaded(Event, "archive"), loaded(Shelf, "default"), False),
        (loaded(Event, "archive"), loaded(Shelf, "archive"), True),
        (Event(), loaded(Shelf, "default"), False),
        (loaded(Event, "archive"), Shelf(), None),
        (Event(), Shelf(), None),
        # None of them: others may know that two aliases are one database.
        (loaded(Article, "default"), loaded(Shelf, "default"), None),
        (loaded(Article, "default"), loaded(Shelf, "archive"), None),
        (Article(), Shelf(), None),
    ],
)
def test_a_relation_is_allowed_within_one_database(
    one: models.Model, two: models.Model, *, allowed: bool | None
) -> None:
    """``None`` where the declarations do not say; either order gives the same answer."""
    assert CrossDBRouter().allow_relation(one, two) is allowed
    assert CrossDBRouter().allow_relation(two, one) is allowed
    by_django = allowed if allowed is not None else one._state.db == two._state.db
    assert router.allow_relation(one, two) is by_django


def test_a_new_object_takes_the_origin_of_what_it_is_related_to() -> None:
    """Assigned to a foreign key of the same home, from either side."""
    event = loaded(Event, "default", id=1)
    note = EventNote(event=event)
    assert note._state.db == "default"
    event = Event()
    note = loaded(EventNote, "default", id=1)
    note.event = event
    assert event._state.db == "default"


@isolate_apps("tests.library")
def test_an_object_of_another_home_is_refused_by_a_foreign_key() -> None:
    """Django's error; a new object keeps the database that it would go to, its own home."""

    class Token(models.Model):
        person = models.ForeignKey(Person, models.CASCADE, related_name="+")

        class Meta:
            app_label = "library"

    class PinnedToken(models.Model):
        person = models.ForeignKey(Person, models.CASCADE, related_name="+")
        objects = PinnedManager("archive")

        class Meta:
            app_label = "library"

    for model, home in [(Token, "default"), (PinnedToken, "archive")]:
        token = model()
        with pytest.raises(ValueError, match="the current database router prevents this relation"):
            token.person = loaded(Person, "people", id=1, name="Ada")
        assert token._state.db == home


def test_an_object_of_another_origin_is_refused_by_a_foreign_key() -> None:
    """Pinned or not, both must come from one database."""
    note, article = loaded(EventNote, "archive"), loaded(Article, "default")
    refused = pytest.raises(ValueError, match="the current database router prevents this relation")
    with refused:
        note.event = loaded(Event, "default", id=1)
    with refused:
        article.shelf = loaded(Shelf, "archive", id=1)
    note.event = loaded(Event, "archive", id=2)
    article.shelf = loaded(Shelf, "default", id=2)
    assert (note.event_id, article.shelf_id) == (2, 2)


# Migrations


def answers(app_label: str, model_name: str | None = None, **hints: Any) -> dict[str, bool | None]:
    """Return what our router says of each alias; the live chain must agree."""
    ours = CrossDBRouter()
    found = {
        alias: ours.allow_migrate(alias, app_label, model_name=model_name, **hints)
        for alias in ALIASES
    }
    for alias, answer in found.items():
        live = router.allow_migrate(alias, app_label, model_name=model_name, **hints)
        assert live is (answer is None or answer)
    return found


def only(*homes: str) -> dict[str, bool | None]:
    """Return the answers of what is on ``homes`` and nowhere else."""
    return {alias: alias in homes for alias in ALIASES}


# On the homes of others: no. On ``default``: as the next router, or Django, says.
UNPINNED = {"default": None, "archive": False, "people": False, "geo": False}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Event, only("archive")),
        (Album.tracks.through, only("archive")),
        (Person, only("people")),
        (Person.skills.through, only("people")),
        (Country, only("geo")),
        (User, only("people")),
        (Article, UNPINNED),
        (Session, UNPINNED),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_model_is_migrated_on_its_home_only(
    model: type[models.Model], expected: dict[str, bool | None]
) -> None:
    """By class, by name in any case, and by the class alone."""
    label, name = model._meta.app_label, model._meta.model_name
    assert answers(label, name, model=model) == expected
    assert answers(label, name) == answers(label, model.__name__) == expected
    assert answers(label, model=model) == expected


def test_a_model_that_is_no_more_is_migrated_where_the_settings_say() -> None:
    """Else where unpinned models are."""
    assert answers("library", "gone") == UNPINNED
    assert answers("people", "gone") == only("people")
    with override_settings(CROSSDB_REFERENCE={"PINS": {"library.Gone": "geo"}}):
        assert answers("library", "gone")["geo"] is True
        assert answers("library", "gone")["default"] is False


def test_a_database_without_pins_and_default_are_open_to_unpinned_models() -> None:
    """``default`` even if it is the home of others."""
    with override_settings(CROSSDB_REFERENCE={"PINS": {"library": "default"}}):
        assert answers("sessions", "session") == {
            "default": None, "archive": False, "people": None, "geo": False,
        }  # fmt: skip
        assert answers("library", "article") == only("default")


def test_also_migrate_opens_a_home_to_apps_and_models_without_a_home() -> None:
    """In any case of letters; pinned models stay at home."""
    also = {"archive": ["SESSIONS", "library.Shelf", "people"], "geo": ["library"]}
    with override_settings(CROSSDB_REFERENCE={"PINS": PINS, "ALSO_MIGRATE": also}):
        assert answers("sessions", "session") == {**UNPINNED, "archive": True}
        assert answers("library", "shelf", model=Shelf) == {
            **UNPINNED, "archive": True, "geo": True,
        }  # fmt: skip
        assert answers("library", "article") == {**UNPINNED, "geo": True}
        assert answers("library", "event") == only("archive")
        assert answers("people", "team") == only("people")
        # Operations without a model.
        assert answers("sessions") == {**UNPINNED, "archive": True}
        assert answers("library") == {**UNPINNED, "archive": True, "geo": True}


def test_operations_without_a_model_run_on_each_home_of_their_app() -> None:
    """``RunPython`` and ``RunSQL`` without hints; for unpinned models, on ``default`` too."""
    assert answers("library") == {**UNPINNED, "archive": True}
    assert answers("people") == only("people", "geo")
    assert answers("auth") == only("people")
    assert answers("sessions") == UNPINNED
    assert answers("no_models_at_all") == UNPINNED


def test_operations_of_an_app_run_where_models_that_are_no_more_lived() -> None:
    """The settings still name them."""
    with override_settings(CROSSDB_REFERENCE={"PINS": {"library.Gone": "geo"}}):
        assert answers("library") == {
            "default": None, "archive": True, "people": None, "geo": True,
        }  # fmt: skip


def test_hints_narrow_where_an_operation_runs() -> None:
    """A database, or a model by name or class."""
    assert answers("library", database="archive") == only("archive")
    assert answers("library", database="default") == only("default")
    assert answers("library", model_name="Event") == only("archive")
    assert answers("library", model_name="article") == UNPINNED
    assert answers("library", model=Event) == only("archive")
    assert answers("library", model="library.Event") == only("archive")
    assert answers("library", model="library.event") == only("archive")
    assert answers("library", model="library.Article") == UNPINNED
    assert answers("library", model="people.Person") == only("people")
    assert answers("library", unknown="hint") == answers("library")


@isolate_apps("tests.library")
def test_an_app_whose_label_has_capitals_is_migrated_like_any_other() -> None:
    """Labels are compared without case, as they are pinned."""

    class Legacy(models.Model):
        class Meta:
            app_label = "OldShop"

    with override_settings(
        CROSSDB_REFERENCE={"PINS": {**PINS, "OldShop": "geo"}, "ALSO_MIGRATE": {"geo": ["Old2"]}}
    ):
        assert answers("OldShop", "legacy", model=Legacy) == only("geo")
        assert answers("OldShop") == only("geo")
        assert answers("Old2", "legacy") == {**UNPINNED, "geo": True}
        assert answers("Old2") == {**UNPINNED, "geo": True}
