"""Which database: the policy, and the router that gives Django its answers.

The policy is two functions, :func:`database_for_read` and :func:`database_for_write`. The router,
``PinnedQuerySet`` and references all ask them, so that a pin holds wherever it is asked about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, router

from crossdb_reference.conf import conf
from crossdb_reference.pins import declared_home, declared_homes, labelled_home, pinned_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model


def home_database(model: type[Model]) -> str:
    """Return the alias where the rows of ``model`` live and are written. No query.

    That is its declared home, else what the routers of the project answer for a write.
    """
    return declared_home(model) or router.db_for_write(model)


def database_for_read(model: type[Model], **hints: Any) -> str:
    """Return the alias to read ``model`` from. No query.

    ``hints`` are a router's: ``instance`` counts if its model has the same home.
    """
    return _declared(model, hints) or router.db_for_read(model, **shared_hints(model, hints))


def database_for_write(model: type[Model], **hints: Any) -> str:
    """Return the alias to write ``model`` to. No query.

    ``hints`` are a router's: ``instance`` counts if its model has the same home.
    """
    return _declared(model, hints) or router.db_for_write(model, **shared_hints(model, hints))


def shared_hints(model: type[Model], hints: dict[str, Any]) -> dict[str, Any]:
    """Return ``hints`` without an instance whose home is not that of ``model``.

    Related managers and prefetches hint at the object at the other end, which may come from
    another database: its origin says nothing about where ``model`` lives.
    """
    instance = hints.get("instance")
    if instance is None or declared_home(type(instance)) == declared_home(model):
        return hints
    return {name: value for name, value in hints.items() if name != "instance"}


def _declared(model: type[Model], hints: dict[str, Any]) -> str | None:
    """Return what the declarations say; ``None`` leaves the answer to others."""
    home = declared_home(model)
    instance = shared_hints(model, hints).get("instance")
    origin: str | None = None if instance is None else instance._state.db
    if home is None:
        return None if origin else pinned_here()
    return origin or home


def _without_a_foreign_hint(
    ask: Callable[..., str], model: type[Model], hints: dict[str, Any]
) -> str | None:
    """Ask all routers again if an instance does not count: in the end Django would follow it."""
    shared = shared_hints(model, hints)
    return None if shared is hints else ask(model, **shared)


class CrossDBRouter:
    """Answer Django's questions from the declared pins; a model without one is left to others.

    Put it first in ``DATABASE_ROUTERS``. No method queries a database.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return the origin of the hinted instance, else the home of ``model``."""
        return _declared(model, hints) or _without_a_foreign_hint(router.db_for_read, model, hints)

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        """Return the origin of the hinted instance, else the home of ``model``."""
        return _declared(model, hints) or _without_a_foreign_hint(router.db_for_write, model, hints)

    def allow_relation(self, obj1: Model, obj2: Model, **_: Any) -> bool | None:
        """Return whether both objects come from, or would go to, the same database.

        Two objects without a home are left to others: they may know that two aliases are one.
        """
        homes = [declared_home(type(obj)) for obj in (obj1, obj2)]
        aliases = [obj._state.db or home for obj, home in zip((obj1, obj2), homes, strict=True)]
        return None if homes == [None, None] or None in aliases else aliases[0] == aliases[1]

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Return whether ``db`` gets this model, or this ``RunPython`` or ``RunSQL``.

        A pinned model: on its home only. One without a home: not on a database that is the home
        of others, unless that is ``default`` or ``ALSO_MIGRATE`` says so. An operation without a
        model runs on each home that its app has, or on ``hints={"database": alias}`` alone.
        """
        model = hints.get("model")
        if isinstance(model, str):
            label, _, model_name = model.rpartition(".")
            app_label = label or app_label
        elif model is not None:
            return _on_home(db, model._meta.label_lower, app_label, declared_home(model))
        if model_name is not None:
            label = f"{app_label}.{model_name}"
            return _on_home(db, label, app_label, labelled_home(app_label, model_name))
        if "database" in hints:
            return bool(db == hints["database"])
        homes = _homes_of_app(app_label)
        if None in homes and db not in homes:
            return _on_home(db, app_label, app_label, None)
        return db in homes


def _on_home(db: str, label: str, app_label: str, home: str | None) -> bool | None:
    if home is not None:
        return db == home
    if {label.lower(), app_label.lower()} & conf().also_migrate.get(db, frozenset()):
        return True
    return False if db != DEFAULT_DB_ALIAS and db in declared_homes() else None


def _homes_of_app(app_label: str) -> set[str | None]:
    """Return the homes of all models of an app; ``None`` among them: some have none."""
    models = (model for model in apps.get_models() if model._meta.app_label == app_label)
    pins = conf().pins
    named = {home for name, home in pins.items() if name.partition(".")[0] == app_label.lower()}
    return {declared_home(model) for model in models} | named or {None}
