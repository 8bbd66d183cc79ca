"""An ``IntegerField`` column ``user_id`` becomes a reference ``user``: the table is not touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject
    from tests.migrations.project import Project

USER = """
class User(models.Model):
    id = models.{key}(primary_key=True)
"""
OLD = """
class Order(models.Model):
    user_id = models.IntegerField({options})
"""
NEW = """
class Order(models.Model):
    user = CrossDBReference("people.User", models.CASCADE{options})
"""
BY_HAND = """
    migrations.AlterField("order", "user_id", models.IntegerField(db_column="user_id")),
    migrations.RenameField("order", "user_id", "user"),
"""
WITH_INDEX = """
    migrations.AlterField("order", "user_id", models.IntegerField(db_column="user_id")),
    migrations.RenameField("order", "user_id", "user"),
    migrations.SeparateDatabaseAndState(
        state_operations=[
            migrations.RemoveIndex("order", "by_user"),
            migrations.AddIndex("order", models.Index(fields=["user"], name="by_user")),
        ],
    ),
"""
META = """
    class Meta:
        indexes = [models.Index(fields=["{field}"], name="by_user")]
"""


def with_column(
    new_project: NewProject, options: str = "", key: str = "AutoField", meta: str = ""
) -> Project:
    """Return a project with a row in the old column."""
    project = new_project("default", "people", PINS={"people": "people"})
    shop = OLD.format(options=options) + meta.format(field="user_id")
    project.models(people=USER.format(key=key), shop=shop)
    project.manage("makemigrations", "crossdb_migrate")
    project.rows("INSERT INTO shop_order (user_id) VALUES (7)")
    return project


def sql_of(project: Project, name: str) -> list[str]:
    """Return the statements of a migration, both ways."""
    app, _, number = name.partition(".")
    lines = project.manage(
        f"sqlmigrate {app} {number}", f"sqlmigrate {app} {number} --backwards"
    ).splitlines()
    return [line for line in lines if line and not line.startswith(("--", "BEGIN", "COMMIT"))]


@pytest.mark.parametrize("index", ["False", "True"])
def test_makemigrations_asks_and_renames(new_project: NewProject, index: str) -> None:
    """If type and index agree, it asks about a rename; after "y" no SQL is left to run."""
    project = with_column(new_project, f"db_index={index}")
    project.models(shop=NEW.format(options=f", db_index={index}"))
    said = project.manage("makemigrations", answers="y\n")
    assert "Was order.user_id renamed to order.user (a IntegerField)?" in said
    assert project.operations_of("shop.0002") == ["AlterField", "RenameField"]
    assert sql_of(project, "shop.0002") == []
    project.manage("crossdb_migrate", "makemigrations --check")
    assert project.rows("SELECT user_id FROM shop_order") == [(7,)]
    project.manage("migrate shop 0001")
    assert project.rows("SELECT user_id FROM shop_order") == [(7,)]


def test_without_the_question_the_column_would_be_dropped(new_project: NewProject) -> None:
    """``--noinput``, or another index or type, removes the column: only NOT NULL stops it."""
    project = with_column(new_project)
    project.models(shop=NEW.format(options=", db_index=False"))
    project.manage("makemigrations --noinput", code=3)
    project.models(shop=NEW.format(options=", db_index=False, null=True"))
    project.manage("makemigrations --noinput")
    assert sorted(project.operations_of("shop.0002")) == ["AddField", "RemoveField"]


def test_by_hand_the_rest_is_an_ordinary_alteration(new_project: NewProject) -> None:
    """Two operations written by hand touch nothing; makemigrations then finds index and type."""
    project = with_column(new_project, key="BigAutoField")
    project.models(shop=NEW.format(options=""))
    project.migration("shop.0002_user", BY_HAND, after="shop.0001_initial")
    assert sql_of(project, "shop.0002") == []
    project.manage("makemigrations --noinput", "crossdb_migrate", "makemigrations --check")
    assert project.operations_of("shop.0003") == ["AlterField"]
    assert project.rows("SELECT user_id FROM shop_order") == [(7,)]
    project.manage("migrate shop 0001")
    assert project.rows("SELECT user_id FROM shop_order") == [(7,)]


def test_indexes_by_the_old_name_change_in_the_state_only(new_project: NewProject) -> None:
    """``SeparateDatabaseAndState`` gives an index its field's new name, and is not an SQL."""
    project = with_column(new_project, meta=META)
    before = project.constraints("shop_order")
    project.models(shop=NEW.format(options=", db_index=False") + META.format(field="user"))
    project.migration("shop.0002_user", WITH_INDEX, after="shop.0001_initial")
    assert sql_of(project, "shop.0002") == []
    project.manage("crossdb_migrate", "makemigrations --check")
    assert project.constraints("shop_order") == before
