"""Where a model's rows live: its *home*, as declared by a pin.

A pin is a ``PinnedManager`` on the model, or an entry of ``PINS`` in the settings.
``declared_home`` reads both. ``pinned`` pins a block of code. Nothing here queries a database.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from weakref import WeakKeyDictionary

from django.apps import apps
from django.core.signals import setting_changed
from django.db import connections
from django.db.migrations.state import StateApps
from django.dispatch import receiver

from crossdb_reference.conf import SETTING, conf
from crossdb_reference.exceptions import UnknownDatabase
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

F = TypeVar("F", bound="Callable[..., Any]")


class Pin:
    """What a manager that declares a home is: ``database`` is the alias."""

    database: ClassVar[str]

    def view_of(self, model: type[Model]) -> str | None:
        """Return the alias if this is a view of another database than the home of ``model``."""
        # What an old migration wrote down of a home that has moved since is no view.
        at_home = self.database == declared_home(model) or is_historical(model)
        return None if at_home else self.database


_homes: WeakKeyDictionary[type[Model], str | None] = WeakKeyDictionary()
_blocks: ContextVar[tuple[str, ...]] = ContextVar("crossdb_reference.pinned", default=())


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting in (SETTING, "INSTALLED_APPS"):
        _homes.clear()


def declared_home(model: type[Model]) -> str | None:
    """Return the alias that ``model`` is pinned to, or ``None``. No query.

    The first pin counts: a ``PinnedManager`` of the model, ``PINS["app.Model"]``, ``PINS["app"]``.
    Without one, a child by multi-table inheritance lives with its parent. A proxy lives where its
    concrete model lives, an automatic ``through`` table where the model that declares the relation
    does. A historical model of a migration counts by its label.
    """
    try:
        return _homes[model]
    except KeyError:
        home = _declared_home(model)
        if apps.models_ready:  # Before that, a later manager or model could change the answer.
            _homes[model] = home
        return home


def _declared_home(model: type[Model]) -> str | None:
    opts = model._meta
    if opts.auto_created:
        return declared_home(cast("type[Model]", opts.auto_created))
    if opts.proxy:
        return declared_home(concrete(model))
    if is_historical(model) and (today := _installed(opts.app_label, model.__name__)):
        # A pin that an old migration wrote down may have been moved since.
        return declared_home(today)
    pins = (manager for manager in opts.managers if isinstance(manager, Pin))
    if pin := next(pins, None):
        return pin.database
    home = labelled_home(opts.app_label, model.__name__, but=model)
    # By multi-table inheritance a row of the model is a row of its parents too.
    return home or next(filter(None, map(declared_home, opts.parents)), None)


def labelled_home(app_label: str, model_name: str, *, but: type[Model] | None = None) -> str | None:
    """Return the declared home of the model of this label, which may no longer exist. No query.

    ``but`` is a model that was asked already.
    """
    model = _installed(app_label, model_name)
    if model is not None and model is not but:
        return declared_home(model)
    pins = conf().pins
    return pins.get(f"{app_label}.{model_name}".lower(), pins.get(app_label.lower()))


def is_historical(model: type[Model]) -> bool:
    """Return whether ``model`` is one of a migration's state."""
    return isinstance(model._meta.apps, StateApps)


def _installed(app_label: str, model_name: str) -> type[Model] | None:
    try:
        return apps.get_model(app_label, model_name)
    except LookupError:
        return None


def declared_homes() -> set[str]:
    """Return every alias that is the declared home of a model. No query."""
    homes = {declared_home(model) for model in apps.get_models(include_auto_created=True)}
    return {home for home in homes if home is not None} | set(conf().pins.values())


def pinned_here() -> str | None:
    """Return the alias of the innermost ``with pinned(…)`` block, or ``None``."""
    return next(reversed(_blocks.get()), None)


class pinned(ContextDecorator):  # noqa: N801 (used as a function)
    """Pin a block, or as a decorator a function or coroutine function, to a database.

    ``with pinned("archive"):`` Inside, models without a declared home are read from and written to
    that alias. Models that have a home stay there: their tables are nowhere else. Objects still go
    back to the database that they came from, and an explicit ``using`` wins. Blocks nest; each
    thread and each asyncio task has its own. No query.

    Raises :class:`~crossdb_reference.exceptions.UnknownDatabase`.
    """

    def __init__(self, alias: str) -> None:
        """Name the database."""
        self.alias = check_alias(alias, f"pinned({alias!r})")

    def __enter__(self) -> None:
        """Enter the block."""
        _blocks.set((*_blocks.get(), self.alias))

    def __exit__(self, *_: object) -> None:
        """Leave the block; blocks that a coroutine or generator left open inside it stay."""
        blocks = _blocks.get()
        if self.alias in blocks:
            mine = len(blocks) - 1 - blocks[::-1].index(self.alias)
            _blocks.set(blocks[:mine] + blocks[mine + 1 :])

    def __call__(self, function: F) -> F:
        """Pin each call of ``function``. Raises :class:`TypeError` for a generator function."""
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            message = f"pinned() cannot decorate the generator {function.__qualname__}: it would be"
            message += " left before the first value. Pin what it calls, or use using()."
            raise TypeError(message)
        if not iscoroutinefunction(function):
            return super().__call__(function)

        @wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return cast("F", coroutine)


def check_alias(alias: str, who: str) -> str:
    """Return ``alias`` if ``DATABASES`` has it; ``who`` names it in the error. No query."""
    if alias not in connections.settings:
        raise UnknownDatabase.named_by(who, alias, connections.settings)
    return alias
