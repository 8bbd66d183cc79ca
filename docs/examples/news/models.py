"""The models of the documentation's examples.

``default``  articles and their comments
``people``   Django's users, pinned by the setting ``PINS``, and press cards
``archive``  page views
``geo``      countries: a legacy table with string keys
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from crossdb_reference import CrossDBOneToOneReference, CrossDBReference, PinnedManager


class Country(models.Model):
    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=80)

    objects = PinnedManager("geo")

    class Meta:
        db_table = "tbl_countries"

    def __str__(self) -> str:
        return self.name


class Article(models.Model):
    title = models.CharField(max_length=80)
    published = models.BooleanField(default=False)
    author = CrossDBReference(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="articles"
    )
    editor = CrossDBReference(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="edited"
    )
    country = CrossDBReference(
        Country, on_delete=models.PROTECT, null=True, related_name="articles"
    )

    def __str__(self) -> str:
        return self.title


class Comment(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="comments")
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text


class PageView(models.Model):
    article = CrossDBReference(Article, on_delete=models.CASCADE, related_name="views")
    reader = CrossDBReference(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="page_views"
    )
    seconds = models.IntegerField(default=0)

    objects = PinnedManager("archive")

    def __str__(self) -> str:
        return f"view of {self.article_id}"


class PressCard(models.Model):
    user = CrossDBOneToOneReference(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="press_card"
    )
    number = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.number
