"""``CrossDBOneToOneReference``: one object on either side, each knows the other."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.test.utils import isolate_apps
from django.utils.functional import SimpleLazyObject

from crossdb_reference import CrossDBOneToOneReference, DanglingReference
from crossdb_reference.exceptions import ReferenceValueError
from tests.library.models import Account, Article
from tests.people.models import Adult, Employee, Person, Profile
from tests.queries import queries

pytestmark = pytest.mark.django_db(databases="__all__")

needs_fetch_modes = pytest.mark.skipif(
    not hasattr(models, "FETCH_PEERS"), reason="Django has fetch modes from 6.1 on"
)


@pytest.fixture
def ben():
    return Person.objects.create(name="Ben", email="ben@example.org")


@pytest.fixture
def account(ann):
    """An account that knows its person only by key."""
    pk = Account.objects.create(person_id=ann.pk).pk
    return Account.objects.get(pk=pk)


class TestTargetsSide:
    """``person.account``."""

    def test_it_is_fetched_once_from_the_sources_home(self, ann, account):
        """One query on ``default``; then both know each other."""
        with queries() as sent:
            found = ann.account
            assert found == account
            assert ann.account is found
            assert found.person is ann
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1}

    def test_there_is_none(self, ann):
        """The source's ``DoesNotExist``, an ``AttributeError``, asked for once."""
        with queries() as sent:
            with pytest.raises(Account.DoesNotExist, match=r"^Person has no account\.$") as caught:
                _ = ann.account
            assert isinstance(caught.value, AttributeError)
            assert isinstance(caught.value, Person.account.RelatedObjectDoesNotExist)
            assert not hasattr(ann, "account")
        assert len(sent["default"]) == 1

    def test_the_exception_names_where_it_belongs(self):
        """Module and qualified name are the target's."""
        error = Person.account.RelatedObjectDoesNotExist
        assert error.__module__ == "tests.people.models"
        assert error.__qualname__ == "Person.account.RelatedObjectDoesNotExist"

    def test_an_unsaved_target_has_none_without_a_query(self):
        """Nothing can refer to it."""
        with queries() as sent:
            assert not hasattr(Person(name="new"), "account")
        assert sent == {}

    def test_refreshing_the_target_forgets_the_source(self, ann, account):
        """Also a source that was missing before."""
        assert ann.account == account
        Account.objects.all().delete()
        ann.refresh_from_db()
        assert not hasattr(ann, "account")
        Account.objects.create(person_id=ann.pk)
        assert not hasattr(ann, "account")
        ann.refresh_from_db()
        assert hasattr(ann, "account")

    def test_assigning_sets_the_key_of_the_source_and_both_caches(self, ann, account, ben):
        """No query, and nothing is written before the source is saved."""
        with queries() as sent:
            ben.account = account
            assert account.person is ben
            assert account.person_id == ben.pk
            assert ben.account is account
        assert sent == {}
        assert Account.objects.get().person_id == ann.pk
        account.save()
        assert Account.objects.get().person_id == ben.pk

    def test_assigning_touches_no_origin(self, ben):
        """Neither side is moved to the other's database."""
        account = Account()
        ben.account = account
        assert (account._state.db, ben._state.db) == (None, "people")

    def test_assigning_to_an_unsaved_target_lends_its_key_later(self):
        """The target is saved between the assignment and the save of the source."""
        person, account = Person(name="new", email="new"), Account()
        person.account = account
        with (
            pytest.raises(ReferenceValueError, match="is not saved"),
            transaction.atomic("default"),
        ):
            account.save()
        person.save()
        account.save()
        assert Account.objects.get().person_id == person.pk

    def test_assigning_none_parts_both_sides(self, ann, account):
        """The source refers to nothing, in memory; the target asks again."""
        source = ann.account
        ann.account = None
        assert source.person_id is None
        assert source.person is None
        source.save()
        assert not hasattr(ann, "account")
        assert Account.objects.get(pk=account.pk).person_id is None

    def test_assigning_none_forgets_a_source_that_was_refreshed_too(self, ann, account):
        """The source no longer knows its target by then."""
        assert ann.account == account
        ann.account.refresh_from_db()
        source, ann.account = ann.account, None
        assert source.person_id is None
        source.save()
        assert not hasattr(ann, "account")

    def test_refreshing_a_child_of_the_target_forgets_the_source(self):
        """The child is older than the reference."""
        Account.objects.create(person=Employee.objects.create(name="Eve", email="eve"))
        eve = Employee.objects.get()
        assert eve.account
        Account.objects.all().delete()
        eve.refresh_from_db()
        assert not hasattr(eve, "account")

    def test_assigning_none_to_a_target_that_knows_no_source_does_nothing(self, ann, account):
        """As with Django: no query."""
        with queries() as sent:
            ann.account = None
        assert sent == {}
        assert ann.account == account

    def test_assigning_a_wrong_model_is_refused(self, ann, ben):
        """A ``ValueError`` with the accessor and what it takes."""
        with pytest.raises(ReferenceValueError) as caught:
            ann.account = ben
        assert str(caught.value) == (
            "Cannot assign <Person: Ben> to people.Person.account: use a library.Account, or None."
        )
        assert not hasattr(ann, "account")

    def test_proxies_and_children_of_the_target_have_it(self, ann, account):
        """It is inherited."""
        assert Adult.objects.get(pk=ann.pk).account == account
        employee = Employee.objects.create(name="Eve", email="eve@example.org")
        of_eve = Account.objects.create(person=employee)
        assert Employee.objects.get().account == of_eve
        assert Person.objects.get(pk=employee.pk).account == of_eve

    def test_the_descriptor_can_be_pickled(self):
        """By its name."""
        assert pickle.loads(pickle.dumps(Person.account)) is Person.account  # noqa: S301

    @needs_fetch_modes
    @pytest.mark.usefixtures("ann", "ben", "account")
    def test_peers_are_fetched_together(self):
        """One query for all people of one queryset, those without an account too."""
        people = list(Person.objects.fetch_mode(models.FETCH_PEERS).order_by("pk"))
        with queries() as sent:
            assert [hasattr(person, "account") for person in people] == [True, False]
            assert people[0].account.person is people[0]
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1}

    @needs_fetch_modes
    @pytest.mark.usefixtures("ann")
    def test_the_mode_that_raises_names_the_attribute(self):
        """``FETCH_RAISE`` sends no query."""
        person = Person.objects.fetch_mode(models.FETCH_RAISE).get()
        with (
            queries() as sent,
            pytest.raises(Exception, match=r"Fetching of Person\.account blocked"),
        ):
            _ = person.account
        assert sent == {}


