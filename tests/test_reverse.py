"""The target's side: ``person.articles``, a manager of sources on the sources' database."""

from __future__ import annotations

import copy
import pickle

import pytest
from asgiref.sync import async_to_sync
from django import forms
from django.core import serializers
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import IntegrityError, models
from django.db.models import Count, Exists, F, Prefetch
from django.template import Context, Template
from django.test.utils import isolate_apps

from crossdb_reference import CrossDBReference
from crossdb_reference.exceptions import ReferenceValueError, RemotePathError
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
    Employee,
    Person,
    Team,
    TextKey,
    VisitorKey,
)
from tests.queries import queries
from tests.tables import tables

pytestmark = pytest.mark.django_db(databases="__all__")

committed = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture(scope="module")
def _copies(django_db_setup, django_db_blocker):  # noqa: ARG001
    """Let events exist on ``default`` too."""
    with tables(django_db_blocker, "default", Event):
        yield


@pytest.fixture
def ben():
    return Person.objects.create(name="Ben", email="ben@example.org")


@pytest.fixture
def letters(ann):
    return [Article.objects.create(title=title, author=ann) for title in "abc"]


@pytest.fixture
def logins(ann):
    return [Event.objects.create(name="login", actor=ann) for _ in range(3)]


def keys(objects):
    return sorted(obj.pk for obj in objects)


class TestReading:
    """All, filter, count and the like: on the sources' database, lazily."""

    def test_accessing_the_manager_sends_no_query(self, ann):
        """Neither the attribute nor an unevaluated queryset asks a database."""
        with queries() as sent:
            assert ann.articles.filter(title="a").exclude(title="b").query
        assert sent == {}

    def test_all_gives_only_the_sources_of_the_instance(self, ann, ben, letters):
        """Sources of others are left out."""
        Article.objects.create(title="of ben", author=ben)
        assert keys(ann.articles.all()) == keys(letters)

    def test_unpinned_sources_are_read_from_default(self, ann, letters):
        """One query, on the sources' home."""
        with queries() as sent:
            assert len(ann.articles.all()) == len(letters)
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"default": 1}

    def test_pinned_sources_are_read_from_their_pin(self, ann, logins):
        """One query, on ``archive``, though the person came from ``people``."""
        assert ann._state.db == "people"
        with queries() as sent:
            found = list(ann.events.all())
        assert keys(found) == keys(logins)
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"archive": 1}
        assert {event._state.db for event in found} == {"archive"}

    def test_filter_exclude_order_by_and_values_go_on_from_there(self, ann, letters):
        """The manager is one of the source, and gives its querysets."""
        assert [a.title for a in ann.articles.exclude(title="b").order_by("-title")] == ["c", "a"]
        assert ann.articles.filter(title="b").get() == letters[1]
        assert set(ann.articles.values_list("title", flat=True)) == {"a", "b", "c"}
        assert ann.articles.get(title="c") == letters[2]
        assert ann.articles.order_by("title").first() == letters[0]
        assert ann.articles.in_bulk([letters[0].pk]) == {letters[0].pk: letters[0]}

    def test_count_exists_and_aggregate_ask_the_sources_database(self, ann, ben, logins):
        """One query each, on ``archive``."""
        with queries() as sent:
            assert ann.events.count() == len(logins)
            assert ann.events.exists()
            assert not ben.events.exists()
            assert ann.events.aggregate(n=Count("pk")) == {"n": 3}
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"archive": 4}

    def test_methods_of_the_sources_own_manager_are_there(self, ann, logins):
        """The manager derives from the source's default manager."""
        Event.objects.create(name="logout", actor=ann)
        assert keys(ann.events.logins()) == keys(logins)

    def test_update_and_delete_of_the_sources_stay_on_their_database(self, ann, ben, logins):
        """Writes of the queryset reach the instance's sources alone."""
        other = Event.objects.create(name="login", actor=ben)
        with queries() as sent:
            assert ann.events.update(name="logout") == len(logins)
        assert set(sent) == {"archive"}
        ann.events.all().delete()
        assert list(Event.objects.all()) == [other]
        assert Event.objects.get().name == "login"

    def test_the_default_name_is_that_of_a_foreign_key(self, ann, letters):
        """Without a ``related_name`` it is ``comment_set``."""
        comment = Comment.objects.create(article=letters[0], author=ann)
        assert list(ann.comment_set.all()) == [comment]
        assert ann.comment_set.get().article == letters[0]

    def test_each_of_two_references_to_one_target_has_its_own(self, ann, ben):
        """``articles`` and ``edited`` do not mix."""
        article = Article.objects.create(title="a", author=ann, editor=ben)
        assert list(ann.articles.all()) == [article]
        assert list(ann.edited.all()) == []
        assert list(ben.edited.all()) == [article]

    def test_to_field_counts(self, ann):
        """A reference by ``email`` finds its sources by it, and stores it."""
        made = ann.by_email.create()
        assert made.email_id == "ann@example.org"
        assert list(ann.by_email.all()) == [made]

    def test_another_manager_of_the_source_can_be_named(self, ann, logins):
        """``person.events(manager=…)`` is the same relation through another manager."""
        assert keys(ann.events(manager="objects").logins()) == keys(logins)
        assert ann.events(manager="objects").all().db == "archive"
        assert ann.events(manager="elsewhere").all().db == "default"
        assert keys(ann.events(manager="elsewhere").using("archive")) == keys(logins)

    def test_another_database_can_be_named(self, ann, logins):
        """``using`` and ``db_manager`` win over the home, and keep the relation."""
        assert ann.events.using("default").db == "default"
        assert ann.events.db_manager("default").all().db == "default"
        assert keys(ann.articles.db_manager("archive").all().using("default")) == []
        assert keys(ann.events.db_manager("archive").all()) == keys(logins)

    def test_managers_of_two_instances_do_not_mix(self, ann, ben, logins):
        """Nor do their classes grow in number."""
        first, second = ann.events, ben.events
        assert (first.count(), second.count(), first.count()) == (len(logins), 0, len(logins))
        assert type(first) is type(second)

    def test_a_target_on_a_database_of_its_own_reads_its_sources_from_theirs(self):
        """A country on ``geo`` has its sources on ``default``."""
        country = Country.objects.create(code="AT", name="Austria")
        made = Everything.objects.create(country=country)
        with queries() as sent:
            assert list(country.everything_set.all()) == [made]
        assert set(sent) == {"default"}

    def test_a_key_with_converters_finds_its_sources(self):
        """The key travels as its database value."""
        badge = BadgeKey.objects.create(badge="B-7")
        badge.refresh_from_db()
        made = badge.everything_set.create()
        assert made.badge_id == badge.badge
        assert list(badge.everything_set.all()) == [made]


