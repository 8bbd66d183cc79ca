"""The fields: :class:`CrossDBReference` and :class:`CrossDBOneToOneReference`.

A reference is a plain ``Field`` with ``is_relation = False``. No part of Django can therefore join,
cascade or ``select_related`` through it into the wrong database: it refuses by itself. What a
relation offers comes from the accessors (``forward``, ``reverse``) and from ``lookups``. Migrations
see the stock field of the key, so that they need neither this package nor the target.
"""

from __future__ import annotations

from functools import cached_property
from types import GenericAlias
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Field, ForeignKey, Model
from django.db.models.fields.related import lazy_related_operation

from crossdb_reference import lookups
from crossdb_reference.exceptions import ReferenceValueError, UnknownTarget
from crossdb_reference.fetching import naming
from crossdb_reference.forward import CLEANED, ForwardReference, KeyAttribute
from crossdb_reference.pins import check_alias
from crossdb_reference.reverse import ReverseField
from crossdb_reference.routers import database_for_read
from crossdb_reference.target import Target, type_of_key
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Lookup

    OnDelete = Callable[..., None]

M = TypeVar("M", bound=Model)
T = TypeVar("T")  # What the attribute gives: the target's class, or with null=True also None.

if TYPE_CHECKING:

    class _Field(Field[T, T], Generic[T]):
        """A field whose attribute gives and takes the same type."""

else:

    class _Field(Field):
        # Django's own field is no generic class at run time.
        __class_getitem__ = classmethod(GenericAlias)


