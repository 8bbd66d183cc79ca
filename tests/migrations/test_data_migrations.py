"""``RunPython``, ``RunSQL`` and historical models: where they run, and what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject
    from tests.migrations.project import Project

PERSON = """
class Person(models.Model):
    name = models.CharField(max_length=80)
"""
SHOP = """
class Order(models.Model):
    name = models.CharField(max_length=80)

class Event(models.Model):
    name = models.CharField(max_length=80)
    actor = CrossDBReference("people.Person", models.CASCADE, null=True)

    objects = PinnedManager("archive")

class Mark(models.Model):
    name = models.CharField(max_length=80)

    objects = PinnedManager("geo")
"""
ALIASES = ("default", "archive", "people", "geo")
# Both leave a table behind on each database where they run.
RAN = """
def ran(apps, schema_editor):
    schema_editor.connection.cursor().execute("CREATE TABLE ran_python (id integer)")

def done(*args):
    pass
"""
OPERATIONS = """
    migrations.RunPython(ran, done{hints}),
    migrations.RunSQL("CREATE TABLE ran_sql (id integer)", ""{hints}),
"""


def shop_project(new_project: NewProject, **setting: object) -> Project:
    """Return a migrated project: the app ``shop`` has three homes, ``people`` one."""
    project = new_project(*ALIASES, PINS={"people": "people"}, **setting)
    project.models(people=PERSON, shop=SHOP)
    project.manage("makemigrations", "crossdb_migrate")
    return project


def ran_on(project: Project) -> set[str]:
    """Return where both operations ran: everywhere, or the test fails, they run together."""
    tables = {alias: {t for t in project.tables(alias) if t.startswith("ran")} for alias in ALIASES}
    assert all(found in (set(), {"ran_python", "ran_sql"}) for found in tables.values())
    return {alias for alias, found in tables.items() if found}


@pytest.mark.parametrize(
    ("app", "hints", "expected"),
    [
        ("shop", "", {"default", "archive", "geo"}),
        ("people", "", {"people"}),
        ("shop", {"model_name": "event"}, {"archive"}),
        ("shop", {"model_name": "Order"}, {"default"}),
        ("shop", {"database": "geo"}, {"geo"}),
    ],
)
def test_operations_run_on_the_homes_of_their_app(
    new_project: NewProject, app: str, hints: object, expected: set[str]
) -> None:
    """Without hints on each home; hints narrow that. Every alias is migrated to see it."""
    project = shop_project(new_project)
    hinted = f", hints={hints}" if hints else ""
    project.migration(
        f"{app}.0002_data", OPERATIONS.format(hints=hinted), after=f"{app}.0001_initial", header=RAN
    )
    project.manage(*(f"migrate --database {alias}" for alias in ALIASES))
    assert ran_on(project) == expected


def test_hints_may_hold_a_model_class(new_project: NewProject) -> None:
    """``hints={"model": …}``, as Django's own operations give it."""
    project = shop_project(new_project)
    hints = ', hints={"model": Event}'
    header = RAN + "from shop.models import Event\n"
    project.migration(
        "shop.0002_data", OPERATIONS.format(hints=hints), after="shop.0001_initial", header=header
    )
    project.manage(*(f"migrate --database {alias}" for alias in ALIASES))
    assert ran_on(project) == {"archive"}


def test_an_app_without_homes_stays_off_dedicated_databases(new_project: NewProject) -> None:
    """Its operations run on ``default``, and where nothing is pinned to; as its models would."""
    project = new_project(*ALIASES, PINS={"people": "people"})
    project.models(people=PERSON, shop="")
    project.manage("makemigrations people")
    project.migration(
        "shop.0001_data",
        OPERATIONS.format(hints=""),
        after="people.0001_initial",
        header=RAN,
    )
    project.manage(*(f"migrate --database {alias}" for alias in ALIASES))
    assert ran_on(project) == {"default", "archive", "geo"}


DATA = """
def forwards(apps, schema_editor):
    Event = apps.get_model("shop", "Event")
    event = Event.objects.create(name="by the home", actor=7)
    assert event._state.db == "archive"
    assert event.actor == 7 and not hasattr(event, "actor_id")
    assert Event.objects.get(actor=7).actor == 7
    assert Event.objects.filter(actor__gt=6).values_list("actor", flat=True).get() == 7
    event.actor += 1
    event.save()
    Event.objects.bulk_create([Event(name="in bulk")])
    Mark = apps.get_model("shop", "Mark")
    Mark.objects.get_or_create(name="of another home")
    apps.get_model("people", "Person").objects.create(name="of another app")

def backwards(apps, schema_editor):
    apps.get_model("shop", "Event").objects.all().delete()
"""


def test_historical_models_are_at_home_and_hold_plain_keys(new_project: NewProject) -> None:
    """What a data migration creates goes to the model's home; a reference is its key."""
    project = shop_project(new_project)
    run = 'migrations.RunPython(forwards, backwards, hints={"model_name": "event"}),'
    project.migration("shop.0002_data", run, after="shop.0001_initial", header=DATA)
    text = project.text_of("shop.0002").replace(
        "('shop', '0001_initial')", "('shop', '0001_initial'), ('people', '0001_initial')"
    )
    (project.path / "shop/migrations/0002_data.py").write_text(text)
    project.manage("crossdb_migrate")
    events = project.rows("SELECT name, actor_id FROM shop_event ORDER BY name", "archive")
    assert events == [("by the home", 8), ("in bulk", None)]
    assert project.rows("SELECT name FROM shop_mark", "geo") == [("of another home",)]
    assert project.rows("SELECT name FROM people_person", "people") == [("of another app",)]
    project.manage("migrate shop 0001 --database archive")
    assert project.rows("SELECT * FROM shop_event", "archive") == []


MANAGED = """
class EventManager(PinnedManager):
    database = "archive"
    use_in_migrations = True

class GeoManager(PinnedManager):
    use_in_migrations = True

class Event(models.Model):
    name = models.CharField(max_length=80)

    objects = EventManager()

class Mark(models.Model):
    name = models.CharField(max_length=80)

    objects = GeoManager("geo")
"""
USES_MANAGERS = """
def forwards(apps, schema_editor):
    for name, alias in (("Event", "archive"), ("Mark", "geo")):
        model = apps.get_model("shop", name)
        assert model.objects.database == alias, model.objects.database
        assert model.objects.db == alias
        assert model.objects.create(name="x")._state.db == alias
"""


def test_pinned_managers_with_use_in_migrations(new_project: NewProject) -> None:
    """They are written down, by their class or with their alias, and come back as pins."""
    project = new_project("default", "archive", "geo")
    project.models(shop=MANAGED)
    project.manage("makemigrations", "makemigrations --check")
    text = project.text_of("shop.0001")
    assert "('objects', shop.models.EventManager())" in text
    assert "('objects', shop.models.GeoManager('geo'))" in text
    run = 'migrations.RunPython(forwards, hints={"database": "geo"}),'
    project.migration("shop.0002_data", run, after="shop.0001_initial", header=USES_MANAGERS)
    project.manage("crossdb_migrate")
    assert project.tables("default") == set()
    assert project.rows("SELECT name FROM shop_event", "archive") == [("x",)]
    assert project.rows("SELECT name FROM shop_mark", "geo") == [("x",)]
