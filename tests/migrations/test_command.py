"""``manage.py crossdb_migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject

SHOP = """
class Order(models.Model):
    pass

class Event(models.Model):
    objects = PinnedManager("{alias}")
"""
PERSON = """
class Person(models.Model):
    pass
"""


def headlines(said: str) -> list[str]:
    """Return the databases that the command says it migrated."""
    return [line.strip() for line in said.splitlines() if line.startswith("Database ")]


def test_it_migrates_the_homes_and_no_other_alias(new_project: NewProject) -> None:
    """``default`` first, then the others by name; an app, a target and --fake are passed on."""
    project = new_project("default", "people", "archive", "geo", PINS={"people": "people"})
    project.models(people=PERSON, shop=SHOP.format(alias="archive"))
    project.manage("makemigrations")
    said = project.manage("crossdb_migrate --no-color")
    assert headlines(said) == ["Database default:", "Database archive:", "Database people:"]
    assert said.count("Applying shop.0001_initial... OK") == 3
    geo = project.connection("geo").introspection.table_names()
    assert geo == []
    tables = {alias: project.tables(alias) for alias in ("default", "archive", "people")}
    assert tables == {
        "default": {"shop_order"},
        "archive": {"shop_event"},
        "people": {"people_person"},
    }

    project.manage("crossdb_migrate shop zero --noinput")
    left = {alias: project.tables(alias) for alias in tables}
    assert left == {"default": set(), "archive": set(), "people": {"people_person"}}
    assert project.manage("crossdb_migrate --fake --verbosity 0") == ""
    assert project.tables("archive") == set()
    assert "FAKED" in project.manage("migrate shop zero --fake", "crossdb_migrate --fake shop 0001")


def test_check_names_what_is_unapplied_and_changes_nothing(new_project: NewProject) -> None:
    """It exits with 1 as long as one home is behind."""
    project = new_project("default", "people", "archive", PINS={"people": "people"})
    project.models(people=PERSON, shop=SHOP.format(alias="archive"))
    project.manage("makemigrations")
    said = project.manage("crossdb_migrate --check --no-color", code=1)
    assert headlines(said) == ["Database default:", "Database archive:", "Database people:"]
    assert said.count("shop.0001_initial") == 3
    assert said.endswith("There are unapplied migrations on: default, archive, people.\n")
    for alias in ("default", "people", "archive"):
        assert project.connection(alias).introspection.table_names() == []

    project.manage("migrate", "migrate --database archive")
    said = project.manage("crossdb_migrate --check --no-color", code=1)
    assert said.endswith("There are unapplied migrations on: people.\n")
    project.manage("crossdb_migrate people", "crossdb_migrate --check people")
    project.manage("crossdb_migrate --plan", "crossdb_migrate", "crossdb_migrate --check")


def test_fake_initial_and_syncdb_are_passed_on(new_project: NewProject) -> None:
    """Existing tables on each home are recorded; apps without migrations get theirs."""
    project = new_project("default", "archive", PINS={})
    (project.path / "people" / "migrations" / "__init__.py").unlink()
    (project.path / "people" / "migrations").rmdir()
    person = PERSON.replace("pass", "objects = PinnedManager('archive')")
    project.models(people=person, shop=SHOP.format(alias="archive"))
    project.manage("makemigrations", "crossdb_migrate --run-syncdb")
    assert project.tables("archive") == {"people_person", "shop_event"}
    assert project.tables("default") == {"shop_order"}
    for alias in ("default", "archive"):
        project.rows("DELETE FROM django_migrations", alias)
    project.manage("crossdb_migrate --fake-initial", "crossdb_migrate --check")


def test_unknown_aliases_are_named_with_their_pin(new_project: NewProject) -> None:
    """Nothing is migrated then."""
    project = new_project("default", PINS={"people.Person": "nowhere"})
    project.models(people=PERSON, shop=SHOP.format(alias="default"))
    project.manage("makemigrations --skip-checks")
    said = project.manage("crossdb_migrate", code=1)
    assert said == (
        "CommandError: CROSSDB_REFERENCE['PINS']['people.Person'] names the database 'nowhere', but"
        " settings.DATABASES has only default. Correct the alias, or add the database.\n"
    )
    project.configure(PINS={})
    project.models(shop=SHOP.format(alias="elsewhere"))
    said = project.manage("crossdb_migrate", code=1)
    assert said == (
        "CommandError: The pin of shop.Event names the database 'elsewhere', but"
        " settings.DATABASES has only default. Correct the alias, or add the database.\n"
    )
    assert project.connection().introspection.table_names() == []


def test_an_empty_default_is_left_out(new_project: NewProject) -> None:
    """Django lets a project whose models all have a home leave ``default`` empty."""
    project = new_project("people", "archive", PINS={"people": "people", "shop.Order": "people"})
    project.configure(databases={"default": {}})
    project.models(people=PERSON, shop=SHOP.format(alias="archive"))
    project.manage("makemigrations")
    said = project.manage("crossdb_migrate --no-color")
    assert headlines(said) == ["Database archive:", "Database people:"]
    assert project.tables("people") == {"people_person", "shop_order"}
