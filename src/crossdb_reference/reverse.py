"""The target's side of a reference: ``user.events``, ``user.profile``.

``ReverseField``       the private field on the target that stands for its sources
``ReverseReference``   ``user.events``: gives a manager of the sources
``ReverseOneToOne``    ``user.profile``: the one source of a one-to-one reference

The manager itself is made in ``reverse_manager``. All of them query the source's database; the
target's is never asked.
"""

from __future__ import annotations

from functools import cached_property, partial
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, Self

from django.db.models import prefetch_related_objects

from crossdb_reference._compat import fetch, with_fetch_mode
from crossdb_reference.exceptions import ReferenceValueError, RemotePathError, error_class
from crossdb_reference.fetching import (
    FetchedObjects,
    fetch_all,
    key_getter,
    naming,
    requests_by_key,
)
from crossdb_reference.remote.detour import Detour
from crossdb_reference.remote.ends import ReverseCol
from crossdb_reference.remote.lookups import KeyIsNull, RemotePath
from crossdb_reference.reverse_manager import reverse_manager

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Manager, Model, QuerySet
    from django.db.models.query_utils import PathInfo

    from crossdb_reference.typing import Reference


class ReverseField:
    """The sources of a reference, as a private field of the target (as ``GenericRelation`` is).

    It has no column, is in no form and no serializer, and no join goes through it: a filter by its
    name is a condition on the sources, which their database answers.
    """

    # Django's collector would cascade through it, in the target's database, if this were true.
    auto_created = False
    column = None
    concrete = False
    db_column = None
    editable = False
    empty_strings_allowed = False
    hidden = False
    is_relation = True
    many_to_many = False
    many_to_one = False
    # For one-to-one references too: Options.fields leaves just these out.
    one_to_many = True
    one_to_one = False
    serialize = False

    name: str
    attname: str  # The name again: there is no column.
    model: type[Model]

    def __init__(self, reference: Reference) -> None:
        """Stand for the sources of ``reference``."""
        self.field = reference
        self.related_model = reference.model
        # A name instead of the class: Django then takes this for no relation of the source's.
        self.remote_field = SimpleNamespace(model=reference.model._meta.label, field=reference)

    def __deepcopy__(self, _memo: object) -> Self:
        """Copy for a subclass of the target; the reference stays the same."""
        duplicate = object.__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        return duplicate

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, in a query, as the field of the model."""
        return _load_reverse, (self.model, self.name)

    def contribute_to_class(self, cls: type[Model], name: str, **_: Any) -> None:
        """Become the private field ``name`` of ``cls``, and give it the accessor."""
        self.name = self.attname = name
        # A query of a child joins the parent that has the key.
        self.model = self.field.target_field.model
        cls._meta.add_field(self, private=True)  # type: ignore[arg-type]
        side = ReverseReference if self.field.multiple else ReverseOneToOne
        setattr(cls, self.get_accessor_name(), side(self))

    def get_accessor_name(self) -> str:
        """Return the attribute of the target that gives its sources."""
        return str(self.field.accessor_name)

    @property
    def cache_attname(self) -> str:
        """The attribute of a target that holds its one source."""
        return f"_{self.get_accessor_name()}_cache"

    def is_cached(self, instance: Model) -> bool:
        """Return whether ``instance`` needs no query for its one source."""
        return self.cache_attname in instance.__dict__

    def delete_cached_value(self, instance: Model) -> None:
        """Forget the one source: what ``refresh_from_db()`` calls."""
        del instance.__dict__[self.cache_attname]

    @property
    def null(self) -> bool:
        """Whether a target may have no key: Django asks where it negates a filter."""
        return self.field.target_field.null

    @property
    def path_infos(self) -> list[PathInfo]:
        """How a query gets to :meth:`get_col`."""
        return Detour(self).path_infos

    def get_path_info(self, _filtered_relation: object = None) -> NoReturn:
        """Refuse to be part of a ``FilteredRelation``."""
        raise RemotePathError.filtered_relation(self.field.label)

    def get_col(self, alias: str, output_field: Any = None) -> ReverseCol:  # noqa: ARG002
        """Return what a filter by this name starts at."""
        field: Any = self
        return ReverseCol(alias, field, self.field.target_field)

    def get_lookup(self, _name: str) -> type[KeyIsNull]:
        """Return the test of the key for NULL, which Django adds to what it negates."""
        return KeyIsNull

    def get_transform(self, name: str) -> Any:
        """Return the path into the source."""
        return partial(RemotePath, name=name)


def _load_reverse(model: type[Model], name: str) -> Any:
    return model._meta.get_field(name)


class ReverseReference:
    """``user.events``."""

    def __init__(self, reverse: ReverseField) -> None:
        """Serve the accessor of ``reverse``."""
        self.reverse = reverse
        self.field = reverse.field

    @cached_property
    def related_manager_cls(self) -> type[Manager[Any]]:
        """The class of the manager: the source's default manager, with a relation's methods."""
        return reverse_manager(type(self.field.model._default_manager), self.field)

    def __get__(self, instance: Model | None, cls: type[Model] | None = None) -> Any:
        """Return the manager of the sources of ``instance``. No query."""
        return self if instance is None else self.related_manager_cls(instance)  # type: ignore[call-arg]

    def __set__(self, instance: Model, value: object) -> NoReturn:
        """Refuse, as Django does."""
        name = self.reverse.get_accessor_name()
        message = f"Direct assignment to {name} is prohibited. Use {name}.set() instead."
        raise TypeError(message)


class ReverseOneToOne:
    """``user.profile``."""

    def __init__(self, reverse: ReverseField) -> None:
        """Serve the accessor of ``reverse``."""
        self.reverse = reverse
        self.reference = reverse.field

    @property
    def field(self) -> ReverseField:
        """What is fetched: Django's fetch modes name it in their errors."""
        return self.reverse

    @cached_property
    def RelatedObjectDoesNotExist(self) -> Any:  # noqa: N802 (Django's name)
        """What ``user.profile`` raises if there is none: an ``AttributeError`` too."""
        name = f"{self.reverse.get_accessor_name()}.RelatedObjectDoesNotExist"
        bases = (self.reference.model.DoesNotExist, AttributeError)
        return error_class(self.reference.target_model, name, bases)

    def is_cached(self, instance: Model) -> bool:
        """Return whether ``instance`` needs no query for its source."""
        return self.reverse.is_cached(instance)

    def set_cached(self, instance: Model, source: Model | None) -> None:
        """Let ``instance`` know its source; ``None`` forgets it."""
        # Not by __dict__: request.user is a lazy object around a user.
        if source is not None:
            setattr(instance, self.reverse.cache_attname, source)
        elif hasattr(instance, self.reverse.cache_attname):
            delattr(instance, self.reverse.cache_attname)

    def get_queryset(self, instance: Model) -> QuerySet[Any]:
        """Return all sources, on the source's database."""
        model = self.reference.model
        hints = self.reference.hints(instance)
        manager = model._base_manager.db_manager(hints=hints)
        return with_fetch_mode(manager.all(), instance)

    def get_prefetch_querysets(
        self, instances: Sequence[Model], querysets: Sequence[QuerySet[Any]] | None = None
    ) -> tuple[FetchedObjects, Any, Any, bool, str, bool]:
        """Fetch the sources of all ``instances``: one query per 5,000 of them."""
        field = self.reference
        queryset = querysets[0] if querysets else self.get_queryset(instances[0])
        key = attrgetter(field.target_field.attname)
        targets = {key(instance): instance for instance in instances}
        with naming(field.label, queryset.db):
            asked = requests_by_key(queryset, field.name, targets, whole=not querysets)
            sources = fetch_all(queryset, asked)
        found = map(attrgetter(field.attname), sources)
        source_key = key_getter(field.attname, [*found], targets, field.key_field.to_python)
        for source in sources:
            source.__dict__[field.cache_attname] = targets[source_key(source)]
        return sources, source_key, key, True, self.reverse.cache_attname, True

    def fetch_one(self, instance: Model) -> None:
        """Fetch the source of ``instance``: one query on the source's database."""
        field = self.reference
        queryset = self.get_queryset(instance)
        with naming(field.label, queryset.db):
            source = queryset.filter(**{field.name: instance}).first()
        if source is not None:
            source.__dict__[field.cache_attname] = instance
        instance.__dict__[self.reverse.cache_attname] = source

    def fetch_many(self, instances: Iterable[Model]) -> None:
        """Fetch the sources of all ``instances`` at once (Django 6.1's ``FETCH_PEERS``)."""
        missing = [instance for instance in instances if not self.is_cached(instance)]
        prefetch_related_objects(missing, self.reverse.get_accessor_name())

    def __get__(self, instance: Model | None, cls: type[Model] | None = None) -> Any:
        """Return the source: cached, or by one query on the source's database."""
        if instance is None:
            return self
        if not self.is_cached(instance) and self.reference.stored_key(instance) is not None:
            fetch(self, instance)
        source = instance.__dict__.get(self.reverse.cache_attname)
        if source is None:
            name = self.reverse.get_accessor_name()
            message = f"{type(instance).__name__} has no {name}."
            raise self.RelatedObjectDoesNotExist(message)
        return source

    def __set__(self, instance: Model, value: Any) -> None:
        """Let ``value`` refer to ``instance``, or with ``None`` the present source to nothing."""
        model = self.reference.model
        if value is None:
            source = instance.__dict__.get(self.reverse.cache_attname)
            if source is not None:
                setattr(source, self.reference.name, None)
                self.set_cached(instance, None)
        elif not isinstance(value, model):
            accessor = f"{instance._meta.label}.{self.reverse.get_accessor_name()}"
            raise ReferenceValueError.wrong_source(accessor, model._meta.label, value)
        else:
            setattr(value, self.reference.name, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the attribute of the model."""
        return getattr, (self.reverse.model, self.reverse.get_accessor_name())
