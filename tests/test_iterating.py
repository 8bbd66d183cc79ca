"""``iter_with_references``: rows are streamed, and their references come with them."""

from __future__ import annotations

import itertools
from weakref import WeakSet

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connections, models, transaction
from django.db.models import Prefetch
from django.db.models.signals import post_init
from psycopg.pq import TransactionStatus

from crossdb_reference import aiter_with_references, iter_with_references, prefetch
from tests.library.models import Article, Comment, Event, Shelf
from tests.people.models import Person, Profile, Skill, Team
from tests.queries import queries
from tests.tables import tables

pytestmark = pytest.mark.django_db(databases="__all__")

COUNT = 7


def per_alias(sent):
    return {alias: len(sqls) for alias, sqls in sent.items()}


@pytest.fixture
def people():
    """People of a team, with an article and a profile each."""
    team = Team.objects.create(name="team")
    shelf = Shelf.objects.create(name="shelf")
    for n in range(COUNT):
        person = Person.objects.create(name=f"n{n}", email=f"e{n}", team=team)
        Article.objects.create(title=f"t{n}", author=person, shelf=shelf)
        Profile.objects.create(person=person, bio=f"b{n}")
    return list(Person.objects.order_by("pk"))


class TestIterating:
    """What is yielded, by which queries."""

    @pytest.mark.parametrize("chunk_size", [1, 3, COUNT, 2000])
    def test_every_object_comes_with_its_references(self, people, chunk_size):
        """In the order of the queryset; one query per chunk and level."""
        articles = iter_with_references(
            Article.objects.order_by("title"), "author__team", chunk_size=chunk_size
        )
        with queries() as sent:
            found = [(a.title, a.author, a.author.team.name) for a in articles]
        assert found == [(f"t{n}", person, "team") for n, person in enumerate(people)]
        chunks = -(-COUNT // chunk_size)
        assert per_alias(sent) == {"default": 1, "people": 2 * chunks}

    @pytest.mark.usefixtures("people")
    def test_the_source_and_the_target_in_one_database(self):
        """One is asked after the other."""
        profiles = iter_with_references(Profile.objects.order_by("pk"), "person", chunk_size=2)
        assert [(p.bio, p.person.name) for p in profiles] == [
            (f"b{n}", f"n{n}") for n in range(COUNT)
        ]

    @pytest.mark.usefixtures("people")
    def test_prefetches_of_the_queryset_itself(self):
        """Django does them, chunk by chunk."""
        queryset = Article.objects.prefetch_related("shelf")
        with queries() as sent:
            for article in iter_with_references(queryset, "author", chunk_size=4):
                assert (article.shelf.name, article.author.team_id is None) == ("shelf", False)
        assert per_alias(sent) == {"default": 3, "people": 2}

    @pytest.mark.usefixtures("people")
    def test_references_of_references(self):
        """Each level of a chunk is asked for before it is yielded."""
        article = Article.objects.first()
        first = Comment.objects.create(article=article, author_id=article.author_id)
        for _ in range(3):
            Comment.objects.create(article=article, author_id=-1, reply_to=first)
        comments = Comment.objects.order_by("pk")
        with queries() as sent:
            found = list(iter_with_references(comments, "reply_to__author", chunk_size=2))
            assert [c.reply_to and c.reply_to.author.name for c in found] == [None] + ["n0"] * 3
        assert per_alias(sent) == {"default": 3, "people": 2}

    def test_no_rows(self):
        """Nothing is yielded, and no target asked for."""
        with queries() as sent:
            assert list(iter_with_references(Event.objects.all(), "actor")) == []
        assert per_alias(sent) == {"archive": 1}

    @pytest.mark.parametrize("chunk_size", [0, -1])
    def test_a_chunk_has_a_row_at_least(self, chunk_size):
        """Django's ``ValueError``."""
        with pytest.raises(ValueError, match="Chunk size must be strictly positive"):
            next(iter_with_references(Event.objects.all(), "actor", chunk_size=chunk_size))

    @pytest.mark.usefixtures("people")
    def test_a_chunk_that_was_given_away_is_forgotten(self):
        """Before the next one is resolved: two are in memory, where one is read ahead."""
        alive, counts = WeakSet(), []

        class Counted(models.QuerySet):
            def iterator(self, chunk_size):
                for article in super().iterator(chunk_size):
                    alive.add(article)
                    counts.append(len(alive))
                    yield article

        for _ in iter_with_references(Counted(Article), "author", chunk_size=2):
            pass
        assert max(counts) == 5  # One is still in the variable of the loop.

    @pytest.mark.usefixtures("people")
    def test_only_two_chunks_are_in_memory(self):
        """The next is read before the first one is given away, and no more."""
        made = []

        def count(instance, **_):
            made.append(instance)

        post_init.connect(count, sender=Article)
        try:
            found = iter_with_references(Article.objects.all(), "author", chunk_size=2)
            assert made == []
            next(found)
            assert len(made) == 4
            next(found)
            next(found)
            assert len(made) == 6
        finally:
            post_init.disconnect(count, sender=Article)

    def test_asynchronously(self, people):
        """Also if the loop is left early."""

        async def act():
            queryset = Article.objects.order_by("title")
            everything = [
                (article.title, article.author)
                async for article in aiter_with_references(queryset, "author", chunk_size=3)
            ]
            found = aiter_with_references(queryset, "author", chunk_size=3)
            first = await anext(found)
            await found.aclose()
            return everything, first.author

        everything, first = async_to_sync(act)()
        assert everything == [(f"t{n}", person) for n, person in enumerate(people)]
        assert first == people[0]


@pytest.fixture(scope="module")
def _people_on_default(django_db_setup, django_db_blocker):  # noqa: ARG001 (the databases are there)
    with tables(django_db_blocker, "default", Team, Skill, Person):
        yield


@pytest.mark.usefixtures("people", "_people_on_default")
def test_the_connection_that_is_read_from_has_no_other_query_on_its_way(monkeypatch):
    """Nor when the first references are of a deeper level."""
    monkeypatch.setattr(Article._meta.get_field("editor"), "using", "default")
    editor = Person.objects.using("default").create(pk=-1, name="editor", email="editor")
    for article in Article.objects.order_by("pk"):
        article.editor = editor
        article.save()
        Comment.objects.create(article=article, author_id=article.author_id)
    comments = iter_with_references(
        Comment.objects.order_by("pk"), "article__author", "article__editor", chunk_size=2
    )
    found = [(c.article.author.name, c.article.editor.name) for c in comments]
    assert found == [(f"n{n}", "editor") for n in range(COUNT)]


@pytest.mark.django_db(databases="__all__", transaction=True)
class TestWhileATargetIsAsked:
    """On PostgreSQL the next chunk is read while the target's database works."""

    @pytest.fixture
    def far(self, postgres_server, extra_alias, monkeypatch):
        """Let authors live on a server of their own."""
        postgres_server.create_database("far")
        with extra_alias("far", postgres_server.settings("far")) as connection:
            with connection.schema_editor() as editor:
                for model in (Team, Skill, Person):
                    editor.create_model(model)
            monkeypatch.setattr(Article._meta.get_field("author"), "using", "far")
            for n in range(COUNT):
                person = Person.objects.using("far").create(name=f"n{n}", email=f"e{n}")
                Article.objects.create(title=f"t{n}", author=person)
            yield connection

    @staticmethod
    def read():
        articles = iter_with_references(Article.objects.order_by("pk"), "author", chunk_size=3)
        return [(article.title, article.author.name) for article in articles]

    EXPECTED = [(f"t{n}", f"n{n}") for n in range(COUNT)]

    @pytest.fixture
    def states(self, far, monkeypatch):
        """What the target's connection does each time that a chunk is about to be read."""
        states = []

        def islice(rows, count):
            if count == 3:
                states.append(far.connection.info.transaction_status)
            return itertools.islice(rows, count)

        monkeypatch.setattr(prefetch, "islice", islice)
        return states

    def test_the_next_chunk_is_read_meanwhile(self, states):
        """The target's connection is busy then."""
        assert self.read() == self.EXPECTED
        active = TransactionStatus.ACTIVE
        assert states == [TransactionStatus.IDLE, active, active, active]

    def test_an_error_while_reading_leaves_the_connection_free(self, far, states, monkeypatch):
        """The answer is received and forgotten."""

        def fail(rows, count):
            if count == 1:
                return itertools.islice(rows, count)
            states.append(far.connection.info.transaction_status)
            message = "no more"
            raise RuntimeError(message)

        articles = iter_with_references(Article.objects.order_by("pk"), "author", chunk_size=3)
        for _ in range(3):
            next(articles)
        with monkeypatch.context() as patch:
            patch.setattr(prefetch, "islice", fail)
            with pytest.raises(RuntimeError, match="no more"):
                next(articles)
        assert states[-1] == TransactionStatus.ACTIVE
        assert far.connection.info.transaction_status == TransactionStatus.IDLE
        assert self.read() == self.EXPECTED

    def test_code_of_the_users_has_the_connections_to_itself(self, far):
        """While rows are read: a receiver of a signal may send queries, in transactions too."""
        names = []

        def ask(**_):
            with transaction.atomic("far"):
                names.append(Person.objects.using("far").order_by("pk").first().name)

        post_init.connect(ask, sender=Article)
        try:
            assert self.read() == self.EXPECTED
        finally:
            post_init.disconnect(ask, sender=Article)
        assert names == ["n0"] * COUNT
        assert far.connection.info.transaction_status == TransactionStatus.IDLE

    def test_also_if_it_comes_later(self, far):
        """After the first chunk."""
        seen = []

        def ask(**_):
            with transaction.atomic("far"):
                seen.append(Person.objects.using("far").count())

        articles = iter_with_references(Article.objects.order_by("pk"), "author", chunk_size=3)
        next(articles)
        post_init.connect(ask, sender=Article)
        try:
            assert len([*articles]) == COUNT - 1
        finally:
            post_init.disconnect(ask, sender=Article)
        assert seen == [COUNT]  # The second chunk was there before.
        assert far.connection.info.transaction_status == TransactionStatus.IDLE

    def test_so_has_the_querysets_own_way_to_stream(self, far):
        """A class of the user's may do anything between two rows."""

        class Counting(models.QuerySet):
            def iterator(self, chunk_size):
                for article in super().iterator(chunk_size):
                    article.people = Person.objects.using("far").count()
                    yield article

        queryset = Counting(Article).order_by("pk")
        found = [a.people for a in iter_with_references(queryset, "author", chunk_size=3)]
        assert found == [COUNT] * COUNT
        assert far.connection.info.transaction_status == TransactionStatus.IDLE

    def test_so_have_the_querysets_own_prefetches(self, far):
        """Django sends them chunk by chunk, as the rows are read."""
        queryset = Article.objects.order_by("pk").prefetch_related("author")
        found = [a.author.name for a in iter_with_references(queryset, "author__team")]
        assert found == [f"n{n}" for n in range(COUNT)]
        assert far.connection.info.transaction_status == TransactionStatus.IDLE

    def test_a_database_that_goes_away_is_named(self, far, postgres_server):
        """The chunks before it have been yielded."""
        articles = iter_with_references(Article.objects.order_by("pk"), "author", chunk_size=3)
        assert [next(articles).author.name for _ in range(3)] == ["n0", "n1", "n2"]
        postgres_server.stop()
        with pytest.raises(OperationalError) as caught:
            next(articles)
        assert caught.value.__notes__ == [
            "While following the reference library.Article.author to the database 'far'."
        ]
        assert far

    def test_rows_of_another_mode_and_kind(self, far):
        """Nothing else changes: annotated rows, and a second level."""
        queryset = Article.objects.annotate(n=models.Value(1)).order_by("pk")
        found = [(a.n, a.author.team) for a in iter_with_references(queryset, "author__team")]
        assert found == [(1, None)] * COUNT
        assert connections["far"] is far

    def test_several_references_of_the_same_database(self, states, monkeypatch):
        """The first query runs beside the reading, the others after one another."""
        monkeypatch.setattr(Article._meta.get_field("editor"), "using", "far")
        two = Person.objects.using("far").get(name="n1")
        Article.objects.exclude(author=two).update(editor=two.pk)
        authors = Person.objects.using("far").filter(name__startswith="n")
        articles = iter_with_references(
            Article.objects.order_by("pk"), Prefetch("author", authors), "editor", chunk_size=3
        )
        found = [(a.author.name, a.editor and a.editor.name) for a in articles]
        assert found == [(f"n{n}", None if n == 1 else "n1") for n in range(COUNT)]
        assert TransactionStatus.ACTIVE in states