class TestKnownTarget:
    """What comes out of the manager knows its target."""

    @pytest.mark.usefixtures("letters")
    def test_iterating_gives_sources_that_know_the_very_instance(self, ann):
        """``article.author`` is the same object, without a query."""
        with queries() as sent:
            assert all(article.author is ann for article in ann.articles.all())
            assert ann.articles.filter(title="a").get().author is ann
            assert ann.articles.order_by("pk").first().author is ann
            assert all(article.author is ann for article in ann.articles.all().iterator())
        assert set(sent) == {"default"}
        assert len(sent["default"]) == 4

    def test_the_other_reference_is_not_taken_for_it(self, ann, ben):
        """Only the reference that was followed is known."""
        Article.objects.create(title="a", author=ann, editor=ben)
        article = ann.articles.get()
        with queries() as sent:
            assert article.editor == ben
        assert set(sent) == {"people"}

    def test_deferred_keys_are_no_hindrance(self, ann, letters):
        """``only()`` without the reference still gives the sources."""
        assert {a.title for a in ann.articles.only("title")} == {a.title for a in letters}

    def test_a_proxy_instance_is_known_as_what_it_is(self, ann, letters):
        """The instance that was asked is the one that is kept."""
        adult = Adult.objects.get(pk=ann.pk)
        assert [article.author is adult for article in adult.articles.all()] == [True] * 3
        assert keys(adult.articles.all()) == keys(letters)


class TestCreate:
    """Create, get_or_create and update_or_create."""

    def test_create_refers_to_the_instance_and_goes_to_the_sources_home(self, ann):
        """One insert, on ``archive``."""
        with queries() as sent:
            event = ann.events.create(name="login")
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"archive": 1}
        assert event.actor is ann
        assert event._state.db == "archive"
        assert Event.objects.get(pk=event.pk).actor_id == ann.pk

    def test_create_overrides_a_given_target(self, ann, ben):
        """As a related manager of Django does."""
        assert ann.articles.create(title="a", author=ben).author is ann

    def test_create_with_a_database_goes_there(self, ann):
        """``db_manager`` is the way out of the home."""
        assert ann.articles.db_manager("default").create(title="a")._state.db == "default"

    def test_bulk_create_goes_to_the_sources_home(self, ann):
        """As with Django, the sources say themselves what they refer to."""
        with queries() as sent:
            ann.events.bulk_create([Event(name="a", actor=ann), Event(name="b", actor=ann)])
        assert set(sent) == {"archive"}
        assert ann.events.count() == 2

    def test_get_or_create_gets_only_sources_of_the_instance(self, ann, ben):
        """The same title of another person is no match."""
        of_ben = Article.objects.create(title="a", author=ben)
        made, created = ann.articles.get_or_create(title="a")
        assert created
        assert made != of_ben
        again, created = ann.articles.get_or_create(title="a")
        assert not created
        assert again == made
        assert (made.author, again.author_id) == (ann, ann.pk)

    def test_update_or_create_updates_only_sources_of_the_instance(self, ann, ben):
        """The other person's article keeps its shelf."""
        shelf = Shelf.objects.create(name="s")
        of_ben = Article.objects.create(title="a", author=ben)
        made, created = ann.articles.update_or_create(title="a", defaults={"shelf": None})
        assert created
        changed, created = ann.articles.update_or_create(title="a", defaults={"shelf": shelf})
        assert not created
        assert (changed.pk, changed.shelf) == (made.pk, shelf)
        of_ben.refresh_from_db()
        assert of_ben.shelf is None

    def test_get_or_create_and_update_or_create_stay_on_the_sources_home(self, ann):
        """Nothing is asked of ``people``."""
        with queries() as sent:
            ann.events.get_or_create(name="login")
            ann.events.get_or_create(name="login")
            ann.events.update_or_create(name="login", defaults={"name": "logout"})
        assert set(sent) == {"archive"}
        assert [event.name for event in ann.events.all()] == ["logout"]

    @pytest.mark.parametrize("method", ["create", "get_or_create", "update_or_create"])
    def test_what_was_prefetched_is_forgotten(self, ann, letters, method):
        """The new one is seen at once."""
        person = Person.objects.prefetch_related("articles").get(pk=ann.pk)
        assert len(person.articles.all()) == len(letters)
        getattr(person.articles, method)(title="new")
        assert len(person.articles.all()) == len(letters) + 1


