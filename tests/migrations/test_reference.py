"""What makemigrations makes of references: stock fields, and nothing when nothing changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.migrations.project import PLAIN_MODELS

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject

PERSON = """
class Person(models.Model):
    name = models.CharField(max_length=80)
"""
EVERY_KIND = """
import uuid

class BadgeField(models.Field):
    def get_internal_type(self):
        return "IntegerField"

class SmallKey(models.Model):
    id = models.SmallAutoField(primary_key=True)

class IntKey(models.Model):
    id = models.AutoField(primary_key=True)
    email = models.EmailField(unique=True)

class UUIDKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

class TextKey(models.Model):
    code = models.CharField(max_length=20, primary_key=True, db_collation="{collation}")

class SlugKey(models.Model):
    slug = models.SlugField(primary_key=True)

class DecimalKey(models.Model):
    amount = models.DecimalField(max_digits=10, decimal_places=2, primary_key=True)

class DateKey(models.Model):
    day = models.DateField(primary_key=True, auto_now_add=True)

class BadgeKey(models.Model):
    badge = BadgeField(primary_key=True)

class Parent(models.Model):
    id = models.AutoField(primary_key=True)

class Child(Parent):
    pass

class Holder(models.Model):
    holder = CrossDBOneToOneReference(UUIDKey, models.CASCADE, primary_key=True)
"""
REFERENCES = """
def nobody():
    return 0

class Owned(models.Model):
    owner = CrossDBReference("people.IntKey", models.CASCADE, related_name="%(class)s_owned")

    class Meta:
        abstract = True

class Source(Owned):
    small = CrossDBReference("people.SmallKey", models.CASCADE, null=True, blank=True)
    number = CrossDBReference("people.IntKey", models.SET_DEFAULT, default=7)
    called = CrossDBReference("people.IntKey", models.CASCADE, default=nobody, related_name="+")
    server = CrossDBReference("people.IntKey", models.CASCADE, db_default=3, related_name="s")
    email = CrossDBReference(
        "people.IntKey", models.CASCADE, to_field="email", related_name="by_email"
    )
    uuid = CrossDBOneToOneReference("people.UUIDKey", models.CASCADE)
    again = CrossDBReference("people.UUIDKey", models.CASCADE, unique=True, related_name="+")
    text = CrossDBReference("people.TextKey", models.CASCADE, db_index=False)
    slug = CrossDBReference("people.SlugKey", models.CASCADE, db_column="legacy_slug")
    decimal = CrossDBReference("people.DecimalKey", models.CASCADE, verbose_name="sum")
    date = CrossDBReference("people.DateKey", models.CASCADE, help_text="day")
    badge = CrossDBReference("people.BadgeKey", models.CASCADE)
    child = CrossDBReference("people.Child", models.CASCADE)
    holder = CrossDBReference("people.Holder", models.CASCADE, db_comment="held")
    parent = CrossDBReference("self", models.CASCADE, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["text", "slug"], name="one_of_text")]
        indexes = [models.Index(fields=["decimal", "-date"], name="by_decimal")]

class Keyed(models.Model):
    keyed = CrossDBOneToOneReference("people.DecimalKey", models.CASCADE, primary_key=True)
"""
COLLATIONS = {"sqlite": "NOCASE", "postgresql": "C", "mysql": "utf8mb4_bin"}


def order(options: str = "", *, to: str = '"people.Person", models.CASCADE') -> str:
    """Return a source with one reference."""
    return f"""
class Order(models.Model):
    title = models.CharField(max_length=80)
    author = CrossDBReference({to}{options})
"""


def test_new_reference_is_a_stock_field(new_project: NewProject) -> None:
    """The migration needs neither this package nor the target, and is complete."""
    project = new_project()
    project.models(people=PERSON, shop=order())
    project.manage("makemigrations", "makemigrations --check", "migrate")
    text = project.text_of("shop.0001")
    assert "('author', models.BigIntegerField(db_column='author_id', db_index=True))" in text
    assert "crossdb" not in text
    assert "people" not in text
    assert "dependencies = [\n    ]" in text
    assert {"author_id"} in [set(c["columns"]) for c in project.constraints("shop_order")]


def test_options_that_are_no_schema_make_no_migration(new_project: NewProject) -> None:
    """Changes of on_delete, using, names, choices and target leave the migrations alone."""
    project = new_project()
    project.models(people=PERSON + PERSON.replace("Person", "Robot"), shop=order())
    project.manage("makemigrations")
    for changed in (
        order(to='"people.Person", models.PROTECT'),
        order(', using="default"'),
        order(', related_name="orders", related_query_name="order"'),
        order(', limit_choices_to={"name": "x"}'),
        order(to='"people.Robot", models.CASCADE'),
    ):
        project.models(shop=changed)
        assert "No changes detected" in project.manage("makemigrations --check")


def test_options_that_are_schema_make_one_alter_field(new_project: NewProject) -> None:
    """``null`` and ``db_index`` are the column's."""
    project = new_project()
    project.models(people=PERSON, shop=order())
    project.manage("makemigrations", "migrate")
    project.models(shop=order(", null=True, db_index=False"))
    project.manage("makemigrations", "migrate", "makemigrations --check")
    assert project.operations_of("shop.0002") == ["AlterField"]
    assert ["author_id"] not in [c["columns"] for c in project.constraints("shop_order")]
    project.rows("INSERT INTO shop_order (title, author_id) VALUES ('t', NULL)")
    project.rows("DELETE FROM shop_order")
    project.manage("migrate shop 0001")
    assert ["author_id"] in [c["columns"] for c in project.constraints("shop_order")]


