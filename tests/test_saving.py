"""Writing sources: saving, bulk writing, constraints, and what is refused."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.test.utils import isolate_apps

from crossdb_reference import CrossDBReference
from crossdb_reference.exceptions import ReferenceValueError
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
    DefaultKey,
    Employee,
    Person,
    Profile,
    Team,
    TextKey,
    UUIDKey,
)
from tests.queries import queries

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db(databases="__all__")


class TestUnsavedTargets:
    """There is nothing to refer to yet."""

    def test_save_refuses_and_writes_nothing(self) -> None:
        """The error names value, field, target and alias, and says what to do."""
        with queries() as sent, pytest.raises(ReferenceValueError) as caught:
            Article(title="Ants", author=Person(name="Ann")).save()
        assert str(caught.value) == (
            "Cannot use <Person: Ann> for the reference library.Article.author: this people.Person"
            " is not saved, so there is nothing to refer to. Save it (to the database 'people')"
            " first."
        )
        assert isinstance(caught.value, ValueError)
        assert sent == {}

    @pytest.mark.parametrize("model", [Article, Draft, Review])
    def test_an_enclosing_transaction_goes_on(self, model: Any) -> None:
        """The refusal comes before the save begins, for proxies and children too."""
        with transaction.atomic():
            with pytest.raises(ReferenceValueError):
                model(title="Ants", author=Person(name="Ann")).save()
            assert model.objects.count() == 0

    def test_an_enclosing_transaction_goes_on_after_bulk_writes_of_a_pinned_model(
        self, ann: Person
    ) -> None:
        """Its querysets look before they begin."""
        with transaction.atomic(using="archive"):
            with pytest.raises(ReferenceValueError):
                Event.objects.bulk_create([Event(actor=ann), Event(actor=Person(name="Bob"))])
            assert Event.objects.count() == 0

    def test_update_of_a_saved_source_is_refused_too(self, ann: Person) -> None:
        """The row keeps its key."""
        article = Article.objects.create(title="Ants", author=ann)
        article.author = Person(name="New")
        with pytest.raises(ReferenceValueError), transaction.atomic():
            article.save()
        assert Article.objects.get().author == ann

    @pytest.mark.parametrize("update_fields", [["title"], ["title", "shelf"]])
    def test_saving_other_fields_is_allowed(self, ann: Person, update_fields: list[str]) -> None:
        """What is not written is not looked at."""
        article = Article.objects.create(title="Ants", author=ann)
        article.author, article.title = Person(name="New"), "Bees"
        article.save(update_fields=update_fields)
        assert Article.objects.get().title == "Bees"

    def test_bulk_create_refuses_and_writes_nothing(self, ann: Person) -> None:
        """Not even the good ones."""
        articles = [Article(title="A", author=ann), Article(title="B", author=Person())]
        with (
            pytest.raises(ReferenceValueError, match=r"library\.Article\.author"),
            transaction.atomic(),
        ):
            Article.objects.bulk_create(articles, batch_size=1)
        assert not Article.objects.exists()

    def test_bulk_update_of_a_pinned_model_refuses_and_writes_nothing(self, ann: Person) -> None:
        """Django itself would write NULL here."""
        events = [Event.objects.create(actor=ann, name=name) for name in "ab"]
        for event, actor in zip(events, [None, Person(name="New")], strict=True):
            event.actor = actor
        with (
            pytest.raises(ReferenceValueError, match=r"<Person: New> .* library\.Event\.actor"),
            transaction.atomic(),
        ):
            Event.objects.bulk_update(events, ["name", "actor"])
        assert [event.actor_id for event in Event.objects.all()] == [ann.pk, ann.pk]

    @pytest.mark.parametrize(
        "write",
        [
            lambda person: Article.objects.create(title="A", author=person),
            lambda person: Article.objects.get_or_create(title="A", author=person),
            lambda person: Article.objects.update_or_create(title="A", defaults={"author": person}),
            lambda person: Article.objects.update(author=person),
            lambda person: Article.objects.filter(author=person).delete(),
        ],
        ids=["create", "get_or_create", "update_or_create", "update", "filter"],
    )
    def test_every_other_way_refuses_it_too(self, write: Callable[[Person], Any]) -> None:
        """All of them raise a ``ValueError``, and no row is written."""
        with pytest.raises(ValueError, match="saved"), transaction.atomic():
            write(Person(name="New"))
        assert not Article.objects.exists()

    def test_a_default_key_does_not_make_it_saved(self) -> None:
        """A UUID is there from the start; a row is not."""
        with (
            pytest.raises(ReferenceValueError, match=r"this people\.UUIDKey is not saved"),
            transaction.atomic(),
        ):
            Everything(uuid=UUIDKey()).save()
        assert not Everything.objects.exists()

    def test_a_stand_in_made_from_its_key_is_accepted(self, ann: Person) -> None:
        """As for a ``ForeignKey``: only the key counts."""
        Article(title="Ants", author=Person(pk=ann.pk)).save()
        Everything(text=TextKey(code="x")).save()
        assert Article.objects.get().author == ann
        assert Everything.objects.get().text_id == "x"


class TestLimits:
    """What Django gives no place to refuse: a model without a pin has Django's querysets."""

    def test_bulk_update_of_an_unpinned_model_writes_null_for_an_unsaved_target(
        self, ann: Person, bob: Person
    ) -> None:
        """As documented: Django reads the attribute of the key, and asks no field."""
        article = Article.objects.create(title="Ants", author=ann, editor=bob)
        article.editor = Person(name="New")
        Article.objects.bulk_update([article], ["editor"])
        assert Article.objects.get().editor_id is None

    def test_update_of_an_unpinned_model_writes_the_key_of_another_models_instance(
        self, ann: Person
    ) -> None:
        """As documented: Django turns the instance into its key before it asks the field."""
        Article.objects.create(title="Ants", author=ann)
        Article.objects.update(editor=Team.objects.create(pk=777, name="T"))
        assert Article.objects.get().editor_id == 777


