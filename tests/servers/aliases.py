"""A further Django alias for the length of a test, as for a server that the test stops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

EnsureConnection = Callable[[BaseDatabaseWrapper], None]


@contextmanager
def extra_alias(
    connect: EnsureConnection, alias: str, entry: dict[str, Any]
) -> Iterator[BaseDatabaseWrapper]:
    """Let ``connections[alias]`` and ``settings.DATABASES[alias]`` exist inside the block.

    *entry* is what ``DATABASES`` would have, with the ``NAME`` of a database that exists; nothing
    is created, migrated, rolled back or flushed. Gives the connection of this thread; a thread
    that opens one of its own has to close it. *connect* is ``BaseDatabaseWrapper``'s own
    ``ensure_connection``.
    """
    if alias in connections.settings:
        message = f"The alias {alias!r} exists already."
        raise ValueError(message)
    guarded = BaseDatabaseWrapper.ensure_connection

    def ensure_connection(connection: BaseDatabaseWrapper) -> None:
        # Django lets a test open only the connections that it declared before it began.
        (connect if connection.alias == alias else guarded)(connection)

    connections.settings[alias] = entry
    # Fills in the defaults that Django gives every entry.
    connections.configure_settings(connections.settings)
    try:
        with mock.patch.object(BaseDatabaseWrapper, "ensure_connection", ensure_connection):
            yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]
