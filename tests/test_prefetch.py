"""Django's own ``prefetch_related``, through references in both directions."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest
from asgiref.sync import async_to_sync
from django.db import Error, connections, models, transaction
from django.db.models import Prefetch, aprefetch_related_objects, prefetch_related_objects

from crossdb_reference import DanglingReference
from crossdb_reference.keysets import CHUNK_SIZE
from tests.library.models import (
    Account,
    Article,
    Car,
    Comment,
    Draft,
    Event,
    Everything,
    Review,
    Shelf,
    Truck,
)
from tests.people.models import (
    Adult,
    BadgeKey,
    Country,
    DateKey,
    DecimalKey,
    DefaultKey,
    Employee,
    Person,
    Profile,
    Skill,
    SmallKey,
    Team,
    TextKey,
    UUIDKey,
    VisitorKey,
)
from tests.queries import queries

pytestmark = pytest.mark.django_db(databases="__all__")

needs_fetch_modes = pytest.mark.skipif(
    not hasattr(models, "FETCH_PEERS"), reason="Django has fetch modes from 6.1 on"
)
NOBODY = -5


def per_alias(sent):
    return {alias: len(sqls) for alias, sqls in sent.items()}


@pytest.fixture
def team():
    return Team.objects.create(name="team")


@pytest.fixture
def people(team):
    """Two people with a team and a skill each."""
    found = []
    for name in ("Ann", "Ben"):
        person = Person.objects.create(name=name, email=f"{name}@example.org", team=team)
        person.skills.add(Skill.objects.create(name=f"{name}'s"))
        found.append(person)
    return found


@pytest.fixture
def articles(people):
    """Four articles: two of each person, edited by the other, on a shelf."""
    ann, ben = people
    shelf = Shelf.objects.create(name="shelf")
    made = []
    for title, author, editor in [
        ("a", ann, ben),
        ("b", ben, ann),
        ("c", ann, ben),
        ("d", ben, ann),
    ]:
        made.append(Article.objects.create(title=title, author=author, editor=editor, shelf=shelf))
    return made


@pytest.fixture
def events(people):
    """Three events of the first person, and one of nobody."""
    made = [Event.objects.create(name=f"e{n}", actor=people[0]) for n in range(3)]
    return [*made, Event.objects.create(name="nobody's")]


class TestForward:
    """``Article.objects.prefetch_related("author")``."""

    @pytest.mark.usefixtures("articles")
    def test_one_query_for_each_database(self, people):
        """Then every target is there."""
        with queries() as sent:
            found = list(Article.objects.prefetch_related("author").order_by("pk"))
            assert [article.author for article in found] == [*people, *people]
        assert per_alias(sent) == {"default": 1, "people": 1}

    @pytest.mark.usefixtures("articles")
    def test_sources_of_one_target_share_one_object(self):
        """As with a foreign key."""
        for relation in ("author", "shelf"):
            first, _, third, _ = Article.objects.prefetch_related(relation).order_by("pk")
            assert getattr(first, relation) is getattr(third, relation)

    @pytest.mark.usefixtures("articles")
    def test_targets_carry_the_database_they_came_from(self):
        """Their saves go back there."""
        article = Article.objects.prefetch_related("author").first()
        assert article.author._state.db == "people"

    @pytest.mark.usefixtures("articles")
    def test_two_references_to_one_target(self, people):
        """A query each, and they do not mix."""
        with queries() as sent:
            found = list(Article.objects.prefetch_related("author", "editor").order_by("pk"))
            assert [article.author for article in found] == [*people, *people]
            assert [article.editor for article in found] == [*reversed(people)] * 2
        assert per_alias(sent) == {"default": 1, "people": 2}

    @pytest.mark.usefixtures("articles")
    def test_beside_a_foreign_key(self):
        """Each on its own database."""
        with queries() as sent:
            found = list(Article.objects.prefetch_related("author", "shelf"))
            assert {(a.author.name, a.shelf.name) for a in found} == {
                ("Ann", "shelf"),
                ("Ben", "shelf"),
            }
        assert per_alias(sent) == {"default": 2, "people": 1}

    def test_behind_a_foreign_key(self, articles, people):
        """``article__author``, by prefetch and by join."""
        Comment.objects.create(article=articles[0], author=people[1])
        with queries() as sent:
            (comment,) = Comment.objects.prefetch_related("article__author", "author")
            assert (comment.article.author, comment.author) == tuple(people)
        assert per_alias(sent) == {"default": 2, "people": 2}
        with queries() as sent:
            (comment,) = Comment.objects.select_related("article").prefetch_related(
                "article__author"
            )
            assert comment.article.author == people[0]
        assert per_alias(sent) == {"default": 1, "people": 1}

    def test_a_reference_to_the_same_model(self, articles, people):
        """Level by level."""
        first = Comment.objects.create(article=articles[0], author=people[1])
        second = Comment.objects.create(article=articles[0], author=people[0], reply_to=first)
        with queries() as sent:
            found = Comment.objects.prefetch_related("reply_to__author").get(pk=second.pk)
            assert found.reply_to.author == people[1]
        assert per_alias(sent) == {"default": 2, "people": 1}

    def test_no_keys_at_all_send_no_query(self):
        """Sources that refer to nothing."""
        for _ in range(2):
            Event.objects.create(name="x")
        with queries() as sent:
            assert [event.actor for event in Event.objects.prefetch_related("actor")] == [None] * 2
        assert per_alias(sent) == {"archive": 1}

    @pytest.mark.usefixtures("events")
    def test_sources_without_a_key_among_others(self, people):
        """``None`` is nobody's key."""
        found = Event.objects.prefetch_related("actor").order_by("pk")
        assert [event.actor for event in found] == [people[0]] * 3 + [None]

    def test_an_empty_list_sends_no_query(self):
        """Nothing to do."""
        with queries() as sent:
            assert list(Article.objects.none().prefetch_related("author")) == []
            prefetch_related_objects([], "author")
        assert sent == {}

    @pytest.mark.usefixtures("articles")
    def test_those_already_fetched_are_left_alone(self):
        """Their objects stay the same; the others are fetched."""
        first, second = Article.objects.order_by("pk")[:2]
        known = first.author
        with queries() as sent:
            prefetch_related_objects([first, second], "author")
            assert first.author is known
            assert second.author
        assert per_alias(sent) == {"people": 1}
        with queries() as sent:
            prefetch_related_objects([first, second], "author")
        assert sent == {}

    def test_sources_of_several_models(self, people):
        """Django takes the first one's relation for all: children, proxies, cousins."""
        Draft.objects.create(title="d", author=people[0])
        Review.objects.create(title="r", author=people[1])
        mixed = [Draft.objects.get(title="d"), Review.objects.get(), Article.objects.get(title="d")]
        with queries() as sent:
            prefetch_related_objects(mixed, "author")
            assert [source.author for source in mixed] == [people[0], people[1], people[0]]
        assert per_alias(sent) == {"people": 1}
        vehicles = [Car(owner_id=people[0].pk), Truck(owner_id=people[1].pk)]
        with queries() as sent:
            prefetch_related_objects(vehicles, "owner")
            assert [vehicle.owner for vehicle in vehicles] == people
        assert per_alias(sent) == {"people": 1}

    def test_unsaved_sources(self, people):
        """A key is all that it takes."""
        article = Article(author_id=people[0].pk)
        prefetch_related_objects([article], "author")
        assert article.author == people[0]

    @pytest.mark.usefixtures("articles")
    def test_asynchronously(self):
        """``aprefetch_related_objects`` and ``async for``."""

        async def act():
            found = [article async for article in Article.objects.all()]
            await aprefetch_related_objects(found, "author")
            return found, [a async for a in Article.objects.prefetch_related("author")]

        found, again = async_to_sync(act)()
        with queries() as sent:
            assert {a.author.name for a in [*found, *again]} == {"Ann", "Ben"}
        assert sent == {}

    @pytest.mark.usefixtures("articles")
    def test_iterating_in_chunks_prefetches_each_chunk(self):
        """``iterator(chunk_size=…)``: a query for each on the targets' database."""
        for relation, alias in (("author", "people"), ("shelf", "default")):
            found = Article.objects.prefetch_related(relation)
            with queries() as sent:
                assert all(getattr(a, relation) for a in found.iterator(chunk_size=3))
            assert len([sql for sql in sent[alias] if "library_article" not in sql]) == 2

    @pytest.mark.usefixtures("articles")
    def test_a_deferred_key_is_fetched_with_its_row(self):
        """As with a foreign key."""
        for relation in ("author", "shelf"):
            found = Article.objects.only("title").prefetch_related(relation)
            assert all(getattr(article, relation) for article in found)


