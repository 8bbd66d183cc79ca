"""The source's side: ``article.author_id`` and ``article.author``."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core import exceptions
from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError, connections, models
from django.db.models import F, Prefetch
from django.test.utils import isolate_apps
from django.utils.functional import SimpleLazyObject

from crossdb_reference import CrossDBReference, DanglingReference
from crossdb_reference._compat import FETCH_ONE, FetchOne, fetch, with_fetch_mode
from crossdb_reference.exceptions import ReferenceValueError
from crossdb_reference.forward import ForwardReference, KeyAttribute
from tests.library.models import Account, Article, Car, Comment, Draft, Everything, Review
from tests.people.models import Adult, Employee, Person, Profile, Team
from tests.pickles import pickled
from tests.queries import queries

pytestmark = pytest.mark.django_db(databases="__all__")

HAS_FETCH_MODES = hasattr(models, "FETCH_PEERS")


@pytest.fixture
def article(ann: Person) -> Article:
    """Give a source of Ann's, fresh from its database."""
    return Article.objects.get(pk=Article.objects.create(title="Ants", author=ann).pk)


@pytest.fixture
def dangling() -> Article:
    """Give a source whose key no row has."""
    return Article.objects.create(title="Lost", author_id=404)


def in_mode(name: str) -> models.QuerySet[Article]:
    """Return the articles in a fetch mode; before Django 6.1, as they are."""
    articles = Article.objects.order_by("pk")
    return articles.fetch_mode(getattr(models, name)) if HAS_FETCH_MODES else articles


class TestReading:
    """``article.author_id`` and ``article.author``."""

    def test_the_key_needs_no_query(self, article: Article, ann: Person) -> None:
        """The key is in the source's row."""
        with queries() as sent:
            assert article.author_id == ann.pk
        assert sent == {}

    def test_the_target_takes_one_query_on_its_own_database(
        self, article: Article, ann: Person
    ) -> None:
        """Only the target's database is asked, and once."""
        with queries() as sent:
            assert article.author == ann
        assert {alias: len(sql) for alias, sql in sent.items()} == {"people": 1}
        assert article.author._state.db == "people"

    def test_the_target_is_cached(self, article: Article) -> None:
        """The second access gives the same object without a query."""
        first = article.author
        with queries() as sent:
            assert article.author is first
        assert sent == {}

    def test_is_cached_tells_whether_a_query_is_needed(self, article: Article) -> None:
        """Descriptor and field agree, before and after."""
        field = Article._meta.get_field("author")
        assert not Article.author.is_cached(article)
        assert not field.is_cached(article)
        assert article.author
        assert Article.author.is_cached(article)
        assert field.is_cached(article)

    def test_none_needs_no_query(self, article: Article) -> None:
        """A nullable reference without a key is ``None``."""
        with queries() as sent:
            assert article.editor is None
        assert sent == {}

    def test_a_required_reference_without_a_key_raises(self) -> None:
        """The error is the target's ``DoesNotExist`` too, and says what is missing."""
        with pytest.raises(Article.author.RelatedObjectDoesNotExist) as caught:
            _ = Article(title="Nobody's").author
        assert str(caught.value) == "Article has no author."
        assert isinstance(caught.value, Person.DoesNotExist)

    def test_hasattr_is_false_without_a_key(self, article: Article) -> None:
        """The error is an ``AttributeError``: templates and ``getattr()`` defaults work."""
        assert not hasattr(Article(title="Nobody's"), "author")
        assert hasattr(article, "author")

    def test_the_class_gives_the_descriptors(self) -> None:
        """As Django's own, they are found on the class."""
        assert isinstance(Article.author, ForwardReference)
        assert isinstance(Article.author_id, KeyAttribute)
        assert Article.author_id.field is Article._meta.get_field("author")

    def test_children_of_abstract_models_and_proxies_have_it(self, ann: Person) -> None:
        """Both inherit the reference, and each abstract child has a field of its own."""
        car = Car.objects.create(owner=ann)
        draft = Draft.objects.create(title="Draft", author=ann)
        assert Car.objects.get(pk=car.pk).owner == ann
        assert Draft.objects.get(pk=draft.pk).author == ann
        assert Car._meta.get_field("owner").label == "library.Car.owner"

    def test_a_one_to_one_target_knows_its_source(self, ann: Person) -> None:
        """Fetching one side caches the other, so that going back takes no query."""
        account = Account.objects.get(pk=Account.objects.create(person=ann).pk)
        person = account.person
        with queries() as sent:
            assert person.account is account
        assert sent == {}

    def test_sides_of_one_home_stay_in_the_database_of_the_source(self) -> None:
        """A source read from elsewhere refers to targets there, as a foreign key does."""
        field = Profile._meta.get_field("person")
        profile = Profile()
        assert field.target_database(profile) == "people"
        profile._state.db = "geo"
        assert field.target_database(profile) == "geo"

    def test_sides_of_different_homes_do_not(self, article: Article) -> None:
        """Where the source came from says nothing about its target."""
        article._state.db = "archive"
        assert article.author.name == "Ann"