class CrossDBReference(_Field[T]):
    """A reference to a row of another database: like a ``ForeignKey``, without the join.

    Stores the target's key in ``<name>_id`` and gives the target by its own name: one query on the
    target's alias when first asked for, none after ``prefetch_related``. On the target it gives a
    manager of the sources, as ``ForeignKey`` does.

    :param to: the target: a model, ``"app.Model"``, ``"Model"`` or ``"self"``.
    :param on_delete: one of Django's own: ``CASCADE``, ``PROTECT``, ``RESTRICT``, ``SET_NULL``,
        ``SET_DEFAULT``, ``SET(…)``, ``DO_NOTHING``.
    :param using: the target's alias; left out, it is the target's home.
    :param to_field: the target's unique field to store; left out, its primary key.
    :param related_name: the attribute of the target; ``"+"`` for none.
    :param related_query_name: the name of the private field that the target gets.
    :param limit_choices_to: as for a ``ForeignKey``: what forms and ``full_clean()`` accept.
    :param field_options: of every field: ``null``, ``db_index`` (true unless said otherwise), ….
    """

    descriptor_class = KeyAttribute
    # As of a ForeignKey: no default but None.
    empty_strings_allowed = False
    db_constraint = False
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": ForeignKey.default_error_messages["invalid"]
    }
    description = "Reference to another database"
    # How Django finds out whose related objects a related manager knows.
    from_fields: ClassVar[list[str]] = ["self"]
    multiple = True

    remote_field: Target  # type: ignore[assignment]
    label: str
    cache_attname: str
    mark_attname: str

    @overload
    def __init__(
        self: CrossDBReference[M],
        to: type[M],
        on_delete: OnDelete,
        *,
        null: Literal[False] = ...,
        using: str | None = ...,
        to_field: str | None = ...,
        related_name: str | None = ...,
        related_query_name: str | None = ...,
        limit_choices_to: Any = ...,
        **field_options: Any,
    ) -> None: ...
    @overload
    def __init__(
        self: CrossDBReference[M | None],
        to: type[M],
        on_delete: OnDelete,
        *,
        null: Literal[True],
        using: str | None = ...,
        to_field: str | None = ...,
        related_name: str | None = ...,
        related_query_name: str | None = ...,
        limit_choices_to: Any = ...,
        **field_options: Any,
    ) -> None: ...
    @overload
    def __init__(
        self: CrossDBReference[Any],
        to: str,
        on_delete: OnDelete,
        *,
        null: bool = ...,
        using: str | None = ...,
        to_field: str | None = ...,
        related_name: str | None = ...,
        related_query_name: str | None = ...,
        limit_choices_to: Any = ...,
        **field_options: Any,
    ) -> None: ...
    def __init__(
        self,
        to: type[Model] | str,
        on_delete: OnDelete,
        *,
        using: str | None = None,
        to_field: str | None = None,
        related_name: str | None = None,
        related_query_name: str | None = None,
        limit_choices_to: Any = None,
        **field_options: Any,
    ) -> None:
        """Declare the reference."""
        if not isinstance(to, str) and not hasattr(to, "_meta"):
            message = f"{to!r} cannot be a target: use a model, 'app.Model', 'Model' or 'self'."
            raise TypeError(message)
        if not callable(on_delete):
            message = "on_delete must be callable: use one of django.db.models.CASCADE, PROTECT, …"
            raise TypeError(message)
        field_options.setdefault("db_index", True)
        if not self.multiple:
            field_options["unique"] = True
        super().__init__(**field_options)
        self.using = using
        # Given after Field.__init__, so that is_relation stays False.
        self.remote_field = Target(
            self,
            to,
            on_delete=on_delete,
            to_field=to_field,
            multiple=self.multiple,
            related_name=related_name,
            related_query_name=related_query_name,
            limit_choices_to=limit_choices_to,
        )

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: Any) -> ForwardReference: ...
        @overload
        def __get__(self, instance: Model, owner: Any) -> T: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...  # noqa: D105
        def __set__(self, instance: Any, value: T) -> None: ...  # noqa: D105

    # The declaration

    def contribute_to_class(
        self,
        cls: type[Model],
        name: str,
        private_only: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
    ) -> None:
        """Become the attribute ``name`` of ``cls``, and of the target once that is loaded."""
        super().contribute_to_class(cls, name, private_only=private_only)
        self.label = f"{cls._meta.label}.{name}"
        self.cache_attname = f"_{name}_cache"
        self.mark_attname = f"_{name}_mark"
        self.__dict__.pop("key_field", None)  # Of the abstract model that this was copied from.
        setattr(cls, name, ForwardReference(self))
        if not cls._meta.abstract:
            remote = self.remote_field
            remote.name_sides(
                related_name=remote.related_name or cls._meta.default_related_name,
                **{
                    "class": cls.__name__.lower(),
                    "model_name": cls._meta.model_name,
                    "app_label": cls._meta.app_label.lower(),
                },
            )
            lazy_related_operation(_resolve, cls, remote.model, field=self)

    def get_attname(self) -> str:
        """Return the attribute that holds the key."""
        return f"{self.name}_id"

    @property
    def accessor_name(self) -> str | None:
        """The attribute of the target that gives the sources; ``None`` if it has none."""
        if self.remote_field.hidden:
            return None
        model_name = str(self.model._meta.model_name)
        return self.remote_field.related_name or (
            f"{model_name}_set" if self.multiple else model_name
        )

    @property
    def query_name(self) -> str:
        """The name of the target's private field that stands for the sources."""
        remote = self.remote_field
        return str(remote.related_query_name or remote.related_name or self.model._meta.model_name)

    def stock_field(self, **own: Any) -> Field[Any, Any]:
        """Return the stock field of the key, with the options ``own``."""
        cls, args, kwargs = type_of_key(self.target_field)
        return cls(*args, **{**kwargs, **own})

    def clone(self) -> Field[Any, Any]:  # type: ignore[override]
        """Return the stock field of the key: all that a migration knows of a reference."""
        own = Field.deconstruct(self)[3]
        if getattr(self, "column", None):
            own["db_column"] = self.column
        own["db_index"] = bool(vars(self)["db_index"]) and not self.unique
        return self.stock_field(**own)

    def deconstruct(self) -> Any:
        """Return the parts of :meth:`clone`."""
        return self.name, *self.clone().deconstruct()[1:]

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
        hints = {} if instance is None else {"instance": instance}
        return database_for_read(self.target_model, **hints)

    @cached_property
    def key_field(self) -> Field[Any, Any]:
        """A stock field of the key's type: it prepares and converts the values."""
        field = self.stock_field()
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
        target = self.target_model._meta
        if not isinstance(value, concrete(self.target_model)):
            raise ReferenceValueError.wrong_model(self.label, target.label, value)
        key = getattr(value, self.target_field.attname)
        if key is None:
            raise self._unsaved(value)
        return key

    def _unsaved(self, target: Model) -> ReferenceValueError:
        return ReferenceValueError.unsaved(
            self.label, self.target_model._meta.label, self.target_database(), target
        )

    def is_cached(self, instance: Model) -> bool:
        """Return whether the target of ``instance`` is fetched."""
        return self.cache_attname in instance.__dict__

    # Values

    def get_internal_type(self) -> str:
        """Return that of the key."""
        return self.key_field.get_internal_type()

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the key's type, without what makes it automatic."""
        return self.key_field.db_type(connection)

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type of what refers to this column."""
        return self.key_field.rel_db_type(connection)

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type to cast to."""
        return self.key_field.cast_db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return type, check and collation of the column."""
        return self.key_field.db_parameters(connection)

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

    def pre_save(self, model_instance: Model, add: bool) -> Any:  # noqa: FBT001, ARG002
        """Return the key to store. Raises :class:`ReferenceValueError` for an unsaved target."""
        key = getattr(model_instance, self.attname)
        target = model_instance.__dict__.get(self.cache_attname)
        if target is not None:
            target_key = getattr(target, self.target_field.attname)
            # A default gives a key to a target that no database has yet.
            if target_key is None or (target._state.adding and self.target_field.has_default()):
                raise self._unsaved(target)
            if target_key != key:
                setattr(model_instance, self.attname, key)
        return key

    # Queries

    def get_col(self, alias: str, output_field: Any = None) -> lookups.ReferenceCol:  # noqa: ARG002
        """Return the column, typed as the key."""
        return lookups.ReferenceCol(alias, self, self.key_field)

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Return the lookup of the reference, else that of its key."""
        return lookups.lookup(self, lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        """Return the key (``author__pk``), a path into the target, else a transform of the key."""
        return lookups.transform(self, lookup_name)

    # Validation and forms

    def get_limit_choices_to(self) -> Any:
        """Return what choices are limited to."""
        limit = self.remote_field.limit_choices_to
        return limit() if callable(limit) else limit or {}

    def validate(self, value: Any, model_instance: Model | None) -> None:
        """Verify that the target exists and fits ``limit_choices_to``: one query on its alias."""
        super().validate(value, model_instance)
        if value is None:
            return
        alias = self.target_database(model_instance)
        key = self.target_field.name
        targets = self.target_model._base_manager.using(alias).filter(**{key: value})
        with naming(self.label, alias):
            if targets.complex_filter(self.get_limit_choices_to()).exists():
                return
        params = {
            "model": self.target_model._meta.verbose_name,
            "pk": value,
            "field": key,
            "value": value,
        }
        raise ValidationError(self.error_messages["invalid"], code="invalid", params=params)

    def clean(self, value: Any, model_instance: Model | None) -> Any:
        """Validate the key: see :meth:`validate`."""
        value = super().clean(value, model_instance)
        # A cached None is what a prefetch found: that is better looked up again.
        if getattr(model_instance, self.cache_attname, None) is not None:
            model_instance.__dict__[self.mark_attname] = CLEANED
        return value

    def formfield(self, **kwargs: Any) -> Any:
        """Return a choice of targets: one query on the target's alias when it is shown."""
        return super().formfield(
            **{
                "form_class": forms.ModelChoiceField,
                "queryset": self.target_model._default_manager.using(self.target_database()),
                "to_field_name": self.target_field.name,
                "limit_choices_to": self.get_limit_choices_to(),
                **kwargs,
                "blank": self.blank,
            }
        )


class CrossDBOneToOneReference(CrossDBReference[T]):
    """A unique :class:`CrossDBReference`: the target's side gives one object, not a manager."""

    description = "One-to-one reference to another database"
    multiple = False

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: CrossDBOneToOneReference[M],
            to: type[M],
            on_delete: OnDelete,
            *,
            null: Literal[False] = ...,
            **options: Any,
        ) -> None: ...
        @overload
        def __init__(
            self: CrossDBOneToOneReference[M | None],
            to: type[M],
            on_delete: OnDelete,
            *,
            null: Literal[True],
            **options: Any,
        ) -> None: ...
        @overload
        def __init__(
            self: CrossDBOneToOneReference[Any], to: str, on_delete: OnDelete, **options: Any
        ) -> None: ...
        def __init__(self, to: Any, on_delete: OnDelete, **options: Any) -> None: ...  # noqa: D107


def _resolve(_source: type[Model], target: type[Model], *, field: CrossDBReference[Any]) -> None:
    """Give ``field`` its target, and the target its side: called once both are loaded."""
    field.remote_field.model = target
    if field.accessor_name and not target._meta.abstract and not target._meta.swapped:
        ReverseField(field).contribute_to_class(target, field.query_name)
