"""Tables in a database that is not the home of their models, as of a copy or a legacy database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model
    from pytest_django import DjangoDbBlocker


@contextmanager
def tables(blocker: DjangoDbBlocker, alias: str, *models: type[Model]) -> Iterator[None]:
    """Let the tables of ``models`` exist on ``alias`` too, in the order of their foreign keys.

    For fixtures of a module or a session: the tables are created outside of any transaction.
    """
    with blocker.unblock(), connections[alias].schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    try:
        yield
    finally:
        with blocker.unblock(), connections[alias].schema_editor() as editor:
            for model in reversed(models):
                editor.delete_model(model)