class TestAdd:
    """``add()``, in bulk and one by one."""

    @pytest.mark.usefixtures("ann")
    def test_add_moves_all_with_one_update_on_the_sources_home(self, ben, logins):
        """One query; the objects know their new target."""
        with queries() as sent:
            ben.events.add(*logins)
        assert {alias: len(sqls) for alias, sqls in sent.items()} == {"archive": 1}
        assert keys(ben.events.all()) == keys(logins)
        assert all(event.actor is ben and event.actor_id == ben.pk for event in logins)

    def test_add_without_bulk_saves_each_and_takes_unsaved_ones(self, ben):
        """New objects are inserted on the sources' home."""
        new = [Event(name="a"), Event(name="b")]
        with queries() as sent:
            ben.events.add(*new, bulk=False)
        assert set(sent) == {"archive"}
        assert keys(ben.events.all()) == keys(new)
        assert {event._state.db for event in new} == {"archive"}

    def test_add_nothing_changes_nothing(self, ben, logins):
        """No objects, no rows."""
        ben.events.add()
        assert ben.events.count() == 0
        assert Event.objects.filter(actor__isnull=False).count() == len(logins)

    def test_an_unsaved_object_is_refused_with_what_to_do_and_nothing_is_written(self, ben, logins):
        """Neither a row nor an object changes, wherever the bad one stands."""
        with pytest.raises(ValueError, match=r"not saved on the database 'archive'.* bulk=False"):
            ben.events.add(logins[0], Event(name="new"))
        assert ben.events.count() == 0
        assert logins[0].actor_id != ben.pk

    def test_an_object_of_another_database_is_refused_in_bulk(self, ben, logins):
        """Its key would be that of another row."""
        logins[0]._state.db = "default"
        with pytest.raises(ValueError, match="not saved on the database 'archive'"):
            ben.events.add(logins[0])
        assert ben.events.count() == 0

    @pytest.mark.parametrize("bulk", [True, False])
    def test_a_wrong_model_is_a_type_error_and_nothing_is_written(self, ben, logins, bulk):
        """As with Django; the good one before it stays as it was."""
        with pytest.raises(TypeError, match="'Event' instance expected, got <Shelf"):
            ben.events.add(logins[0], Shelf(name="s"), bulk=bulk)
        assert ben.events.count() == 0
        assert logins[0].actor_id != ben.pk

    @committed
    def test_one_by_one_is_one_transaction(self, ann, ben):
        """A row that the database refuses leaves those before it unwritten, too."""
        Article.objects.create(title="b", author=ben)
        articles = [Article.objects.create(title=title, author=ann) for title in "ab"]
        with pytest.raises(IntegrityError):
            ben.articles.add(*articles, bulk=False)
        assert ben.articles.count() == 1
        assert ann.articles.count() == 2

    @committed
    def test_bulk_is_one_statement(self, ann, ben):
        """A row that the database refuses leaves all unwritten."""
        Article.objects.create(title="b", author=ben)
        articles = [Article.objects.create(title=title, author=ann) for title in "ab"]
        with pytest.raises(IntegrityError):
            ben.articles.add(*articles)
        assert ben.articles.count() == 1

    @pytest.mark.usefixtures("ann")
    def test_what_was_prefetched_is_forgotten(self, ben, letters):
        """The added one is seen at once."""
        person = Person.objects.prefetch_related("articles").get(pk=ben.pk)
        assert list(person.articles.all()) == []
        person.articles.add(letters[0])
        assert list(person.articles.all()) == [letters[0]]


class TestRemoveAndClear:
    """``remove()`` and ``clear()``: only where the reference may be ``None``."""

    @pytest.mark.parametrize("name", ["remove", "aremove", "clear", "aclear"])
    def test_they_exist_only_for_nullable_references(self, ann, name):
        """As with Django."""
        assert hasattr(ann.edited, name)
        assert not hasattr(ann.articles, name)

    @pytest.mark.parametrize("bulk", [True, False])
    def test_remove_lets_rows_refer_to_nothing(self, ann, logins, bulk):
        """Only those that are named, on the sources' home."""
        with queries() as sent:
            ann.events.remove(logins[0], logins[1], bulk=bulk)
        assert set(sent) == {"archive"}
        assert list(ann.events.all()) == [logins[2]]
        assert keys(Event.objects.filter(actor=None)) == keys(logins[:2])

    def test_remove_in_bulk_is_one_query(self, ann, logins):
        """An update, without reading first."""
        with queries() as sent:
            ann.events.remove(*logins)
        assert [sql.split()[0] for sql in sent["archive"]] == ["UPDATE"]

    def test_remove_nothing_sends_no_query(self, ann, logins):
        """Nothing to do."""
        with queries() as sent:
            ann.events.remove()
        assert sent == {}
        assert ann.events.count() == len(logins)

    def test_remove_of_one_that_belongs_to_another_is_does_not_exist(self, ann, ben, logins):
        """The target's own exception, and nothing is written."""
        with pytest.raises(Person.DoesNotExist, match="is not related to <Person: Ben>"):
            ben.events.remove(logins[0])
        other = Event.objects.create(name="x", actor=ben)
        with pytest.raises(Person.DoesNotExist):
            ann.events.remove(logins[0], other)
        assert ann.events.count() == len(logins)

    def test_remove_of_a_wrong_model_is_a_type_error(self, ann):
        """As with Django."""
        with pytest.raises(TypeError, match="'Event' instance expected"):
            ann.events.remove(ann)

    @pytest.mark.parametrize("bulk", [True, False])
    def test_clear_lets_all_refer_to_nothing(self, ann, ben, logins, bulk):
        """Those of others stay."""
        other = Event.objects.create(name="x", actor=ben)
        with queries() as sent:
            ann.events.clear(bulk=bulk)
        assert set(sent) == {"archive"}
        assert ann.events.count() == 0
        assert Event.objects.filter(actor=None).count() == len(logins)
        assert list(ben.events.all()) == [other]

    def test_without_bulk_each_is_saved(self, ann, logins):
        """So that signals are sent."""
        saved = []

        def receive(instance, update_fields, **_):
            saved.append((instance.pk, update_fields))

        models.signals.post_save.connect(receive, sender=Event)
        try:
            ann.events.clear(bulk=False)
        finally:
            models.signals.post_save.disconnect(receive, sender=Event)
        assert sorted(saved) == [(event.pk, frozenset({"actor"})) for event in logins]

    @pytest.mark.parametrize("method", ["remove", "clear"])
    def test_what_was_prefetched_is_forgotten(self, ann, logins, method):
        """What is gone is not shown, and what was prefetched is no trap for the update."""
        person = Person.objects.prefetch_related("events").get(pk=ann.pk)
        assert len(person.events.all()) == len(logins)
        getattr(person.events, method)(*(logins if method == "remove" else ()))
        assert list(person.events.all()) == []
        assert Event.objects.filter(actor=ann).count() == 0


