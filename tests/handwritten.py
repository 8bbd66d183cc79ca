"""Routers as people write them by hand: the four common patterns, with their usual gaps.

``tests.test_handwritten_routers`` sets them beside ``CrossDBRouter`` and replaces them by it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from django.db.models import Model


class PrimaryReplicaRouter:
    """Every read goes to the replica, every write to ``default``."""

    primary = "default"
    replica = "people"

    def db_for_read(self, model: type[Model], **hints: Any) -> str:  # noqa: ARG002
        """Return the replica."""
        return self.replica

    def db_for_write(self, model: type[Model], **hints: Any) -> str:  # noqa: ARG002
        """Return the primary."""
        return self.primary

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:  # noqa: ARG002
        """Allow relations between objects of the two, and no others."""
        pool = {self.primary, self.replica}
        return obj1._state.db in pool and obj2._state.db in pool

    def allow_migrate(
        self,
        db: str,
        app_label: str,  # noqa: ARG002
        model_name: str | None = None,  # noqa: ARG002
        **hints: Any,  # noqa: ARG002
    ) -> bool:
        """Migrate the primary; the replica follows it."""
        return db == self.primary


class RandomReplicaRouter(PrimaryReplicaRouter):
    """Each read goes to any of the replicas, every write to ``default``."""

    replicas: ClassVar[list[str]] = ["people", "geo"]

    def db_for_read(self, model: type[Model], **hints: Any) -> str:  # noqa: ARG002
        """Draw a replica."""
        return random.choice(self.replicas)

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:  # noqa: ARG002
        """Allow relations between objects of the primary and of any replica."""
        pool = {self.primary, *self.replicas}
        return obj1._state.db in pool and obj2._state.db in pool


class AppRouter:
    """One app has a database."""

    app_label = "auth"
    database = "people"

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:  # noqa: ARG002
        """Send the app's models to its database."""
        return self.database if model._meta.app_label == self.app_label else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:  # noqa: ARG002
        """Send the app's models to its database."""
        return self.database if model._meta.app_label == self.app_label else None

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool | None:  # noqa: ARG002
        """Allow relations within the app, and none out of it."""
        labels = [obj1._meta.app_label, obj2._meta.app_label]
        return labels[0] == labels[1] if self.app_label in labels else None

    def allow_migrate(
        self,
        db: str,
        app_label: str,
        model_name: str | None = None,  # noqa: ARG002
        **hints: Any,  # noqa: ARG002
    ) -> bool | None:
        """Migrate the app on its database only."""
        return db == self.database if app_label == self.app_label else None


class StrictAppRouter(AppRouter):
    """One app has a database to itself."""

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Keep other apps away from the database."""
        allowed = super().allow_migrate(db, app_label, model_name, **hints)
        return False if allowed is None and db == self.database else allowed


class PeopleRouter(AppRouter):
    """The app of the tests' targets has a database."""

    app_label = "people"


class ModelRouter:
    """One model has a database. Everyone forgets ``allow_relation``."""

    model_name = "person"
    database = "people"

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:  # noqa: ARG002
        """Send the model to its database."""
        return self.database if model._meta.model_name == self.model_name else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:  # noqa: ARG002
        """Send the model to its database."""
        return self.database if model._meta.model_name == self.model_name else None

    def allow_migrate(
        self,
        db: str,
        app_label: str,  # noqa: ARG002
        model_name: str | None = None,
        **hints: Any,  # noqa: ARG002
    ) -> bool | None:
        """Migrate the model on its database only."""
        return db == self.database if model_name == self.model_name else None