class TestDangling:
    """Keys that no row has, among others."""

    @pytest.fixture
    def lost(self, articles):  # noqa: ARG002 (others to be among)
        return Article.objects.create(title="lost", author_id=NOBODY)

    def test_it_raises_each_time_without_another_query(self, lost):
        """And the others have their targets."""
        found = {article.pk: article for article in Article.objects.prefetch_related("author")}
        dangling = found.pop(lost.pk)
        with queries() as sent:
            for _ in range(2):
                with pytest.raises(DanglingReference) as caught:
                    _ = dangling.author
                assert (caught.value.key, caught.value.alias) == (NOBODY, "people")
            assert {article.author.name for article in found.values()} == {"Ann", "Ben"}
        assert sent == {}

    def test_deeper_levels_go_on_without_it(self, lost):
        """As Django does with what is not there."""
        found = Article.objects.prefetch_related("author__team").order_by("pk")
        assert {article.author.team.name for article in found if article.pk != lost.pk} == {"team"}

    def test_a_new_key_is_looked_up_anew(self, lost, people):
        """Setting the key forgets that there was nothing."""
        found = Article.objects.prefetch_related("author").get(pk=lost.pk)
        found.author_id = people[0].pk
        assert found.author == people[0]

    def test_refreshing_looks_it_up_anew(self, lost):
        """A target that came later is found."""
        found = Article.objects.prefetch_related("author").get(pk=lost.pk)
        Person.objects.create(pk=NOBODY, name="late", email="late")
        found.refresh_from_db()
        assert found.author.name == "late"


