"""Pinned models that were renamed, deleted or moved in the course of their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject
    from tests.migrations.project import Project

ALIASES = ("default", "archive", "geo")
LOG = """
class Log(models.Model):
    name = models.CharField(max_length=80)
    tags = models.ManyToManyField("self")

    objects = PinnedManager("archive")
"""
ONLY_EVENT = LOG.replace("Log", "Event")
EMPTY: dict[str, set[str]] = {"default": set(), "archive": set(), "geo": set()}


def tables(project: Project) -> dict[str, set[str]]:
    """Return the tables of all databases."""
    return {alias: project.tables(alias) for alias in ALIASES}


def start_afresh(project: Project) -> None:
    """Drop all tables: what the databases of a new developer, or of a test run, look like."""
    for alias in ALIASES:
        connection = project.connection(alias)
        with connection.constraint_checks_disabled(), connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cascade = "" if connection.vendor == "sqlite" else " CASCADE"
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}{cascade}")


def renamed(new_project: NewProject) -> Project:
    """Return a project on whose databases Log was made, and whose code renames it to Event."""
    project = new_project(*ALIASES)
    project.models(shop=LOG)
    project.manage("makemigrations", "crossdb_migrate")
    project.rows("INSERT INTO shop_log (name) VALUES ('kept')", "archive")
    project.models(shop=ONLY_EVENT)
    project.manage("makemigrations", answers="y\n")
    assert project.operations_of("shop.0002") == ["RenameModel"]
    return project


def test_renamed_model_with_its_old_name_in_pins(new_project: NewProject) -> None:
    """It migrates on databases that had the old name, on fresh ones, and back."""
    project = renamed(new_project)
    project.configure(PINS={"shop.Log": "archive"})
    done = EMPTY | {"archive": {"shop_event", "shop_event_tags"}}
    project.manage("crossdb_migrate", "makemigrations --check")
    assert tables(project) == done
    assert project.rows("SELECT name FROM shop_event", "archive") == [("kept",)]
    project.manage("migrate shop 0001 --database archive")
    assert tables(project) == EMPTY | {"archive": {"shop_log", "shop_log_tags"}}

    start_afresh(project)
    project.manage("crossdb_migrate")
    assert tables(project) == done


def test_renamed_model_without_its_old_name_in_pins(new_project: NewProject) -> None:
    """Existing databases follow; on fresh ones the old name has no home, and the table strays."""
    project = renamed(new_project)
    project.manage("crossdb_migrate")
    assert tables(project) == EMPTY | {"archive": {"shop_event", "shop_event_tags"}}

    start_afresh(project)
    assert "shop_log" in project.manage("crossdb_migrate", code=1)
    assert tables(project) == EMPTY | {"default": {"shop_log", "shop_log_tags"}}


def deleted(new_project: NewProject) -> Project:
    """Return a project on whose databases Log was made, and whose code deletes it."""
    project = new_project(*ALIASES)
    project.models(shop=LOG + "\nclass Order(models.Model):\n    pass\n")
    project.manage("makemigrations", "crossdb_migrate")
    project.models(shop="class Order(models.Model):\n    pass\n")
    project.manage("makemigrations")
    assert project.operations_of("shop.0002") == ["DeleteModel"]
    return project


def test_deleted_model_with_its_name_in_pins(new_project: NewProject) -> None:
    """Its table is dropped where it is, and on fresh databases made and dropped there, or back."""
    project = deleted(new_project)
    project.configure(PINS={"shop.Log": "archive"})
    project.manage("crossdb_migrate", "makemigrations --check")
    assert tables(project) == EMPTY | {"default": {"shop_order"}}
    project.manage("migrate shop 0001 --database archive")
    assert tables(project)["archive"] == {"shop_log", "shop_log_tags"}

    start_afresh(project)
    project.manage("crossdb_migrate shop 0001")
    made = {"default": {"shop_order"}, "archive": {"shop_log", "shop_log_tags"}}
    assert tables(project) == EMPTY | made
    project.manage("crossdb_migrate")
    assert tables(project) == EMPTY | {"default": {"shop_order"}}


def test_deleted_model_without_its_name_in_pins(new_project: NewProject) -> None:
    """Its table would be looked for on ``default``: the run stops before anything is lost."""
    project = deleted(new_project)
    assert "shop_log" in project.manage("crossdb_migrate", code=1)
    assert tables(project)["archive"] == {"shop_log", "shop_log_tags"}

    start_afresh(project)
    project.manage("crossdb_migrate")
    assert tables(project) == EMPTY | {"default": {"shop_order"}}


MANAGED = """
class EventManager(PinnedManager):
    use_in_migrations = True

class Event(models.Model):
    name = models.CharField(max_length=80)
    {field}
    objects = EventManager("{alias}")
"""


def test_todays_pin_decides_about_old_migrations(new_project: NewProject) -> None:
    """A pin that was written into migrations and then moved counts as it is declared now."""
    project = new_project(*ALIASES)
    project.models(shop=MANAGED.format(alias="archive", field=""))
    project.manage("makemigrations")
    field = "number = models.IntegerField(default=0)\n"
    project.models(shop=MANAGED.format(alias="geo", field=field))
    project.manage("makemigrations")
    assert set(project.operations_of("shop.0002")) == {"AlterModelManagers", "AddField"}
    project.manage("crossdb_migrate", "makemigrations --check")
    assert tables(project) == EMPTY | {"geo": {"shop_event"}}
