"""Orders in Django's admin, with customer and city from their own databases."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from .models import Order


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """The list costs one query each for the customers and the cities, whatever its length."""

    list_display = ("__str__", "placed_at", "customer", "city", "amount")
    list_filter = ("placed_at",)
    ordering = ("-placed_at",)
    readonly_fields = ("customer", "city")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Return the orders with their customers and cities."""
        return super().get_queryset(request).prefetch_related("customer", "city")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Refuse: customer and city are shown here, not chosen."""
        return False
