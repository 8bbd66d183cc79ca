"""Instances from rows: what ``ModelIterable`` makes, in a fifth of the time.

Django calls ``Model.from_db()`` and ``Model.__init__()`` for each row: a loop over all fields and
two signals. Where nobody has changed what these do, a function that is generated once for a model
makes the same instances, with one statement for each column. Its plain stores also keep CPython
from giving each instance a dictionary of its own.

``has_plain_rows``  whether a queryset's rows may be made into instances that way
``make_instances``  make them
"""

from __future__ import annotations

from functools import lru_cache
from inspect import isdatadescriptor
from keyword import iskeyword
from typing import TYPE_CHECKING, Any
from weakref import ref

from django.db.models import Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init
from django.db.models.sql.compiler import SQLCompiler

from crossdb_reference._compat import FETCH_ONE, fetch_mode_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models.sql import Query

SETS_ITEM: set[type[Any]] = {ForeignKeyDeferredAttribute}
"""Descriptors whose ``__set__`` only sets an item of ``__dict__`` while an instance is new."""

# What takes part in making an instance, in reading a queryset, and in reading its query's rows.
OF_MODELS = {"__init__", "__new__", "__setattr__", "from_db"}
OF_QUERYSETS = ("__iter__", "__len__", "_fetch_all")
OF_COMPILERS = ("apply_converters", "execute_sql", "results_iter")


def has_plain_rows(queryset: QuerySet[Any]) -> bool:
    """Return whether ``queryset`` gives one unaltered instance, with all its columns, per row.

    Where it does not, only Django's own iteration does it justice. No query.
    """
    return _is_read_plainly(queryset) and _selects_a_model(queryset.query) and _is_plain(queryset)


def _is_read_plainly(queryset: Any) -> bool:
    compiler = queryset.query.get_compiler(using=queryset.db)
    return (
        queryset._iterable_class is ModelIterable
        # Each instance would get the related objects that are known.
        and not queryset._known_related_objects
        and all(getattr(type(queryset), name) is getattr(QuerySet, name) for name in OF_QUERYSETS)
        and all(
            getattr(type(compiler), name) is getattr(SQLCompiler, name) for name in OF_COMPILERS
        )
    )


def _selects_a_model(query: Query) -> bool:
    """Return whether the columns of ``query`` are those of its model: no more, no fewer."""
    return not (
        query.select_related
        or query.annotations
        or query.extra
        or query.combinator
        # An order may then need further columns, or the model's come from a subquery.
        or query.distinct
        or query.where.contains_over_clause
        or query.deferred_loading[0]
    )


def _is_plain(queryset: QuerySet[Any]) -> bool:
    """Return whether making an instance runs Django's own code only."""
    model = queryset.model
    changed = (OF_MODELS & vars(cls).keys() for cls in model.__mro__ if cls not in (Model, object))
    return not (
        any(changed)
        or type(model).__call__ is not type.__call__
        or pre_init.has_listeners(model)
        or post_init.has_listeners(model)
        or any(_sets_more(model, field.attname) for field in model._meta.concrete_fields)
    )


def _sets_more(model: type[Model], name: str) -> bool:
    is_name = name.isidentifier() and not iskeyword(name)  # type() takes any name.
    descriptor = _descriptor(model, name)
    return not (is_name and (type(descriptor) in SETS_ITEM or not isdatadescriptor(descriptor)))


def _descriptor(model: type[Model], name: str) -> Any:
    """Return the attribute ``name`` of ``model`` without asking it for what it stands for."""
    return next(vars(cls)[name] for cls in model.__mro__ if name in vars(cls))


def make_instances(
    rows: Iterable[tuple[Any, ...]], queryset: QuerySet[Any], compiler: Any, peers: list[Any]
) -> list[Any]:
    """Return an instance for each row of ``compiler``, whose query is that of ``queryset``.

    ``peers`` is the list that the instances share if their fetch mode asks for their peers
    (Django 6.1). No query, unless a converter of a field sends one.
    """
    model: Any = queryset.model
    mode = fetch_mode_of(queryset)
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    make = _maker(
        tuple(
            (
                field.attname,
                type(_descriptor(model, field.attname)) in SETS_ITEM,
                len(converters[position][0]) if position in converters else 0,
            )
            for position, field in enumerate(model._meta.concrete_fields)
        ),
        model,
        has_mode=mode not in (None, FETCH_ONE),  # A state without one has that.
        has_peers=getattr(mode, "track_peers", False),
    )
    flat = [(convert, column) for some, column in converters.values() for convert in some]
    made: list[Any] = make(rows, compiler.using, compiler.connection, flat, mode, peers)
    return made


@lru_cache(maxsize=512)
def _maker(
    columns: tuple[tuple[str, bool, int], ...], model: Any, **options: bool
) -> Callable[..., list[Any]]:
    """Return the function that makes instances of ``model``.

    One for each model, although others may have the same columns: CPython speeds up a statement
    for the one class that it meets.
    """
    names: dict[str, Any] = {"cls": model, "State": ModelState, "new": object.__new__, "ref": ref}
    exec("\n".join(_source(columns, **options)), names)  # noqa: S102 (_sets_more checked the names)
    make: Callable[..., list[Any]] = names["make"]
    return make


def _source(
    columns: tuple[tuple[str, bool, int], ...], *, has_mode: bool, has_peers: bool
) -> list[str]:
    """Return the lines of the function: what ``Model.__init__`` and ``from_db`` do, in order."""
    values = ", ".join(f"v{position}" for position in range(len(columns)))
    lines = ["def make(rows, db, connection, converters, mode, peers):", "  made = []"]
    loop = [
        f"  for {values}, in rows:",
        "    obj = new(cls)",
        "    obj._state = state = State()",
    ]
    if any(sets_item for _, sets_item, _ in columns):
        loop.append("    data = obj.__dict__")
    number = 0
    for position, (name, sets_item, count) in enumerate(columns):
        for _ in range(count):
            lines.append(f"  convert{number}, column{number} = converters[{number}]")
            loop.append(
                f"    v{position} = convert{number}(v{position}, column{number}, connection)"
            )
            number += 1
        loop.append(
            f"    data[{name!r}] = v{position}" if sets_item else f"    obj.{name} = v{position}"
        )
    return [
        *lines,
        *loop,
        "    state.adding = False",
        "    state.db = db",
        *(["    state.fetch_mode = mode"] if has_mode else []),
        *(["    peers.append(ref(obj))", "    state.peers = peers"] if has_peers else []),
        "    made.append(obj)",
        "  return made",
    ]
