"""Several PostgreSQL databases at once: all are asked before the first answer is awaited."""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import ExitStack

import psycopg
import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import (
    DatabaseError,
    InternalError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connections,
    models,
    transaction,
)
from django.db.backends.signals import connection_created
from django.db.models import Prefetch
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext, isolate_apps
from psycopg.pq import TransactionStatus

from crossdb_reference import prefetch_references
from crossdb_reference.keysets import CHUNK_SIZE
from crossdb_reference.levels import Group
from crossdb_reference.psycopg3 import send_only
from tests.library.models import Article
from tests.people.models import Person, Skill, Team
from tests.queries import queries
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

SLEEP = 0.6  # seconds
SLEEPER = f"pg_sleep({SLEEP}) IS NOT NULL"


class OwnCursor(psycopg.ClientCursor):
    """A cursor that a user's OPTIONS name."""

    def execute(self, query, params=None, **options):
        self.connection.asked = True
        return super().execute(query, params, **options)


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as server:
        for name in ("north", "south"):
            server.create_database(name)
        yield server


@pytest.fixture
def open_aliases(server, extra_alias):
    """Open ``north`` and ``south``, with tables of people."""
    with ExitStack() as stack:

        def open_aliases(**options):
            for alias in ("north", "south"):
                entry = server.settings(alias) | {"OPTIONS": options}
                connection = stack.enter_context(extra_alias(alias, entry))
                stack.callback(drop_tables, connection)
                with connection.schema_editor() as editor:
                    for model in (Team, Skill, Person):
                        editor.create_model(model)

        yield open_aliases


def drop_tables(connection):
    close_old_connections()
    with connection.schema_editor() as editor:
        for model in (Person, Skill, Team):
            editor.delete_model(model)


@pytest.fixture
def _aliases(open_aliases, monkeypatch):
    """Let authors live in the north and editors in the south."""
    open_aliases()
    monkeypatch.setattr(Article._meta.get_field("author"), "using", "north")
    monkeypatch.setattr(Article._meta.get_field("editor"), "using", "south")


def make_articles(count=1):
    for alias in ("north", "south"):
        Person.objects.using(alias).bulk_create(
            Person(pk=n, name=alias, email=f"{alias}{n}") for n in range(1, count + 1)
        )
    return [Article(author_id=n, editor_id=n) for n in range(1, count + 1)]


def names(articles):
    return {(article.author.name, article.editor.name) for article in articles}


def is_idle(alias):
    return connections[alias].connection.info.transaction_status == TransactionStatus.IDLE


