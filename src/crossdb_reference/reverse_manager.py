"""The manager behind ``user.events``: Django's related manager, on the source's database."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models.fields import related_descriptors
from django.db.models.utils import AltersData

from crossdb_reference._compat import with_fetch_mode
from crossdb_reference.fetching import (
    FetchedObjects,
    fetch_all,
    key_getter,
    naming,
    narrowed_request,
    requests,
)
from crossdb_reference.pins import Pin
from crossdb_reference.routers import database_for_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Manager, Model, QuerySet

    from crossdb_reference.requests import Request
    from crossdb_reference.typing import Reference

# Limits each target's share of a sliced queryset, too. Without a public name, but of Django 4.2 on.
filter_chunk: Any = related_descriptors._filter_prefetch_queryset  # type: ignore[attr-defined]

# What templates must not call.
WRITES = {
    *("add", "create", "get_or_create", "update_or_create", "set", "remove", "clear", "_clear"),
    *("aadd", "acreate", "aget_or_create", "aupdate_or_create", "aset", "aremove", "aclear"),
}


def reverse_manager(superclass: type[Any], field: Reference) -> type[Manager[Any]]:  # noqa: C901
    """Return a manager class for the sources of ``field``, derived from one of their managers.

    ``remove()`` and ``clear()`` are there only if the reference may be ``None``, as with Django.
    Every method queries the source's database: its home, unless the manager is for another.
    """

    class SourceManager(superclass, AltersData):  # type: ignore[misc]
        do_not_call_in_templates = True

        def __init__(self, instance: Model) -> None:
            super().__init__()
            self.instance = instance
            self.model = field.model
            self._hints = field.hints(instance)

        def __call__(self, *, manager: str) -> Manager[Any]:
            """Return the same relation through another manager of the source."""
            cls = reverse_manager(type(getattr(self.model, manager)), field)
            return cls(self.instance)  # type: ignore[call-arg]

        def _key(self) -> Any:
            key = field.stored_key(self.instance)
            if key is None:
                raise field.unusable(self.instance)
            return key

        def _database(self) -> str:
            view = self.view_of(self.model) if isinstance(self, Pin) else None
            return self._db or view or database_for_write(self.model, **self._hints)

        def _here(self) -> Any:
            """Return this manager on the database that it writes to."""
            return super(SourceManager, self.db_manager(self._database()))

        def _forget_prefetched(self) -> None:
            getattr(self.instance, "_prefetched_objects_cache", {}).pop(field.accessor_name, None)

        def _apply_rel_filters(self, queryset: Any) -> Any:
            key = field.stored_key(self.instance)
            if key is None and self.instance.pk is not None:
                return queryset.none()
            if key is None:
                raise field.unusable(self.instance)
            queryset._add_hints(**self._hints)
            if self._db:
                queryset = queryset.using(self._db)
            queryset = with_fetch_mode(queryset, self.instance)
            queryset._defer_next_filter = True  # A prefetch makes one of these per target.
            queryset = queryset.filter(**{field.name: key})
            queryset._known_related_objects = {field: {key: self.instance}}
            return queryset

        def get_queryset(self) -> Any:
            """Return the sources of the instance: prefetched, or lazily by one query."""
            prefetched = getattr(self.instance, "_prefetched_objects_cache", {})
            if field.accessor_name in prefetched:
                return prefetched[field.accessor_name]
            return self._apply_rel_filters(super().get_queryset())

        def get_prefetch_querysets(
            self, instances: Sequence[Model], querysets: Sequence[QuerySet[Any]] | None = None
        ) -> tuple[FetchedObjects, Any, Any, bool, str | None, bool]:
            """Fetch the sources of all ``instances``: one query per 5,000 of them."""
            queryset: Any = querysets[0] if querysets else super().get_queryset()
            queryset._add_hints(**self._hints)
            queryset = queryset.using(queryset._db or self._db or queryset.db)
            key = attrgetter(field.target_field.attname)
            targets = {key(instance): instance for instance in instances}

            def request(queryset: Any, chunk: list[Any], peers: list[Any]) -> Request:
                chosen = filter_chunk(queryset.all(), field.name, chunk)
                return narrowed_request(chosen, peers)

            with naming(field.label, queryset.db):
                sources = fetch_all(queryset, requests(queryset, targets, request))
            found = map(attrgetter(field.attname), sources)
            source_key = key_getter(field.attname, [*found], targets, field.key_field.to_python)
            for source in sources:
                source.__dict__.setdefault(field.cache_attname, targets[source_key(source)])
            return sources, source_key, key, False, field.accessor_name, False

        def _check(self, obj: Model) -> None:
            if not isinstance(obj, self.model):
                message = f"'{self.model._meta.object_name}' instance expected, got {obj!r}"
                raise TypeError(message)

        def add(self, *objs: Model, bulk: bool = True) -> None:
            """Let ``objs`` refer to the instance: one query, or with ``bulk=False`` their saves."""
            self._key()
            self._forget_prefetched()
            db = self._database()
            for obj in objs:
                self._check(obj)
                if bulk and (obj._state.adding or obj._state.db != db):
                    message = (
                        f"{obj!r} is not saved on the database {db!r}."
                        " Use bulk=False or save the object first."
                    )
                    raise ValueError(message)
            for obj in objs:
                setattr(obj, field.name, self.instance)
            if bulk:
                rows = self.model._base_manager.using(db).filter(pk__in=[obj.pk for obj in objs])
                rows.update(**{field.name: self.instance})
            else:
                with transaction.atomic(using=db, savepoint=False):
                    for obj in objs:
                        obj.save(using=obj._state.db or db)

        def create(self, **kwargs: Any) -> Any:
            """Create a source that refers to the instance."""
            self._key()
            self._forget_prefetched()
            return self._here().create(**{**kwargs, field.name: self.instance})

        def get_or_create(self, **kwargs: Any) -> Any:
            """Get or create a source that refers to the instance."""
            self._key()
            self._forget_prefetched()
            return self._here().get_or_create(**{**kwargs, field.name: self.instance})

        def update_or_create(self, **kwargs: Any) -> Any:
            """Update or create a source that refers to the instance."""
            self._key()
            self._forget_prefetched()
            return self._here().update_or_create(**{**kwargs, field.name: self.instance})

        def set(self, objs: Iterable[Model], *, bulk: bool = True, clear: bool = False) -> None:
            """Let exactly ``objs`` refer to the instance (only add them if it cannot be None)."""
            self._key()
            # A queryset that clear() would empty is read first.
            new = list(objs)
            for obj in new:
                self._check(obj)
            with transaction.atomic(using=self._database(), savepoint=False):
                if not field.null:
                    self.add(*new, bulk=bulk)
                    return
                if clear:
                    self.clear(bulk=bulk)
                    self.add(*new, bulk=bulk)
                    return
                old = {obj.pk: obj for obj in self.using(self._database())}
                kept = {obj.pk for obj in new}
                self.remove(*(obj for pk, obj in old.items() if pk not in kept), bulk=bulk)
                self.add(*(obj for obj in new if obj.pk not in old), bulk=bulk)

        async def aadd(self, *objs: Model, bulk: bool = True) -> None:
            await sync_to_async(self.add)(*objs, bulk=bulk)

        async def acreate(self, **kwargs: Any) -> Any:
            return await sync_to_async(self.create)(**kwargs)

        async def aget_or_create(self, **kwargs: Any) -> Any:
            return await sync_to_async(self.get_or_create)(**kwargs)

        async def aupdate_or_create(self, **kwargs: Any) -> Any:
            return await sync_to_async(self.update_or_create)(**kwargs)

        async def aset(
            self, objs: Iterable[Model], *, bulk: bool = True, clear: bool = False
        ) -> None:
            await sync_to_async(self.set)(objs, bulk=bulk, clear=clear)

        if field.null:

            def remove(self, *objs: Model, bulk: bool = True) -> None:
                """Let ``objs`` refer to nothing: one query, or with ``bulk=False`` their saves."""
                key = self._key()
                for obj in objs:
                    self._check(obj)
                    if getattr(obj, field.attname) != key:
                        message = f"{obj!r} is not related to {self.instance!r}."
                        raise field.target_model.DoesNotExist(message)
                if objs:
                    self._clear(self.filter(pk__in=[obj.pk for obj in objs]), bulk=bulk)

            def clear(self, *, bulk: bool = True) -> None:
                """Let no source refer to the instance: one query, or their saves."""
                self._key()
                self._clear(self.all(), bulk=bulk)

            def _clear(self, queryset: QuerySet[Any], *, bulk: bool) -> None:
                self._forget_prefetched()
                db = self._database()
                queryset = queryset.using(db)
                if bulk:
                    queryset.update(**{field.name: None})
                else:
                    with transaction.atomic(using=db, savepoint=False):
                        for obj in queryset:
                            setattr(obj, field.name, None)
                            obj.save(using=db, update_fields=[field.name])

            async def aremove(self, *objs: Model, bulk: bool = True) -> None:
                await sync_to_async(self.remove)(*objs, bulk=bulk)

            async def aclear(self, *, bulk: bool = True) -> None:
                await sync_to_async(self.clear)(bulk=bulk)

    for name in WRITES & vars(SourceManager).keys():
        vars(SourceManager)[name].alters_data = True
    return SourceManager
