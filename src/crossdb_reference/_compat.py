"""What differs between Django 5.2, 6.0 and 6.1. No other file names a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from django import VERSION
from django.db import models

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet


class Fetcher(Protocol):
    """A descriptor that fetches what it stands for: the protocol of Django 6.1's fetch modes."""

    def fetch_one(self, instance: Any) -> None:
        """Fetch for ``instance`` alone."""

    def fetch_many(self, instances: Any) -> None:
        """Fetch for all ``instances`` at once."""


class FetchOne:
    """What every Django before 6.1 does: fetch for the instance alone."""

    def fetch(self, fetcher: Fetcher, instance: Model) -> None:
        """Fetch for ``instance``."""
        fetcher.fetch_one(instance)


NULL_IN_LISTS = VERSION >= (6, 1)
"""Whether ``exclude(x__in=[1, None])`` leaves out NULL: earlier, None counted for nothing."""

FETCH_ONE: Any = getattr(models, "FETCH_ONE", FetchOne())


def fetch(fetcher: Fetcher, instance: Model) -> None:
    """Fetch for ``instance`` in its fetch mode (Django 6.1), or for it alone."""
    getattr(instance._state, "fetch_mode", FETCH_ONE).fetch(fetcher, instance)


def fetch_mode_of(queryset: Any) -> Any:
    """Return the fetch mode of the instances of ``queryset``: ``None`` before Django 6.1."""
    return getattr(queryset, "_fetch_mode", None)


def with_fetch_mode(queryset: QuerySet[Any], instance: Model) -> QuerySet[Any]:
    """Return ``queryset`` with the fetch mode of ``instance``, where Django has fetch modes."""
    mode = getattr(instance._state, "fetch_mode", None)
    return queryset if mode in (None, fetch_mode_of(queryset)) else queryset.fetch_mode(mode)
