"""The setting ``CROSSDB_REFERENCE``, read once and again when a test overrides it.

============== ============================================================ =======
key            meaning                                                      default
============== ============================================================ =======
``PINS``       ``{"app" or "app.Model": alias}``: homes of models that are  ``{}``
               not yours to declare a ``PinnedManager`` on
``ALSO_MIGRATE`` ``{alias: ["app" or "app.Model", …]}``: models without a   ``{}``
               home that a dedicated database gets all the same
``MAX_REMOTE_KEYS`` how many keys one remote condition may find; more raise ``None``
               ``TooManyRemoteKeys``; ``None`` for any number
============== ============================================================ =======
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTING = "CROSSDB_REFERENCE"
KEYS = ("PINS", "ALSO_MIGRATE", "MAX_REMOTE_KEYS")


@dataclass(frozen=True)
class Conf:
    """The parsed setting. Model names are in lower case, as in ``Model._meta.label_lower``."""

    pins: Mapping[str, str]
    also_migrate: Mapping[str, frozenset[str]]
    max_remote_keys: int | None


def raw() -> Mapping[str, Any]:
    """Return the setting as the user wrote it."""
    value: Mapping[str, Any] = getattr(settings, SETTING, {})
    return value


@cache
def conf() -> Conf:
    """Return the parsed setting. Unknown keys and aliases are left to the system checks."""
    return Conf(
        pins={name.lower(): alias for name, alias in raw().get("PINS", {}).items()},
        also_migrate={
            alias: frozenset(name.lower() for name in names)
            for alias, names in raw().get("ALSO_MIGRATE", {}).items()
        },
        max_remote_keys=raw().get("MAX_REMOTE_KEYS"),
    )


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        conf.cache_clear()