class TestDefaultsOfTheDatabase:
    """A target whose key the database makes."""

    @pytest.mark.parametrize(
        "write",
        [
            lambda target: Everything(number=target).save(),
            lambda target: Everything.objects.create(number=target),
            lambda target: Everything.objects.bulk_create([Everything(number=target)]),
            lambda target: Everything.objects.filter(number=target).exists(),
            lambda target: target.everything_set.create(),
        ],
        ids=["save", "create", "bulk_create", "filter", "other side"],
    )
    def test_an_unsaved_target_is_refused(self, write: Callable[[DefaultKey], object]) -> None:
        """What stands in for its key until then is no key."""
        with (
            pytest.raises(ReferenceValueError, match=r"people\.DefaultKey is not saved"),
            transaction.atomic(),
        ):
            write(DefaultKey())
        assert not Everything.objects.exists()

    def test_a_target_that_was_saved_meanwhile_lends_its_key(self) -> None:
        """As any automatic key."""
        target = DefaultKey()
        source = Everything(number=target)
        assert source.number_id is None
        target.save()
        source.save()
        assert (source.number_id, Everything.objects.get().number_id) == (42, 42)
        assert Everything.objects.get().number == target


class TestSavedAfterTheAssignment:
    """A target that was saved after it was assigned lends its key."""

    @pytest.fixture
    def article(self) -> Article:
        """Give a source whose target got its row later."""
        article = Article(title="Ants", author=Person(name="Late", email="late@example.org"))
        assert article.author_id is None
        article.author.save()
        return article

    def test_to_the_attribute(self, article: Article) -> None:
        """The key is there without another assignment."""
        assert article.author_id == article.author.pk is not None

    def test_to_save(self, article: Article) -> None:
        """The target stays cached, too."""
        article.save()
        with queries() as sent:
            assert article.author.name == "Late"
        assert sent == {}
        assert Article.objects.get().author.name == "Late"

    def test_to_bulk_create(self, article: Article) -> None:
        """As to ``save()``."""
        Article.objects.bulk_create([article])
        assert Article.objects.get().author.name == "Late"

    @pytest.mark.parametrize("model", [Event, Account])
    def test_to_bulk_update(self, model: Any) -> None:
        """On pinned and other models."""
        name = {Event: "actor", Account: "person"}[model]
        source = model.objects.create()
        late = Person(name="Late", email="late@example.org")
        setattr(source, name, late)
        late.save()
        model.objects.bulk_update([source], [name])
        assert getattr(model.objects.get(), name) == late

    def test_to_validation(self, article: Article) -> None:
        """``clean_fields()`` sees the key."""
        article.clean_fields(exclude=["editor", "shelf"])
        assert article.author_id == article.author.pk

    def test_to_a_reference_that_is_the_primary_key(self) -> None:
        """``pk`` is there as soon as the target has it."""
        profile = Profile(person=Person(name="Late", email="late@example.org"))
        assert profile.pk is None
        profile.person.save()
        assert profile.pk == profile.person.pk
        profile.save()
        assert Profile.objects.get().person.name == "Late"

    def test_a_default_key_too(self) -> None:
        """A UUID's row is there now."""
        target = UUIDKey()
        everything = Everything(uuid=target)
        target.save()
        everything.save()
        assert Everything.objects.get().uuid == target

    def test_a_target_whose_key_changed_is_forgotten(self, ann: Person, bob: Person) -> None:
        """The key was assigned; the object is another one now."""
        article = Article(title="Ants", author=ann)
        key, ann.pk = ann.pk, bob.pk
        article.save()
        assert Article.objects.get().author_id == key
        assert article.author is not ann
        assert article.author.pk == key


