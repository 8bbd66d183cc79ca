"""Orders, on ``default``. Customer and city are references into other databases."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from crossdb_reference import CrossDBReference, PinnedManager


class Order(models.Model):
    """What a customer ordered, and the city that it goes to."""

    customer = CrossDBReference(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    city = CrossDBReference("geo.City", on_delete=models.PROTECT, related_name="orders")
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    placed_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = PinnedManager("default")

    def __str__(self) -> str:
        """Return what the admin calls it."""
        return f"Order {self.pk}"
