"""``prefetch_references``: level by level, several references with one query, on every database."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, User
from django.db import Error, models, transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.test.utils import isolate_apps
from django.utils.functional import SimpleLazyObject

from crossdb_reference import (
    CrossDBReference,
    DanglingReference,
    aprefetch_references,
    pinned,
    prefetch_references,
)
from crossdb_reference.exceptions import TooManyRemoteKeys
from crossdb_reference.keysets import CHUNK_SIZE
from tests.library.models import (
    Account,
    Article,
    Car,
    Comment,
    Draft,
    Event,
    EventNote,
    Everything,
    Review,
    Shelf,
    Truck,
)
from tests.people.models import (
    Adult,
    Country,
    Employee,
    Person,
    Profile,
    Skill,
    Team,
    TextKey,
    UUIDKey,
    VisitorKey,
)
from tests.queries import queries
from tests.tables import tables

pytestmark = pytest.mark.django_db(databases="__all__")

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
    """Four articles: two of each person, edited by the other, on a shelf, one with a comment."""
    ann, ben = people
    shelf = Shelf.objects.create(name="shelf")
    made = [
        Article.objects.create(title=title, author=author, editor=editor, shelf=shelf)
        for title, author, editor in [("a", ann, ben), ("b", ben, ann), ("c", ann, ben)]
    ]
    made.append(Article.objects.create(title="d", author=ben))
    comment = Comment.objects.create(article=made[0], author=ben)
    Comment.objects.create(article=made[0], author=ann, reply_to=comment)
    return list(Article.objects.order_by("pk"))


class TestQueries:
    """What is sent to whom."""

    def test_references_to_the_same_targets_share_one_query(self, articles, people):
        """``author`` and ``editor``, and with them the objects."""
        ann, ben = people
        with queries() as sent:
            assert prefetch_references(articles, "author", "editor") == []
            assert [article.author for article in articles] == [ann, ben, ann, ben]
            assert [article.editor for article in articles] == [ben, ann, ben, None]
        assert per_alias(sent) == {"people": 1}
        assert articles[0].author is articles[1].editor
        assert articles[0].author._state.db == "people"

    def test_each_database_model_and_level_has_a_query(self, articles, team):
        """Also where references and ordinary relations alternate."""
        with queries() as sent:
            prefetch_references(
                articles,
                "author__team",
                "editor__team",
                "shelf",
                "comments__author__skills",
                "comments__reply_to__author",
            )
            for article in articles:
                assert article.author.team == team
                assert article.title == "d" or article.shelf.name == "shelf"
                for comment in article.comments.all():
                    assert len(comment.author.skills.all()) == 1
                    assert comment.reply_to is None or comment.reply_to.author.name == "Ben"
        # Articles: shelf, comments, comments again for reply_to. People: authors and editors,
        # their teams (once: they are the same people), those of comments, their skills, Ben.
        assert per_alias(sent) == {"default": 3, "people": 5}

    def test_targets_with_different_keys_or_classes_do_not_mix(self, people):
        """By e-mail, as an adult, as an employee: a query and an object each."""
        employee = Employee.objects.create(name="Eve", email="eve@example.org")
        source = Everything.objects.create(
            email=people[0], adult=Adult.objects.get(pk=people[0].pk), employee=employee
        )
        source = Everything.objects.get(pk=source.pk)
        with queries() as sent:
            prefetch_references([source], "email", "adult", "employee")
            found = [type(getattr(source, name)) for name in ("email", "adult", "employee")]
        assert found == [Person, Adult, Employee]
        assert per_alias(sent) == {"people": 3}

    def test_several_databases(self, people):
        """A query for each."""
        country = Country.objects.create(code="AA")
        source = Everything.objects.create(email=people[0], country=country)
        source = Everything.objects.get(pk=source.pk)
        with queries() as sent:
            prefetch_references([source], "email", "country")
            assert (source.email, source.country) == (people[0], country)
        assert per_alias(sent) == {"people": 1, "geo": 1}

    def test_no_objects_lookups_or_keys_send_nothing(self, articles):
        """And report nothing."""
        with queries() as sent:
            assert prefetch_references([], "author") == []
            assert prefetch_references(articles) == []
            assert prefetch_references([Event(name="nobody's")], "actor") == []
        assert sent == {}

    def test_a_queryset_is_evaluated_once(self, articles):  # noqa: ARG002 (there are some)
        """And keeps its objects."""
        found = Article.objects.order_by("pk")
        with queries() as sent:
            prefetch_references(found, "author")
            assert [article.author.name for article in found] == ["Ann", "Ben", "Ann", "Ben"]
        assert per_alias(sent) == {"default": 1, "people": 1}

    def test_what_is_fetched_already_is_left_alone(self, articles):
        """Deeper levels go on from it."""
        first, second, *_ = articles
        known = first.author
        with queries() as sent:
            prefetch_references([first, second], "author__team")
            assert first.author is known
            assert {first.author.team.name, second.author.team.name} == {"team"}
        assert per_alias(sent) == {"people": 2}
        with queries() as sent:
            prefetch_references([first, second], "author__team", "author__skills")
        assert per_alias(sent) == {"people": 1}

    def test_the_same_object_twice(self, articles):
        """It is one."""
        with queries() as sent:
            prefetch_references([articles[0], articles[0]], "author__team")
        assert per_alias(sent) == {"people": 2}

    def test_more_keys_than_one_query_asks_for(self):
        """Two queries, in the order of the table; every source has its own target."""
        count = CHUNK_SIZE + 3
        Person.objects.bulk_create(Person(name="x", email=f"e{n}") for n in range(count))
        known = list(Person.objects.order_by("-pk"))
        sources = [Article(author_id=person.pk) for person in known]
        with queries() as sent:
            prefetch_references([*sources, Article(author_id=NOBODY)], "author")
            assert [source.author.email for source in sources] == [p.email for p in known]
        assert per_alias(sent) == {"people": 2}


class TestSameAsDjango:
    """What ``prefetch_related_objects`` gives is given, in no more queries."""

    def cached(self, obj, *path):
        """Return what ``obj`` and the objects behind it have cached, without a query."""
        if isinstance(obj, models.QuerySet):
            obj = obj._result_cache  # noqa: SLF001 (not to be evaluated here)
        if isinstance(obj, list):
            return [self.cached(each, *path) for each in obj]
        if obj is None or obj in path:
            return obj
        names = [f"_{field.name}_cache" for field in obj._meta.fields]
        names += ["_account_cache", "_home_profile_cache", "picked", "others"]
        found = {name: vars(obj)[name] for name in names if name in vars(obj)}
        found |= obj._state.fields_cache
        found |= getattr(obj, "_prefetched_objects_cache", {})
        behind = {name: self.cached(value, obj, *path) for name, value in sorted(found.items())}
        return type(obj).__name__, obj.pk, obj._state.db, behind

    @pytest.mark.parametrize(
        "lookups",
        [
            ["author"],
            ["author__team__members__skills"],
            ["author", "author__team", "editor__team", "shelf"],
            ["shelf__articles__editor"],
            ["comments__author", "comments__reply_to__author__team"],
            [Prefetch("author", to_attr="picked")],
            [Prefetch("author", to_attr="picked"), "picked__team", "author__team"],
            [Prefetch("author", Person.objects.filter(name="Ann"))],
            [Prefetch("author", Person.objects.filter(name="Ann"), to_attr="picked"), "author"],
            [Prefetch("author", Person.objects.select_related("team"))],
            [Prefetch("author", Person.objects.prefetch_related("skills", "team"))],
            [Prefetch("author", Person.objects.prefetch_related("articles__editor"))],
            ["author__articles__editor__team"],
            [Prefetch("author__articles", Article.objects.filter(title="a"), to_attr="others")],
            [Prefetch("author__articles", Article.objects.filter(title="a"), to_attr="others"),
             "author__others__editor"],
            [Prefetch("editor__team", Team.objects.none()), "editor__skills"],
            [Prefetch("comments", Comment.objects.prefetch_related("author"), to_attr="others")],
            ["author__account__user", "author__home_profile"],
            ["author__account__person__team"],
        ],
    )  # fmt: skip
    def test_the_same_objects_are_there(self, articles, people, lookups):
        """Whatever way the lookups take."""
        Account.objects.create(person=people[0], user=User.objects.create(username="u"))
        Profile.objects.create(person=people[1])
        ours, djangos = (list(Article.objects.order_by("pk")) for _ in range(2))
        with queries() as sent:
            prefetch_references(ours, *lookups)
        with queries() as expected:
            prefetch_related_objects(djangos, *lookups)
        assert self.cached(ours) == self.cached(djangos)
        assert articles
        for alias, sql in sent.items():
            assert len(sql) <= len(expected[alias])

    @pytest.mark.parametrize(
        ("lookups", "error"),
        [
            (["nothing"], AttributeError),
            (["author__nothing"], AttributeError),
            (["nothing__author"], AttributeError),
            (["title"], ValueError),
            (["author", Prefetch("author", Person.objects.all())], ValueError),
            (["author__team", Prefetch("author", Person.objects.all())], ValueError),
            ([Prefetch("author", Person.objects.all()[:1])], TypeError),
        ],
    )
    @pytest.mark.usefixtures("articles")
    def test_the_same_is_refused(self, lookups, error):
        """In Django's words; where it is no reference's, without the path before it."""
        with pytest.raises(error) as expected:
            prefetch_related_objects(list(Article.objects.all()), *lookups)
        with pytest.raises(error) as caught:
            prefetch_references(list(Article.objects.all()), *lookups)
        words = str(expected.value).replace("'author__nothing' is", "'nothing' is")
        assert str(caught.value) == words.replace("'nothing__author' is", "'nothing' is")

    def test_an_attribute_that_is_a_field_is_refused(self, people):
        """The same words again."""
        to_attr = Prefetch("author", to_attr="article")
        words = []
        for prefetch in (prefetch_related_objects, prefetch_references):
            with pytest.raises(ValueError, match="to_attr=article conflicts") as caught:
                prefetch([Comment(author_id=people[0].pk)], to_attr)
            words.append(str(caught.value))
        assert words[0] == words[1]

    def test_objects_that_are_no_models_are_left_alone(self, articles):
        """As Django leaves them."""
        rows = list(Article.objects.values("author"))
        prefetch_related_objects(rows, "author")
        prefetch_references(rows, "author")
        assert rows[0] == {"author": articles[0].author_id}


class TestDetails:
    """What becomes of each reference."""

    def test_dangling_and_empty_ones(self, articles, people):
        """An error without another query, and ``None``."""
        lost = Article.objects.create(title="lost", author_id=NOBODY, editor_id=NOBODY - 1)
        prefetch_references([*articles, lost], "author__team", "editor")
        with queries() as sent:
            assert articles[3].editor is None
            for name, key in (("author", NOBODY), ("editor", NOBODY - 1)):
                with pytest.raises(DanglingReference) as caught:
                    getattr(lost, name)
                assert (caught.value.key, caught.value.alias) == (key, "people")
        assert sent == {}
        lost.author_id = people[0].pk
        assert lost.author == people[0]

    def test_what_a_queryset_leaves_out_is_none(self, articles):
        """Until a plain prefetch of the same object asks again."""
        lost = Article.objects.create(title="lost", author_id=NOBODY)
        nobody = Prefetch("author", Person.objects.none())
        prefetch_references([lost, *articles], nobody)
        with queries() as sent:
            assert [article.author for article in [lost, *articles]] == [None] * 5
        assert sent == {}
        lost.refresh_from_db()
        prefetch_references([lost], Prefetch("author", Person.objects.none(), to_attr="picked"))
        assert lost.picked is None
        with pytest.raises(DanglingReference):
            _ = lost.author

    def test_keys_that_are_written_differently(self, people):
        """Texts for numbers and objects, beside others that are as they should be."""
        source = Article(author_id=str(people[0].pk), editor_id=people[0].pk)
        lost = Article(author_id=str(NOBODY), editor_id=people[1].pk)
        with queries() as sent:
            prefetch_references([source, lost], "author", "editor")
            assert source.author is source.editor
            assert source.author_id == str(people[0].pk)
            assert lost.editor == people[1]
            with pytest.raises(DanglingReference):
                _ = lost.author
        assert per_alias(sent) == {"people": 1}

    @pytest.mark.parametrize(
        ("name", "make"),
        [
            ("uuid", UUIDKey.objects.create),
            ("text", lambda: TextKey.objects.create(code="k'\"\\,é")),
            ("visitor", VisitorKey.objects.create),
            ("code", lambda: VisitorKey.objects.create(code="x")),
            ("employee", lambda: Employee.objects.create(name="x", email="m")),
            ("profile", lambda: Profile.objects.create(person=Person.objects.create(email="p"))),
        ],
    )
    def test_keys_of_every_kind(self, name, make):
        """With the target's converters."""
        target = make()
        target = type(target)._base_manager.get(pk=target.pk)
        source = Everything.objects.create(**{name: target})
        source = Everything.objects.get(pk=source.pk)
        with queries() as sent:
            prefetch_references([source], name)
            assert vars(getattr(source, name)).keys() >= vars(target).keys()
            assert getattr(source, name) == target
        assert per_alias(sent) == {"people": 1}

    def test_one_to_one_targets_know_their_sources(self, people):
        """As Django tells them."""
        accounts = [Account.objects.create(person=person) for person in people]
        accounts = [*Account.objects.order_by("pk"), Account(person_id=NOBODY)]
        prefetch_references(accounts, "person")
        with queries() as sent:
            assert [account.person.account for account in accounts[:2]] == accounts[:2]
        assert sent == {}

    def test_a_deferred_key_and_a_lent_one(self, articles, people):
        """The one is fetched with its row, the other is the target's."""
        deferred = Article.objects.only("title").get(pk=articles[0].pk)
        unsaved = Person(name="x", email="x", team=None)
        lent = Article(author=unsaved)
        unsaved.save()
        prefetch_references([deferred, lent], "author", Prefetch("author", to_attr="picked"))
        assert (deferred.author, lent.author, lent.picked) == (people[0], unsaved, unsaved)

    def test_sources_of_several_models(self, people):
        """The first one's relation is taken for all, as Django takes it."""
        Draft.objects.create(title="d", author=people[0])
        Review.objects.create(title="r", author=people[1])
        mixed = [Draft.objects.get(title="d"), Review.objects.get(), Car(owner_id=people[0].pk)]
        prefetch_references(mixed[:2], "author")
        vehicles = [mixed[2], Truck(owner_id=people[1].pk)]
        prefetch_references(vehicles, "owner")
        with queries() as sent:
            assert [source.author for source in mixed[:2]] == people
            assert [vehicle.owner for vehicle in vehicles] == people
        assert sent == {}

    def test_a_lazy_object_around_a_source(self, articles):
        """As ``request.user`` is one."""
        lazy = SimpleLazyObject(lambda: articles[0])
        prefetch_references([lazy], "author__team")
        with queries() as sent:
            assert articles[0].author.team.name == "team"
        assert sent == {}

    def test_references_that_share_targets_go_different_ways(self, articles):
        """What a queryset narrows for one, is whole for the other."""
        some = Prefetch("author__articles", Article.objects.filter(title="a"))
        prefetch_references(articles, some, "editor__articles")
        ann_as_author, ann_as_editor = articles[0].author, articles[1].editor
        assert [article.title for article in ann_as_author.articles.all()] == ["a"]
        assert {article.title for article in ann_as_editor.articles.all()} == {"a", "c"}

    def test_a_prefetch_and_its_queryset_can_be_used_again(self, articles, people):
        """Nothing of the caller's is changed."""
        queryset = Person.objects.order_by("-name").prefetch_related("skills")
        prefetch = Prefetch("author", queryset)
        for _ in range(2):
            found = list(Article.objects.order_by("pk"))
            prefetch_references(found, prefetch)
            with queries() as sent:
                assert [len(article.author.skills.all()) for article in found] == [1] * 4
            assert sent == {}
        assert list(queryset) == [people[1], people[0]]
        assert (prefetch.prefetch_through, prefetch.prefetch_to) == ("author", "author")
        assert articles

    def test_of_two_rows_with_one_key_the_first_is_taken(self, articles):
        """As Django does."""
        ann = articles[0].author
        for name in ("b", "a"):
            ann.skills.add(Skill.objects.create(name=name))
        named = Person.objects.annotate(skill=models.F("skills__name")).order_by("skills__name")
        ours, djangos = (list(Article.objects.filter(author=ann)) for _ in range(2))
        prefetch_references(ours, Prefetch("author", named))
        prefetch_related_objects(djangos, Prefetch("author", named))
        assert [a.author.skill for a in ours] == [a.author.skill for a in djangos]

    @pytest.mark.usefixtures("articles")
    def test_asynchronously(self):
        """In the thread that Django uses for its queries."""

        async def act():
            found = [article async for article in Article.objects.all()]
            assert await aprefetch_references(found, "author__team") == []
            return found

        found = async_to_sync(act)()
        with queries() as sent:
            assert {article.author.team.name for article in found} == {"team"}
        assert sent == {}

    def test_errors_is_one_of_two_words(self, articles):
        """Another one is refused before anything is sent."""
        with queries() as sent, pytest.raises(ValueError, match="must be 'raise' or 'collect'"):
            prefetch_references(articles, "author", errors="ignore")
        assert sent == {}


