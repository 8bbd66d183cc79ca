"""Every error of the package, with its words.

Each class derives from the exception that Django's own code raises in the same place, so that
existing ``except`` clauses go on working, and from :class:`CrossDBReferenceError`. A message says
what was done, where, what was found and what to do. The class methods build the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import FieldError, ImproperlyConfigured, ObjectDoesNotExist
from django.utils.connection import ConnectionDoesNotExist

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Model


class CrossDBReferenceError(Exception):
    """The base of every error that this package raises."""


class DanglingReference(CrossDBReferenceError, ObjectDoesNotExist):  # noqa: N818 (as Django's DoesNotExist)
    """A reference holds a key that no row of its target has.

    What is raised is a subclass of this and of the target's ``DoesNotExist``.

    ``field`` is the reference as ``app.Model.field``, ``key`` the stored key, ``alias`` the
    database that was asked.
    """

    field: str
    key: Any
    alias: str

    @classmethod
    def of(cls, source: str, field: str, target: str, key: object, alias: str) -> Self:
        """Build the error for ``source``, whose reference ``field`` holds ``key``."""
        error = cls(
            f"{source}: the reference {field} holds the key {key!r}, but the database {alias!r}"
            f" has no {target} with it. Assign another target, or None where the field allows it."
        )
        error.field, error.key, error.alias = field, key, alias
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as message and attributes."""
        return type(self), self.args, self.__dict__


class ReferenceValueError(CrossDBReferenceError, ValueError):
    """A value cannot be stored in, or compared with, a reference."""

    @classmethod
    def wrong_model(cls, field: str, target: str, alias: str, value: Model) -> Self:
        """Build the error for an instance of a model that is not the target."""
        return cls(
            f"Cannot use {value!r} for the reference {field}: it is an instance of"
            f" {value._meta.label}. Use a saved {target} of the database {alias!r}, its key, or"
            " None."
        )

    @classmethod
    def wrong_source(cls, accessor: str, source: str, value: object) -> Self:
        """Build the error for a value that cannot be the source of a one-to-one reference."""
        return cls(f"Cannot assign {value!r} to {accessor}: use a {source}, or None.")

    @classmethod
    def wrong_key(cls, field: str, target: str, alias: str, value: object, reason: str) -> Self:
        """Build the error for a value that is not of the type of the target's key."""
        return cls(
            f"Cannot use {value!r} for the reference {field}: {reason} Use its key, a saved"
            f" {target} of the database {alias!r}, or None."
        )

    @classmethod
    def unsaved(cls, field: str, target: str, alias: str, value: object) -> Self:
        """Build the error for a target that no database holds yet."""
        return cls(
            f"Cannot use {value!r} for the reference {field}: this {target} is not saved, so"
            f" there is nothing to refer to. Save it (to the database {alias!r}) first."
        )

    @classmethod
    def without_key(cls, field: str, target: str, key: str, value: object) -> Self:
        """Build the error for a saved target that has no value to refer to."""
        return cls(
            f"Cannot use {value!r} for the reference {field}: this {target} has no value for"
            f" {key!r}, so there is nothing to refer to. Set {key!r} and save it first."
        )

    @classmethod
    def wrong_queryset(cls, field: str, target: str, found: str) -> Self:
        """Build the error for an inner queryset of a model that is not the target."""
        return cls(
            f"Cannot compare the reference {field} with a queryset of {found}: use a queryset of"
            f" {target}, or select keys with values()."
        )

    @classmethod
    def not_one_column(cls, field: str, key: str, found: int) -> Self:
        """Build the error for an inner queryset of several columns."""
        return cls(
            f"A queryset compared with the reference {field} must select one column, but it"
            f" selects {found}. Name the key's column: .values({key!r})."
        )

    @classmethod
    def not_one_row(cls, field: str) -> Self:
        """Build the error for an inner queryset compared by ``=`` that may give many rows."""
        return cls(
            f"A queryset compared with the reference {field} by '=' must be limited to one row by"
            f" slicing. Write [:1], or use {field.rpartition('.')[2]}__in."
        )


