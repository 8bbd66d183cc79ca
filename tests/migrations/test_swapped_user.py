"""A project with a user model of its own: references to ``settings.AUTH_USER_MODEL``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.migrations.conftest import NewProject

USER = """
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager

class User(AbstractBaseUser):
    email = models.EmailField(unique=True)
    objects = BaseUserManager()
    USERNAME_FIELD = "email"
"""
ORDER = """
from django.conf import settings

class Order(models.Model):
    buyer = CrossDBReference(settings.AUTH_USER_MODEL, models.CASCADE, related_name="orders")
"""
SAVE_AND_FETCH = """
from django.contrib.auth import get_user_model
from shop.models import Order

user = get_user_model().objects.create(email="ann@example.org")
Order.objects.create(buyer=user)
order = Order.objects.get()
print(order.buyer._meta.label, order.buyer.email, order.buyer._state.db)
print(order._state.db, user.orders.get() == order)
print(Order._meta.get_field("buyer").target_model is get_user_model())
"""


def test_a_reference_to_a_swapped_user_resolves_and_needs_no_migration_of_the_users_app(
    new_project: NewProject,
) -> None:
    """It is saved and fetched on two databases, and its migration depends on nothing."""
    project = new_project(
        "default",
        "people",
        PINS={"people": "people", "auth": "people", "contenttypes": "people"},
        AUTH_USER_MODEL="people.User",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "crossdb_reference",
            "people",
            "shop",
        ],
    )
    project.models(people=USER, shop=ORDER)
    project.manage("makemigrations", "check", "migrate", "migrate --database people")
    text = project.text_of("shop.0001")
    assert "dependencies = [\n    ]" in text
    assert "AUTH_USER_MODEL" not in text
    assert "people" not in text
    project.manage("makemigrations --check")
    assert project.script(SAVE_AND_FETCH).split() == [
        "people.User", "ann@example.org", "people", "default", "True", "True",
    ]  # fmt: skip
    assert "people_user" not in project.tables("default")
    assert "shop_order" not in project.tables("people")