@pytest.fixture(scope="module")
def _people_on_geo(django_db_setup, django_db_blocker):  # noqa: ARG001 (the databases are there)
    with tables(django_db_blocker, "geo", Team, Skill, Person):
        yield


class TestOrigins:
    """Targets that are where their sources came from."""

    @pytest.mark.usefixtures("_people_on_geo")
    def test_sources_of_one_home_refer_to_targets_of_their_origin(self, people):
        """A query on each, also if the sources are in one list."""
        for alias in ("people", "geo"):
            if alias == "geo":
                Person.objects.using(alias).create(
                    pk=people[0].pk, name="Ann on geo", email="geo@example.org"
                )
        at_home = Profile(person_id=people[0].pk)
        at_home._state.db = "people"
        elsewhere = Profile(person_id=people[0].pk)
        elsewhere._state.db = "geo"
        new = Profile(person_id=people[1].pk)
        with queries() as sent:
            prefetch_references([at_home, elsewhere, new], "person")
            found = [profile.person for profile in (at_home, elsewhere, new)]
        assert [person.name for person in found] == ["Ann", "Ann on geo", "Ben"]
        assert [person._state.db for person in found] == ["people", "geo", "people"]
        assert per_alias(sent) == {"people": 1, "geo": 1}

    @pytest.mark.usefixtures("_people_on_geo")
    def test_the_alias_of_a_queryset_wins(self, articles):
        """Over the target's home."""
        ann = articles[0].author
        Person.objects.using("geo").create(pk=ann.pk, name="geo", email="geo")
        with queries() as sent:
            prefetch_references(
                articles, Prefetch("author", Person.objects.using("geo"), to_attr="picked")
            )
        assert [getattr(article.picked, "name", None) for article in articles] == [
            "geo", None, "geo", None,
        ]  # fmt: skip
        assert per_alias(sent) == {"geo": 1}


