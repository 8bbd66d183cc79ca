"""Checks of each reference's declaration: ``E001`` to ``W011``. None opens a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name)
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import SET_DEFAULT, SET_NULL, CompositePrimaryKey, UniqueConstraint
from django.db.models.fields.reverse_related import ForeignObjectRel

from crossdb_reference.fields import CrossDBReference
from crossdb_reference.reverse import ReverseField
from crossdb_reference.routers import home_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.apps import AppConfig
    from django.db.models import Model

    Reference = CrossDBReference[Any]


def check_references(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Return what is wrong with the references that the given apps declare."""
    configs = apps.get_app_configs() if app_configs is None else app_configs
    return [
        message
        for config in configs
        for model in config.get_models()
        for field in model._meta.local_fields
        if isinstance(field, CrossDBReference)
        for message in check_reference(field)
    ]


def check_reference(field: Reference) -> Iterator[CheckMessage]:
    """Yield what is wrong with one reference."""
    yield from _check_using(field)
    yield from _check_on_delete(field)
    problems = list(_check_target(field))
    if not problems:
        problems = list(_check_key(field))
    if not problems:
        problems = [*_check_clashes(field), *_check_same_home(field)]
    yield from problems


def _check_using(field: Reference) -> Iterator[CheckMessage]:
    if field.using and field.using not in connections.settings:
        yield Error(
            f"The reference names the database '{field.using}', which settings.DATABASES does not"
            " have.",
            hint=f"Correct 'using': there are {', '.join(sorted(connections.settings))}.",
            obj=field,
            id="crossdb_reference.E010",
        )


def _check_on_delete(field: Reference) -> Iterator[CheckMessage]:
    on_delete = field.remote_field.on_delete
    if on_delete is SET_NULL and not field.null:
        yield Error(
            "The reference specifies on_delete=SET_NULL, but cannot be null.",
            hint="Set null=True, or change on_delete.",
            obj=field,
            id="crossdb_reference.E006",
        )
    elif on_delete is SET_DEFAULT and not field.has_default():
        yield Error(
            "The reference specifies on_delete=SET_DEFAULT, but has no default.",
            hint="Set a default, or change on_delete.",
            obj=field,
            id="crossdb_reference.E007",
        )
    elif type(on_delete).__name__ == "DatabaseOnDelete":
        yield Error(
            f"The reference specifies on_delete={on_delete}, which a database can do only within"
            " itself.",
            hint="Use CASCADE, SET_NULL or SET_DEFAULT.",
            obj=field,
            id="crossdb_reference.E012",
        )


def _check_target(field: Reference) -> Iterator[CheckMessage]:
    target = field.remote_field.model
    if isinstance(target, str) or target._meta.abstract:
        name = target if isinstance(target, str) else target._meta.label
        yield Error(
            f"The reference points at '{name}', which is not an installed model, or is abstract.",
            hint="Correct the name, or add the app of the model to INSTALLED_APPS.",
            obj=field,
            id="crossdb_reference.E001",
        )
    elif target._meta.swapped:
        yield Error(
            f"The reference points at '{target._meta.label}', which has been swapped out.",
            hint=f"Point at settings.{target._meta.swappable}.",
            obj=field,
            id="crossdb_reference.E002",
        )


def _check_key(field: Reference) -> Iterator[CheckMessage]:
    target, name = field.target_model._meta, field.remote_field.to_field
    try:
        key = field.target_field
    except FieldDoesNotExist:
        yield Error(
            f"The to_field '{name}' is not a field of '{target.label}'.",
            hint="Name a unique field, or leave to_field out to store the primary key.",
            obj=field,
            id="crossdb_reference.E003",
        )
        return
    if isinstance(key, CompositePrimaryKey):
        yield Error(
            f"The target '{target.label}' has a composite primary key.",
            hint="Give the target a unique field of one column, and name it with to_field.",
            obj=field,
            id="crossdb_reference.E005",
        )
    elif not (key.unique or _is_constrained(target.model, key.name)):
        yield Error(
            f"The to_field '{target.label}.{key.name}' is not unique.",
            hint=f"Set unique=True on '{key.name}', or give it a UniqueConstraint without"
            " condition.",
            obj=field,
            id="crossdb_reference.E004",
        )


def _is_constrained(model: type[Model], name: str) -> bool:
    return any(
        isinstance(constraint, UniqueConstraint)
        and constraint.fields == (name,)
        and constraint.condition is None
        for constraint in model._meta.constraints
    )


def _check_clashes(field: Reference) -> Iterator[CheckMessage]:
    if field.remote_field.hidden:
        return
    target = field.target_model._meta
    for other in target.get_fields():
        if isinstance(other, ReverseField) and other.field is field:
            continue
        accessor = query_name = other.name
        if isinstance(other, ReverseField | ForeignObjectRel):
            accessor = other.get_accessor_name() or other.name
        for mine, theirs, kind, number in (
            (field.accessor_name, accessor, "accessor", "E008"),
            (field.query_name, query_name, "query name", "E009"),
        ):
            if mine == theirs:
                whose = getattr(other, "field", other)
                yield Error(
                    f"The {kind} '{target.label}.{mine}' of the reference clashes with {whose}.",
                    hint="Set related_name (or related_query_name) of the reference to another"
                    " name, or to '+' for none.",
                    obj=field,
                    id=f"crossdb_reference.{number}",
                )


def _check_same_home(field: Reference) -> Iterator[CheckMessage]:
    if field.within_one_home:
        home = home_database(field.model)
        yield Warning(
            f"The reference and its target '{field.target_model._meta.label}' share the database"
            f" '{home}'.",
            hint="Use a ForeignKey: the database then keeps it intact, and can join.",
            obj=field,
            id="crossdb_reference.W011",
        )