class TestDanglingAndLeftOut:
    """A row that is missing, and one that the caller's own queryset leaves out."""

    def test_a_second_prefetch_into_an_attribute_keeps_it_dangling(self, people):
        """It says nothing about the reference itself."""
        Article.objects.create(title="lost", author_id=NOBODY)
        Article.objects.create(title="found", author=people[0])
        old = Prefetch("author", Person.objects.filter(age__gt=99), to_attr="old")
        found, lost = Article.objects.order_by("title").prefetch_related("author", old)
        assert (lost.old, found.old, found.author) == (None, None, people[0])
        with pytest.raises(DanglingReference):
            _ = lost.author

    @pytest.mark.usefixtures("articles")
    def test_a_queryset_that_gives_a_row_twice_leaves_others_out(self, people):
        """They are ``None``, and do not dangle: as many rows as keys prove nothing."""
        ann = people[0]
        ann.skills.add(Skill.objects.create(name="Ann's second"))
        skilled = Person.objects.filter(skills__name__startswith="Ann")
        assert len(skilled) == 2
        found = Article.objects.prefetch_related(Prefetch("author", skilled)).order_by("pk")
        with queries() as sent:
            assert [article.author for article in found] == [ann, None, ann, None]
        assert per_alias(sent) == {"default": 1, "people": 1}


class TestNested:
    """Paths through references and ordinary relations."""

    @pytest.mark.usefixtures("articles")
    def test_a_foreign_key_of_the_target(self, team):
        """A query for each level, on the target's database."""
        with queries() as sent:
            found = list(Article.objects.prefetch_related("author__team"))
            assert {article.author.team for article in found} == {team}
        assert per_alias(sent) == {"default": 1, "people": 2}

    @pytest.mark.usefixtures("articles")
    def test_many_to_many_of_the_target(self):
        """The same."""
        with queries() as sent:
            found = Article.objects.prefetch_related("author__skills").order_by("pk")
            names = [[skill.name for skill in article.author.skills.all()] for article in found]
        assert names == [["Ann's"], ["Ben's"]] * 2
        assert per_alias(sent) == {"default": 1, "people": 2}

    @pytest.mark.usefixtures("articles", "people")
    def test_the_way_back_is_known(self):
        """``articles__author``: no query for the level that is known."""
        with queries() as sent:
            found = Person.objects.prefetch_related("articles__author__skills").order_by("pk")
            for person in found:
                assert [article.author is person for article in person.articles.all()] == [True] * 2
                assert [s.name for s in person.articles.all()[0].author.skills.all()]
        assert per_alias(sent) == {"default": 1, "people": 2}

    @pytest.mark.usefixtures("articles")
    def test_both_ways_and_on(self, people):
        """To the other reference of the sources."""
        with queries() as sent:
            found = Person.objects.prefetch_related("articles__editor__team").order_by("pk")
            editors = [[a.editor for a in person.articles.all()] for person in found]
        assert editors == [[people[1]] * 2, [people[0]] * 2]
        assert per_alias(sent) == {"default": 1, "people": 3}

    @pytest.mark.usefixtures("events", "people")
    def test_to_a_pinned_source_and_back(self):
        """``events__actor``, on ``archive``."""
        with queries() as sent:
            found = Person.objects.prefetch_related("events__actor").order_by("pk")
            assert [len(person.events.all()) for person in found] == [3, 0]
            assert all(e.actor is person for person in found for e in person.events.all())
        assert per_alias(sent) == {"people": 1, "archive": 1}

    @pytest.mark.usefixtures("articles", "events")
    def test_from_one_sources_database_to_another(self):
        """Three databases, a query each."""
        with queries() as sent:
            found = Article.objects.prefetch_related("author__events").order_by("pk")
            assert [len(article.author.events.all()) for article in found] == [3, 0, 3, 0]
        assert per_alias(sent) == {"default": 1, "people": 1, "archive": 1}

    @pytest.mark.usefixtures("articles")
    def test_ordinary_relations_of_the_source(self):
        """``articles__shelf`` and ``articles__comments``, on the sources' database."""
        with queries() as sent:
            found = Person.objects.prefetch_related("articles__shelf", "articles__comments")
            assert {a.shelf.name for person in found for a in person.articles.all()} == {"shelf"}
        assert per_alias(sent) == {"people": 1, "default": 3}