class TestSet:
    """``set()``."""

    @pytest.mark.parametrize("clear", [True, False])
    @pytest.mark.parametrize("bulk", [True, False])
    def test_set_leaves_exactly_those(self, ann, logins, clear, bulk):
        """New ones are added, missing ones removed, on the sources' home."""
        new = Event.objects.create(name="new")
        with queries() as sent:
            ann.events.set([logins[0], new], clear=clear, bulk=bulk)
        assert set(sent) == {"archive"}
        assert keys(ann.events.all()) == keys([logins[0], new])
        assert Event.objects.filter(actor=None).count() == 2

    def test_set_without_clear_does_not_touch_what_stays(self, ann, logins):
        """A read, and one update for the one that goes."""
        with queries() as sent:
            ann.events.set(logins[:2])
        updates = [sql for sql in sent["archive"] if sql.startswith("UPDATE")]
        assert len(updates) == 1
        assert keys(ann.events.all()) == keys(logins[:2])

    def test_set_with_a_queryset_that_clear_would_empty(self, ann, logins):
        """It is read before anything is cleared."""
        ann.events.set(ann.events.filter(pk=logins[0].pk), clear=True)
        assert list(ann.events.all()) == [logins[0]]

    def test_set_nothing_removes_all(self, ann, logins):
        """An empty list is a list."""
        ann.events.set([])
        assert ann.events.count() == 0
        assert Event.objects.count() == len(logins)

    @pytest.mark.usefixtures("ann")
    def test_set_of_a_reference_that_cannot_be_none_only_adds(self, ben, letters):
        """As with Django."""
        of_ben = Article.objects.create(title="of ben", author=ben)
        ben.articles.set([letters[0]])
        assert keys(ben.articles.all()) == keys([of_ben, letters[0]])

    @committed
    @pytest.mark.parametrize("clear", [True, False])
    def test_nothing_is_written_when_one_is_refused(self, ann, clear):
        """Removing and adding are one transaction."""
        logins = [Event.objects.create(name="login", actor=ann) for _ in range(3)]
        with pytest.raises(ValueError, match="not saved"):
            ann.events.set([logins[0], Event(name="new")], clear=clear)
        assert Event.objects.filter(actor=ann).count() == 3

    def test_set_sees_what_is_in_the_database_not_what_was_prefetched(self, ann, logins):
        """A source that came after the prefetch is removed, too."""
        person = Person.objects.prefetch_related("events").get(pk=ann.pk)
        Event.objects.create(name="late", actor=ann)
        person.events.set(logins[:1])
        assert keys(Event.objects.filter(actor=ann)) == keys(logins[:1])


@pytest.mark.usefixtures("_copies")
class TestViews:
    """``ann.events(manager="elsewhere")``: a pinned manager that is no home."""

    @pytest.fixture
    def there(self, ann, logins):  # noqa: ARG002 (rows at home, to be left alone)
        return Event.elsewhere.create(name="there", actor=ann)

    def test_reads_go_to_the_views_database(self, ann, there):
        """And no others."""
        with queries() as sent:
            assert list(ann.events(manager="elsewhere").all()) == [there]
        assert set(sent) == {"default"}

    @pytest.mark.parametrize(
        ("write", "left"),
        [
            (lambda view, _: view.create(name="new"), {"there", "new"}),
            (lambda view, _: view.get_or_create(name="new"), {"there", "new"}),
            (lambda view, _: view.update_or_create(name="new"), {"there", "new"}),
            (lambda view, _: view.add(Event(name="new"), bulk=False), {"there", "new"}),
            (lambda view, _: view.add(Event.elsewhere.create(name="new")), {"there", "new"}),
            (lambda view, there: view.remove(there), set()),
            (lambda view, _: view.clear(), set()),
            (lambda view, _: view.clear(bulk=False), set()),
            (lambda view, _: view.set([Event.elsewhere.create(name="new")]), {"new"}),
            (lambda view, _: view.update(name="new"), {"new"}),
        ],
        ids=[
            "create",
            "get_or_create",
            "update_or_create",
            "add new",
            "add",
            "remove",
            "clear",
            "clear one by one",
            "set",
            "update",
        ],
    )
    def test_writes_go_to_the_views_database(self, ann, there, logins, write, left):
        """The rows at home stay as they are."""
        view = ann.events(manager="elsewhere")
        with queries() as sent:
            write(view, there)
        assert set(sent) == {"default"}
        assert {event.name for event in view.all()} == left
        assert keys(ann.events.all()) == keys(logins)

    def test_an_explicit_using_wins_over_the_view(self, ann, there):
        """As over any pin."""
        made = ann.events(manager="elsewhere").db_manager("archive").create(name="new")
        assert made._state.db == "archive"
        assert list(ann.events(manager="elsewhere").all()) == [there]


