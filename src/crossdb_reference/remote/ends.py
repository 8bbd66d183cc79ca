"""The other side of a reference, as a query sees it, and the local column of its keys.

``End``           either side, seen from the other one: which model is asked, and for what
``ReferenceCol``  the source's column: it holds keys of targets
``ReverseCol``    the target's key, standing for the sources that refer to it
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.exceptions import FieldDoesNotExist
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import Col

from crossdb_reference.exceptions import RemotePathError
from crossdb_reference.routers import database_for_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, Lookup, Model
    from django.db.models.sql.compiler import SQLCompiler

    from crossdb_reference.typing import Reference


@dataclass(frozen=True)
class End:
    """The side of ``reference`` that a query on the other side asks about."""

    reference: Reference
    reverse: bool = False

    @property
    def model(self) -> type[Model]:
        """The model that lives there: the target, or in reverse the source."""
        reference = self.reference
        return reference.model if self.reverse else reference.target_model

    @property
    def field(self) -> Field[Any, Any]:
        """The field of that model whose values the local column is compared with."""
        reference: Any = self.reference
        field: Field[Any, Any] = reference if self.reverse else reference.target_field
        return field

    @property
    def multiple(self) -> bool:
        """Whether one local key may have many rows there."""
        return self.reverse and self.reference.multiple

    @property
    def nullable(self) -> bool:
        """Whether the local column may be NULL."""
        reference = self.reference
        return bool(reference.target_field.null if self.reverse else reference.null)

    def has_field(self, name: str) -> bool:
        """Return whether ``name`` is a field there, or ``pk``: these come before lookups."""
        try:
            self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return name == "pk"
        return True

    @contextmanager
    def noting(self, path: str) -> Iterator[None]:
        """Add to errors about ``path`` which reference it went through, and where to."""
        try:
            yield
        except Exception as error:
            error.add_note(
                f"In {path!r} through the reference {self.reference.label}, asked of"
                f" {self.model._meta.label} of the database {self.usual_database!r}."
            )
            raise

    @property
    def usual_database(self) -> str:
        """The alias to ask, as far as the declarations say."""
        return database_for_read(self.model) if self.reverse else self.reference.target_database()

    def database(self, local: str) -> str:
        """Return the alias to ask; ``local`` is the one that the query around it runs on."""
        declared = self.reference.using and not self.reverse
        shared = self.reference.within_one_home and not declared
        return local if shared else self.usual_database


class ReferenceCol(Col):
    """The column of a reference: typed as the key, but paths and lookups are the reference's."""

    target: Reference  # type: ignore[assignment]

    @property
    def end(self) -> End:
        """The targets."""
        return End(self.target)

    @property
    def key(self) -> Col:
        """The column itself."""
        return self

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the column. Raises ``RemotePathError`` if a ``FilteredRelation`` led here."""
        query: Any = compiler.query
        for filtered in query._filtered_relations.values():
            if filtered.relation_name.rpartition(LOOKUP_SEP)[2] == self.target.name:
                raise RemotePathError.filtered_relation(self.target.label)
        return super().as_sql(compiler, connection)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the key's converters, once: Django would add those of the reference."""
        return self.target.key_field.get_db_converters(connection)

    def get_lookup(self, lookup: str) -> type[Lookup[Any]] | None:
        """Return the lookup that the reference has under this name."""
        return self.target.get_lookup(lookup)

    def get_transform(self, name: str) -> Callable[..., Any] | None:  # type: ignore[override]
        """Return what the reference has under this name: its key, or a path into the target."""
        return self.target.get_transform(name)


class KeyCol(ReferenceCol):
    """``author__pk``: the same column, and what the target's key has, not what the target has."""

    def get_transform(self, name: str) -> Callable[..., Any] | None:  # type: ignore[override]
        """Return what the key has under this name; beyond it, if it refers to something itself."""
        key = self.target.target_field
        if key.remote_field is None:
            return self.target.key_field.get_transform(name)
        return self.target.get_path(key.name, name)


class ReverseCol(Col):
    """The other side's name in a query of targets: for filters only, it is no column.

    ``target`` is the private field that stands for the sources.
    """

    target: Any

    @property
    def end(self) -> End:
        """The sources."""
        return End(self.target.field, reverse=True)

    @property
    def key(self) -> Col:
        """The column of the target's key."""
        column: Col = self.target.field.target_field.get_col(self.alias)
        return column

    def get_lookup(self, lookup: str) -> Any:
        """Return the condition on the sources' primary key; ``None`` for one of their fields."""
        if self.end.has_field(lookup):
            return None
        path = self.get_transform("pk")(self)
        return lambda _, value: path.get_lookup(lookup)(path, value)

    def get_transform(self, name: str) -> Any:
        """Return the path into the source."""
        return self.target.get_transform(name)

    def as_sql(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse to be selected or sorted by."""
        reference = self.target.field
        raise RemotePathError.cannot_reverse(
            self.target.name,
            reference.label,
            reference.model._meta.label,
            database_for_read(reference.model),
        )


def reference_of(column: Any) -> Reference:
    """Return the reference that ``column`` holds keys of: constraints are validated on values."""
    reference: Reference = (
        column.target if isinstance(column, ReferenceCol) else column.output_field
    )
    return reference
