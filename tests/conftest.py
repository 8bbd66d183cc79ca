"""The test session: its databases' servers, named in the header and stopped in the end.

They are started by ``tests.settings``, which pytest-django imports before this file.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker

from tests.people.models import Person
from tests.servers import aliases, session
from tests.servers.postgres import PostgresServer


def pytest_configure(config: pytest.Config) -> None:
    """End on SIGTERM as on Ctrl-C: tear down, and keep what was measured."""
    if not _is_worker(config):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the pair of vendors under test, and the versions of their servers."""
    return [] if _is_worker(config) else session.describe()


def pytest_unconfigure() -> None:
    """Stop the servers that this process started; the workers started none."""
    session.stop()


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """Give the test a running PostgreSQL server of its own, to stop and restart at will."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def extra_alias(
    django_db_blocker: DjangoDbBlocker,
) -> Callable[[str, dict[str, Any]], AbstractContextManager[BaseDatabaseWrapper]]:
    """Let a test open an alias for a ``with`` block; see ``tests.servers.aliases``."""
    with django_db_blocker.unblock():
        connect = BaseDatabaseWrapper.ensure_connection
    return partial(aliases.extra_alias, connect)


@pytest.fixture
def ann() -> Person:
    """Give a target."""
    return Person.objects.create(name="Ann", email="ann@example.org")


@pytest.fixture
def bob() -> Person:
    """Give another target."""
    return Person.objects.create(name="Bob", email="bob@example.org")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
