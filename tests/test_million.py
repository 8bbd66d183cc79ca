"""A million distinct keys in one prefetch."""

from __future__ import annotations

import time

import pytest
from django.db import connections
from django.db.models import prefetch_related_objects

from crossdb_reference.keysets import CHUNK_SIZE
from tests.library.models import Article
from tests.people.models import Person

pytestmark = pytest.mark.django_db(databases="__all__")

MILLION = 1_000_000
INSERT = "INSERT INTO people_person (id, name, email, age) "
ROWS = {
    "postgresql": "SELECT n, 'name', 'e' || n, n %% 90 FROM generate_series(1, %s) AS numbers (n)",
    "sqlite": (
        "WITH RECURSIVE numbers (n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
        " SELECT n, 'name', 'e' || n, n %% 90 FROM numbers"
    ),
    # The sequence engine is part of MariaDB.
    "mysql": (
        "SELECT seq, 'name', CONCAT('e', seq), seq %% 90 FROM seq_1_to_1000000 WHERE seq <= %s"
    ),
}


@pytest.mark.million
def test_a_million_distinct_keys_are_prefetched_at_once(request, record_property, capsys):
    """Each of a million sources gets its own target; the time is reported."""
    connection = connections["people"]
    with connection.cursor() as cursor:
        cursor.execute(INSERT + ROWS[connection.vendor], [MILLION])
    # In an order that is not the table's.
    step = 514_229
    sources = [Article(author_id=n * step % MILLION + 1) for n in range(MILLION)]
    sent = []

    def count(execute, sql, params, many, context):
        sent.append(sql)
        return execute(sql, params, many, context)

    # Not queries(): that keeps the text of each.
    with connection.execute_wrapper(count):
        started = time.perf_counter()
        prefetch_related_objects(sources, "author")
        seconds = time.perf_counter() - started
        found = [(source.author.pk, source.author.email) for source in sources]
    assert len(sent) == MILLION // CHUNK_SIZE
    assert found == [(source.author_id, f"e{source.author_id}") for source in sources]
    assert len(set(found)) == Person.objects.count() == MILLION
    record_property("seconds", seconds)
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # A worker of pytest-xdist has none.
        with capsys.disabled():
            reporter.write_line(f"\n1,000,000 keys on {connection.vendor}: {seconds:.1f} s")
