"""Databases that are down, and aliases that do not exist."""

from __future__ import annotations

import pytest
from django.db import OperationalError, close_old_connections, connections, models
from django.db.models import Prefetch, prefetch_related_objects
from django.test.utils import CaptureQueriesContext
from django.utils.connection import ConnectionDoesNotExist

from crossdb_reference.exceptions import UnknownDatabase
from crossdb_reference.keysets import CHUNK_SIZE
from tests.library.models import Article, Event
from tests.people.models import Person, Skill, Team
from tests.queries import queries

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

REFERENCE = Article._meta.get_field("author")
NOTE = "While following the reference library.Article.author to the database 'far'."
UNKNOWN = (
    "The reference library.Article.author names the database 'nowhere', but settings.DATABASES has"
    " only archive, default, geo, people. Correct the alias, or add the database."
)


class TestTargetDatabaseIsDown:
    """A server that is stopped under the process, and comes back."""

    @pytest.fixture
    def server(self, postgres_server, extra_alias, monkeypatch):
        """Let the target of ``Article.author`` live on a server of its own, as ``far``."""
        postgres_server.create_database("far")
        with extra_alias("far", postgres_server.settings("far")) as connection:
            with connection.schema_editor() as editor:
                for model in (Team, Skill, Person):
                    editor.create_model(model)
            monkeypatch.setattr(REFERENCE, "using", "far")
            yield postgres_server

    @pytest.fixture
    def article(self, server):  # noqa: ARG002 (the table must be there first)
        """An article whose author is on the server."""
        ann = Person.objects.using("far").create(name="Ann", email="ann@example.org")
        return Article.objects.get(pk=Article.objects.create(title="a", author=ann).pk)

    def test_the_source_stays_usable(self, server, article):
        """It is read, changed, saved and queried by key."""
        key = article.author_id
        server.stop()
        article.title = "b"
        article.save()
        read = Article.objects.get(title="b", author=key)
        assert read.author_id == key
        assert [a.pk for a in Article.objects.filter(author__isnull=False)] == [article.pk]
        assert Article.objects.values_list("author", flat=True).get() == key
        Article.objects.create(title="c", author_id=key)

    def test_following_the_reference_names_it_and_the_alias(self, server, article):
        """The backend's ``OperationalError``, with a note; each time again."""
        server.stop()
        for _ in range(2):
            with pytest.raises(OperationalError) as caught:
                _ = article.author
            assert caught.value.__notes__ == [NOTE]
        assert not REFERENCE.is_cached(article)

    @pytest.mark.skipif(
        not hasattr(models, "FETCH_PEERS"), reason="Django has fetch modes from 6.1 on"
    )
    def test_following_the_reference_of_peers_names_it_too(self, server, article):
        """One note, for all of them."""
        Article.objects.create(title="b", author_id=article.author_id)
        peers = list(Article.objects.fetch_mode(models.FETCH_PEERS))
        server.stop()
        with pytest.raises(OperationalError) as caught:
            _ = peers[0].author
        assert caught.value.__notes__ == [NOTE]
        assert not any(map(REFERENCE.is_cached, peers))

    def test_prefetching_names_it_and_assigns_nothing(self, server, article):
        """The queryset has no half result; without the prefetch it works."""
        server.stop()
        found = Article.objects.prefetch_related("author")
        with pytest.raises(OperationalError) as caught:
            list(found)
        assert caught.value.__notes__ == [NOTE]
        sources = list(Article.objects.all())
        with pytest.raises(OperationalError):
            prefetch_related_objects(sources, "author", "shelf")
        assert not any(map(REFERENCE.is_cached, sources))
        assert [source.author_id for source in sources] == [article.author_id]

    def test_a_prefetch_that_fails_in_its_second_chunk_assigns_nothing(self, server, article):
        """What the first chunk found is not half a result."""
        sources = [article, *(Article(author_id=-n) for n in range(1, CHUNK_SIZE + 1))]
        sent = []

        def stop_before_the_second(execute, sql, params, many, context):
            sent.append(sql)
            if len(sent) == 2:
                server.stop("immediate")
            return execute(sql, params, many, context)

        with (
            connections["far"].execute_wrapper(stop_before_the_second),
            pytest.raises(OperationalError) as caught,
        ):
            prefetch_related_objects(sources, "author")
        assert len(sent) == 2
        assert caught.value.__notes__ == [NOTE]
        assert not any(map(REFERENCE.is_cached, sources))

    @pytest.mark.usefixtures("article")
    def test_the_first_levels_of_a_nested_prefetch_stay(self, server):
        """The local ones before it are assigned, as Django does."""
        server.stop()
        (source,) = Article.objects.all()
        with pytest.raises(OperationalError):
            prefetch_related_objects([source], "comments", "author__team")
        # Not queries(): it would connect to the server.
        with CaptureQueriesContext(connections["default"]) as sent:
            assert list(source.comments.all()) == []
        assert len(sent) == 0
        assert not REFERENCE.is_cached(source)

    def test_validation_names_it(self, server, article):
        """It cannot say whether the target exists."""
        server.stop()
        with pytest.raises(OperationalError) as caught:
            article.full_clean(exclude=["editor", "shelf"])
        assert caught.value.__notes__ == [NOTE]

    def test_a_queryset_of_targets_names_it(self, server, article):
        """``author__in=`` asks the other database when it runs, not before."""
        inner = Person.objects.using("far").filter(name="Ann")
        found = Article.objects.filter(author__in=inner)
        assert list(found.all()) == [article]
        server.stop()
        with pytest.raises(OperationalError) as caught:
            list(found.all())
        assert caught.value.__notes__ == [NOTE]

    def test_what_was_fetched_before_stays(self, server, article):
        """A cached target needs no database."""
        assert article.author.name == "Ann"
        server.stop()
        assert article.author.name == "Ann"
        prefetch_related_objects([article], "author")
        assert article.author.email == "ann@example.org"

    @pytest.mark.parametrize("mode", ["fast", "immediate"])
    def test_when_it_is_back_the_same_process_works_on(self, server, article, mode):
        """Nothing but what Django does between two requests."""
        assert Article.objects.get().author.name == "Ann"
        with connections["far"].cursor() as cursor:
            cursor.execute("CHECKPOINT")  # The server is not durable: a crash would lose the table.
        server.stop(mode)
        with pytest.raises(OperationalError):
            _ = article.author
        with pytest.raises(OperationalError):
            list(Article.objects.prefetch_related("author"))
        server.start()
        close_old_connections()
        assert article.author.name == "Ann"
        assert Article.objects.prefetch_related("author").get().author.name == "Ann"
        article.full_clean(exclude=["editor", "shelf"])

    def test_a_restart_between_two_requests_is_not_noticed(self, server, article):
        """A connection that an error marked is made anew."""
        assert Article.objects.get().author.name == "Ann"
        server.restart()
        with pytest.raises(OperationalError):
            _ = article.author
        close_old_connections()
        assert article.author.name == "Ann"


