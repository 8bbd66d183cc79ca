"""What the layers below the field may know of it, and of the models around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Field, Lookup, Model


class Reference(Protocol):
    """A reference, as its lookups and its two sides see it. None of this queries a database."""

    name: str
    attname: str
    null: bool
    model: type[Model]

    @property
    def label(self) -> str:
        """``app.Model.field``, for messages."""

    @property
    def multiple(self) -> bool:
        """Whether many sources may refer to one target."""

    @property
    def cache_attname(self) -> str:
        """The attribute of a source that holds the fetched target."""

    @property
    def mark_attname(self) -> str:
        """The attribute of a source that says how to understand the one above."""

    @property
    def accessor_name(self) -> str | None:
        """The attribute of a target that gives its sources; ``None`` if hidden."""

    @property
    def target_model(self) -> type[Model]:
        """The target; raises ``UnknownTarget`` as long as it is not installed."""

    @property
    def target_field(self) -> Field[Any, Any]:
        """The target's key."""

    @property
    def key_field(self) -> Field[Any, Any]:
        """A stock field of the key's type."""

    @property
    def within_one_home(self) -> bool:
        """Whether source and target live in the same database."""

    @property
    def using(self) -> str | None:
        """The declared alias of the target."""

    def hints(self, instance: Model | None) -> dict[str, Any]:
        """Return a router's hints about one side, for the other."""

    def stored_key(self, target: Model) -> Any:
        """Return the key of a target that a database has."""

    def wrong_model(self, value: Model) -> Exception:
        """Return the error for an instance of another model."""

    def unusable(self, target: Model) -> Exception:
        """Return the error for a target that nothing can refer to yet."""

    def target_database(self, instance: Model | None = None) -> str:
        """Return the alias to fetch targets from."""

    def to_python(self, value: Any) -> Any:
        """Return the key; look up a natural one."""

    def key_of(self, value: Any) -> Any:
        """Return the key of an instance; leave a key as it is."""

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Return the lookup of this name."""

    def get_transform(self, lookup_name: str) -> Callable[..., Any] | None:
        """Return the transform of this name."""

    def get_path(self, *names: str) -> Callable[..., Any]:
        """Return the path into the target that these names are."""


def concrete(model: type[Model]) -> type[Model]:
    """Return the model that has the table: itself, or what a proxy stands for."""
    return cast("type[Model]", model._meta.concrete_model)