class TestForwardQueryset:
    """``Prefetch("author", queryset=…)``."""

    @pytest.mark.usefixtures("articles")
    def test_only_some_columns(self):
        """The others come from the target's database when asked for."""
        some = Prefetch("author", queryset=Person.objects.only("name"))
        article = Article.objects.prefetch_related(some).order_by("pk").first()
        with queries() as sent:
            assert article.author.name == "Ann"
        assert sent == {}
        with queries() as sent:
            assert article.author.email == "Ann@example.org"
        assert per_alias(sent) == {"people": 1}

    @pytest.mark.usefixtures("articles")
    def test_without_the_key_column(self, people):
        """``to_field`` keys that are deferred are fetched."""
        made = Everything.objects.create(email=people[0])
        some = Prefetch("email", queryset=Person.objects.only("name"))
        assert Everything.objects.prefetch_related(some).get(pk=made.pk).email == people[0]

    @pytest.mark.usefixtures("articles")
    def test_joins_on_the_targets_side(self, team):
        """``select_related`` costs no query."""
        joined = Prefetch("author", queryset=Person.objects.select_related("team"))
        with queries() as sent:
            found = list(Article.objects.prefetch_related(joined))
            assert {article.author.team for article in found} == {team}
        assert per_alias(sent) == {"default": 1, "people": 1}

    @pytest.mark.usefixtures("articles")
    def test_prefetches_of_its_own(self):
        """Once for all targets."""
        nested = Prefetch("author", queryset=Person.objects.prefetch_related("skills", "articles"))
        with queries() as sent:
            found = Article.objects.prefetch_related(nested).order_by("pk")
            assert [[s.name for s in a.author.skills.all()] for a in found] == [
                ["Ann's"],
                ["Ben's"],
            ] * 2
            assert [len(a.author.articles.all()) for a in found] == [2] * 4
        assert per_alias(sent) == {"default": 2, "people": 2}

    @pytest.mark.usefixtures("articles")
    def test_an_order_is_no_hindrance(self, people):
        """There is one target for each key."""
        ordered = Prefetch("author", queryset=Person.objects.order_by("-name"))
        found = Article.objects.prefetch_related(ordered).order_by("pk")
        assert [article.author for article in found] == [*people, *people]

    @pytest.mark.usefixtures("articles")
    def test_the_queryset_can_be_used_again(self, people):
        """Prefetching changes neither it nor the ``Prefetch``."""
        queryset = Person.objects.order_by("-name").prefetch_related("skills")
        prefetch = Prefetch("author", queryset=queryset)
        for _ in range(2):
            found = Article.objects.prefetch_related(prefetch).order_by("pk")
            assert [article.author for article in found] == [*people, *people]
            with queries() as sent:
                assert len(found[0].author.skills.all()) == 1
            assert sent == {}
        assert [person.name for person in queryset] == ["Ben", "Ann"]

    @pytest.mark.usefixtures("articles")
    def test_annotations_come_along(self):
        """As with a foreign key."""
        annotated = Person.objects.annotate(n=models.Count("skills"))
        found = Article.objects.prefetch_related(Prefetch("author", queryset=annotated))
        assert [article.author.n for article in found] == [1] * 4

    @pytest.mark.parametrize(
        ("relation", "queryset"),
        [
            ("author", Person.objects.filter(name="Ann")),
            ("editor", Person.objects.filter(name="Ann")),
            ("shelf", Shelf.objects.none()),
            ("author", Person.objects.none()),
        ],
        ids=["author", "editor", "foreign_key", "nothing"],
    )
    @pytest.mark.usefixtures("articles")
    def test_what_it_leaves_out_is_none(self, relation, queryset):
        """Not dangling, and no query: as with a foreign key."""
        found = list(Article.objects.prefetch_related(Prefetch(relation, queryset=queryset)))
        with queries() as sent:
            names = [getattr(article, relation) and "Ann" for article in found]
        assert sent == {}
        assert names.count(None) == (4 if queryset.query.is_empty() else 2)

    @pytest.mark.usefixtures("articles")
    def test_what_it_left_out_is_found_after_a_refresh(self, people):
        """The key is the key."""
        nobody = Prefetch("author", queryset=Person.objects.none())
        article = Article.objects.prefetch_related(nobody).order_by("pk").first()
        assert article.author is None
        article.refresh_from_db()
        assert article.author == people[0]

    @pytest.mark.usefixtures("articles")
    def test_a_later_plain_prefetch_finds_dangling_ones_again(self):
        """What one queryset left out says nothing about what another one finds."""
        lost = Article.objects.create(title="lost", author_id=NOBODY)
        nobody = Prefetch("author", queryset=Person.objects.none(), to_attr="somebody")
        found = Article.objects.prefetch_related(nobody).get(pk=lost.pk)
        assert found.somebody is None
        prefetch_related_objects([found], "author")
        with queries() as sent, pytest.raises(DanglingReference):
            _ = found.author
        assert sent == {}

    @pytest.mark.usefixtures("articles")
    def test_a_slice_is_refused_as_for_a_foreign_key(self):
        """``TypeError``, in the same words."""
        words = []
        for relation, queryset in (
            ("author", Person.objects.all()),
            ("shelf", Shelf.objects.all()),
        ):
            with pytest.raises(TypeError) as caught:
                list(Article.objects.prefetch_related(Prefetch(relation, queryset=queryset[:1])))
            words.append(str(caught.value))
        assert words[0] == words[1]

    @pytest.mark.usefixtures("articles")
    def test_to_an_attribute(self, people):
        """The target or ``None``; the reference itself stays free to ask."""
        ann = Prefetch("author", queryset=Person.objects.filter(name="Ann"), to_attr="ann")
        found = list(Article.objects.prefetch_related(ann, "ann__skills").order_by("pk"))
        with queries() as sent:
            assert [article.ann for article in found] == [people[0], None] * 2
            assert [skill.name for skill in found[0].ann.skills.all()] == ["Ann's"]
        assert sent == {}
        with queries() as sent:
            assert found[1].author == people[1]
        assert per_alias(sent) == {"people": 1}

    @pytest.mark.usefixtures("articles")
    def test_to_an_attribute_and_to_the_reference(self, people):
        """Both, in one go."""
        ann = Prefetch("author", queryset=Person.objects.filter(name="Ann"), to_attr="ann")
        found = list(Article.objects.prefetch_related(ann, "author").order_by("pk"))
        with queries() as sent:
            assert [article.ann for article in found] == [people[0], None] * 2
            assert [article.author for article in found] == [*people, *people]
        assert sent == {}

    @pytest.mark.usefixtures("articles")
    def test_a_dangling_one_to_an_attribute_is_none(self):
        """As with a foreign key."""
        lost = Article.objects.create(title="lost", author_id=NOBODY)
        found = Article.objects.prefetch_related(Prefetch("author", to_attr="who")).get(pk=lost.pk)
        assert found.who is None
        with pytest.raises(DanglingReference):
            _ = found.author

    @pytest.mark.django_db(databases="__all__", transaction=True)
    def test_a_database_of_its_own(self):
        """``using`` of the queryset wins over the target's home."""
        with connections["geo"].schema_editor() as editor:
            editor.create_model(TextKey)
        try:
            TextKey.objects.using("people").create(code="k", name="people")
            TextKey.objects.using("geo").create(code="k", name="geo")
            Everything.objects.create(text_id="k")
            elsewhere = Prefetch("text", queryset=TextKey.objects.using("geo"))
            with queries() as sent:
                (read,) = Everything.objects.prefetch_related(elsewhere)
                assert (read.text.name, read.text._state.db) == ("geo", "geo")
            assert per_alias(sent) == {"default": 1, "geo": 1}
            (read,) = Everything.objects.prefetch_related("text")
            assert read.text.name == "people"
        finally:
            with connections["geo"].schema_editor() as editor:
                editor.delete_model(TextKey)

    @pytest.mark.usefixtures("articles")
    def test_a_database_that_fails_is_named(self):
        """The error has a note with the reference and the alias."""
        elsewhere = Prefetch("author", queryset=Person.objects.using("geo"))
        with pytest.raises(Error) as caught, transaction.atomic("geo"):
            list(Article.objects.prefetch_related(elsewhere))
        assert caught.value.__notes__ == [
            "While following the reference library.Article.author to the database 'geo'."
        ]