class TestDangling:
    """A key that no row has."""

    def test_it_raises_and_says_all(self, dangling: Article) -> None:
        """Source, field, key, alias, and what to do."""
        with pytest.raises(DanglingReference) as caught:
            _ = dangling.author
        assert str(caught.value) == (
            f"library.Article(pk={dangling.pk}): the reference library.Article.author holds the"
            " key 404, but the database 'people' has no people.Person with it. Assign another"
            " target, or None where the field allows it."
        )

    def test_it_has_attributes(self, dangling: Article) -> None:
        """Code can act on field, key and alias."""
        with pytest.raises(DanglingReference) as caught:
            _ = dangling.author
        error = caught.value
        assert (error.field, error.key, error.alias) == ("library.Article.author", 404, "people")

    @pytest.mark.parametrize(
        "cls", [Person.DoesNotExist, ObjectDoesNotExist, Article.author.DanglingReference]
    )
    def test_it_is_the_targets_does_not_exist(
        self, dangling: Article, cls: type[Exception]
    ) -> None:
        """Handlers that were written for a ``ForeignKey`` catch it."""
        with pytest.raises(cls):
            _ = dangling.author

    def test_a_nullable_reference_is_never_a_silent_none(self, article: Article) -> None:
        """``null=True`` makes no difference to a dangling key."""
        article.editor_id = 404
        with pytest.raises(DanglingReference, match=r"library\.Article\.editor holds the key 404"):
            _ = article.editor

    def test_hasattr_raises(self, dangling: Article) -> None:
        """There is a reference, so this is no missing attribute."""
        with pytest.raises(DanglingReference):
            hasattr(dangling, "author")

    def test_after_a_prefetch_it_raises_without_another_query(self, dangling: Article) -> None:
        """The prefetch looked already."""
        (found,) = Article.objects.filter(pk=dangling.pk).prefetch_related("author")
        with queries() as sent, pytest.raises(DanglingReference):
            _ = found.author
        assert sent == {}

    def test_left_out_by_a_prefetch_of_ones_own_is_none(self, ann: Person) -> None:
        """Who asks for fewer rows gets ``None`` for the others, without a query."""
        Article.objects.create(title="Ants", author=ann)
        children = Prefetch("author", Person.objects.filter(age__lt=18))
        (found,) = Article.objects.prefetch_related(children)
        with queries() as sent:
            assert found.author is None
        assert sent == {}

    def test_what_was_left_out_is_found_after_the_key_is_set_anew(self, ann: Person) -> None:
        """Setting the key forgets what a prefetch said."""
        Article.objects.create(title="Ants", author=ann)
        children = Prefetch("author", Person.objects.filter(age__lt=18))
        (found,) = Article.objects.prefetch_related(children)
        found.author_id = ann.pk
        assert found.author == ann

    def test_a_plain_prefetch_after_one_that_left_out_tells_the_truth(
        self, dangling: Article
    ) -> None:
        """The mark of the first one does not hide what the second one found."""
        left_out = Prefetch("author", Person.objects.none(), to_attr="young")
        models.prefetch_related_objects([dangling], left_out, "author")
        with pytest.raises(DanglingReference):
            _ = dangling.author

    def test_a_target_that_appears_is_found_on_the_next_access(self, dangling: Article) -> None:
        """A failed access is not remembered."""
        with pytest.raises(DanglingReference):
            _ = dangling.author
        late = Person.objects.create(pk=404, name="Late", email="late@example.org")
        assert dangling.author == late


