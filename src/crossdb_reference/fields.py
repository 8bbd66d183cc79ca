"""The fields: :class:`CrossDBReference` and :class:`CrossDBOneToOneReference`.

A reference is a plain ``Field`` with ``is_relation = False``. No part of Django can therefore join,
cascade or ``select_related`` through it into the wrong database: it refuses by itself. What a
relation offers comes from the accessors (``forward``, ``reverse``) and from ``lookups``. Migrations
see the stock field of the key, so that they need neither this package nor the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, overload

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Model
from django.db.models.fields.related import lazy_related_operation

from crossdb_reference import lookups
from crossdb_reference.columns import KeyColumn, T
from crossdb_reference.fetching import naming
from crossdb_reference.forward import CLEANED, ForwardReference, KeyAttribute
from crossdb_reference.remote.ends import ReferenceCol
from crossdb_reference.reverse import ReverseField
from crossdb_reference.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import Lookup

    OnDelete = Callable[..., None]

M = TypeVar("M", bound=Model)


class CrossDBReference(KeyColumn[T]):
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
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": ForeignKey.default_error_messages["invalid"]
    }
    description = "Reference to another database"
    # How Django finds out whose related objects a related manager knows.
    from_fields: ClassVar[list[str]] = ["self"]
    multiple = True

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
        for cached in (
            "column_field",
            "key_field",
        ):  # Of the abstract model that this is copied from.
            self.__dict__.pop(cached, None)
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

    def is_cached(self, instance: Model) -> bool:
        """Return whether the target of ``instance`` is fetched."""
        return self.cache_attname in instance.__dict__

    def pre_save(self, model_instance: Model, add: bool) -> Any:  # noqa: FBT001, ARG002
        """Return the key to store. Raises :class:`ReferenceValueError` for an unsaved target."""
        key = getattr(model_instance, self.attname)
        target = model_instance.__dict__.get(self.cache_attname)
        if target is not None:
            target_key = self.stored_key(target)
            # A default gives a key to a target that no database has yet.
            if target_key is None or (target._state.adding and self.target_field.has_default()):
                raise self.unusable(target)
            if target_key != key:
                setattr(model_instance, self.attname, key)
        return key

    # Queries

    def get_col(self, alias: str, output_field: Any = None) -> ReferenceCol:  # noqa: ARG002
        """Return the column, typed as the key."""
        return ReferenceCol(alias, self, self.key_field)

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Return the lookup of the reference, else that of its key."""
        return lookups.lookup(self, lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        """Return the key (``author__pk``), a path into the target, else a transform of the key."""
        return lookups.transform(self, lookup_name)

    def get_path(self, *names: str) -> Any:
        """Return the path into the target that these names are: a filter follows it."""
        return lookups.path(*names)

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
        manager = self.target_model._default_manager
        return super().formfield(
            **{
                "form_class": forms.ModelChoiceField,
                "queryset": manager.using(self.target_database()) if self.using else manager.all(),
                "to_field_name": self.target_field.name,
                "limit_choices_to": self.remote_field.limit_choices_to or {},
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
        # Models that derive from the target later get a copy from it.
        for model in (target, *_derived(target)):
            ReverseField(field).contribute_to_class(model, field.query_name)


def _derived(model: type[Model]) -> Iterator[type[Model]]:
    for child in model.__subclasses__():
        if not child._meta.abstract:
            yield child
        yield from _derived(child)
