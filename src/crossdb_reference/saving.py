"""An unsaved target is refused before a save begins, as Django refuses it for a ``ForeignKey``.

The field's own ``pre_save()`` refuses it as well, but from inside the save: an enclosing
``atomic`` could then only be rolled back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.signals import class_prepared, pre_save
from django.dispatch import receiver

from crossdb_reference.fields import CrossDBReference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Model


@receiver(class_prepared)
def watch_saves(*, sender: type[Model], **_: Any) -> None:
    """Watch the saves of each model that has a reference, also of proxies and children."""
    if references_of(sender):
        pre_save.connect(refuse_unsaved, sender=sender)


def refuse_unsaved(
    *, instance: Model, raw: bool, update_fields: frozenset[str] | None, **_: Any
) -> None:
    """Raise ``ReferenceValueError`` if a target of ``instance`` is not saved. No query."""
    if not raw:
        prepare_references(type(instance), [instance], update_fields)


def prepare_references(
    model: type[Model], instances: Iterable[Model], names: Iterable[str] | None = None
) -> None:
    """Give ``instances`` of ``model`` the keys of their targets; ``names`` are what is saved.

    Raises ``ReferenceValueError`` if a target is not saved. No query.
    """
    fields = [
        field
        for field in references_of(model)
        if names is None or field.name in names or field.attname in names
    ]
    for instance in instances:
        for field in fields:
            field.pre_save(instance, add=False)


def references_of(model: type[Model]) -> list[CrossDBReference[Any]]:
    """Return the references of ``model``, those of its parents too."""
    return [field for field in model._meta.concrete_fields if isinstance(field, CrossDBReference)]