class TestAssigning:
    """``article.author = …``."""

    def test_a_target_sets_key_and_cache(self, article: Article, bob: Person) -> None:
        """No query for either, and the very object comes back."""
        with queries() as sent:
            article.author = bob
            assert article.author is bob
            assert article.author_id == bob.pk
        assert sent == {}

    def test_a_target_in_the_constructor_does_the_same(self, ann: Person) -> None:
        """The model's ``__init__`` goes the same way."""
        with queries() as sent:
            assert Article(author=ann).author is ann
        assert sent == {}

    def test_another_model_is_refused(self, article: Article) -> None:
        """The error names value, field and target; nothing changes."""
        team = Team.objects.create(name="Red")
        before = article.author
        with pytest.raises(ReferenceValueError) as caught:
            article.author = team
        assert str(caught.value) == (
            f"Cannot use <Team: Team object ({team.pk})> for the reference library.Article.author:"
            " it is an instance of people.Team. Use a saved people.Person of the"
            " database 'people', its key, or None."
        )
        assert article.author is before

    def test_a_parent_is_refused_where_a_child_is_meant(self, ann: Person) -> None:
        """A person need not be an employee."""
        with pytest.raises(
            ReferenceValueError,
            match=r"it is an instance of people\.Person\. Use a saved people\.Emp",
        ):
            Everything(employee=ann)

    def test_children_and_proxies_of_the_target_are_accepted(self) -> None:
        """A child's key is its parent's; a proxy is the model itself."""
        worker = Employee.objects.create(name="Wim", email="wim@example.org", salary=1)
        assert Article(author=worker).author_id == worker.pk
        assert Article(author=Adult.objects.get()).author_id == worker.pk
        assert Everything(adult=Person.objects.get()).adult_id == worker.pk

    @pytest.mark.parametrize("key", [7, "7"])
    def test_a_plain_key_is_accepted(self, article: Article, key: object) -> None:
        """As fixtures and generic code have it, converted to the key's type."""
        assert article.author
        article.author = key
        assert article.author_id == 7
        assert not Article.author.is_cached(article)

    def test_none_forgets_the_target(self, article: Article, bob: Person) -> None:
        """Key and cache are gone."""
        article.editor = bob
        article.editor = None
        assert article.editor_id is None
        assert article.editor is None

    def test_none_is_refused_only_when_saved(self, article: Article) -> None:
        """A required reference may be empty for a while, as a ``ForeignKey`` may."""
        article.author = None
        with pytest.raises(Article.author.RelatedObjectDoesNotExist):
            _ = article.author

    def test_a_key_forgets_the_target(self, article: Article, bob: Person) -> None:
        """The next access gives the target of the new key."""
        assert article.author.name == "Ann"
        article.author_id = bob.pk
        assert article.author == bob

    def test_the_same_key_forgets_the_target_too(self, article: Article) -> None:
        """A stale target is never kept."""
        first = article.author
        article.author_id = article.author_id
        assert article.author == first
        assert article.author is not first

    def test_origins_are_left_alone(self, ann: Person, article: Article) -> None:
        """Neither side moves to the database of the other, saved or not."""
        new, unsaved = Article(title="New"), Person(name="New")
        new.author, article.author = ann, unsaved
        new.editor = unsaved
        assert (new._state.db, ann._state.db) == (None, "people")
        assert (article._state.db, unsaved._state.db) == ("default", None)

    def test_one_to_one_targets_learn_and_forget_their_source(self, ann: Person) -> None:
        """Both sides are cached, and ``None`` undoes both."""
        account = Account(person=ann)
        assert ann.account is account
        account.person = None
        assert not hasattr(ann, "account")

    def test_two_references_to_one_target_are_independent(self, ann: Person, bob: Person) -> None:
        """Each has a key and a cache of its own."""
        article = Article(author=ann, editor=bob)
        article.editor = None
        assert article.author is ann

    def test_a_lazy_object_is_assigned_like_what_it_stands_for(self, ann: Person) -> None:
        """As ``request.user`` is one; a filter takes it as well."""
        lazy = SimpleLazyObject(lambda: ann)
        article = Article.objects.create(title="Ants", author=lazy)
        assert Article.objects.get().author == ann
        assert Article.objects.get(author=lazy) == article
        assert Article.objects.get(author__in=[lazy]) == article
        assert Article.objects.update(editor=lazy.pk + 1) == 1

    def test_a_lazy_user_is_assigned_to_a_reference_to_the_user_model(self) -> None:
        """The very case of a view."""
        user = User.objects.create_user("ada")
        Account.objects.create(user=SimpleLazyObject(lambda: user))
        assert Account.objects.get().user == user

    def test_a_lazy_object_of_another_model_is_refused(self) -> None:
        """The error names the model that it stands for."""
        with pytest.raises(ReferenceValueError) as caught:
            Article(author=SimpleLazyObject(lambda: Team(pk=1)))
        assert "it is an instance of people.Team. Use a saved people.Person" in str(caught.value)

    def test_an_expression_is_assigned_as_to_the_key(self, ann: Person) -> None:
        """The database computes it when the source is saved."""
        profile = Profile.objects.create(person=ann)
        by_name = Everything.objects.create(profile=profile)
        by_key = Everything.objects.create(profile=profile)
        with queries() as sent:
            by_name.adult = F("profile")
            by_key.adult_id = F("profile")
            assert by_name.adult_id == by_key.adult_id == F("profile")
        assert sent == {}
        for source in (by_name, by_key):
            source.save()
            source.refresh_from_db()
            assert source.adult_id == ann.pk
            assert source.adult == Adult.objects.get()

    def test_an_expression_forgets_the_target(self, article: Article) -> None:
        """What the row refers to is the database's to say."""
        assert article.author
        article.author = F("author")
        assert not Article.author.is_cached(article)