class TestReverse:
    """``Person.objects.prefetch_related("articles")``."""

    @pytest.mark.usefixtures("articles", "people")
    def test_one_query_for_each_database(self):
        """Then ``all()`` and ``count()`` are free, and the sources know their target."""
        with queries() as sent:
            found = list(Person.objects.prefetch_related("articles").order_by("pk"))
            titles = [sorted(article.title for article in p.articles.all()) for p in found]
            assert [person.articles.count() for person in found] == [2, 2]
            assert all(a.author is person for person in found for a in person.articles.all())
        assert titles == [["a", "c"], ["b", "d"]]
        assert per_alias(sent) == {"people": 1, "default": 1}

    @pytest.mark.usefixtures("people")
    def test_targets_without_sources_have_an_empty_list(self):
        """Known to be empty."""
        found = list(Person.objects.prefetch_related("articles", "events"))
        with queries() as sent:
            assert [[*p.articles.all(), *p.events.all()] for p in found] == [[], []]
        assert sent == {}

    def test_filtering_asks_again(self, articles, people):
        """As with a foreign key; on the sources' database."""
        person = Person.objects.prefetch_related("articles").get(pk=people[0].pk)
        with queries() as sent:
            assert person.articles.filter(title="a").get() == articles[0]
        assert per_alias(sent) == {"default": 1}

    @pytest.mark.usefixtures("articles")
    def test_two_references_from_one_source(self, people):
        """They do not mix."""
        found = Person.objects.prefetch_related("articles", "edited").get(pk=people[0].pk)
        with queries() as sent:
            assert {a.title for a in found.articles.all()} == {"a", "c"}
            assert {a.title for a in found.edited.all()} == {"b", "d"}
        assert sent == {}

    @pytest.mark.usefixtures("articles")
    def test_those_already_prefetched_are_left_alone(self, people):
        """Only the others are asked for."""
        prefetch_related_objects(people[:1], "articles")
        known = people[0].articles.all()[0]
        with queries() as sent:
            prefetch_related_objects(people, "articles")
            assert people[0].articles.all()[0] is known
            assert len(people[1].articles.all()) == 2
        assert per_alias(sent) == {"default": 1}

    @pytest.mark.usefixtures("articles")
    def test_proxies_and_children_of_the_target(self, people):
        """They share the parent's key."""
        employee = Employee.objects.create(name="Eve", email="eve")
        Article.objects.create(title="e", author=employee)
        mixed = [Adult.objects.get(pk=people[0].pk), Employee.objects.get(), people[1]]
        with queries() as sent:
            prefetch_related_objects(mixed, "articles")
            assert [len(person.articles.all()) for person in mixed] == [2, 1, 2]
        assert per_alias(sent) == {"default": 1}

    @pytest.mark.usefixtures("articles", "people")
    def test_a_queryset_narrows_and_orders(self):
        """And joins, on the sources' side."""
        some = Prefetch(
            "articles",
            queryset=Article.objects.exclude(title="c").order_by("-title").select_related("shelf"),
        )
        with queries() as sent:
            found = Person.objects.prefetch_related(some).order_by("pk")
            titles = [[a.title for a in person.articles.all()] for person in found]
            assert {a.shelf.name for person in found for a in person.articles.all()} == {"shelf"}
        assert titles == [["a"], ["d", "b"]]
        assert per_alias(sent) == {"people": 1, "default": 1}

    @pytest.mark.usefixtures("articles")
    def test_a_queryset_with_prefetches_of_its_own(self):
        """Once for all sources."""
        nested = Prefetch("articles", queryset=Article.objects.prefetch_related("editor"))
        with queries() as sent:
            found = Person.objects.prefetch_related(nested)
            assert all(a.editor != a.author for person in found for a in person.articles.all())
        assert per_alias(sent) == {"people": 2, "default": 1}

    @pytest.mark.usefixtures("people")
    def test_to_an_attribute(self, articles):
        """A list for each; several, and the relation beside them."""
        found = Person.objects.prefetch_related(
            Prefetch("articles", queryset=Article.objects.filter(title="a"), to_attr="a"),
            Prefetch("articles", queryset=Article.objects.filter(title="d"), to_attr="d"),
            "articles",
        ).order_by("pk")
        assert [(person.a, person.d) for person in found] == [
            ([articles[0]], []),
            ([], [articles[3]]),
        ]
        with queries() as sent:
            assert found[0].a[0].author is found[0]
            assert [len(person.articles.all()) for person in found] == [2, 2]
        assert sent == {}

    @pytest.mark.parametrize(
        ("part", "expected"),
        [(slice(2), ["e2", "e1"]), (slice(1, 3), ["e1", "e0"]), (slice(1, None), ["e1", "e0"])],
        ids=["first", "middle", "rest"],
    )
    @pytest.mark.usefixtures("events")
    def test_slices_are_taken_of_each_targets_sources(self, people, part, expected):
        """In the queryset's order, in one query."""
        for name in ("e0", "e1", "e2"):
            Event.objects.create(name=name, actor=people[1])
        queryset = Event.objects.order_by("-name")[part]
        some = Prefetch("events", queryset=queryset, to_attr="some")
        with queries() as sent:
            found = list(Person.objects.prefetch_related(some).order_by("pk"))
            for person in found:
                assert [event.name for event in person.some] == expected
                assert all(event.actor is person for event in person.some)
        assert per_alias(sent) == {"people": 1, "archive": 1}

    @pytest.mark.usefixtures("articles")
    def test_unpinned_slices(self):
        """On ``default``, too."""
        last = Article.objects.order_by("-title")[:1]
        found = Person.objects.prefetch_related(Prefetch("articles", last, "last")).order_by("pk")
        assert [[article.title for article in person.last] for person in found] == [["c"], ["d"]]

    @pytest.mark.usefixtures("articles")
    def test_a_slice_needs_an_attribute_as_for_a_foreign_key(self):
        """``all()`` could not be filtered any more: Django's ``TypeError``."""
        words = []
        for model in (Person, Shelf):
            with pytest.raises(TypeError) as caught:
                list(
                    model.objects.prefetch_related(Prefetch("articles", Article.objects.all()[:1]))
                )
            words.append(str(caught.value))
        assert words[0] == words[1]

    @pytest.mark.usefixtures("articles")
    def test_a_filtered_queryset_asks_the_relation_again_when_it_is_filtered(self, people):
        """``all()`` is what was prefetched; a filter starts from the queryset of the prefetch."""
        some = Prefetch("articles", queryset=Article.objects.filter(title="a"))
        person = Person.objects.prefetch_related(some).get(pk=people[0].pk)
        assert [a.title for a in person.articles.all()] == ["a"]
        with queries() as sent:
            assert list(person.articles.filter(title="c")) == []
        assert per_alias(sent) == {"default": 1}

    @pytest.mark.usefixtures("people")
    def test_a_database_that_fails_is_named(self):
        """The error has a note with the reference and the alias."""
        elsewhere = Prefetch("articles", queryset=Article.objects.using("geo"))
        with pytest.raises(Error) as caught, transaction.atomic("geo"):
            list(Person.objects.prefetch_related(elsewhere))
        assert caught.value.__notes__ == [
            "While following the reference library.Article.author to the database 'geo'."
        ]

    @pytest.mark.usefixtures("articles")
    def test_iterating_in_chunks_prefetches_each_chunk(self):
        """A query for each, on the sources' database."""
        with queries() as sent:
            found = Person.objects.prefetch_related("articles").iterator(chunk_size=1)
            assert [len(person.articles.all()) for person in found] == [2, 2]
        assert len(sent["default"]) == 2