class TestSourcesSide:
    """``account.person``."""

    def test_it_is_fetched_once_from_the_targets_home_and_knows_its_source(self, account):
        """One query on ``people``; the way back is free."""
        with queries() as sent:
            assert account.person.account is account
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"people": 1}

    def test_assigning_lets_the_target_know(self, ben, account):
        """Both caches, no query."""
        with queries() as sent:
            account.person = ben
            assert ben.account is account
        assert sent == {}

    def test_assigning_none_lets_the_former_target_ask_again(self, ann, account):
        """It does not go on holding a source that left it."""
        account.person = ann
        account.person = None
        account.save()
        with queries() as sent:
            assert not hasattr(ann, "account")
        assert set(sent) == {"default"}

    def test_two_sources_for_one_target_are_refused_by_the_database(self, ann, account):
        """The column is unique."""
        with pytest.raises(IntegrityError), transaction.atomic("default"):
            Account.objects.create(person=ann)
        assert list(Account.objects.all()) == [account]

    def test_two_sources_for_one_target_are_refused_by_validation(self, ann, account):
        """``full_clean`` says which field."""
        with pytest.raises(ValidationError) as caught:
            Account(person=ann).full_clean(exclude=["user"])
        assert set(caught.value.message_dict) == {"person"}
        account.full_clean(exclude=["user"])

    def test_any_number_of_sources_may_refer_to_nothing(self):
        """``NULL`` is not unique."""
        assert [Account.objects.create().person for _ in range(2)] == [None, None]

    def test_as_primary_key(self, ann):
        """The target's key is the source's."""
        profile = Profile.objects.create(person=ann, bio="b")
        assert profile.pk == ann.pk
        assert Person.objects.get(pk=ann.pk).home_profile == profile
        assert Profile.objects.get(pk=ann.pk).person == ann

    def test_a_lazy_object_is_assigned_like_what_it_stands_for(self, ann):
        """As ``request.user`` is one."""
        account = Account(person=SimpleLazyObject(lambda: ann))
        account.save()
        assert Account.objects.get().person == ann
        with queries() as sent:
            assert ann.account is account
        assert sent == {}
        account.person = None
        account.save()
        assert not hasattr(ann, "account")

    def test_a_lazy_object_takes_a_source(self, ann, account):
        """From the target's side."""
        lazy = SimpleLazyObject(lambda: ann)
        lazy.account = account
        assert (account.person_id, ann.account) == (ann.pk, account)
        lazy.account = None
        assert account.person_id is None

    @isolate_apps("tests.library")
    def test_a_reference_to_a_proxy_takes_its_concrete_model(self):
        """The accessor is the proxy's: the concrete instance is assigned without one."""

        class Box(models.Model):
            name = models.CharField(max_length=80)

            class Meta:
                app_label = "library"
                db_table = "library_shelf"

        class Big(Box):
            class Meta:
                app_label = "library"
                proxy = True

        class Label(models.Model):
            person = CrossDBOneToOneReference(Big, models.CASCADE, null=True, related_name="label")

            class Meta:
                app_label = "library"
                db_table = "library_account"

        box = Box.objects.create(name="b")
        label = Label(person=box)
        label.user_id = None
        label.save()
        assert Label.objects.get().person == box
        assert type(Label.objects.get().person) is Big
        assert Big.objects.get().label == label
        (found,) = Label.objects.prefetch_related("person")
        assert found.person == box
        label.person = None
        label.save()
        assert not hasattr(Big.objects.get(), "label")


