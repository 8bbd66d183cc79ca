"""``new_project``: temporary projects on databases of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.migrations.project import Project

NewProject = Callable[..., Project]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses ``new_project``."""
    for item in items:
        if "new_project" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.project)


@pytest.fixture
def new_project(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[NewProject]:
    """Make a project; see ``Project`` for the arguments. Its databases end with the test."""
    projects: list[Project] = []

    def new(*aliases: str, **settings: object) -> Project:
        projects.append(Project(tmp_path, *aliases, **settings))
        return projects[-1]

    # Of the session's databases only the servers are used, never their data.
    with django_db_blocker.unblock():
        yield new
        for project in projects:
            project.close()