WRONG_KEYS = [
    ("small", "x", "Field 'small' expected a number but got 'x'."),
    ("uuid", "x", "“x” is not a valid UUID."),
    ("decimal", "x", "“x” value must be a decimal number."),
    ("date", "x", "“x” value has an invalid date format. It must be in YYYY-MM-DD format."),
    ("badge", "x", "invalid literal for int() with base 10: 'x'"),
    ("adult", [], "Field 'adult' expected a number but got []."),
    ("profile", {}, "Field 'profile' expected a number but got {}."),
]


class TestKeysOfTheWrongType:
    """The error names field, value, alias and remedy; nothing is written."""

    @pytest.mark.parametrize(("name", "value", "reason"), WRONG_KEYS)
    @pytest.mark.parametrize(
        "use",
        [
            lambda name, value: Everything(**{f"{name}_id": value}).save(),
            lambda name, value: Everything.objects.bulk_create(
                [Everything(**{f"{name}_id": value})]
            ),
            lambda name, value: setattr(Everything(), name, value),
            lambda name, value: Everything(**{name: value}),
            lambda name, value: Everything.objects.filter(**{name: value}),
            lambda name, value: Everything.objects.filter(**{f"{name}__in": [value]}),
            lambda name, value: Everything.objects.update(**{name: value}),
            lambda name, value: Everything.objects.get_or_create(**{name: value}),
        ],
        ids=["save", "bulk_create", "set", "init", "filter", "in", "update", "get_or_create"],
    )
    def test_is_refused(
        self, use: Callable[[str, Any], Any], name: str, value: object, reason: str
    ) -> None:
        """The same words everywhere."""
        target = Everything._meta.get_field(name).target_model._meta.label
        with queries() as sent, pytest.raises(ReferenceValueError) as caught:
            use(name, value)
        assert str(caught.value) == (
            f"Cannot use {value!r} for the reference library.Everything.{name}: {reason} Use its"
            f" key, a saved {target} of the database 'people', or None."
        )
        assert not any("INSERT" in sql or "UPDATE" in sql for sql in sent.get("default", []))

    def test_an_instance_in_the_key_attribute_stands_for_its_key(self, ann: Person) -> None:
        """Where a ``ForeignKey`` would fail in the database driver."""
        article = Article(title="Ants")
        article.author_id = ann
        article.save()
        assert Article.objects.get().author == ann

    def test_another_models_instance_is_refused_in_a_query(self, ann: Person) -> None:
        """Its key would be that of somebody else."""
        with pytest.raises(
            ReferenceValueError,
            match=r"it is an instance of library\.Shelf\. Use a saved people\.Pers",
        ):
            Article.objects.filter(author=Shelf(pk=ann.pk))


