"""How a query of targets gets from the other side's name to a column of its own.

The name is that of a private field, which is a relation, so that forms, serializers and Django's
own lists of fields leave it alone. But to what a *relation* is compared with, Django applies its
own rules: any object or queryset in ``filter(events__place=place)`` would have to be a target.

So the field leads where any relation does, along ``path_infos``: by one join, to a field that is
no relation. It is a join of the target with itself by nothing at all, and Django removes it at
once, as it removes every join that leads to a key which is there already.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.exceptions import FieldDoesNotExist
from django.db.models.query_utils import PathInfo

from crossdb_reference.exceptions import RemotePathError


class Beyond:
    """The options of a target's model, behind the detour: the names there are the other end's."""

    def __init__(self, opts: Any, name: str) -> None:
        """Stand for ``opts`` behind the field ``name``."""
        self._opts = opts
        self._name = name
        # Whoever asks for the model's fields is told the same as here.
        self.model = type("Beyond", (), {"_meta": self})

    def get_field(self, name: str) -> NoReturn:
        """Know no field: Django then takes the rest of a path for lookups and transforms."""
        raise FieldDoesNotExist(name)

    def get_path_to_parent(self, _model: object) -> NoReturn:
        """Refuse what Django found after all: an annotation of the same name."""
        raise RemotePathError.annotated(self._opts.label, self._name)

    def __getattr__(self, name: str) -> Any:
        """Be like the options otherwise."""
        return getattr(self._opts, name)


class Detour:
    """The field at the end of the detour: the column of a query, and no relation."""

    empty_strings_allowed = False
    is_relation = False
    null = False

    def __init__(self, reverse: Any) -> None:
        """Lead to the key that ``reverse``, the private field, starts from."""
        self.reverse = reverse
        self.related_model = reverse.model
        # One pair of fields without columns: what Django compares before it removes the join.
        self.foreign_related_fields = (reverse,)
        self.related_fields = ((reverse, reverse),)

    @property
    def path_infos(self) -> list[PathInfo]:
        """The way, as Django describes a join."""
        opts: Any = self.reverse.model._meta.concrete_model._meta
        beyond: Any = Beyond(opts, self.reverse.name)
        column: Any = self
        return [
            PathInfo(
                opts,
                beyond,
                (self.reverse,),
                column,
                m2m=False,
                direct=True,
                filtered_relation=None,
            )
        ]

    def get_joining_fields(self) -> tuple[()]:
        """Join by nothing."""
        return ()

    def __eq__(self, other: object) -> bool:
        """Be the same join for the same field."""
        return isinstance(other, Detour) and self.reverse is other.reverse

    def __hash__(self) -> int:
        """Hash as the field."""
        return hash(self.reverse)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, in a query, with the field."""
        return type(self), (self.reverse,)