class TestRefreshing:
    """``refresh_from_db()`` and ``full_clean()``."""

    @pytest.mark.parametrize("fields", [None, ["author"], ["author_id"]])
    def test_refresh_forgets_the_target_though_the_key_is_the_same(
        self, article: Article, fields: list[str] | None
    ) -> None:
        """What changed on the target's side is seen."""
        assert article.author.name == "Ann"
        Person.objects.update(name="Anna")
        article.refresh_from_db(fields=fields)
        assert article.author.name == "Anna"

    def test_refresh_takes_a_changed_key(self, article: Article, bob: Person) -> None:
        """The source's row decides."""
        assert article.author
        Article.objects.update(author=bob)
        article.refresh_from_db()
        assert article.author == bob

    def test_refresh_of_other_fields_keeps_the_target(self, article: Article) -> None:
        """Only what is read again is forgotten."""
        first = article.author
        article.refresh_from_db(fields=["title"])
        assert article.author is first

    def test_full_clean_keeps_the_target(self, ann: Person) -> None:
        """Validation sets the key that it was given, which is no news."""
        account = Account(person=ann)
        account.clean_fields(exclude=["user"])
        with queries() as sent:
            assert account.person is ann
        assert sent == {}

    def test_refresh_after_full_clean_forgets_the_target(self, ann: Person) -> None:
        """``full_clean()`` leaves no mark that outlives it."""
        account = Account.objects.create(person=ann)
        account.clean_fields(exclude=["user"])
        account.refresh_from_db()
        assert account.person is not ann

    def test_full_clean_with_a_key_of_another_type_keeps_the_right_target(
        self, ann: Person
    ) -> None:
        """A key that cleaning converts is another value, so the target is looked up again."""
        account = Account(person_id=str(ann.pk))
        assert account.person == ann
        account.clean_fields(exclude=["user"])
        assert account.person_id == ann.pk
        assert account.person == ann


