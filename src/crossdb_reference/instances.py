"""Instances from rows: what ``ModelIterable`` makes, in a fifth of the time.

Django calls ``Model.from_db()`` and ``Model.__init__()`` for each row: a loop over all fields and
two signals. Where nobody has changed what these do, a function that is generated once for a model
makes the same instances, with one statement for each column. Its plain stores also keep CPython
from giving each instance a dictionary of its own.

``has_plain_rows``  whether a queryset's rows may be made into instances that way
``are_djangos``     whether the converters of columns are all Django's own
``make_instances``  make the instances, one after the other
``once_per_model``  remember what was found out about a model
"""

from __future__ import annotations

from functools import wraps
from inspect import isdatadescriptor
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

from django.db.models import Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init
from django.db.models.sql.compiler import SQLCompiler

from crossdb_reference._compat import FETCH_ONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.models.sql import Query

    Converters = dict[int, tuple[list[Callable[..., Any]], Any]]

T = TypeVar("T")

SETS_ITEM: set[type[Any]] = {ForeignKeyDeferredAttribute}
"""Descriptors whose ``__set__`` only sets an item of ``__dict__`` while an instance is new."""

PLAIN_ITERABLES: set[type[Any]] = {ModelIterable}
"""What a queryset may read its rows with to give instances of its model, and nothing else."""


def has_plain_rows(queryset: Any, compiler: SQLCompiler) -> bool:
    """Return whether ``queryset`` gives one unaltered instance, with all its columns, per row.

    Where it does not, only Django's own iteration does it justice. No query.
    """
    return (
        _are_its_rows(queryset, compiler)
        and _selects_a_model(queryset.query)
        and _is_made_plainly(queryset.model)
    )