class RemotePathError(CrossDBReferenceError, FieldError):
    """A path through a reference was used where one database would have to see another."""

    @classmethod
    def cannot_follow(cls, field: str, path: str, target: str, alias: str) -> Self:
        """Build the error for ``author__name`` as a column, not as a filter."""
        name = field.rpartition(".")[2]
        return cls(
            f"Cannot use {path!r} of the reference {field} as a column of this query: its target"
            f" {target} lives in the database {alias!r}. To show it, use"
            f" with_remote({f'{name}__{path}'!r}) or prefetch_related({name!r}); to filter by it,"
            f" filter({name}__{path}=…); to sort by it, sort in Python."
        )

    @classmethod
    def cannot_join(cls, field: str, alias: str) -> Self:
        """Build the error for ``select_related("author")``."""
        name = field.rpartition(".")[2]
        return cls(
            f"Cannot join the reference {field}: its target lives in the database {alias!r}."
            f" Use prefetch_related({name!r}): one more query."
        )

    @classmethod
    def outer_reference(cls, field: str, columns: Iterable[str], alias: str) -> Self:
        """Build the error for an ``OuterRef`` or ``F`` inside what another database answers."""
        return cls(
            f"What is compared through the reference {field} is answered by the database {alias!r},"
            f" which cannot see {', '.join(columns)} of the query around it. Compare with a"
            f" value, or with a queryset of that database, instead of F or OuterRef."
        )

    @classmethod
    def cannot_reverse(cls, name: str, field: str, source: str, alias: str) -> Self:
        """Build the error for ``User.objects.values("events")``."""
        return cls(
            f"Cannot use {name!r} as a column of this query: it is the other side of the reference"
            f" {field}, and {source} lives in the database {alias!r}. To show it, use"
            f" prefetch_related() or with_remote(); to filter by it, filter({name}=…)."
        )

    @classmethod
    def no_reference(cls, model: str, path: str) -> Self:
        """Build the error for a remote column that is a local one."""
        return cls(
            f"{path!r} of {model} goes through no reference, or through many objects on the way to"
            f" one. Use annotate() for what this database has, and with_remote() for paths"
            f" through a reference."
        )

    @classmethod
    def not_one_reference(cls, model: str, expression: object) -> Self:
        """Build the error for a remote column that no single other end can give."""
        return cls(
            f"The remote column {expression} of {model} must go through one reference. Write a"
            f" column for each reference, and combine their values in Python."
        )

    @classmethod
    def many_rows(cls, field: str, expression: object) -> Self:
        """Build the error for a remote column of many rows without an aggregate."""
        return cls(
            f"The remote column {expression} has many rows behind the reference {field}. Use an"
            f" aggregate, such as Count or Max, or prefetch_related()."
        )

    @classmethod
    def annotated(cls, model: str, name: str) -> Self:
        """Build the error for a remote path whose next name is an annotation's, too."""
        return cls(
            f"A name behind {name!r} in a filter of {model} is also that of an annotation of the"
            f" query, and Django would take it for that. Give the annotation another name."
        )

    @classmethod
    def filtered_relation(cls, field: str) -> Self:
        """Build the error for ``FilteredRelation("author", …)``."""
        return cls(
            f"Cannot use FilteredRelation with the reference {field}: there is no join that it"
            f" could add a condition to. Put the condition into filter()."
        )

    @classmethod
    def not_in_one_database(cls, field: str) -> Self:
        """Build the error for a remote path where SQL is written without a query."""
        return cls(
            f"Cannot follow the reference {field} here: a constraint, an index or a default is"
            f" kept by one database, which cannot see another one. Compare the key itself."
        )

    @classmethod
    def too_entangled(cls, field: str, most: int) -> Self:
        """Build the error for a condition that would take too many remote queries."""
        return cls(
            f"Conditions on many rows behind the reference {field} are mixed with more than {most}"
            f" local conditions in the OR of one filter(). Put them into filter() calls of their"
            f" own, or ask for the keys first."
        )

    @classmethod
    def mixed_xor(cls, field: str) -> Self:
        """Build the error for ``^`` between a condition on many remote rows and another one."""
        return cls(
            f"A condition on many rows behind the reference {field} stands in a XOR (^) with"
            f" conditions of another database. Write it out: (a & ~b) | (~a & b)."
        )


class TooManyRemoteKeys(CrossDBReferenceError, RuntimeError):  # noqa: N818 (says what there was)
    """A remote condition holds for more rows than ``MAX_REMOTE_KEYS`` allows."""

    @classmethod
    def more_than(cls, limit: int, field: str, alias: str) -> Self:
        """Build the error for a set of more than ``limit`` keys."""
        return cls(
            f"The condition on the reference {field} holds for more than {limit} rows of the"
            f" database {alias!r}, and MAX_REMOTE_KEYS allows no more keys to travel. Narrow the"
            f" condition, or raise CROSSDB_REFERENCE['MAX_REMOTE_KEYS']."
        )


class UnknownDatabase(CrossDBReferenceError, ConnectionDoesNotExist):  # noqa: N818 (as Django's)
    """A declaration names an alias that ``DATABASES`` does not have."""

    @classmethod
    def named_by(cls, who: str, alias: str, known: Iterable[str]) -> Self:
        """Build the error for ``alias``, which ``who`` names."""
        return cls(
            f"{who} names the database {alias!r}, but settings.DATABASES has only"
            f" {', '.join(sorted(known))}. Correct the alias, or add the database."
        )


class UnknownTarget(CrossDBReferenceError, ImproperlyConfigured):  # noqa: N818 (reads as Django's)
    """A reference names a model that is not installed, or a key that it does not have."""

    @classmethod
    def named_by(cls, field: str, target: str) -> Self:
        """Build the error for the model ``target``, which the reference ``field`` names."""
        return cls(
            f"The reference {field} points at {target!r}, which is not an installed model. Add"
            f" its app to INSTALLED_APPS, or correct the name."
        )


def error_class(model: type[Model], path: str, bases: tuple[type[Exception], ...]) -> Any:
    """Return a class that an accessor of ``model`` raises, and offers under ``path`` to pickle."""
    return type(
        path.rpartition(".")[2],
        bases,
        {"__module__": model.__module__, "__qualname__": f"{model.__qualname__}.{path}"},
    )