@pytest.mark.usefixtures("_aliases")
class TestAtOnce:
    """Two databases that are asked together."""

    @pytest.mark.parametrize(("parallel", "least", "most"), [(None, 1, 1.8), (False, 2, 9)])
    def test_both_work_at_the_same_time(self, parallel, least, most):
        """In the time of one, unless ``parallel=False`` says otherwise."""
        articles = make_articles()
        sleeping = Person.objects.extra(where=[SLEEPER])  # noqa: S610 (to be slow)
        started = time.perf_counter()
        prefetch_references(
            articles,
            Prefetch("author", sleeping.using("north")),
            Prefetch("editor", sleeping.using("south")),
            parallel=parallel,
        )
        seconds = time.perf_counter() - started
        assert names(articles) == {("north", "south")}
        assert least * SLEEP <= seconds < most * SLEEP

    def test_many_keys_on_both(self):
        """Chunk by chunk, and each source gets its own."""
        articles = make_articles(CHUNK_SIZE + 1)
        prefetch_references(articles, "author", "editor")
        assert all(a.author.pk == a.editor.pk == a.author_id for a in articles)
        assert names(articles) == {("north", "south")}
        assert is_idle("north")
        assert is_idle("south")

    def test_the_next_chunk_is_on_its_way_while_objects_are_made(self, monkeypatch):
        """Of one database, too."""
        seen = []
        take = Group.take

        def watch(group, request):
            seen.append(not is_idle("north"))
            take(group, request)

        monkeypatch.setattr(Group, "take", watch)
        articles = make_articles(CHUNK_SIZE + 1)
        prefetch_references(articles, "author")
        assert seen == [True, False]
        assert all(article.author.pk == article.author_id for article in articles)

    @pytest.mark.parametrize("kind", ["field", "decoder", "array"])
    def test_code_of_the_users_has_the_connections_to_itself(self, kind):
        """While objects are made: nothing is on its way."""
        seen = []

        def ask():
            if len(seen) < 2:
                with transaction.atomic("north"):
                    seen.append(Team.objects.using("north").count())

        class Asking(models.CharField):
            def from_db_value(self, value, *_):
                ask()
                return value

        class Decoder(json.JSONDecoder):
            def decode(self, text):
                ask()
                return super().decode(f'"{text}"')

        field, sql_type = {
            "field": (Asking(), "varchar"),
            "decoder": (models.JSONField(decoder=Decoder), "varchar"),
            "array": (ArrayField(Asking()), "varchar[] USING ARRAY[name]"),
        }[kind]
        with isolate_apps("tests.people"):

            class Someone(models.Model):
                name = field

                class Meta:
                    app_label = "people"
                    db_table = "people_person"

        articles = make_articles(CHUNK_SIZE + 1)
        with connections["north"].cursor() as cursor:
            cursor.execute(f"ALTER TABLE people_person ALTER name TYPE {sql_type}")
        prefetch_references(articles, Prefetch("author", Someone.objects.using("north")), "editor")
        assert seen == [0, 0]
        assert all(article.author.pk == article.author_id for article in articles)

    @pytest.mark.parametrize("state", ["closed", "broken"])
    def test_code_of_the_users_may_ask_while_a_connection_is_made(self, state):
        """The other query is not on its way yet; nor when a health check finds it broken."""
        articles = make_articles()
        seen = []

        def ask_the_other(connection, **_):
            with transaction.atomic("north"):
                seen.append((connection.alias, Person.objects.using("north").count()))

        south = connections["south"]
        if state == "closed":
            south.close()
        else:
            south.health_check_enabled, south.health_check_done = True, False
            south.connection.close()
        connection_created.connect(ask_the_other)
        try:
            prefetch_references(articles, "author", "editor")
        finally:
            connection_created.disconnect(ask_the_other)
            south.health_check_enabled = False
        assert seen == [("south", 1)]
        assert names(articles) == {("north", "south")}

    def test_wrappers_of_queries_have_the_other_connections_to_themselves(self):
        """One that writes down what it sees in the other database, say."""
        articles = make_articles()

        def write_down(execute, *args):
            with transaction.atomic("north"):
                Team.objects.using("north").create(name="seen")
            return execute(*args)

        with connections["south"].execute_wrapper(write_down):
            prefetch_references(articles, "author", "editor")
        assert Team.objects.using("north").count() == 1
        assert names(articles) == {("north", "south")}

    def test_an_answer_is_received_once(self):
        """Asking for it again is an error as with any cursor of psycopg's."""
        with connections["north"].cursor() as cursor:
            send_only(cursor)
            cursor.execute("SELECT 1", ())
            assert cursor.fetchall() == [(1,)]
            with pytest.raises(InternalError, match="got no result"):
                cursor.fetchall()

    def test_uncommitted_rows_are_seen(self):
        """The connections are the caller's own."""
        with transaction.atomic("north"), transaction.atomic("south"):
            articles = make_articles()
            prefetch_references(articles, "author", "editor")
            assert names(articles) == {("north", "south")}

    def test_a_transaction_that_has_not_begun_begins(self):
        """And sees its own snapshot to the end."""
        articles = make_articles()
        with transaction.atomic("north"), transaction.atomic("south"):
            assert is_idle("north")
            prefetch_references(articles, "author", "editor")
            assert not is_idle("north")
            assert not is_idle("south")
        assert is_idle("north")
        assert names(articles) == {("north", "south")}

    def test_handlers_of_the_query_log_have_the_other_connections_to_themselves(self):
        """While the log of one is kept, all are asked one after the other."""
        articles = make_articles()

        class Asking(logging.Handler):
            def emit(self, record):
                if record.alias == "south":
                    with transaction.atomic("north"):
                        seen.append(Team.objects.using("north").count())

        seen, handler, logger = [], Asking(), logging.getLogger("django.db.backends")
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            with CaptureQueriesContext(connections["south"]):
                prefetch_references(articles, "author", "editor")
        finally:
            logger.setLevel(level)
            logger.removeHandler(handler)
        assert seen
        assert names(articles) == {("north", "south")}

    def test_the_query_log_has_every_query(self):
        """They are asked one after the other while it is kept."""
        articles = make_articles()
        with queries() as sent:
            prefetch_references(articles, "author", "editor")
        assert {alias: len(sql) for alias, sql in sent.items()} == {"north": 1, "south": 1}

    def test_wrappers_of_queries_see_every_query_to_its_end(self):
        """The same."""
        articles = make_articles()
        seen = []

        def watch(execute, *args):
            result = execute(*args)
            seen.append(args[-1]["cursor"].rowcount)
            return result

        with connections["north"].execute_wrapper(watch):
            prefetch_references(articles, "author", "editor")
        assert seen == [1]
        assert names(articles) == {("north", "south")}

    def test_two_aliases_with_one_connection_take_turns(self):
        """As a test mirror has it."""
        articles = make_articles()
        mirrored = connections["south"]
        connections["south"] = connections["north"]
        try:
            prefetch_references(articles, "author", "editor")
        finally:
            connections["south"] = mirrored
        assert names(articles) == {("north", "north")}

    def test_another_threads_connections_are_refused(self):
        """By Django's own check."""
        articles = make_articles()
        mine = {alias: connections[alias] for alias in ("north", "south")}
        caught = []

        def act():
            for alias, connection in mine.items():
                connections[alias] = connection
            try:
                prefetch_references(articles, "author", "editor")
            except DatabaseError as error:
                caught.append(str(error))

        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
        assert "can only be used in that same thread" in caught[0]
        assert is_idle("north")

    def test_a_broken_transaction_is_refused(self):
        """Before anything is sent."""
        articles = make_articles()
        with transaction.atomic("south"):
            connections["south"].needs_rollback = True
            with pytest.raises(TransactionManagementError):
                prefetch_references(articles, "author", "editor")
        assert is_idle("north")
        assert "_author_cache" not in vars(articles[0])

    def test_an_error_of_one_leaves_the_others_usable(self):
        """Their answers are received and forgotten; nothing is assigned."""
        articles = make_articles()
        wrong = Person.objects.extra(where=["nothing = 1"])
        for lookups in (
            [Prefetch("author", wrong.using("north")), "editor"],
            ["author", Prefetch("editor", wrong.using("south"))],
        ):
            with pytest.raises(ProgrammingError) as caught:
                prefetch_references(articles, *lookups)
            assert "While following the reference library.Article." in caught.value.__notes__[0]
            assert 'column "nothing" does not exist' in str(caught.value)
            assert is_idle("north")
            assert is_idle("south")
            assert "_author_cache" not in vars(articles[0])
            assert "_editor_cache" not in vars(articles[0])
        prefetch_references(articles, "author", "editor")
        assert names(articles) == {("north", "south")}

    def test_an_error_in_a_transaction_breaks_it_as_usual(self):
        """It can only be rolled back."""
        articles = make_articles()
        wrong = Prefetch("author", Person.objects.using("north").extra(where=["nothing = 1"]))
        with transaction.atomic("north"):
            with pytest.raises(ProgrammingError):
                prefetch_references(articles, wrong, "editor")
            with pytest.raises(DatabaseError, match="current transaction is aborted"):
                Person.objects.using("north").first()
            transaction.set_rollback(True, using="north")
        assert Person.objects.using("north").count() == 1

    @pytest.mark.parametrize("victim", ["north", "south"])
    def test_a_connection_that_is_lost(self, server, victim):
        """It is named, or collected; the rest is there, and later it works again."""
        articles = make_articles()
        Person.objects.using("north").first()
        Person.objects.using("south").first()
        connections[victim].ensure_connection()
        pid = connections[victim].connection.info.backend_pid
        with psycopg.connect(f"{server.url}/postgres", autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        (unfetched,) = prefetch_references(articles, "author", "editor", errors="collect")
        assert unfetched.alias == victim
        assert isinstance(unfetched.error, OperationalError)
        fetched = "editor" if victim == "north" else "author"
        with queries() as sent:
            assert getattr(articles[0], fetched).name != victim
        assert sent == {}
        with pytest.raises(OperationalError):
            prefetch_references(articles, "author", "editor")
        close_old_connections()
        assert prefetch_references(articles, "author", "editor") == []
        assert names(articles) == {("north", "south")}


class TestLeftAsTheyAre:
    """Connections whose queries are sent in the ordinary way."""

    @pytest.mark.parametrize(
        "options",
        [
            {"server_side_binding": True},
            {"cursor_factory": OwnCursor},
            {"isolation_level": psycopg.IsolationLevel.SERIALIZABLE},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_they_work(self, open_aliases, monkeypatch, options):
        """Parameters bound by the server, a cursor of the user's, a special transaction."""
        open_aliases(**options)
        monkeypatch.setattr(Article._meta.get_field("author"), "using", "north")
        monkeypatch.setattr(Article._meta.get_field("editor"), "using", "south")
        articles = make_articles()
        with transaction.atomic("north"):
            prefetch_references(articles, "author", "editor")
            if "isolation_level" in options:
                with connections["north"].cursor() as cursor:
                    cursor.execute("SHOW transaction_isolation")
                    assert cursor.fetchone() == ("serializable",)
        assert names(articles) == {("north", "south")}
        assert "cursor_factory" not in options or connections["north"].connection.asked