class TestDeferring:
    """``only()`` and ``defer()``."""

    def test_a_deferred_key_is_loaded_from_the_source(self, article: Article, ann: Person) -> None:
        """One query on each side."""
        deferred = Article.objects.defer("author").get(pk=article.pk)
        with queries() as sent:
            assert deferred.author == ann
        assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, "people": 1}

    def test_only_by_either_name_loads_the_key(self, article: Article, ann: Person) -> None:
        """``only("author")`` and ``only("author_id")`` mean the column."""
        for name in ("author", "author_id"):
            loaded = Article.objects.only(name).get(pk=article.pk)
            assert loaded.get_deferred_fields() == {"title", "editor_id", "shelf_id"}
            with queries() as sent:
                assert loaded.author_id == ann.pk
            assert sent == {}

    def test_a_deferred_key_can_be_set(self, article: Article, bob: Person) -> None:
        """Assigning needs no query and saves the new key."""
        deferred = Article.objects.only("title").get(pk=article.pk)
        with queries() as sent:
            deferred.author = bob
        assert sent == {}
        deferred.save()
        assert Article.objects.get(pk=article.pk).author_id == bob.pk

    def test_deferred_keys_are_prefetched_too(self, article: Article, ann: Person) -> None:
        """Slower, but right."""
        (deferred,) = Article.objects.only("title").prefetch_related("author")
        assert deferred == article
        with queries() as sent:
            assert deferred.author == ann
        assert sent == {}


class TestCopying:
    """``copy``, ``deepcopy`` and ``pickle``."""

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
    def test_the_cached_target_comes_along(self, article: Article, duplicate: object) -> None:
        """No query on the copy, and the copy's target is its own matter."""
        author = article.author
        other = duplicate(article)
        with queries() as sent:
            assert other.author == author
            assert other.author.name == "Ann"
        assert sent == {}
        other.author_id = 404
        assert article.author is author

    def test_a_deep_copy_has_a_target_of_its_own(self, article: Article) -> None:
        """As the word says."""
        author = article.author
        assert copy.copy(article).author is author
        assert copy.deepcopy(article).author is not author

    def test_pickleddangling_sources_still_raise(self, dangling: Article) -> None:
        """What a prefetch found out is pickled too."""
        (found,) = Article.objects.filter(pk=dangling.pk).prefetch_related("author")
        found = pickled(found)
        with queries() as sent, pytest.raises(DanglingReference):
            _ = found.author
        assert sent == {}

    def test_the_error_can_be_pickled(self, dangling: Article) -> None:
        """Class, words and attributes survive: task queues send errors between processes."""
        with pytest.raises(DanglingReference) as caught:
            _ = dangling.author
        error = pickled(caught.value)
        assert type(error) is Article.author.DanglingReference
        assert str(error) == str(caught.value)
        assert (error.field, error.key, error.alias) == ("library.Article.author", 404, "people")

    def test_the_other_error_can_be_pickled(self) -> None:
        """It is found by its name on the model."""
        error = Article.author.RelatedObjectDoesNotExist("Article has no author.")
        assert type(pickled(error)) is Article.author.RelatedObjectDoesNotExist

    def test_the_descriptor_pickles_as_the_attribute_of_the_model(self) -> None:
        """Prefetches of pickled querysets refer to it."""
        assert pickled(Article.author) is Article.author