class TestQuerySetMethods:
    """What writes through a queryset."""

    def test_update_takes_a_target_a_key_none_and_an_expression(
        self, ann: Person, bob: Person
    ) -> None:
        """All on the source's database alone."""
        articles = Article.objects.filter(pk=Article.objects.create(title="A", author=ann).pk)
        with queries() as sent:
            articles.update(editor=bob)
            assert articles.get().editor_id == bob.pk
            articles.update(editor=None)
            assert articles.get().editor_id is None
            articles.update(author_id=bob.pk)
            assert articles.get().author_id == bob.pk
            articles.update(author=F("author") + 1000)
        assert articles.get().author_id == bob.pk + 1000
        assert list(sent) == ["default"]

    def test_an_expression_is_saved(self, ann: Person) -> None:
        """The database computes the key."""
        article = Article.objects.create(title="Ants", author=ann)
        article.author_id = F("author_id") + 1
        article.save()
        article.refresh_from_db()
        assert article.author_id == ann.pk + 1

    def test_bulk_create_and_bulk_update_take_one_query_each(
        self, ann: Person, bob: Person
    ) -> None:
        """With targets or keys, and without asking the target's database."""
        events = [Event(name="a", actor=ann), Event(name="b", actor_id=bob.pk), Event(name="c")]
        with queries() as sent:
            Event.objects.bulk_create(events)
        keys = Event.objects.order_by("name").values_list("actor", flat=True)
        assert list(keys) == [ann.pk, bob.pk, None]
        assert list(sent) == ["archive"]
        events = list(Event.objects.order_by("name"))
        events[0].actor, events[1].actor, events[2].actor_id = bob, None, ann.pk
        with queries() as sent:
            assert Event.objects.bulk_update(iter(events), ("actor",)) == 3
        assert list(keys.all()) == [bob.pk, None, ann.pk]
        assert list(sent) == ["archive"]

    def test_get_or_create(self, ann: Person) -> None:
        """By target and by key it is the same row."""
        first, created = Article.objects.get_or_create(title="Ants", author=ann)
        assert created
        assert Article.objects.get_or_create(title="Ants", author=ann) == (first, False)
        assert Article.objects.get_or_create(title="Ants", author_id=ann.pk) == (first, False)
        assert Article.objects.count() == 1

    def test_update_or_create(self, ann: Person, bob: Person) -> None:
        """The reference may be what is looked for, and what is set."""
        first, created = Article.objects.update_or_create(
            title="Ants", author=ann, defaults={"editor": bob}
        )
        assert created
        found = Article.objects.update_or_create(author=ann, defaults={"author": bob, "editor": 7})
        assert found == (first, False)
        article = Article.objects.get()
        assert (article.author_id, article.editor_id) == (bob.pk, 7)

    def test_in_bulk(self, ann: Person, bob: Person) -> None:
        """By primary key, and by a unique reference."""
        accounts = [Account.objects.create(person=person) for person in (ann, bob)]
        with queries() as sent:
            assert Account.objects.in_bulk([accounts[0].pk]) == {accounts[0].pk: accounts[0]}
            by_key = Account.objects.in_bulk([ann.pk, bob.pk], field_name="person_id")
        assert by_key == {ann.pk: accounts[0], bob.pk: accounts[1]}
        assert list(sent) == ["default"]

    def test_update_of_a_pinned_model_refuses_an_instance_of_another(self, ann: Person) -> None:
        """Nothing is written, though the team has a key."""
        Event.objects.create(actor=ann, name="login")
        team = Team.objects.create(pk=777, name="T")
        for name in ("actor", "actor_id"):
            with queries() as sent, pytest.raises(ReferenceValueError) as caught:
                Event.objects.update(**{name: team})
            assert str(caught.value) == (
                f"Cannot use {team!r} for the reference library.Event.actor: it is an instance of"
                " people.Team. Use a saved people.Person of the database 'people', its key, or"
                " None."
            )
            assert sent == {}
        assert Event.objects.get().actor_id == ann.pk

    def test_update_of_a_pinned_model_takes_what_any_update_takes(
        self, ann: Person, bob: Person
    ) -> None:
        """A target, a key, an expression, ``None``, and fields that are no references."""
        event = Event.objects.create(actor=ann, name="login")
        for value, key in [(bob, bob.pk), (ann.pk, ann.pk), (F("actor") + 1, ann.pk + 1)]:
            assert Event.objects.update(actor=value, name="new") == 1
            event.refresh_from_db()
            assert (event.actor_id, event.name) == (key, "new")
        assert Event.objects.update(actor=None) == 1
        assert Event.objects.get().actor_id is None