class TestNoKey:
    """A target that is saved, and has nothing that its sources could refer to."""

    @pytest.fixture
    def visitor(self):
        Everything.objects.create()
        return VisitorKey.objects.create(code=None)

    def test_has_no_sources(self, visitor):
        """None of those that refer to nothing, and without an error."""
        assert list(visitor.by_code.all()) == []
        assert visitor.by_code.count() == 0
        assert not visitor.by_code.filter(pk__gt=0).exists()

    def test_prefetches_none(self, visitor):
        """Beside others that have some."""
        other = VisitorKey.objects.create(code="x")
        source = Everything.objects.create(code=other)
        found = VisitorKey.objects.prefetch_related("by_code").in_bulk()
        with queries() as sent:
            assert list(found[visitor.pk].by_code.all()) == []
            assert list(found[other.pk].by_code.all()) == [source]
        assert sent == {}

    @pytest.mark.parametrize(
        "use",
        [
            lambda visitor: visitor.by_code.create(),
            lambda visitor: visitor.by_code.add(Everything.objects.get()),
            lambda visitor: visitor.by_code.set([]),
            lambda visitor: visitor.by_code.clear(),
            lambda visitor: Everything.objects.create(code=visitor),
            lambda visitor: Everything.objects.filter(code=visitor),
        ],
        ids=["create", "add", "set", "clear", "save", "filter"],
    )
    def test_is_refused_where_a_key_is_needed(self, visitor, use):
        """The error says which field to set; that the target is saved does not help."""
        with pytest.raises(ReferenceValueError) as caught:
            use(visitor)
        assert str(caught.value) == (
            f"Cannot use {visitor!r} for the reference library.Everything.code: this"
            " people.VisitorKey has no value for 'code', so there is nothing to refer to. Set"
            " 'code' and save it first."
        )
        assert Everything.objects.get().code_id is None


class TestRefusals:
    """Django's rules for what cannot be."""

    @pytest.mark.parametrize(
        "use",
        [
            lambda manager: list(manager.all()),
            lambda manager: manager.count(),
            lambda manager: manager.create(name="x"),
            lambda manager: manager.get_or_create(name="x"),
            lambda manager: manager.update_or_create(name="x"),
            lambda manager: manager.add(Event(name="x"), bulk=False),
            lambda manager: manager.set([Event(name="x")], bulk=False),
            lambda manager: manager.set([]),
            lambda manager: manager.remove(Event(name="x")),
            lambda manager: manager.clear(),
        ],
        ids=[
            "all",
            "count",
            "create",
            "get_or_create",
            "update_or_create",
            "add",
            "set",
            "set_nothing",
            "remove",
            "clear",
        ],
    )
    def test_an_unsaved_instance_is_refused_before_any_query(self, use):
        """A ``ValueError`` that names the reference, the alias and what to do."""
        with queries() as sent, pytest.raises(ReferenceValueError) as caught:
            use(Person(name="new").events)
        assert isinstance(caught.value, ValueError)
        assert str(caught.value) == (
            "Cannot use <Person: new> for the reference library.Event.actor: this people.Person"
            " is not saved, so there is nothing to refer to. Save it (to the database 'people')"
            " first."
        )
        assert not any("INSERT" in sql or "UPDATE" in sql for s in sent.values() for sql in s)
        assert Event.objects.count() == 0

    @pytest.mark.parametrize("bulk", [True, False])
    def test_set_refuses_another_model_with_the_key_of_a_source(self, ann, logins, bulk):
        """A ``TypeError`` before anything is written: equal keys are no equal rows."""
        with pytest.raises(TypeError, match="'Event' instance expected, got <Person"):
            ann.events.set([*logins[1:], Person(pk=logins[0].pk)], bulk=bulk)
        assert keys(ann.events.all()) == keys(logins)

    def test_direct_assignment_is_refused(self, ann, letters):
        """A ``TypeError``, with Django's words."""
        with pytest.raises(TypeError) as caught:
            ann.articles = []
        assert str(caught.value) == (
            "Direct assignment to articles is prohibited. Use articles.set() instead."
        )
        assert ann.articles.count() == len(letters)

    def test_the_constructor_refuses_it_too(self):
        """As with a foreign key's other side."""
        with pytest.raises(TypeError, match="Direct assignment to articles is prohibited"):
            Person(name="x", articles=[])

    def test_the_attribute_of_the_class_is_the_descriptor(self):
        """It knows the field, as Django's does."""
        assert Person.articles.field is Article._meta.get_field("author")
        assert Person.articles.related_manager_cls is type(Person(pk=1).articles)