class TestFetchModes:
    """Django 6.1's fetch modes; before, everything is as in ``FETCH_ONE``."""

    @pytest.fixture(autouse=True)
    def articles(self, ann: Person, bob: Person) -> None:
        """Give Ann two articles and Bob one."""
        for title, author in [("Ants", ann), ("Bees", bob), ("Asps", ann)]:
            Article.objects.create(title=title, author=author)

    @pytest.mark.parametrize(
        ("mode", "expected"), [("FETCH_ONE", 3), ("FETCH_PEERS", 1 if HAS_FETCH_MODES else 3)]
    )
    def test_one_query_each_or_one_for_all_peers(self, mode: str, expected: int) -> None:
        """The mode of the queryset decides."""
        articles = list(in_mode(mode))
        with queries() as sent:
            assert [article.author.name for article in articles] == ["Ann", "Bob", "Ann"]
        assert {alias: len(sql) for alias, sql in sent.items()} == {"people": expected}

    def test_a_single_peer_is_fetched_alone(self) -> None:
        """No ceremony for one object."""
        with queries() as sent:
            assert in_mode("FETCH_PEERS").get(title="Bees").author.name == "Bob"
        assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, "people": 1}

    def test_peers_that_have_their_target_are_left_alone(self, bob: Person) -> None:
        """An assigned target is not fetched over."""
        first, second, third = in_mode("FETCH_PEERS")
        second.author = bob
        assert first.author == third.author
        assert second.author is bob

    def test_a_dangling_peer_raises_by_itself(self) -> None:
        """The other peers have their targets."""
        Article.objects.create(title="Lost", author_id=404)
        *good, lost = in_mode("FETCH_PEERS")
        assert [article.author.name for article in good] == ["Ann", "Bob", "Ann"]
        with pytest.raises(DanglingReference):
            _ = lost.author

    def test_a_dangling_peer_that_is_asked_first_does_not_spoil_the_others(self) -> None:
        """The error is about the one that was asked."""
        Article.objects.create(title="Lost", author_id=404)
        *good, lost = in_mode("FETCH_PEERS")
        with pytest.raises(DanglingReference, match=f"pk={lost.pk}"):
            _ = lost.author
        assert [article.author.name for article in good] == ["Ann", "Bob", "Ann"]

    def test_fetch_raise_blocks_the_query(self) -> None:
        """Nothing is sent; what was prefetched is there."""
        first = in_mode("FETCH_RAISE").first()
        blocked = (
            pytest.raises(exceptions.FieldFetchBlocked, match=r"Article\.author")
            if HAS_FETCH_MODES
            else nullcontext()
        )
        with queries() as sent, blocked:
            _ = first.author
        assert len(sent.get("people", [])) == (0 if HAS_FETCH_MODES else 1)
        prefetched = in_mode("FETCH_RAISE").prefetch_related("author").first()
        assert prefetched.author.name == "Ann"

    def test_the_target_inherits_the_mode(self) -> None:
        """So the target's own relations are fetched for all peers too."""
        Person.objects.filter(name="Ann").update(team=Team.objects.create(name="Red"))
        Person.objects.filter(name="Bob").update(team=Team.objects.create(name="Blue"))
        articles = list(in_mode("FETCH_PEERS"))
        with queries() as sent:
            assert [a.author.team.name for a in articles] == ["Red", "Blue", "Red"]
        assert len(sent["people"]) == (2 if HAS_FETCH_MODES else 6)