@needs_fetch_modes
class TestPeers:
    """Django's ``FETCH_PEERS``: what is asked of one is fetched for all."""

    @pytest.mark.usefixtures("articles")
    def test_targets_of_all_peers_come_with_one_query(self, people):
        """And their own relations, too: the mode is handed on."""
        found = list(Article.objects.fetch_mode(models.FETCH_PEERS).order_by("pk"))
        with queries() as sent:
            assert [article.author for article in found] == [*people, *people]
        assert per_alias(sent) == {"people": 1}
        with queries() as sent:
            assert {article.author.team.name for article in found} == {"team"}
        assert per_alias(sent) == {"people": 1}

    @pytest.mark.usefixtures("articles")
    def test_prefetching_such_a_queryset_is_one_query(self, people):
        """The prefetched are there; the others still come for all."""
        queryset = Article.objects.fetch_mode(models.FETCH_PEERS).prefetch_related("author")
        with queries() as sent:
            found = list(queryset.order_by("pk"))
            assert [article.author for article in found] == [*people, *people]
            assert [article.editor for article in found] == [*reversed(people)] * 2
            assert {article.author.team.name for article in found} == {"team"}
        assert per_alias(sent) == {"default": 1, "people": 3}

    @pytest.mark.usefixtures("articles")
    def test_a_queryset_with_the_mode_gives_targets_with_it(self):
        """``Prefetch`` with a mode of its own."""
        peers = Person.objects.fetch_mode(models.FETCH_PEERS)
        found = list(Article.objects.prefetch_related(Prefetch("author", queryset=peers)))
        with queries() as sent:
            assert {article.author.team.name for article in found} == {"team"}
        assert per_alias(sent) == {"people": 1}

    @pytest.mark.usefixtures("articles")
    def test_sources_from_the_manager_have_the_mode_of_their_target(self, people):
        """One query for the editors of all."""
        person = Person.objects.fetch_mode(models.FETCH_PEERS).get(pk=people[0].pk)
        found = list(person.articles.all())
        with queries() as sent:
            assert [article.editor for article in found] == [people[1]] * 2
        assert per_alias(sent) == {"people": 1}