class TestAsync:
    """The async twins do the same, on the same databases."""

    def test_acreate_aget_or_create_and_aupdate_or_create(self, ann):
        """Each returns what its twin does."""

        async def act():
            made = await ann.events.acreate(name="a")
            got = await ann.events.aget_or_create(name="a")
            changed = await ann.events.aupdate_or_create(name="a", defaults={"name": "b"})
            return made, got, changed, await ann.events.aget_or_create(name="c")

        with queries() as sent:
            made, got, changed, new = async_to_sync(act)()
        assert set(sent) == {"archive"}
        assert made.actor is ann
        assert got == (made, False)
        assert changed == (made, False)
        assert new[1] is True
        assert {event.name for event in ann.events.all()} == {"b", "c"}

    @pytest.mark.usefixtures("ann")
    def test_aadd_aremove_aset_and_aclear(self, ben, logins):
        """Each writes what its twin does, and passes its options on."""

        async def act():
            await ben.events.aadd(*logins[:2])
            await ben.events.aadd(Event(name="new"), bulk=False)
            counts = [await ben.events.acount()]
            await ben.events.aremove(logins[0], bulk=False)
            counts.append(await ben.events.acount())
            await ben.events.aset([logins[2]], bulk=False, clear=True)
            counts.append(await ben.events.acount())
            await ben.events.aclear(bulk=False)
            counts.append(await ben.events.acount())
            return counts

        with queries() as sent:
            assert async_to_sync(act)() == [3, 2, 1, 0]
        assert set(sent) == {"archive"}

    @pytest.mark.usefixtures("letters")
    def test_iterating_asynchronously_knows_the_target(self, ann):
        """``async for`` and ``aget`` keep the instance."""

        async def act():
            found = [article async for article in ann.articles.all()]
            return [*found, await ann.articles.aget(title="a")]

        with queries() as sent:
            assert all(article.author is ann for article in async_to_sync(act)())
        assert set(sent) == {"default"}

    def test_aexists_and_afirst(self, ann, logins):
        """The rest of the queryset's twins come with the manager."""

        async def act():
            return await ann.events.aexists(), await ann.events.order_by("pk").afirst()

        assert async_to_sync(act)() == (True, logins[0])


class TestTemplates:
    """Templates read, and never write."""

    def render(self, template, **context):
        return Template(template).render(Context(context))

    @pytest.mark.usefixtures("letters")
    def test_templates_read_through_the_manager(self, ann):
        """Methods without arguments, and loops."""
        text = "{{ p.articles.count }}:{% for a in p.articles.all %}{{ a.author.name }}{% endfor %}"
        with queries() as sent:
            assert self.render(text, p=ann) == "3:AnnAnnAnn"
        assert set(sent) == {"default"}

    @pytest.mark.parametrize(
        "method",
        [
            "add",
            "aadd",
            "create",
            "acreate",
            "get_or_create",
            "aget_or_create",
            "update_or_create",
            "aupdate_or_create",
            "set",
            "aset",
            "remove",
            "aremove",
            "clear",
            "aclear",
        ],
    )
    def test_what_writes_is_marked_and_not_called(self, ann, logins, method):
        """``alters_data``, on every method that writes."""
        assert getattr(ann.events, method).alters_data is True
        assert self.render(f"{{{{ p.events.{method} }}}}", p=ann) == ""
        assert Event.objects.filter(actor=ann).count() == len(logins) == Event.objects.count()

    def test_the_manager_itself_is_not_called(self, ann):
        """A manager is callable, with an argument that a template cannot give."""
        assert ann.events.do_not_call_in_templates is True
        assert self.render("{{ p.events }}", p=ann).startswith("library.Event")


