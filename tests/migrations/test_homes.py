"""Tables are on the home of their model and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject

CONTRIB = [
    f"django.contrib.{app}" for app in ("contenttypes", "auth", "admin", "sessions", "messages")
]
ADMIN = {
    "INSTALLED_APPS": [*CONTRIB, "crossdb_reference", "people", "shop"],
    "SILENCED_SYSTEM_CHECKS": ["admin.E403", "admin.E408", "admin.E409", "admin.E410"],
}
SHOP = """
from django.conf import settings

class Tag(models.Model):
    name = models.CharField(max_length=80)

class Order(models.Model):
    customer = CrossDBReference(settings.AUTH_USER_MODEL, models.CASCADE)
    tags = models.ManyToManyField(Tag)

class Event(models.Model):
    order = CrossDBReference(Order, models.CASCADE)

    objects = PinnedManager("archive")

class Later(Event):
    class Meta:
        proxy = True

class Note(models.Model):
    events = models.ManyToManyField(Event)

    objects = PinnedManager("archive")

class Extra(Note):
    text = models.CharField(max_length=80)

    objects = PinnedManager("archive")
"""
SHOP_WITHOUT_USERS = """
class Tag(models.Model):
    name = models.CharField(max_length=80)

class Order(models.Model):
    tag = CrossDBReference(Tag, models.CASCADE)

class Event(models.Model):
    objects = PinnedManager("archive")
"""
PEOPLE = """
class Person(models.Model):
    friends = models.ManyToManyField("self")

class City(models.Model):
    name = models.CharField(max_length=80)

    objects = PinnedManager("geo")

class Street(models.Model):
    name = models.CharField(max_length=80)
"""
PINS = dict.fromkeys(("auth", "contenttypes", "admin", "people"), "people")
ON_PEOPLE = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "django_admin_log",
    "django_content_type",
    "people_person",
    "people_person_friends",
}


def test_each_table_is_on_its_home_alone(new_project: NewProject) -> None:
    """Models, automatic tables, contrib apps, permissions and content types."""
    project = new_project(
        *("default", "archive", "people", "geo"),
        **ADMIN,
        PINS=PINS | {"people.Street": "geo"},
    )
    project.models(people=PEOPLE, shop=SHOP)
    project.manage("makemigrations", "crossdb_migrate", "makemigrations --check")
    on_default = {"shop_tag", "shop_order", "shop_order_tags", "django_session"}
    on_archive = {"shop_event", "shop_note", "shop_note_events", "shop_extra"}
    assert project.tables("default") == on_default
    assert project.tables("archive") == on_archive
    assert project.tables("people") == ON_PEOPLE
    assert project.tables("geo") == {"people_city", "people_street"}
    models = "SELECT model FROM django_content_type WHERE app_label = 'shop' ORDER BY model"
    names = ["event", "extra", "later", "note", "order", "tag"]
    assert project.rows(models, "people") == [(name,) for name in names]
    permissions = "SELECT count(*) FROM auth_permission WHERE codename LIKE '%order'"
    assert project.rows(permissions, "people") == [(4,)]


def test_later_operations_follow_their_models(new_project: NewProject) -> None:
    """Added and removed fields, relations and models change their home alone, there and back."""
    project = new_project("default", "archive", PINS={"people": "archive"})
    project.models(people=PEOPLE.replace('"geo"', '"archive"'), shop="")
    project.manage("makemigrations", "crossdb_migrate")
    before = {"people_person", "people_person_friends", "people_city", "people_street"}
    assert project.tables("archive") == before
    changed = """
    class Person(models.Model):
        name = models.CharField(max_length=80, default="")
        city = models.ForeignKey("City", models.CASCADE, null=True)
        cities = models.ManyToManyField("City", related_name="visitors")

    class City(models.Model):
        label = models.CharField(max_length=80)

        objects = PinnedManager("archive")

        class Meta:
            db_table = "town"
    """
    project.models(people=changed)
    # Of Street, a former model, only PINS["people"] tells the home.
    project.manage("makemigrations", "crossdb_migrate", answers="y\n")
    assert project.tables("archive") == {"people_person", "people_person_cities", "town"}
    assert project.tables("default") == set()
    project.manage("migrate people 0001 --database archive")
    assert project.tables("archive") == before
    assert project.tables("default") == set()


def test_also_migrate_lets_named_models_in(new_project: NewProject) -> None:
    """A dedicated database gets models and apps without a home if the setting names them."""
    project = new_project(
        "default", "archive", ALSO_MIGRATE={"archive": ["shop.Tag", "people"]}, PINS={}
    )
    project.models(people="class Person(models.Model):\n    pass\n", shop=SHOP_WITHOUT_USERS)
    project.manage("makemigrations", "crossdb_migrate")
    assert project.tables("default") == {"shop_tag", "shop_order", "people_person"}
    assert project.tables("archive") == {"shop_event", "shop_tag", "people_person"}


def test_a_database_that_is_no_home_is_left_to_django(new_project: NewProject) -> None:
    """An alias without pins is not dedicated: ``migrate --database`` fills it as ever."""
    project = new_project("default", "archive", "geo")
    project.models(shop=SHOP_WITHOUT_USERS)
    project.manage("makemigrations", "crossdb_migrate")
    assert project.tables("geo") == set()
    project.manage("migrate --database geo")
    assert project.tables("geo") == {"shop_tag", "shop_order"}


def test_default_may_be_the_home_of_pinned_models(new_project: NewProject) -> None:
    """Being pinned to does not make ``default`` refuse the others."""
    project = new_project("default", "archive")
    person = "class Person(models.Model):\n    objects = PinnedManager('default')\n"
    project.models(people=person, shop=SHOP_WITHOUT_USERS)
    project.manage("makemigrations", "crossdb_migrate")
    assert project.tables("default") == {"people_person", "shop_tag", "shop_order"}
    assert project.tables("archive") == {"shop_event"}