def _are_its_rows(queryset: Any, compiler: SQLCompiler) -> bool:
    cls, read = type(queryset), type(compiler)
    return (
        queryset._iterable_class in PLAIN_ITERABLES
        # Each instance would get the related objects that are known.
        and not queryset._known_related_objects
        and cls.__iter__ is QuerySet.__iter__
        and cls._fetch_all is QuerySet._fetch_all  # noqa: SLF001 (what iteration calls)
        and read.execute_sql is SQLCompiler.execute_sql
        and read.results_iter is SQLCompiler.results_iter
        and read.apply_converters is SQLCompiler.apply_converters
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


def _is_made_plainly(model: Any) -> bool:
    """Return whether making an instance of ``model`` runs Django's own code only."""
    django: Any = Model
    return (
        model.__init__ is django.__init__
        and super(Model, model).__init__ is object.__init__  # That of a mixin behind Model.
        and model.__new__ is object.__new__
        and model.__setattr__ is object.__setattr__
        and model.__getattribute__ is object.__getattribute__
        and getattr(model.from_db, "__func__", None) is django.from_db.__func__
        and type(model).__call__ is type.__call__
        and not pre_init.has_listeners(model)
        and not post_init.has_listeners(model)
        and _columns(model) is not None
    )


def once_per_model(function: Callable[..., T]) -> Callable[..., T]:
    """Remember what ``function`` returns for a model, until that gets another column."""
    known: dict[Any, tuple[Any, dict[Any, T]]] = {}  # Models stay, as in Django's registry.

    @wraps(function)
    def remembered(model: Any, *args: Any) -> T:
        fields = model._meta.concrete_fields
        found = known.get(model)
        if found is None or found[0] is not fields:
            found = known[model] = fields, {}
        values = found[1]
        if args not in values:
            values[args] = function(model, *args)
        return values[args]

    return remembered


@once_per_model
def _columns(model: Any) -> list[tuple[str, bool]] | None:
    """Return the attributes of ``model``, and which of them set an item of ``__dict__``.

    ``None`` if one is no name, or does more than hold a value: a property, a file.
    """
    columns = []
    for field in model._meta.concrete_fields:
        name = field.attname
        # Not getattr(): it would ask the attribute for what it stands for.
        attribute = next((vars(cls)[name] for cls in model.__mro__ if name in vars(cls)), None)
        sets_item = type(attribute) in SETS_ITEM
        # Python takes some names that are not ASCII for others.
        if not (name.isascii() and name.isidentifier()) or iskeyword(name):
            return None
        if attribute is None or (isdatadescriptor(attribute) and not sets_item):
            return None
        columns.append((name, sets_item))
    return columns


def are_djangos(converters: Converters) -> bool:
    """Return whether ``converters`` of columns run Django's own code only."""
    return all(_is_djangos(convert) for some, _ in converters.values() for convert in some)


def _is_djangos(convert: Any) -> bool:
    field = getattr(convert, "__self__", None)
    return (
        getattr(convert, "__module__", "").startswith("django.")
        # Of JSON, and of arrays: what they call may be another's.
        and getattr(field, "decoder", None) is None
        and not hasattr(field, "base_field")
    )


def make_instances(
    rows: Iterable[tuple[Any, ...]],
    *,
    compiler: Any,
    converters: Converters,
    mode: Any,
    peers: list[Any],
) -> Iterator[Any]:
    """Yield an instance for each of ``rows``, which have the columns of the query's model.

    ``converters`` are those of its columns, as the compiler gives them. ``peers`` is the list that
    the instances share if their fetch ``mode`` asks for their peers (Django 6.1). No query, unless
    a converter of a field sends one.
    """
    counts = tuple((position, len(some)) for position, (some, _) in converters.items())
    has_mode = mode is not None and mode is not FETCH_ONE  # A state without a mode has that.
    has_peers = getattr(mode, "track_peers", False)
    make = _maker(compiler.query.model, counts, has_mode, has_peers)
    flat = [(convert, column) for some, column in converters.values() for convert in some]
    made: Iterator[Any] = make(rows, compiler.using, compiler.connection, flat, mode, peers)
    return made


@once_per_model
def _maker(
    model: Any,
    converters: tuple[tuple[int, int], ...],
    has_mode: bool,  # noqa: FBT001 (remembered by position)
    has_peers: bool,  # noqa: FBT001
) -> Callable[..., Iterator[Any]]:
    """Return the function that makes instances of ``model``.

    ``converters`` are the positions of columns that have some, and how many. There is a function
    for each model, although others may have the same columns: CPython speeds up a statement for
    the one class that it meets.
    """
    names: dict[str, Any] = {"cls": model, "State": ModelState, "new": object.__new__, "ref": ref}
    lines = _source(_columns(model) or [], dict(converters), has_mode=has_mode, has_peers=has_peers)
    exec("\n".join(lines), names)  # noqa: S102 (of names that _columns() has checked)
    make: Callable[..., Iterator[Any]] = names["make"]
    return make


def _source(
    columns: list[tuple[str, bool]], converters: dict[int, int], *, has_mode: bool, has_peers: bool
) -> list[str]:
    """Return the lines of the function: what ``Model.__init__`` and ``from_db`` do, in order."""
    values = ", ".join(f"v{position}" for position in range(len(columns)))
    lines = ["def make(rows, db, connection, converters, mode, peers):"]
    loop = [
        f"  for {values}, in rows:",
        "    obj = new(cls)",
        "    obj._state = state = State()",
    ]
    if any(sets_item for _, sets_item in columns):
        loop.append("    data = obj.__dict__")
    number = 0
    for position, (name, sets_item) in enumerate(columns):
        value = f"v{position}"
        for _ in range(converters.get(position, 0)):
            lines.append(f"  convert{number}, column{number} = converters[{number}]")
            loop.append(f"    {value} = convert{number}({value}, column{number}, connection)")
            number += 1
        loop.append(f"    data[{name!r}] = {value}" if sets_item else f"    obj.{name} = {value}")
    return [
        *lines,
        *loop,
        "    state.adding = False",
        "    state.db = db",
        *(["    state.fetch_mode = mode"] if has_mode else []),
        *(["    peers.append(ref(obj))", "    state.peers = peers"] if has_peers else []),
        "    yield obj",
    ]