class TestAutomatic:
    """Prefetches that the managers of the targets ask for."""

    @pytest.fixture
    def models(self):
        """Two models that refer to each other, and whose managers prefetch that."""
        with isolate_apps("tests.library"):

            class There(models.Manager):
                def get_queryset(self):
                    return super().get_queryset().prefetch_related("back")

            class Back(models.Manager):
                def get_queryset(self):
                    return super().get_queryset().prefetch_related("there")

            class Left(models.Model):
                title = models.CharField(max_length=80)
                there = CrossDBReference(
                    "Right", models.CASCADE, using="people", db_column="author_id", related_name="+"
                )
                objects = Back()

                class Meta:
                    app_label = "library"
                    db_table = "library_article"
                    base_manager_name = "objects"

            class Right(models.Model):
                name = models.CharField(max_length=80)
                back = CrossDBReference(
                    Left, models.CASCADE, using="default", db_column="age", related_name="+"
                )
                objects = There()

                class Meta:
                    app_label = "library"
                    db_table = "people_person"
                    base_manager_name = "objects"

            yield Left, Right

    def test_they_are_done_and_a_circle_ends(self, models, people):
        """Each reference once on its way."""
        left, _ = models
        article = Article.objects.create(title="a", author=people[0])
        Person.objects.update(age=article.pk)
        found = left(there_id=people[0].pk)
        with queries() as sent:
            prefetch_references([found], "there")
            assert found.there.back.there.name == "Ann"
        assert per_alias(sent) == {"people": 2, "default": 1}

    def test_a_lookup_of_the_callers_goes_with_the_queryset_of_the_managers(self, articles):
        """Django follows the manager's first, too."""
        named = Prefetch("team", Team.objects.filter(name="nobody's"))
        queryset = Person.objects.prefetch_related(named)
        found = {}
        for prefetch in (prefetch_references, prefetch_related_objects):
            some = list(Article.objects.order_by("pk"))
            prefetch(some, Prefetch("author", queryset), "author__team__members")
            found[prefetch] = [article.author.team for article in some]
        assert found[prefetch_references] == found[prefetch_related_objects] == [None] * 4
        assert articles