class TestPrefetch:
    """Both sides, one query each."""

    @pytest.fixture(autouse=True)
    def rows(self, ann, ben, account):
        pass

    def test_targets_of_sources(self, ann):
        """``prefetch_related("person")``; the way back is free, and nobody else's."""
        Account.objects.create()
        with queries() as sent:
            accounts = list(Account.objects.prefetch_related("person").order_by("pk"))
            assert [account.person for account in accounts] == [ann, None]
            assert accounts[0].person.account is accounts[0]
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1, "people": 1}

    def test_sources_of_targets(self, account):
        """``prefetch_related("account")``; those without one are known to have none."""
        with queries() as sent:
            first, second = Person.objects.prefetch_related("account").order_by("pk")
            assert first.account == account
            assert first.account.person is first
            assert not hasattr(second, "account")
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1, "people": 1}

    def test_there_and_back(self, ann):
        """The way back is known already."""
        with queries() as sent:
            (account,) = Account.objects.prefetch_related("person__account__person")
        assert account.person == ann
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1, "people": 1}

    def test_with_a_queryset_that_leaves_sources_out(self, ann):
        """What is left out is missing; no query says otherwise."""
        none = Prefetch("account", queryset=Account.objects.filter(pk=-1))
        person = Person.objects.prefetch_related(none).get(pk=ann.pk)
        with queries() as sent:
            assert not hasattr(person, "account")
        assert sent == {}

    def test_with_a_queryset_that_leaves_targets_out(self, account):
        """``None``, not dangling."""
        none = Prefetch("person", queryset=Person.objects.filter(pk=-1))
        read = Account.objects.prefetch_related(none).get(pk=account.pk)
        with queries() as sent:
            assert read.person is None
        assert sent == {}

    def test_to_an_attribute(self, ann, account):
        """One object or ``None``, and the accessor stays free to ask."""
        to_attr = Prefetch("account", queryset=Account.objects.all(), to_attr="login")
        first, second = Person.objects.prefetch_related(to_attr).order_by("pk")
        assert (first.login, second.login) == (account, None)
        assert first.login.person is first
        (read,) = Account.objects.prefetch_related(Prefetch("person", to_attr="who"))
        assert read.who == ann

    def test_those_already_known_are_not_fetched_again(self, ann, ben):
        """Only the others are asked for."""
        known = ann.account
        with queries() as sent:
            prefetch_related_objects([ann, ben], "account")
        assert len(sent["default"]) == 1
        assert ann.account is known
        with queries() as sent:
            prefetch_related_objects([ann, ben], "account")
        assert sent == {}

    def test_a_dangling_key_among_them(self, account):
        """The others have their targets."""
        lost = Account.objects.create(person_id=-5)
        accounts = {a.pk: a for a in Account.objects.prefetch_related("person")}
        assert accounts[account.pk].person.name == "Ann"
        with pytest.raises(DanglingReference):
            _ = accounts[lost.pk].person

    def test_a_blocked_fetch_would_name_the_accessor(self):
        """Django's FETCH_RAISE names the field of what it is asked to fetch."""
        assert Person.account.field.name == "account"

    def test_fetching_for_many_at_once(self, ann, ben, account):
        """What Django's fetch modes call: one query, and the cached are left alone."""
        with queries() as sent:
            Person.account.fetch_many([ann, ben])
            Person.account.fetch_many([ann, ben])
            Account.person.fetch_many([account])
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1, "people": 1}
        with queries() as sent:
            assert (ann.account.pk, hasattr(ben, "account")) == (account.pk, False)
            assert account.person == ann
        assert sent == {}

    def test_a_source_reached_by_two_paths(self, ann, account):
        """Deeper levels go on from both."""
        Article.objects.create(title="a", author=ann)
        (article,) = Article.objects.prefetch_related("author__account__person__articles")
        with queries() as sent:
            assert article.author.account == account
            assert list(article.author.articles.all()) == [article]
        assert sent == {}