class TestInheritance:
    """Abstract bases, proxies and multi-table inheritance, on either side."""

    def test_a_proxy_of_the_target_has_the_accessor(self, ann, letters):
        """It is the same row."""
        adult = Adult.objects.get(pk=ann.pk)
        assert adult.articles.count() == len(letters)
        assert adult.articles.create(title="new").author is adult

    def test_a_reference_to_a_proxy_is_on_the_proxy_alone(self, ann):
        """As with a foreign key."""
        made = Everything.objects.create(adult=Adult.objects.get(pk=ann.pk))
        assert list(Adult.objects.get(pk=ann.pk).of_adult.all()) == [made]
        assert not hasattr(ann, "of_adult")

    def test_a_child_of_the_target_has_the_accessor(self):
        """Its key is the parent's."""
        employee = Employee.objects.create(name="Eve", email="eve@example.org")
        article = employee.articles.create(title="a")
        assert article.author_id == employee.pk
        assert list(Employee.objects.get().articles.all()) == [article]
        assert list(Person.objects.get().articles.all()) == [article]

    def test_a_reference_to_the_child_is_on_the_child_alone(self):
        """The parent knows nothing of it."""
        employee = Employee.objects.create(name="Eve", email="eve@example.org")
        made = employee.of_employee.create()
        assert list(Employee.objects.get().of_employee.all()) == [made]
        assert not hasattr(Person.objects.get(), "of_employee")

    def test_children_of_an_abstract_source_have_an_accessor_each(self, ann):
        """``%(app_label)s_%(class)s`` is filled in."""
        car, truck = Car.objects.create(owner=ann), Truck.objects.create(owner=ann)
        assert list(ann.library_car.all()) == [car]
        assert list(ann.library_truck.all()) == [truck]
        assert Person.objects.get(library_car=car.pk) == ann
        with pytest.raises(RemotePathError, match=r"'library_car'.* library\.Car\.owner"):
            list(Person.objects.order_by("library_car"))

    def test_a_child_of_the_source_is_seen_as_its_parent(self, ann):
        """An inherited reference gives one accessor, of the parent model."""
        review = Review.objects.create(title="r", author=ann, stars=5, critic=ann)
        assert list(ann.articles.all()) == [Article.objects.get()]
        assert list(ann.reviews.all()) == [review]
        assert not hasattr(ann, "review_set")

    def test_a_proxy_of_the_source_adds_no_accessor(self, ann):
        """Its rows are the concrete model's."""
        Draft.objects.create(title="d", author=ann)
        assert [type(article) for article in ann.articles.all()] == [Article]
        assert not hasattr(ann, "draft_set")

    @isolate_apps("tests.library")
    def test_a_child_that_is_defined_later_gets_a_copy(self):
        """Its field stands for the same reference, which starts at a column of the parent."""

        class Target(models.Model):
            class Meta:
                app_label = "library"

        class Source(models.Model):
            target = CrossDBReference(Target, models.CASCADE, related_name="sources")

            class Meta:
                app_label = "library"

        class Child(Target):
            class Meta:
                app_label = "library"

        class Proxy(Target):
            class Meta:
                app_label = "library"
                proxy = True

        reference = Source._meta.get_field("target")
        for model in (Target, Child, Proxy):
            field = model._meta.get_field("sources")
            assert (field.model, field.field) == (Target, reference)
            assert type(model(pk=1).sources).__name__ == type(Target(pk=1).sources).__name__
            (condition,) = model.objects.filter(sources=1).query.where.children
            assert condition.lhs.target.model is Target

    @isolate_apps("tests.library")
    def test_a_child_that_is_older_than_the_reference_gets_one_too(self):
        """Through proxies and abstract models between them; the abstract ones get none."""

        class Target(models.Model):
            class Meta:
                app_label = "library"

        class Between(Target):
            class Meta:
                app_label = "library"
                abstract = True

        class Child(Between):
            class Meta:
                app_label = "library"

        class Proxy(Child):
            class Meta:
                app_label = "library"
                proxy = True

        class Source(models.Model):
            target = CrossDBReference(Target, models.CASCADE, related_name="sources")

            class Meta:
                app_label = "library"

        reference = Source._meta.get_field("target")
        for model in (Target, Child, Proxy):
            field = model._meta.get_field("sources")
            assert (field.model, field.field) == (Target, reference)
        assert not any(field.name == "sources" for field in Between._meta.private_fields)

    @isolate_apps("tests.library")
    def test_a_name_that_ends_with_plus_gives_no_accessor(self):
        """Nor a field on the target."""

        class Target(models.Model):
            class Meta:
                app_label = "library"

        class Source(models.Model):
            target = CrossDBReference(Target, models.CASCADE, related_name="source+")
            other = CrossDBReference(Target, models.CASCADE, related_name="+")

            class Meta:
                app_label = "library"

        assert Target._meta.private_fields == []
        assert not hasattr(Target, "source+")
        assert not hasattr(Target, "source_set")
        assert [field.name for field in Target._meta.get_fields()] == ["id"]
        assert Source._meta.get_field("other").accessor_name is None

    @isolate_apps("tests.library")
    def test_related_query_name_names_the_field_and_related_name_the_accessor(self):
        """As with a foreign key."""

        class Target(models.Model):
            class Meta:
                app_label = "library"

        class Source(models.Model):
            target = CrossDBReference(
                Target, models.CASCADE, related_name="sources", related_query_name="source"
            )

            class Meta:
                app_label = "library"

        field = Target._meta.get_field("source")
        assert field.get_accessor_name() == "sources"
        assert hasattr(Target, "sources")
        assert not hasattr(Target, "source")
        assert field.related_model is Source
        with pytest.raises(FieldDoesNotExist):
            Target._meta.get_field("sources")


