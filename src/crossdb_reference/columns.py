"""The column of a reference: it holds the target's key, and is typed and converted as that is.

A *stock field* of the key (``BigIntegerField`` for a ``BigAutoField``, and so on) does the work. It
is also all that migrations see of a reference.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import AutoField, CharField, Field, Model, TextField
from django.utils.functional import Promise

from crossdb_reference.exceptions import ReferenceValueError, UnknownTarget
from crossdb_reference.pins import check_alias
from crossdb_reference.routers import database_for_read, home_database
from crossdb_reference.target import STOCK, Target, type_of_key
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# A string key is not made of any object that has a __str__, such as an AnonymousUser.
TEXT = (str, int, float, Decimal, UUID, date, Promise, type(None))
MAKE_TEXT = (CharField.to_python, TextField.to_python)

T = TypeVar("T")  # What the attribute gives: the target's class, or with null=True also None.

if TYPE_CHECKING:

    class _Field(Field[T, T], Generic[T]):
        """A field whose attribute gives and takes the same type."""

else:

    class _Field(Field):
        # Django's own field is no generic class at run time.
        __class_getitem__ = classmethod(GenericAlias)


class KeyColumn(_Field[T]):
    """The part of a reference that is a column. Nothing here queries, but for natural keys."""

    # As of a ForeignKey: no default but None.
    empty_strings_allowed = False
    db_constraint = False

    remote_field: Target  # type: ignore[assignment]
    using: str | None
    label: str

    # The target

    @property
    def target_model(self) -> type[Model]:
        """The target. Raises :class:`UnknownTarget` as long as it is not installed."""
        model = self.remote_field.model
        if isinstance(model, str):
            raise UnknownTarget.named_by(self.label, model)
        return model

    @property
    def target_field(self) -> Field[Any, Any]:
        """The target's key: ``to_field``, else its primary key."""
        return self.remote_field.get_related_field()

    def target_database(self, instance: Model | None = None) -> str:
        """Return the alias that targets are fetched from. No query.

        ``using``, else what the router says for a read; if both sides share a home, an
        ``instance`` that came from another database refers to targets there.
        """
        if self.using:
            return check_alias(self.using, f"The reference {self.label}")
        return database_for_read(self.target_model, **self.hints(instance))

    @property
    def within_one_home(self) -> bool:
        """Whether source and target live in the same database."""
        return home_database(self.model) == (self.using or home_database(self.target_model))

    def hints(self, instance: Model | None) -> dict[str, Any]:
        """Return a router's hints about one side, for the other: none between two homes."""
        return {"instance": instance} if instance is not None and self.within_one_home else {}

    @cached_property
    def column_field(self) -> Field[Any, Any]:
        """The stock field of the key: it knows the type of the column."""
        return self._named(self.stock_field())

    @cached_property
    def key_field(self) -> Field[Any, Any]:
        """What prepares and converts the values: an automatic key may have converters."""
        cls, args, kwargs = type_of_key(self.target_field, stock=False)
        automatic = isinstance(self.target_field, AutoField) and cls not in STOCK
        return self._named(cls(*args, **kwargs)) if automatic else self.column_field

    def _named(self, field: Field[Any, Any]) -> Field[Any, Any]:
        field.set_attributes_from_name(self.name)
        field.model = self.model  # Expressions that know the field are compared by its name.
        return field

    def key_of(self, value: Any) -> Any:
        """Return the key of a target; leave a key, ``None`` or an expression as it is.

        Raises :class:`ReferenceValueError` for another model, an unsaved target, or a value that
        cannot be a key. No query.
        """
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if not isinstance(value, Model):
            self.get_prep_value(value)
            return value
        if not isinstance(value, concrete(self.target_model)):
            raise self.wrong_model(value)
        key = self.stored_key(value)
        if key is None:
            raise self.unusable(value)
        return key

    def wrong_model(self, value: Model) -> ReferenceValueError:
        """Return the error for an instance of another model."""
        label = self.target_model._meta.label
        return ReferenceValueError.wrong_model(self.label, label, self.target_database(), value)

    def stored_key(self, target: Model) -> Any:
        """Return the key of ``target``; ``None`` as long as a default of the database will be."""
        key = getattr(target, self.target_field.attname)
        return None if hasattr(key, "resolve_expression") else key

    def unusable(self, target: Model) -> ReferenceValueError:
        """Return the error for a ``target`` that nothing can refer to yet."""
        label, key = self.target_model._meta.label, self.target_field
        if target._state.adding or key.primary_key:
            return ReferenceValueError.unsaved(self.label, label, self.target_database(), target)
        return ReferenceValueError.without_key(self.label, label, key.name, target)

    # The stock field

    def stock_field(self, **own: Any) -> Field[Any, Any]:
        """Return the stock field of the key, with the options ``own``."""
        cls, args, kwargs = type_of_key(self.target_field)
        if "db_collation" in kwargs and not self._same_vendor():
            del kwargs["db_collation"]  # The source's database has no collation of this name.
        return cls(*args, **{**kwargs, **own})

    def _same_vendor(self) -> bool:
        aliases = home_database(self.model), self.target_database()
        source, target = (connections[alias].vendor for alias in aliases)
        return source == target

    def clone(self) -> Field[Any, Any]:  # type: ignore[override]
        """Return the stock field of the key: all that a migration knows of a reference."""
        own = Field.deconstruct(self)[3]
        if getattr(self, "column", None):
            own["db_column"] = self.column
        own["db_index"] = bool(vars(self)["db_index"]) and not self.unique
        if self.primary_key:
            own.pop("unique", None)
        return self.stock_field(**own)

    def deconstruct(self) -> Any:
        """Return the parts of :meth:`clone`."""
        return self.name, *self.clone().deconstruct()[1:]

    # Values

    def get_internal_type(self) -> str:
        """Return that of the key."""
        return self.column_field.get_internal_type()

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the key's type, without what makes it automatic."""
        return self.column_field.db_type(connection)

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type of what refers to this column."""
        return self.column_field.rel_db_type(connection)

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type to cast to."""
        return self.column_field.cast_db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return type, check and collation of the column."""
        return self.column_field.db_parameters(connection)

    def to_python(self, value: Any) -> Any:
        """Return the key; a natural key (a list, as fixtures have it) is looked up: one query."""
        manager = self.target_model._default_manager
        if isinstance(value, list | tuple) and hasattr(manager, "get_by_natural_key"):
            value = manager.db_manager(self.target_database()).get_by_natural_key(*value)
            return getattr(value, self.target_field.attname)
        return self.key_field.to_python(value)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the key's: in a pickled query, the reference stands for the key's field."""
        return self.key_field.get_db_converters(connection)

    def get_default(self) -> Any:
        """Return the default; a target stands for its key."""
        return self.key_of(super().get_default())

    def get_prep_value(self, value: Any) -> Any:
        """Return the key as a query wants it."""
        if isinstance(value, Model):
            value = self.key_of(value)
        try:
            if not isinstance(value, TEXT) and type(self.key_field).to_python in MAKE_TEXT:
                message = f"{type(value).__name__} is not a string."
                raise TypeError(message)  # noqa: TRY301 (worded as the others)
            return self.key_field.get_prep_value(value)
        except (TypeError, ValueError, ArithmeticError, ValidationError) as error:
            reason = " ".join(getattr(error, "messages", None) or [str(error)])
            raise ReferenceValueError.wrong_key(
                self.label, self.target_model._meta.label, self.target_database(), value, reason
            ) from error

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
    ) -> Any:
        """Return the key as the backend wants it."""
        if not prepared:
            value = self.get_prep_value(value)
        return self.key_field.get_db_prep_value(value, connection, prepared=True)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return the key as the column stores it."""
        if hasattr(value, "as_sql"):
            return value
        return self.key_field.get_db_prep_save(self.get_prep_value(value), connection)