class TestFetchers:
    """The protocol of the fetch modes, spoken directly: the same on every Django."""

    def test_fetch_one_fetches_for_the_instance_alone(self, article: Article, ann: Person) -> None:
        """What every Django before 6.1 does."""
        with queries() as sent:
            FetchOne().fetch(Article.author, article)
        assert list(sent) == ["people"]
        assert article.__dict__["_author_cache"] == ann

    def test_fetch_one_is_the_default(self, article: Article) -> None:
        """An instance without a mode is fetched alone."""
        asked = []
        fetcher = SimpleNamespace(fetch_one=asked.append)
        stateless = SimpleNamespace(_state=SimpleNamespace())
        fetch(fetcher, stateless)
        FETCH_ONE.fetch(fetcher, article)
        assert asked == [stateless, article]

    def test_fetch_many_takes_one_query_for_those_without_a_target(
        self, article: Article, ann: Person, bob: Person
    ) -> None:
        """And none for those that have one."""
        other = Article(title="Bees", author=bob)
        with queries() as sent:
            Article.author.fetch_many([article, other])
            assert article.author == ann
        assert {alias: len(sql) for alias, sql in sent.items()} == {"people": 1}
        assert other.author is bob

    def test_a_queryset_takes_the_mode_of_the_instance_if_it_has_one(
        self, article: Article
    ) -> None:
        """Where Django has no modes, the queryset stays as it is."""
        people = Person.objects.all()
        assert with_fetch_mode(people, SimpleNamespace(_state=SimpleNamespace())) is people
        assert list(with_fetch_mode(people, article)) == list(people)


class TestErrorsOfTheDatabase:
    """The target's database cannot answer."""

    @isolate_apps("tests.library")
    def test_the_source_stays_usable_and_the_error_names_the_reference(
        self, extra_alias: object
    ) -> None:
        """The key is there, and the backend's error says what was being followed."""

        class Visit(models.Model):
            owner = CrossDBReference(Person, models.CASCADE, related_name="+", using="down")

            class Meta:
                app_label = "library"
                db_table = "library_car"

        visit = Visit.objects.create(owner_id=7)
        entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/does/not/exist.sqlite3"}
        note = "While following the reference library.Visit.owner to the database 'down'."
        with extra_alias("down", entry):
            for access in (
                lambda: visit.owner,
                lambda: Visit.owner.fetch_many([visit]),
                lambda: list(Visit.objects.filter(owner__in=Person.objects.all())),
                visit.clean_fields,
            ):
                with pytest.raises(OperationalError) as caught:
                    access()
                assert caught.value.__notes__ == [note]
            assert Visit.objects.get().owner_id == 7


def test_nested_prefetches_of_the_target_run_once_for_all(article: Article, bob: Person) -> None:
    """One query per level, each on its own database."""
    team = Team.objects.create(name="Red")
    Person.objects.update(team=team)
    Comment.objects.create(article=article, author=bob)
    with queries() as sent:
        (comment,) = Comment.objects.prefetch_related("author__team", "article__author__team")
        assert comment.author.team == comment.article.author.team == team
    assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 2, "people": 4}


def test_prefetching_one_to_one_targets_caches_the_sources(ann: Person, bob: Person) -> None:
    """Both sides are known after one query on each database."""
    for person in (ann, bob):
        Account.objects.create(person=person)
    with queries() as sent:
        accounts = list(Account.objects.prefetch_related("person"))
        assert all(account.person.account is account for account in accounts)
    assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, "people": 1}


def test_multi_table_inheritance_has_the_parents_references(ann: Person, bob: Person) -> None:
    """And its own; both are fetched."""
    Review.objects.create(title="Ants", author=ann, critic=bob)
    review = Review.objects.get()
    assert (review.author, review.critic) == (ann, bob)
    assert Article.objects.get().author == ann


def test_every_connection_is_in_the_count() -> None:
    """The helper that these tests count with sees the queries of each alias."""
    with queries() as sent:
        for alias in connections:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
    assert sent == {alias: ["SELECT 1"] for alias in connections}
