"""The tables of the legacy database. Nothing here knows that other databases exist.

The settings pin the whole app to its database, as one does with models that are not one's own.
"""

from django.db import models


class Country(models.Model):
    """A country, by its two-letter ISO code."""

    code = models.CharField("ISO code", max_length=2, primary_key=True, db_column="iso_code")
    name = models.CharField(max_length=60)
    capital = models.CharField(max_length=60, blank=True)
    continent = models.CharField(max_length=2)
    currency = models.CharField(max_length=3, blank=True)
    population = models.BigIntegerField()

    class Meta:
        """The legacy name, and the order of lists."""

        db_table = "tbl_country"
        ordering = ("name",)
        verbose_name_plural = "countries"

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class City(models.Model):
    """A city, by its GeoNames id. Its country is in the same database: an ordinary foreign key."""

    geoname_id = models.CharField(
        "GeoNames id", max_length=12, primary_key=True, db_column="geonameid"
    )
    name = models.CharField(max_length=100)
    country = models.ForeignKey(
        Country, on_delete=models.PROTECT, related_name="cities", db_column="country_code"
    )
    latitude = models.FloatField()
    longitude = models.FloatField()
    population = models.BigIntegerField()
    timezone = models.CharField(max_length=40)

    class Meta:
        """The legacy name."""

        db_table = "tbl_city"
        verbose_name_plural = "cities"

    def __str__(self) -> str:
        """Return the name."""
        return self.name
