"""What a reference keeps about its target, and the stock field of its key.

``Target`` is what Django finds as ``field.remote_field``. It is no ``ManyToOneRel``: enough for
``update(author=user)``, natural keys, choices and the mapping of serializers, and too little for a
join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db import models

from crossdb_reference.exceptions import UnknownTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Field, Model

# In this order: Django takes the larger automatic fields for AutoFields too.
STOCK = {
    models.BigAutoField: models.BigIntegerField,
    models.SmallAutoField: models.SmallIntegerField,
    models.AutoField: models.IntegerField,
}
# What belongs to the target's column alone, or is decided by the reference.
NOT_OF_THE_TYPE = {
    "auto_created", "auto_now", "auto_now_add", "blank", "choices", "db_column", "db_comment",
    "db_default", "db_index", "db_tablespace", "default", "editable", "error_messages",
    "help_text", "null", "primary_key", "serialize", "unique", "unique_for_date",
    "unique_for_month", "unique_for_year", "validators", "verbose_name",
}  # fmt: skip


class Target:
    """The target's side of the declaration: model, key, and what becomes of the source."""

    # An unrestricted select_related() never descends into what it takes for a parent's link.
    parent_link = True

    def __init__(
        self,
        field: Any,
        model: type[Model] | str,
        *,
        on_delete: Callable[..., None],
        to_field: str | None,
        multiple: bool,
        related_name: str | None,
        related_query_name: str | None,
        limit_choices_to: Any,
    ) -> None:
        """Keep what the user declared. ``model`` is a class as soon as it is loaded."""
        self.field = field
        self.model = model
        self.on_delete = on_delete
        self.to_field = to_field
        self.multiple = multiple
        self.related_name = related_name
        self.related_query_name = related_query_name
        self.limit_choices_to = limit_choices_to

    def __copy__(self) -> Target:
        """Copy the declaration, for a field that is copied to the child of an abstract model."""
        duplicate = object.__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        return duplicate

    def name_sides(self, *, related_name: str | None, **parts: str | None) -> None:
        """Fill ``%(class)s`` and the like into the names of the target's side."""
        self.related_name = related_name and str(related_name) % parts
        self.related_query_name = self.related_query_name and str(self.related_query_name) % parts

    @property
    def hidden(self) -> bool:
        """Whether the target gets no accessor: ``related_name`` ends with ``+``."""
        return bool(self.related_name) and str(self.related_name).endswith("+")

    @property
    def field_name(self) -> str:
        """The name of the target's key."""
        return self.get_related_field().name

    def get_related_field(self) -> Field[Any, Any]:
        """Return the target's key: ``to_field``, else the primary key."""
        if isinstance(self.model, str):
            raise UnknownTarget.named_by(self.field.label, self.model)
        opts = self.model._meta
        return opts.get_field(self.to_field) if self.to_field else opts.pk  # type: ignore[return-value]


def type_of_key(
    key: Field[Any, Any], *, stock: bool = True
) -> tuple[type[Field[Any, Any]], list[Any], dict[str, Any]]:
    """Return the class and the arguments of a field that holds values of ``key``.

    With ``stock`` it is not an automatic one.

    A key that is itself a relation or a reference has the type of what it points at.
    """
    while key.remote_field:
        key = cast("Any", key.remote_field).get_related_field()
    _, _, args, kwargs = key.deconstruct()
    cls = type(key)
    if stock:
        cls = next((plain for auto, plain in STOCK.items() if isinstance(key, auto)), cls)
    kept = {name: value for name, value in kwargs.items() if name not in NOT_OF_THE_TYPE}
    return cls, list(args), kept