class TestConstraints:
    """Validated by ``full_clean()``, and kept by the database."""

    def test_unique_together_with_another_field(self, ann: Person, bob: Person) -> None:
        """The same title by another author is fine."""
        Article.objects.create(title="Ants", author=ann)
        twin = Article(title="Ants", author=ann)
        with pytest.raises(ValidationError) as caught:
            twin.validate_constraints()
        assert caught.value.messages == ["Article with this Author and Title already exists."]
        with pytest.raises(IntegrityError), transaction.atomic():
            twin.save()
        other = Article(title="Ants", author=bob)
        other.validate_constraints()
        other.save()

    def test_check_between_two_references(self, ann: Person, bob: Person) -> None:
        """Nobody edits what they wrote."""
        own = Article(title="Ants", author=ann, editor=ann)
        with pytest.raises(ValidationError) as caught:
            own.validate_constraints()
        assert caught.value.messages == ["Constraint “edited_by_another” is violated."]
        with pytest.raises(IntegrityError), transaction.atomic():
            own.save()
        other = Article(title="Ants", author=ann, editor=bob)
        other.validate_constraints()
        other.save()

    @pytest.mark.parametrize(
        ("condition", "holds"),
        [
            (Q(author__in=[1, 2]), True),
            (Q(author__in=[2, 3]), False),
            (Q(author__pk=1), True),
            (Q(author__id__in=[2]), False),
            (Q(author__gte=1) & Q(author__lt=2), True),
            (Q(editor__isnull=True), True),
            (Q(editor__isnull=False), False),
            (Q(author__in=range(2, 300)), False),
            (Q(author__in=range(300)), True),
        ],
    )
    def test_conditions_of_checks_see_the_key(self, condition: Q, *, holds: bool) -> None:
        """All that a query understands of the key, without a row."""
        check = models.CheckConstraint(condition=condition, name="check")
        article = Article(title="Ants", author_id=1)
        if holds:
            check.validate(Article, article)
        else:
            with pytest.raises(ValidationError):
                check.validate(Article, article)

    def test_conditions_of_unique_constraints_see_the_key(self, ann: Person) -> None:
        """Only rows that fit the condition compete."""
        Article.objects.create(title="Ants", author=ann)
        twin = Article(title="Ants", author=ann)
        only_others = Q(author__gt=ann.pk)
        models.UniqueConstraint(fields=["title"], condition=only_others, name="x").validate(
            Article, twin
        )
        only_anns = Q(author=ann.pk)
        with pytest.raises(ValidationError):
            models.UniqueConstraint(fields=["title"], condition=only_anns, name="x").validate(
                Article, twin
            )

    def test_one_to_one_references_are_unique(self, ann: Person) -> None:
        """A target has one source."""
        Account.objects.create(person=ann)
        twin = Account(person=ann)
        with pytest.raises(ValidationError) as caught:
            twin.validate_unique()
        assert caught.value.message_dict == {"person": ["Account with this Person already exists."]}
        with pytest.raises(IntegrityError), transaction.atomic():
            twin.save()

    def test_any_number_of_sources_may_have_no_target(self) -> None:
        """NULL is no key."""
        Account.objects.create()
        account = Account()
        account.validate_unique()
        account.save()
        assert Account.objects.count() == 2

    def test_null_is_refused_by_the_database(self) -> None:
        """A required reference is ``NOT NULL``."""
        with pytest.raises(IntegrityError), transaction.atomic():
            Article.objects.create(title="Nobody's")


class TestDefaults:
    """``default=``."""

    @staticmethod
    @isolate_apps("tests.library")
    def model(default: object) -> type[models.Model]:
        """Return a source on the table of ``Car`` whose reference has this default."""

        class Visit(models.Model):
            owner = CrossDBReference(
                Person, models.SET_DEFAULT, related_name="+", default=default, null=True
            )

            class Meta:
                app_label = "library"
                db_table = "library_car"

        return Visit

    def test_a_target_stands_for_its_key(self, ann: Person) -> None:
        """A callable may give an instance."""
        visit = self.model(lambda: Person.objects.get(name="Ann")).objects.create()
        assert visit.owner_id == ann.pk
        assert visit.owner == ann

    def test_a_key_is_a_key(self, ann: Person) -> None:
        """As for any field."""
        assert self.model(ann.pk).objects.create().owner == ann

    def test_none_is_none(self) -> None:
        """As without a default."""
        assert self.model(None).objects.create().owner is None

    def test_an_unsaved_target_is_refused(self) -> None:
        """It has no key to give."""
        with pytest.raises(ReferenceValueError, match="is not saved"):
            self.model(lambda: Person(name="New"))()