class TestKeys:
    """Every type of key, both ways."""

    @pytest.mark.parametrize("name", ["uuid", "small", "decimal", "visitor"])
    def test_keys_that_are_still_strings_are_found(self, name):
        """Nobody has saved and loaded them; the source keeps them as they are."""
        model = Everything._meta.get_field(name).target_model
        target = model.objects.create(**{"amount": "1.50"} if name == "decimal" else {})
        target.refresh_from_db()
        source = Everything.objects.create(**{f"{name}_id": str(target.pk)})
        assert type(getattr(source, f"{name}_id")) is str
        with queries() as sent:
            prefetch_related_objects([source], name)
            assert getattr(source, name) == target
        assert per_alias(sent) == {"people": 1}
        assert getattr(source, f"{name}_id") == str(target.pk)

    def test_a_string_that_is_no_rows_key_dangles(self, people):
        """Among others that are found."""
        found = Article.objects.create(title="a", author_id=str(people[0].pk))
        lost = Article.objects.create(title="b", author_id=str(NOBODY))
        prefetch_related_objects([found, lost], "author")
        assert found.author == people[0]
        with pytest.raises(DanglingReference):
            _ = lost.author

    def test_one_to_one_keys_that_are_still_strings_are_found(self, people):
        """The target knows its source then."""
        account = Account.objects.create(person_id=str(people[0].pk))
        prefetch_related_objects([account], "person")
        with queries() as sent:
            assert account.person.account is account
        assert sent == {}

    @pytest.mark.parametrize(
        ("name", "accessor", "make"),
        [
            ("small", "everything_set", lambda _: SmallKey.objects.create()),
            ("visitor", "everything_set", lambda _: VisitorKey.objects.create()),
            ("number", "everything_set", lambda n: DefaultKey.objects.create(number=n)),
            ("uuid", "everything_set", lambda _: UUIDKey.objects.create()),
            ("text", "everything_set", lambda n: TextKey.objects.create(code=f"k'{n}\"\\,é")),
            (
                "decimal",
                "everything_set",
                lambda n: DecimalKey.objects.create(amount=decimal.Decimal(f"{n}.50")),
            ),
            ("badge", "everything_set", lambda n: BadgeKey.objects.create(badge=f"B-{n}")),
            (
                "date",
                "everything_set",
                lambda n: DateKey.objects.create(day=dt.date(2024, 2, 27 + n)),
            ),
            ("email", "by_email", lambda n: Person.objects.create(name="x", email=f"e{n}@x")),
            ("adult", "of_adult", lambda n: Adult.objects.create(name="x", email=f"a{n}")),
            ("employee", "of_employee", lambda n: Employee.objects.create(name="x", email=f"m{n}")),
            (
                "profile",
                "everything_set",
                lambda n: Profile.objects.create(person=Person.objects.create(email=f"p{n}")),
            ),
            ("country", "everything_set", lambda n: Country.objects.create(code=f"A{n}")),
        ],
    )  # fmt: skip
    def test_forward_and_reverse(self, name, accessor, make):
        """Each source finds its target, each target its sources, in a query each way."""
        made = [make(n) for n in range(3)]
        model = type(made[0])
        targets = [model._base_manager.get(email=m.email) if name == "email" else m for m in made]
        targets = list(model._base_manager.filter(pk__in=[t.pk for t in targets]).order_by("pk"))
        alias = targets[0]._state.db
        sources = [Everything.objects.create(**{name: target}) for target in [*targets, *targets]]
        with queries() as sent:
            found = list(Everything.objects.prefetch_related(name).order_by("pk"))
            assert [getattr(source, name) for source in found] == [*targets, *targets]
        assert per_alias(sent) == {"default": 1, alias: 1}
        with queries() as sent:
            prefetch_related_objects(targets, accessor)
            assert [sorted(s.pk for s in getattr(t, accessor).all()) for t in targets] == [
                [sources[n].pk, sources[n + 3].pk] for n in range(3)
            ]
        assert per_alias(sent) == {"default": 1}