def test_every_kind_of_reference_is_stable(new_project: NewProject) -> None:
    """Whatever key and options: a second makemigrations finds nothing, and the tables can be."""
    project = new_project(SILENCED_SYSTEM_CHECKS=["models.W046"])  # No db_comment on SQLite.
    collation = COLLATIONS[project.connection().vendor]
    project.models(people=EVERY_KIND.format(collation=collation), shop=REFERENCES)
    project.manage("makemigrations", "makemigrations --check", "migrate")
    text = project.text_of("shop.0001")
    assert "crossdb" not in text
    # A class and a function of the user's own are imported, as for any field and default.
    imports = set(re.findall(r"^(?:import|from) ([a-z.]+)", text, re.MULTILINE))
    assert imports == {"django.db", "people.models", "shop.models"}
    columns = dict(re.findall(r"\('(\w+)', ((?:\w+\.)+\w+\(.*)\),?\n", text))
    assert columns["small"] == (
        "models.SmallIntegerField(blank=True, db_column='small_id', db_index=True, null=True)"
    )
    assert columns["number"] == (
        "models.IntegerField(db_column='number_id', db_index=True, default=7)"
    )
    assert columns["uuid"] == "models.UUIDField(db_column='uuid_id', unique=True)"
    assert columns["text"] == (
        f"models.CharField(db_collation='{collation}', db_column='text_id', max_length=20)"
    )
    assert columns["slug"] == "models.SlugField(db_column='legacy_slug')"
    assert columns["badge"] == "people.models.BadgeField(db_column='badge_id', db_index=True)"
    assert columns["keyed"].startswith(
        "models.DecimalField(db_column='keyed_id', decimal_places=2, max_digits=10,"
        " primary_key=True, serialize=False"
    )


def test_change_of_the_targets_key_alters_the_column(new_project: NewProject) -> None:
    """A target's new key type is found for the source, and the column follows."""
    project = new_project()
    key = "\nclass Person(models.Model):\n    id = models.{}(primary_key=True)\n"
    project.models(people=key.format("IntegerField"), shop=order())
    project.manage("makemigrations", "migrate")
    project.rows("INSERT INTO shop_order (title, author_id) VALUES ('t', 7)")
    project.models(people=key.format("BigIntegerField"))
    project.manage("makemigrations", "migrate", "makemigrations --check")
    assert project.operations_of("shop.0002") == ["AlterField"]
    assert "models.BigIntegerField(db_column='author_id'" in project.text_of("shop.0002")
    assert project.rows("SELECT author_id FROM shop_order") == [(7,)]
    project.models(people=key.format("UUIDField"))
    project.manage("makemigrations", "makemigrations --check")
    assert project.operations_of("shop.0003") == ["AlterField"]
    assert "models.UUIDField(db_column='author_id'" in project.text_of("shop.0003")


def test_history_outlives_the_package(new_project: NewProject) -> None:
    """With stock fields in the models and the app uninstalled, nothing has to be migrated."""
    project = new_project()
    project.models(people=PERSON, shop=order())
    project.manage("makemigrations")
    project.models(shop=order(", null=True"))
    project.manage("makemigrations")
    plain = """
    class Person(models.Model):
        name = models.CharField(max_length=80)
    """
    stock = """
    class Order(models.Model):
        title = models.CharField(max_length=80)
        author = models.BigIntegerField(db_column="author_id", db_index=True, null=True)
    """
    project.models(header=PLAIN_MODELS, people=plain, shop=stock)
    project.configure(INSTALLED_APPS=["people", "shop"], DATABASE_ROUTERS=[])
    done = project.manage("migrate", "makemigrations --check")
    assert "No changes detected" in done
    assert project.tables("default") == {"people_person", "shop_order"}
    project.manage("migrate shop zero")
    assert project.tables("default") == {"people_person"}
