"""Countries and cities in Django's admin."""

from django.contrib import admin

from .models import City, Country


@admin.register(Country)
class CountryAdmin(admin.ModelAdmin):
    """The 252 countries."""

    list_display = ("name", "code", "capital", "continent", "currency", "population")
    list_filter = ("continent",)
    search_fields = ("name", "code")


@admin.register(City)
class CityAdmin(admin.ModelAdmin):
    """The cities. A join to the country is fine here: both are in one database."""

    list_display = ("name", "country", "population", "timezone")
    list_select_related = ("country",)
    ordering = ("-population",)
    raw_id_fields = ("country",)
    search_fields = ("name",)
