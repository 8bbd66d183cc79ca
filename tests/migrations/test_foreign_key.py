"""``ForeignKey`` to reference and back: the column stays, the constraint goes and returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject

PERSON = """
class Person(models.Model):
    {key}
"""
ORDER = """
class Order(models.Model):
    author = {field}
"""
# The declaration of the target's key, a row, and the stock field.
KEYS = {
    "big": ("name = models.TextField()", "VALUES (7, 'x')", "BigIntegerField"),
    "small": ("id = models.AutoField(primary_key=True)", "(id) VALUES (7)", "IntegerField"),
    "text": (
        "code = models.CharField(primary_key=True, max_length=9)",
        "VALUES ('7')",
        "CharField",
    ),
}


@pytest.mark.parametrize(
    ("foreign", "reference", "key"),
    [
        (
            'models.ForeignKey("people.Person", models.CASCADE)',
            'CrossDBReference("people.Person", models.CASCADE)',
            "big",
        ),
        (
            'models.ForeignKey("people.Person", models.CASCADE, null=True, db_column="who")',
            'CrossDBReference("people.Person", models.CASCADE, null=True, db_column="who")',
            "small",
        ),
        (
            'models.OneToOneField("people.Person", models.CASCADE)',
            'CrossDBOneToOneReference("people.Person", models.CASCADE)',
            "text",
        ),
    ],
)
def test_there_and_back(new_project: NewProject, foreign: str, reference: str, key: str) -> None:
    """One ``AlterField`` each way, reversible; rows, index and uniqueness are kept."""
    project = new_project()
    declared, row, stock = KEYS[key]
    column = "who" if "who" in foreign else "author_id"
    project.models(people=PERSON.format(key=declared), shop=ORDER.format(field=foreign))
    project.manage("makemigrations", "migrate")
    project.rows(f"INSERT INTO people_person {row}")
    project.rows(f"INSERT INTO shop_order ({column}) VALUES ('7')")  # noqa: S608 (no input)

    def state() -> tuple[bool, bool, bool]:
        """Return whether the column is constrained, indexed and unique; its row is kept."""
        rows = project.rows(f"SELECT {column} FROM shop_order")  # noqa: S608 (no input)
        assert [str(value) for (value,) in rows] == ["7"]
        found = [c for c in project.constraints("shop_order") if c["columns"] == [column]]
        constrained = [c for c in found if c["foreign_key"]]
        assert all(c["foreign_key"][0] == "people_person" for c in constrained)
        indexed = any(c["index"] or c["unique"] for c in found)
        return bool(constrained), indexed, any(c["unique"] for c in found)

    unique = "OneToOne" in foreign
    constrained, alone = (True, True, unique), (False, True, unique)
    assert state() == constrained

    project.models(shop=ORDER.format(field=reference))
    project.manage("makemigrations", "migrate", "makemigrations --check")
    assert project.operations_of("shop.0002") == ["AlterField"]
    assert f"models.{stock}(" in project.text_of("shop.0002")
    assert "people" not in project.text_of("shop.0002")
    assert state() == alone

    project.manage("migrate shop 0001")
    assert state() == constrained

    project.models(shop=ORDER.format(field=foreign))
    project.manage("makemigrations", "migrate", "makemigrations --check")
    assert project.operations_of("shop.0003") == ["AlterField"]
    assert state() == constrained

    project.manage("migrate shop 0002")
    assert state() == alone