class TestErrors:
    """Databases that fail."""

    NOTE = "While following the reference library.Article.{} to the database 'archive'."

    @pytest.fixture
    def lookups(self):
        """``author`` as it should be, ``editor`` where there is no such table, and others."""
        return [
            "author",
            Prefetch("editor", Person.objects.using("archive")),
            "editor__team",
            "author__team",
            "shelf",
        ]

    @pytest.mark.parametrize("parallel", [None, False])
    def test_the_error_names_the_reference_and_nothing_of_its_level_is_assigned(
        self, articles, lookups, parallel
    ):
        """A retry works."""
        with pytest.raises(Error) as caught, transaction.atomic("archive"):
            prefetch_references(articles, *lookups, parallel=parallel)
        assert caught.value.__notes__ == [self.NOTE.format("editor")]
        for article in articles:
            assert "_author_cache" not in vars(article)
            assert "_editor_cache" not in vars(article)
            assert not article._state.fields_cache
        assert prefetch_references(articles, "author", "editor", parallel=parallel) == []
        assert [article.author.name for article in articles] == ["Ann", "Ben", "Ann", "Ben"]

    def test_all_references_that_asked_together_are_named(self, articles, monkeypatch):
        """A note for each."""
        for name in ("author", "editor"):
            monkeypatch.setattr(Article._meta.get_field(name), "using", "archive")
        with pytest.raises(Error) as caught, transaction.atomic("archive"):
            prefetch_references(articles, "author", "editor")
        assert caught.value.__notes__ == [self.NOTE.format("author"), self.NOTE.format("editor")]

    def test_collected_errors_leave_the_rest(self, articles, people, lookups, team):
        """The reference stays as it was, and asks for itself later."""
        with transaction.atomic("archive"):
            unfetched = prefetch_references(articles, *lookups, errors="collect")
            transaction.set_rollback(True, using="archive")
        assert [(each.reference, each.alias) for each in unfetched] == [
            ("library.Article.editor", "archive")
        ]
        assert isinstance(unfetched[0].error, Error)
        assert unfetched[0].error.__notes__ == [self.NOTE.format("editor")]
        with queries() as sent:
            assert [article.author for article in articles] == [*people, *people]
            assert {article.author.team for article in articles} == {team}
            assert articles[0].shelf.name == "shelf"
        assert sent == {}
        assert articles[0].editor == people[1]

    def test_collected_errors_into_an_attribute(self, articles):
        """It is not set; deeper steps end there."""
        picked = Prefetch("author", Person.objects.using("archive"), to_attr="picked")
        with transaction.atomic("archive"):
            unfetched = prefetch_references(articles, picked, "picked__team", errors="collect")
            transaction.set_rollback(True, using="archive")
        assert len(unfetched) == 1
        assert not hasattr(articles[0], "picked")

    @pytest.mark.parametrize(
        ("lookup", "reference"),
        [
            ("articles", "library.Article.author"),
            (Prefetch("events", Event.objects.using("geo")), "library.Event.actor"),
        ],
    )
    def test_the_other_side_of_a_reference_is_collected_too(self, people, lookup, reference):
        """Its sources are of another database as well; deeper steps end there."""
        with transaction.atomic("geo"), pinned("geo"):
            unfetched = prefetch_references(
                people, lookup, "articles__comments", "events__notes", "team", errors="collect"
            )
            transaction.set_rollback(True, using="geo")
        assert (reference, "geo") in [(each.reference, each.alias) for each in unfetched]
        with queries() as sent:
            assert people[0].team.name == "team"
        assert sent == {}
        with pytest.raises(Error), transaction.atomic("geo"), pinned("geo"):
            prefetch_references(people, lookup)

    @pytest.mark.parametrize("errors", ["raise", "collect"])
    def test_errors_of_the_package_say_so_themselves(self, articles, settings, errors):
        """They are no database's: no note, and they are not collected."""
        settings.CROSSDB_REFERENCE = {**settings.CROSSDB_REFERENCE, "MAX_REMOTE_KEYS": 1}
        shelved = Person.objects.filter(articles__title__in=["a", "b"])
        with pytest.raises(TooManyRemoteKeys) as caught:
            prefetch_references(articles, Prefetch("author", shelved), errors=errors)
        assert not hasattr(caught.value, "__notes__")

    def test_errors_of_ordinary_relations_are_raised(self, articles):
        """They are of the database that the objects came from."""
        elsewhere = Prefetch("shelf", Shelf.objects.using("archive"))
        with pytest.raises(Error), transaction.atomic("archive"):
            prefetch_references(articles, "author", elsewhere, errors="collect")
        assert "_author_cache" in vars(articles[0])