class TestReverseField:
    """The private field on the target: there, and in nobody's way."""

    def test_the_target_knows_its_field(self):
        """``get_field`` and ``get_fields`` give it."""
        field = Person._meta.get_field("articles")
        assert field in Person._meta.get_fields()
        assert field in Person._meta.private_fields
        assert field.related_model is Article
        assert field.field is Article._meta.get_field("author")
        assert field.attname == field.name == "articles"
        assert (field.one_to_many, field.concrete, field.editable) == (True, False, False)

    def test_the_columns_of_the_target_are_as_before(self):
        """No list of fields that Django reads rows by has it."""
        own = ["id", "name", "email", "age", "team"]
        opts = Person._meta
        assert [field.name for field in opts.fields] == own
        assert [field.name for field in opts.concrete_fields] == own
        assert [field.name for field in opts.local_fields] == own
        assert [field.name for field in opts.many_to_many] == ["skills"]

    def test_no_part_of_django_takes_it_for_a_relation_to_follow(self):
        """Neither joins nor cascades see it."""
        assert "articles" not in Person._meta.fields_map
        assert "articles" not in {rel.name for rel in Person._meta.related_objects}
        assert "account" not in {rel.name for rel in Person._meta.related_objects}

    def test_the_sources_model_gets_no_relation_from_it(self):
        """What refers to the source is counted without it."""
        assert {rel.name for rel in Article._meta.related_objects} == {"comments", "review"}

    def test_forms_of_the_target_do_not_have_it(self, ann):
        """``fields = "__all__"`` means the columns, and the form saves."""
        form_class = forms.modelform_factory(Person, fields="__all__")
        assert list(form_class.base_fields) == ["name", "email", "age", "team", "skills"]
        data = {"name": "Anna", "email": "ann@example.org", "age": "31"}
        form = form_class(data, instance=ann)
        form.fields["skills"].required = form.fields["team"].required = False
        assert form.is_valid(), form.errors
        assert form.save().name == "Anna"
        assert forms.model_to_dict(ann) == {
            "id": ann.pk, "name": "Anna", "email": ann.email, "age": 31, "team": None, "skills": []
        }  # fmt: skip
        with pytest.raises(FieldError):
            forms.modelform_factory(Person, fields=["articles"])

    def test_serializers_of_the_target_do_not_have_it(self, ann, letters):
        """Core serializers write and read the columns."""
        text = serializers.serialize("json", [ann])
        assert "articles" not in text
        (read,) = serializers.deserialize("json", text)
        read.save()
        assert ann.articles.count() == len(letters)

    def test_targets_with_sources_can_be_pickled_copied_and_validated(self, ann, logins):
        """With a prefetched manager, too."""
        person = Person.objects.prefetch_related("events", "account").get(pk=ann.pk)
        twin = pickle.loads(pickle.dumps(person))  # noqa: S301 (what was just pickled)
        with queries() as sent:
            assert keys(twin.events.all()) == keys(logins)
        assert sent == {}
        # A deep copy of a queryset is one without its results, says Django.
        assert keys(copy.deepcopy(person).events.all()) == keys(logins)
        person.full_clean(exclude=["team", "skills"])

    def test_refreshing_the_target_forgets_its_prefetched_sources(self, ann, logins):
        """As with a foreign key."""
        person = Person.objects.prefetch_related("events").get(pk=ann.pk)
        Event.objects.create(name="late", actor=ann)
        person.refresh_from_db()
        assert len(person.events.all()) == len(logins) + 1

    @pytest.mark.usefixtures("logins")
    def test_deleting_targets_asks_nothing_of_the_sources_in_the_targets_database(
        self, ann, letters
    ):
        """Django's collector neither trips over the field nor cascades through it."""
        ben, eve = (Person.objects.create(name=n, email=n) for n in ("Ben", "Eve"))
        employee = Employee.objects.create(name="Joe", email="joe")
        with queries() as sent:
            ben.delete()
            employee.delete()
            Person.objects.filter(pk=eve.pk).delete()
        assert not any("library_" in sql for sql in sent["people"])
        assert list(Person.objects.all()) == [ann]
        assert ann.articles.count() == len(letters)


class TestRefusedInQueries:
    """The other side's name is for filters (``tests.remote``): it is no column and no join."""

    @pytest.mark.parametrize(
        "build",
        [
            lambda people: people.values("articles"),
            lambda people: people.values_list("articles"),
            lambda people: people.values("articles__title"),
            lambda people: people.order_by("articles"),
            lambda people: people.order_by("-articles__title"),
            lambda people: people.annotate(n=Count("articles")),
            lambda people: people.annotate(n=F("articles__title")),
            lambda people: people.aggregate(n=Count("articles__title")),
            lambda people: people.filter(name=F("articles__title")),
            lambda people: people.filter(Exists(people.filter(name=F("articles__title")))),
            lambda _: Team.objects.order_by("members__articles__title"),
            lambda people: people.update(name=F("articles__title")),
        ],
        ids=[
            "values",
            "values_list",
            "values_title",
            "order_by",
            "order_by_title",
            "count",
            "f",
            "aggregate",
            "compare",
            "subquery",
            "through_a_join",
            "update",
        ],
    )
    def test_as_a_column_with_what_to_do_instead(self, build):
        """The error names the reference, its source and the database."""
        with queries() as sent, pytest.raises(FieldError) as caught:
            list(build(Person.objects.all()))
        assert isinstance(caught.value, RemotePathError)
        assert str(caught.value) == (
            "Cannot use 'articles' as a column of this query: it is the other side of the reference"
            " library.Article.author, and library.Article lives in the database 'default'. To show"
            " it, use prefetch_related() or with_remote(); to filter by it, filter(articles=…)."
        )
        assert sent == {}

    def test_a_one_to_one_reference_is_refused_too(self):
        """As a column and in ``select_related``."""
        with pytest.raises(RemotePathError, match=r"library\.Account\.person"):
            list(Person.objects.order_by("account"))
        for name in ("account", "articles"):
            with pytest.raises(FieldError, match="Invalid field name"):
                list(Person.objects.select_related(name))

    @pytest.mark.filterwarnings("ignore:Calling select_related")
    def test_unrestricted_select_related_passes_it_by(self, ann):
        """It follows ordinary relations and nothing else."""
        Account.objects.create(person=ann)
        with queries() as sent:
            assert list(Employee.objects.select_related()) == []
        assert all("account" not in sql for sql in sent["people"])


def test_text_keys_are_compared_as_texts():
    """A key with characters of patterns finds its own sources alone."""
    wild, other = (TextKey.objects.create(code=code) for code in ("a%_'\"\\", "abcde"))
    made = Everything.objects.create(text=wild)
    Everything.objects.create(text=other)
    assert list(wild.everything_set.all()) == [made]
    read = TextKey.objects.prefetch_related(Prefetch("everything_set")).get(pk=wild.pk)
    assert list(read.everything_set.all()) == [made]