class TestChunks:
    """More keys than one query asks for."""

    COUNT = CHUNK_SIZE + 3

    @pytest.fixture
    def many(self):
        Person.objects.bulk_create(Person(name=f"n{n}", email=f"e{n}") for n in range(self.COUNT))
        return list(Person.objects.order_by("pk"))

    @pytest.mark.parametrize("queryset", [None, Person.objects.prefetch_related("team")])
    def test_forward(self, many, queryset):
        """Two queries; every source has its own target."""
        sources = [Event(actor_id=person.pk) for person in reversed(many)]
        with queries() as sent:
            prefetch_related_objects(sources, Prefetch("actor", queryset=queryset))
            assert [source.actor.email for source in reversed(sources)] == [p.email for p in many]
        assert per_alias(sent) == {"people": 2}

    @pytest.mark.parametrize("queryset", [None, Event.objects.order_by("name")[:1]])
    def test_reverse(self, many, queryset):
        """Two queries; every target has its own source, also by slices."""
        Event.objects.bulk_create(Event(name="x", actor_id=person.pk) for person in many)
        to_attr = None if queryset is None else "some"
        with queries() as sent:
            prefetch_related_objects(many, Prefetch("events", queryset, to_attr))
        sources = [person.some if to_attr else person.events.all() for person in many]
        found = [[event.actor_id for event in of_one] for of_one in sources]
        assert per_alias(sent) == {"archive": 2}
        assert found == [[person.pk] for person in many]

    def test_dangling_ones_in_the_last_chunk(self, many):
        """They are found out, too."""
        sources = [Event(actor_id=person.pk) for person in many] + [Event(actor_id=NOBODY)]
        prefetch_related_objects(sources, "actor")
        with pytest.raises(DanglingReference):
            _ = sources[-1].actor
        assert sources[-2].actor == many[-1]
