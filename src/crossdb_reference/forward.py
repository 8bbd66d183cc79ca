"""The source's side of a reference: ``event.actor_id`` and ``event.actor``.

``KeyAttribute``      ``event.actor_id``: the key; setting it forgets the target
``ForwardReference``  ``event.actor``: the target, fetched when first asked for, prefetched at once

A fetched target is a plain attribute of the source, ``cache_attname``: that takes less memory than
Django's ``_state.fields_cache``. ``None`` there means that a prefetch found no row. A second
attribute, ``mark_attname``, is there for two rare cases: ``LEFT_OUT`` (the queryset of the user's
own ``Prefetch`` left the row out, so ``None`` is the answer) and ``CLEANED`` (``full_clean()`` is
about to set the key that it was given, and the target stays).
"""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db.models import Model, prefetch_related_objects
from django.db.models.query_utils import DeferredAttribute

from crossdb_reference._compat import fetch, with_fetch_mode
from crossdb_reference.exceptions import DanglingReference, error_class
from crossdb_reference.fetching import (
    FetchedObjects,
    fetch_all,
    key_getter,
    naming,
    requests_by_key,
)
from crossdb_reference.instances import SETS_ITEM
from crossdb_reference.typing import concrete

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from crossdb_reference.steps import Step
    from crossdb_reference.typing import Reference

MISSING = object()
LEFT_OUT = "left out"
CLEANED = "cleaned"


class KeyAttribute(DeferredAttribute):
    """``event.actor_id``: no query, unless the column itself was deferred."""

    field: Reference  # type: ignore[assignment]

    def __get__(self, instance: Model | None, cls: type[Model] | None = None) -> Any:
        """Return the key; a target that was saved after it was assigned lends its own."""
        if instance is None:
            return self
        data, name = instance.__dict__, self.field.attname
        key = data.get(name)
        if key is None:
            if name not in data:
                key = super().__get__(instance, cls)
            target = data.get(self.field.cache_attname)
            if key is None and target is not None:
                key = data[name] = self.field.stored_key(target)
        return key

    def __set__(self, instance: Model, key: object) -> None:
        """Store the key and forget the target, also when the key is the same.

        ``refresh_from_db()`` sets each attribute and must not keep a target that may be stale.
        """
        data = instance.__dict__
        cleaned = data.pop(self.field.mark_attname, None) == CLEANED
        if not (cleaned and data.get(self.field.attname) == key):
            data.pop(self.field.cache_attname, None)
        data[self.field.attname] = key


SETS_ITEM.add(KeyAttribute)