class TestSourceDatabaseIsDown:
    """The other way round: the target stays usable, its sources do not."""

    @pytest.fixture
    def server(self, postgres_server, extra_alias):
        """A server for events, as ``far``."""
        postgres_server.create_database("far")
        with extra_alias("far", postgres_server.settings("far")) as connection:
            with connection.schema_editor() as editor:
                editor.create_model(Event)
            yield postgres_server

    def test_prefetching_names_the_reference_and_the_alias(self, server):
        """And the target keeps what it has; afterwards it works again."""
        ann = Person.objects.create(name="Ann", email="ann@example.org")
        far = Event.objects.using("far")
        made = far.create(name="x", actor=ann)
        server.stop()
        with pytest.raises(OperationalError) as caught:
            prefetch_related_objects([ann], Prefetch("events", queryset=far.all()))
        assert caught.value.__notes__ == [
            "While following the reference library.Event.actor to the database 'far'."
        ]
        assert list(ann.events.all()) == []
        server.start()
        close_old_connections()
        prefetch_related_objects([ann], Prefetch("events", queryset=far.all()))
        assert list(ann.events.all()) == [made]


class TestUnknownAlias:
    """A reference whose ``using`` names no database."""

    @pytest.fixture
    def article(self, monkeypatch):
        """An article that was written before the alias was mistyped."""
        ann = Person.objects.create(name="Ann", email="ann@example.org")
        article = Article.objects.get(pk=Article.objects.create(title="a", author=ann).pk)
        monkeypatch.setattr(REFERENCE, "using", "nowhere")
        return article

    @pytest.mark.parametrize(
        "use",
        [
            lambda article: article.author,
            lambda article: prefetch_related_objects([article], "author"),
            lambda _: list(Article.objects.prefetch_related("author")),
            lambda article: article.full_clean(),
            lambda _: list(Article.objects.filter(author__in=Person.objects.all())),
        ],
        ids=["attribute", "prefetch_objects", "prefetch_related", "full_clean", "inner_queryset"],
    )
    def test_the_error_names_the_reference_the_alias_and_those_that_exist(self, article, use):
        """Django's ``ConnectionDoesNotExist``, with words."""
        with queries() as sent, pytest.raises(UnknownDatabase) as caught:
            use(article)
        assert isinstance(caught.value, ConnectionDoesNotExist)
        assert str(caught.value) == UNKNOWN
        assert "people" not in sent

    def test_the_source_stays_usable(self, article):
        """The key is there, and the row can be written."""
        key = article.author_id
        article.title = "b"
        article.save()
        assert Article.objects.get(author=key).title == "b"

    @pytest.mark.usefixtures("article")
    def test_a_queryset_with_a_database_of_its_own_still_works(self):
        """The mistyped alias is not asked about."""
        some = Prefetch("author", queryset=Person.objects.using("people"))
        assert Article.objects.prefetch_related(some).get().author.name == "Ann"