class TestThrough:
    """Attributes between references that are no relations of their own."""

    def test_properties_use_what_was_fetched_before(self, articles, monkeypatch):
        """Of the same level, too: what ``prefetch_related`` passes through, is passed."""
        both = property(lambda self: [self.author, self.editor])
        monkeypatch.setattr(Article, "both", both, raising=False)
        one = property(lambda self: self.shelf)
        monkeypatch.setattr(Article, "one", one, raising=False)
        with queries() as sent:
            prefetch_references(
                articles, "both__team", "author", "editor", "shelf", "one__articles"
            )
            assert articles[0].editor.team.name == articles[0].author.team.name == "team"
            assert len(articles[0].shelf.articles.all()) == 3
        assert per_alias(sent) == {"people": 2, "default": 2}

    def test_many_to_many_of_the_target(self):
        """Django's own relations, at any depth."""
        user = User.objects.create(username="u")
        user.groups.add(Group.objects.create(name="g"))
        account = Account.objects.get(pk=Account.objects.create(user=user).pk)
        with queries() as sent:
            prefetch_references([account], "user__groups__permissions")
            assert [group.name for group in account.user.groups.all()] == ["g"]
        assert per_alias(sent) == {"people": 3}

    def test_pinned_sources_and_their_relations(self, people):
        """``notes`` on ``archive``, ``actor`` on ``people``."""
        event = Event.objects.create(actor=people[0], name="x")
        EventNote.objects.create(event=event, text="t")
        (found,) = EventNote.objects.all()
        with queries() as sent:
            prefetch_references([found], "event__actor__team")
            assert found.event.actor.team.name == "team"
        assert per_alias(sent) == {"archive": 1, "people": 2}