class ForwardReference:
    """``event.actor``."""

    def __init__(self, field: Reference) -> None:
        """Serve the attribute of ``field``."""
        self.field = field

    @cached_property
    def RelatedObjectDoesNotExist(self) -> Any:  # noqa: N802 (Django's name)
        """What ``event.actor`` raises without a key: an ``AttributeError`` too, for ``hasattr``."""
        return self._error("RelatedObjectDoesNotExist", AttributeError)

    @cached_property
    def DanglingReference(self) -> Any:  # noqa: N802 (an exception)
        """What ``event.actor`` raises when no row has its key."""
        return self._error("DanglingReference", DanglingReference)

    def _error(self, name: str, base: type[Exception]) -> Any:
        field = self.field
        bases = (base, field.target_model.DoesNotExist)
        return error_class(field.model, f"{field.name}.{name}", bases)

    def dangling(self, instance: Model) -> Exception:
        """Return the error for ``instance``, whose key no row has."""
        field = self.field
        key = getattr(instance, field.attname)
        alias = field.target_database(instance)
        source = f"{instance._meta.label}(pk={instance.pk!r})"
        target = field.target_model._meta.label
        error: Exception = self.DanglingReference.of(source, field.label, target, key, alias)
        return error

    def is_cached(self, instance: Model) -> bool:
        """Return whether ``instance`` needs no query for its target."""
        return self.field.cache_attname in instance.__dict__

    def get_queryset(self, instance: Model) -> QuerySet[Model]:
        """Return all targets, on the alias that ``instance`` refers to."""
        return self.targets(instance, self.field.target_database(instance))

    def targets(self, instance: Model, alias: str) -> QuerySet[Model]:
        """Return all targets on ``alias``, with the fetch mode of ``instance``."""
        manager = self.field.target_model._base_manager.db_manager(alias)
        return with_fetch_mode(manager.all(), instance)

    def get_prefetch_querysets(
        self, instances: Sequence[Model], querysets: Sequence[QuerySet[Any]] | None = None
    ) -> tuple[FetchedObjects, Any, Any, bool, str, bool]:
        """Fetch the targets of all ``instances``: what ``prefetch_related`` calls.

        One query on the target's alias (or the given queryset's own) per 5,000 distinct keys.
        """
        field = self.field
        queryset: Any = querysets[0] if querysets else self.get_queryset(instances[0])
        queryset = queryset.using(queryset._db or field.target_database(instances[0]))
        key = attrgetter(field.target_field.attname)
        keys = dict.fromkeys(map(attrgetter(field.attname), instances))
        keys.pop(None, None)
        with naming(field.label, queryset.db):
            name = field.target_field.name
            asked = requests_by_key(queryset, name, keys, whole=not querysets)
            targets = fetch_all(queryset, asked)
        found = dict(zip(map(key, targets), targets, strict=True))
        source_key = key_getter(field.attname, keys, found, field.key_field.to_python)
        if not keys.keys() <= found.keys():
            missing = (instance for instance in instances if source_key(instance) not in found)
            if querysets:  # What has a target or none by now is asked for a to_attr.
                missing = (instance for instance in missing if not self.is_cached(instance))
            self._mark(missing, left_out=bool(querysets))
        if not field.multiple:
            self._pair(instances, map(source_key, instances), found)
        return targets, key, source_key, True, field.cache_attname, True

    # What prefetch_references() calls, for many sources at a time

    def without_target(self, sources: Iterable[Model]) -> list[Model]:
        """Return the sources that would need a query for their target."""
        cache = self.field.cache_attname
        return [source for source in sources if cache not in source.__dict__]

    def by_database(self, sources: list[Model]) -> dict[str, list[Model]]:
        """Return ``sources`` by the aliases that they refer to: by origin, within one home."""
        field = self.field
        if field.using or not field.within_one_home:
            return {field.target_database(): sources}
        by_origin: dict[str | None, list[Model]] = {}
        for source in sources:
            by_origin.setdefault(source._state.db, []).append(source)
        by_alias: dict[str, list[Model]] = {}
        for some in by_origin.values():
            by_alias.setdefault(field.target_database(some[0]), []).extend(some)
        return by_alias

    def keys_of(self, sources: list[Model]) -> list[Any]:
        """Return the key of each source."""
        attname = self.field.attname
        keys = [source.__dict__.get(attname) for source in sources]
        if any(key is None for key in keys):  # Also of one that is deferred, or only lent.
            keys = [getattr(source, attname) for source in sources]
        return keys

    def assign(
        self, sources: list[Model], keys: list[Any], found: Mapping[Any, Model | None], step: Step
    ) -> None:
        """Give the sources with these ``keys`` what was ``found``, as a prefetch by Django does."""
        if not self.field.multiple:
            self._pair(sources, keys, found)
        attribute = self._attribute(step)
        missing = []
        for source, key in zip(sources, keys, strict=True):
            target = found.get(key)
            setattr(source, attribute, target)
            if target is None:
                missing.append(source)
        if step.to == step.through:
            self._mark(missing, left_out=step.queryset is not None)

    def fetched(self, sources: Iterable[Model], step: Step) -> Iterable[Any]:
        """Return what is there for each source: a target, or ``None``. No query."""
        attribute = self._attribute(step)
        return (getattr(source, attribute, None) for source in sources)

    def _attribute(self, step: Step) -> str:
        return self.field.cache_attname if step.to == step.through else step.to

    def _pair(
        self, sources: Iterable[Model], keys: Iterable[Any], found: Mapping[Any, Model | None]
    ) -> None:
        """Let the targets of a one-to-one reference know their sources."""
        for source, key in zip(sources, keys, strict=True):
            target = found.get(key)
            if target is not None:
                self._cache_reverse(target, source)

    def _mark(self, missing: Iterable[Model], *, left_out: bool) -> None:
        """Remember why there is no target: a queryset left it out, or it does not exist."""
        for source in missing:
            if left_out:
                source.__dict__[self.field.mark_attname] = LEFT_OUT
            else:
                source.__dict__.pop(self.field.mark_attname, None)

    def fetch_one(self, instance: Model) -> None:
        """Fetch the target of ``instance``: one query on the target's alias."""
        field = self.field
        key = getattr(instance, field.attname)
        queryset = self.get_queryset(instance)
        with naming(field.label, queryset.db):
            try:
                target = queryset.get(**{field.target_field.name: key})
            except field.target_model.DoesNotExist:
                raise self.dangling(instance) from None
        instance.__dict__[field.cache_attname] = target
        self._cache_reverse(target, instance)

    def fetch_many(self, instances: Iterable[Model]) -> None:
        """Fetch the targets of all ``instances`` at once (Django 6.1's ``FETCH_PEERS``)."""
        missing = [instance for instance in instances if not self.is_cached(instance)]
        prefetch_related_objects(missing, self.field.name)

    def __get__(self, instance: Model | None, cls: type[Model] | None = None) -> Any:
        """Return the target: cached, or by one query on the target's alias.

        Raises ``RelatedObjectDoesNotExist`` without a key (unless ``null=True``: ``None``), and
        ``DanglingReference`` if no row has the key.
        """
        if instance is None:
            return self
        target = instance.__dict__.get(self.field.cache_attname, MISSING)
        if target is MISSING:
            if getattr(instance, self.field.attname) is None:
                target = None
            else:
                fetch(self, instance)
                target = instance.__dict__[self.field.cache_attname]
        return self._missing(instance) if target is None else target

    def _missing(self, instance: Model) -> None:
        field = self.field
        if getattr(instance, field.attname) is None:
            if field.null:
                return
            message = f"{field.model.__name__} has no {field.name}."
            raise self.RelatedObjectDoesNotExist(message)
        if instance.__dict__.get(field.mark_attname) != LEFT_OUT:
            raise self.dangling(instance)

    def __set__(self, instance: Model, value: Any) -> None:
        """Refer to ``value``: a target, ``None``, or a plain key (as fixtures have it).

        No query, and the origin of neither side changes. Raises ``ReferenceValueError``.
        """
        field = self.field
        if not isinstance(value, Model):
            previous = instance.__dict__.get(field.cache_attname)
            key = field.key_of(value)
            is_expression = hasattr(key, "resolve_expression")
            setattr(instance, field.attname, key if is_expression else field.to_python(key))
            if previous is not None:
                self._cache_reverse(previous, None)
            return
        if not isinstance(value, concrete(field.target_model)):
            raise field.wrong_model(value)
        setattr(instance, field.attname, field.stored_key(value))
        instance.__dict__[field.cache_attname] = value
        self._cache_reverse(value, instance)

    def _cache_reverse(self, target: Model, source: Model | None) -> None:
        """Let the one target of a one-to-one reference know its one source."""
        if not self.field.multiple and self.field.accessor_name:
            descriptor = getattr(self.field.target_model, self.field.accessor_name)
            descriptor.set_cached(target, source)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the attribute of the model."""
        return getattr, (self.field.model, self.field.name)
