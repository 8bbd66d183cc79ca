"""Checks of homes: settings, pins, the chain of routers, relations. None opens a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections, router
from django.db.models.fields.related import RelatedField

from crossdb_reference.conf import KEYS, SETTING, conf, raw
from crossdb_reference.pins import Pin, declared_home, declared_homes
from crossdb_reference.routers import CrossDBRouter, home_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

CONTRIB = ("auth", "contenttypes", "admin")
QUESTIONS = {"db_for_read": "reads", "db_for_write": "writes"}


def check_homes(**_: Any) -> list[CheckMessage]:
    """Return what is wrong with the declared homes of the project."""
    problems = [*_check_settings(), *_check_managers()]
    if problems:  # The questions below would stumble over the same mistakes.
        return problems
    return [*_check_router(), *_check_relations()]


def _check_settings() -> Iterator[CheckMessage]:
    for key in sorted(set(raw()) - set(KEYS)):
        yield Error(
            f"The setting {SETTING} has the unknown key '{key}'.",
            hint=f"Known keys are {', '.join(KEYS)}.",
            id="crossdb_reference.E101",
        )
    labels = {config.label.lower() for config in apps.get_app_configs()}
    for name, alias in raw().get("PINS", {}).items():
        if alias not in connections.settings:
            yield _unknown_alias(f"{SETTING}['PINS']['{name}']", alias)
        if name.partition(".")[0].lower() not in labels:
            yield Error(
                f"{SETTING}['PINS'] pins '{name}', but no installed app has the label"
                f" '{name.partition('.')[0]}'.",
                hint="Correct the label, or remove the entry. A model may be gone, its app not.",
                id="crossdb_reference.E103",
            )
    for alias in raw().get("ALSO_MIGRATE", {}):
        if alias not in connections.settings:
            yield _unknown_alias(f"{SETTING}['ALSO_MIGRATE']", alias)
    limit = raw().get("MAX_REMOTE_KEYS")
    if limit is not None and (type(limit) is not int or limit < 1):
        yield Error(
            f"{SETTING}['MAX_REMOTE_KEYS'] is {limit!r}.",
            hint="Use a positive whole number, or None for no limit.",
            id="crossdb_reference.E109",
        )


def _check_managers() -> Iterator[CheckMessage]:
    for model in apps.get_models():
        managers = [m for m in model._meta.managers if isinstance(m, Pin)]
        for manager in managers:
            if manager.database not in connections.settings:
                yield _unknown_alias(f"{model._meta.label}.{manager.name}", manager.database)
        homes = {
            "its PinnedManager": managers[0].database if managers else None,
            f"{SETTING}['PINS']": conf().pins.get(model._meta.label.lower()),
            **{
                f"its parent {parent._meta.label}": declared_home(parent)
                for parent in model._meta.parents
                if not model._meta.proxy
            },
        }
        named = {who: home for who, home in homes.items() if home is not None}
        if len(set(named.values())) > 1:
            yield Error(
                f"{model._meta.label} has more than one home: "
                + ", ".join(f"{who} says '{home}'" for who, home in named.items())
                + ".",
                hint="Keep one of the declarations.",
                obj=model,
                id="crossdb_reference.E104",
            )


def _unknown_alias(who: str, alias: str) -> Error:
    return Error(
        f"{who} names the database '{alias}', which settings.DATABASES does not have.",
        hint=f"Correct the alias: there are {', '.join(sorted(connections.settings))}.",
        id="crossdb_reference.E102",
    )


def _check_router() -> Iterator[CheckMessage]:
    if not declared_homes():
        return
    if not any(isinstance(each, CrossDBRouter) for each in router.routers):
        yield Error(
            "Models are pinned to databases, but CrossDBRouter is not in DATABASE_ROUTERS.",
            hint="Add 'crossdb_reference.routers.CrossDBRouter' in the first place.",
            id="crossdb_reference.E105",
        )
        return
    for model in apps.get_models():
        home = declared_home(model)
        if home is None or model._meta.swapped:
            continue
        for question, what in QUESTIONS.items():
            found = getattr(router, question)(model)
            if found != home:
                who = _who_answers(question, model)
                yield _overruled(model, home, who, f"sends {what} to '{found}'")
        if not router.allow_migrate_model(home, model):
            label, name = model._meta.app_label, model._meta.model_name
            who = _who_answers("allow_migrate", home, label, model_name=name, model=model)
            yield _overruled(model, home, who, "does not let it be migrated there")


def _who_answers(question: str, *args: Any, **hints: Any) -> str:
    """Return the class of the first router that has an answer."""
    routers = (each for each in router.routers if hasattr(each, question))
    cls = next(
        type(each) for each in routers if getattr(each, question)(*args, **hints) is not None
    )
    return f"{cls.__module__}.{cls.__qualname__}"


def _overruled(model: type[Model], home: str, who: str, answer: str) -> Error:
    return Error(
        f"The home of {model._meta.label} is '{home}', but the router {who} {answer}.",
        hint="Put CrossDBRouter first in DATABASE_ROUTERS, or let the other router leave this"
        " model alone.",
        obj=model,
        id="crossdb_reference.E106",
    )


def _check_relations() -> Iterator[CheckMessage]:
    split = False
    for model in apps.get_models():
        opts = model._meta
        for field in (*opts.local_fields, *opts.local_many_to_many):
            target = field.related_model if isinstance(field, RelatedField) else None
            parent_link = getattr(field.remote_field, "parent_link", False)
            if not isinstance(target, type) or parent_link:
                continue
            here, there = home_database(model), home_database(target)
            if here == there:
                continue
            if opts.app_label in CONTRIB and target._meta.app_label in CONTRIB:
                split = True
                continue
            yield Error(
                f"{type(field).__name__} from the database '{here}' to {target._meta.label} in"
                f" the database '{there}'.",
                hint="Use CrossDBReference"
                + (" in a model of its own for the pairs." if field.many_to_many else "."),
                obj=field,
                id="crossdb_reference.E107",
            )
    if split:
        yield _split_apart()


def _split_apart() -> Error:
    homes = {
        config.label: home_database(next(iter(config.get_models())))
        for config in apps.get_app_configs()
        if config.label in CONTRIB
    }
    found = ", ".join(f"{label} in '{home}'" for label, home in homes.items())
    return Error(
        f"django.contrib's apps refer to each other, but are split apart: {found}.",
        hint=f"Pin all of them to one database in {SETTING}['PINS'].",
        id="crossdb_reference.E108",
    )