class TestShapes:
    """Sources and targets of every shape."""

    def test_children_of_an_abstract_source_are_apart(self, ann: Person, bob: Person) -> None:
        """Each has its own column and reverse name."""
        car, truck = Car.objects.create(owner=ann), Truck.objects.create(owner=bob)
        assert Car.objects.get().owner == ann
        assert Truck.objects.get().owner == bob
        assert list(ann.library_car.all()) == [car]
        assert list(bob.library_truck.all()) == [truck]

    def test_a_proxy_of_a_source_writes_the_same_row(self, ann: Person, bob: Person) -> None:
        """The reference is the concrete model's."""
        draft = Draft.objects.create(title="Ants", author=ann)
        draft.author = bob
        draft.save()
        assert Article.objects.get().author == bob

    def test_a_proxy_target_gives_proxies(self, ann: Person) -> None:
        """The class is the declared one."""
        Everything.objects.create(adult=ann)
        assert type(Everything.objects.get().adult) is Adult

    def test_a_child_of_a_source_has_references_in_both_tables(
        self, ann: Person, bob: Person
    ) -> None:
        """Written, filtered and updated through the child."""
        review = Review.objects.create(title="Ants", author=ann, critic=bob, stars=3)
        assert Review.objects.get(author=ann, critic=bob) == review
        Review.objects.update(author=bob, critic=ann)
        review = Review.objects.get()
        assert (review.author, review.critic) == (bob, ann)
        assert Article.objects.get().author == bob

    def test_a_child_target_is_referred_to_by_its_parents_key(self) -> None:
        """Its own key is a relation; the column has the type of the end of it."""
        worker = Employee.objects.create(name="Wim", email="wim@example.org", salary=9)
        Everything.objects.create(employee=worker)
        everything = Everything.objects.get(employee=worker)
        assert everything.employee_id == worker.pk
        assert everything.employee.salary == 9

    def test_a_reference_can_be_the_primary_key(self, ann: Person) -> None:
        """Found by it, updated by it, referred to by it."""
        profile = Profile.objects.create(person=ann, bio="Old")
        assert Profile.objects.get(pk=ann.pk) == Profile.objects.get(person=ann) == profile
        profile.bio = "New"
        profile.save()
        assert Profile.objects.get().bio == "New"
        Everything.objects.create(profile=profile)
        everything = Everything.objects.get()
        assert everything.profile_id == ann.pk
        assert everything.profile.person == ann

    def test_a_source_can_refer_to_itself(self, ann: Person) -> None:
        """``"self"``, on the database that ``using`` names."""
        article = Article.objects.create(title="Ants", author=ann)
        first = Comment.objects.create(article=article, author=ann)
        second = Comment.objects.create(article=article, author=ann, reply_to=first)
        with queries() as sent:
            assert Comment.objects.get(pk=second.pk).reply_to == first
        assert list(sent) == ["default"]

    def test_the_swappable_user_is_a_target(self) -> None:
        """``settings.AUTH_USER_MODEL``, by its place in the settings."""
        user = User.objects.create_user("ann", password="secret")
        Account.objects.create(user=user)
        with queries() as sent:
            assert Account.objects.get(user=user).user == user
        assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, "people": 1}

    def test_to_field_stores_that_field(self, ann: Person) -> None:
        """Key, lookups and access are by it."""
        Everything.objects.create(email=ann)
        everything = Everything.objects.get(email="ann@example.org")
        assert everything.email_id == "ann@example.org"
        assert everything.email == ann
        assert Everything.objects.filter(email=ann).exists()

    def test_to_field_of_a_target_without_a_value_is_refused(self) -> None:
        """A saved target whose ``to_field`` is ``None`` is no target."""
        with pytest.raises(ReferenceValueError, match="is not saved"):
            Everything(email=Person(pk=1, email=None)).save()

    def test_keys_are_converted_when_assigned(self) -> None:
        """The attribute is of the key's type before the source is saved."""
        key = uuid.uuid4()
        everything = Everything(uuid=str(key), decimal="1.50", date="2024-02-29")
        assert everything.uuid_id == key
        assert everything.decimal_id == Decimal("1.50")
        assert everything.date_id.year == 2024
