"""Forms and validation: the target's database is asked, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps

from crossdb_reference import CrossDBReference, pinned
from tests.library.models import Account, Article, Everything, Shelf
from tests.people.models import Country, Person, Profile
from tests.queries import queries
from tests.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture(scope="module")
def _copies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """Let shelves exist on ``archive`` too."""
    with tables(django_db_blocker, "archive", Shelf):
        yield


class ArticleForm(forms.ModelForm):
    """Two references to one target, one of them required."""

    class Meta:
        model = Article
        fields = ("title", "author", "editor")


class EverythingForm(forms.ModelForm):
    """References by other keys than numbers, to two databases."""

    class Meta:
        model = Everything
        fields = ("email", "country", "profile")


@pytest.fixture(autouse=True)
def ann() -> Person:
    """Give a target."""
    return Person.objects.create(name="Ann", email="ann@example.org", age=40)


@pytest.fixture(autouse=True)
def bob() -> Person:
    """Give a child as another target."""
    return Person.objects.create(name="Bob", email="bob@example.org", age=12)


@isolate_apps("tests.library")
def limited(limit: object) -> type[models.Model]:
    """Return a source on the table of ``Car`` whose choices are limited."""

    class Visit(models.Model):
        owner = CrossDBReference(
            Person, models.CASCADE, related_name="+", limit_choices_to=limit, null=True
        )

        class Meta:
            app_label = "library"
            db_table = "library_car"

    return Visit


class TestFormField:
    """``formfield()``."""

    def test_offers_the_targets_of_their_own_database(self, ann: Person, bob: Person) -> None:
        """By one query there, when the choices are shown."""
        with queries() as sent:
            field = ArticleForm().fields["author"]
            assert sent == {}
            assert set(field.queryset) == {ann, bob}
        assert {alias: len(sql) for alias, sql in sent.items()} == {"people": 1}
        assert isinstance(field, forms.ModelChoiceField)

    def test_each_reference_asks_its_own_database(self) -> None:
        """A country is elsewhere."""
        fields = EverythingForm().fields
        assert [fields[name].queryset.db for name in fields] == ["people", "geo", "people"]

    def test_values_are_the_keys(self, ann: Person) -> None:
        """Those of ``to_field``."""
        assert f'<option value="{ann.pk}">Ann</option>' in str(ArticleForm()["author"])
        assert '<option value="ann@example.org">Ann</option>' in str(EverythingForm()["email"])

    def test_is_required_unless_blank(self) -> None:
        """As any field."""
        form = ArticleForm({"title": "Ants"})
        assert not form.is_valid()
        assert form.errors == {
            "author": ["This field is required."],
            "editor": ["This field is required."],
        }

    def test_options_of_the_caller_win(self, ann: Person) -> None:
        """``formfield()`` takes what ``ModelChoiceField`` takes."""
        grown_up = Person.objects.filter(age__gte=18)
        field = Article._meta.get_field("author").formfield(queryset=grown_up, label="By")
        assert list(field.queryset) == [ann]
        assert field.label == "By"

    @isolate_apps("tests.library")
    def test_a_blank_reference_may_be_empty(self) -> None:
        """And is then saved as NULL."""

        class Visit(models.Model):
            owner = CrossDBReference(
                Person, models.CASCADE, related_name="+", null=True, blank=True
            )

            class Meta:
                app_label = "library"
                db_table = "library_car"

        form = forms.modelform_factory(Visit, fields=["owner"])({"owner": ""})
        assert form.is_valid()
        assert form.save().owner is None
        with queries() as sent:
            assert Visit._meta.get_field("owner").clean(None, None) is None
        assert sent == {}

    @isolate_apps("tests.library")
    @pytest.mark.usefixtures("_copies")
    def test_a_form_asks_the_database_of_the_block_that_it_is_used_in(self) -> None:
        """Not of the one, or none, that its class was made in."""

        class Box(models.Model):
            name = models.CharField(max_length=80)

            class Meta:
                app_label = "library"
                db_table = "library_shelf"

        class Visit(models.Model):
            owner = CrossDBReference(Box, models.CASCADE, related_name="+", null=True)

            class Meta:
                app_label = "library"
                db_table = "library_car"

        form_class = forms.modelform_factory(Visit, fields=["owner"])
        here = Box.objects.create(pk=1, name="here")
        with pinned("archive"):
            there = Box.objects.create(pk=2, name="there")
            with queries() as sent:
                assert list(form_class().fields["owner"].queryset) == [there]
                assert form_class({"owner": "2"}).is_valid()
                assert not form_class({"owner": "1"}).is_valid()
            assert list(sent) == ["archive"]
        with queries() as sent:
            assert list(form_class().fields["owner"].queryset) == [here]
            assert form_class({"owner": "1"}).is_valid()
        assert list(sent) == ["default"]


class TestModelForm:
    """From request to row."""

    def test_saves_the_reference(self, ann: Person, bob: Person) -> None:
        """The source goes to its database, with the key."""
        form = ArticleForm({"title": "Ants", "author": ann.pk, "editor": str(bob.pk)})
        assert form.is_valid(), form.errors
        with queries() as sent:
            saved = form.save()
        assert list(sent) == ["default"]
        assert (saved.author, saved.editor) == (ann, bob)
        assert Article.objects.get().author == ann

    def test_saves_other_keys(self, ann: Person) -> None:
        """By ``to_field``, by a string, by a key that is a reference itself."""
        country = Country.objects.create(code="NL", name="Netherlands")
        profile = Profile.objects.create(person=ann)
        form = EverythingForm({"email": ann.email, "country": "NL", "profile": ann.pk})
        assert form.is_valid(), form.errors
        form.save()
        found = Everything.objects.get()
        assert (found.email, found.country, found.profile) == (ann, country, profile)

    def test_shows_what_is_saved(self, ann: Person, bob: Person) -> None:
        """The bound object's target is selected."""
        article = Article.objects.create(title="Ants", author=ann, editor=bob)
        assert f'<option value="{bob.pk}" selected>Bob' in str(ArticleForm(instance=article))
        found = Everything.objects.create(email=bob)
        assert '<option value="bob@example.org" selected>' in str(EverythingForm(instance=found))

    def test_changes_the_reference(self, ann: Person, bob: Person) -> None:
        """The old target is forgotten."""
        article = Article.objects.create(title="Ants", author=ann, editor=bob)
        data = {"title": "Ants", "author": bob.pk, "editor": ann.pk}
        form = ArticleForm(data, instance=article)
        assert form.is_valid(), form.errors
        assert form.changed_data == ["author", "editor"]
        form.save()
        assert article.author == bob
        article = Article.objects.get()
        assert (article.author, article.editor) == (bob, ann)

    @pytest.mark.parametrize("key", [404, "x"])
    def test_an_unknown_key_is_no_choice(self, bob: Person, key: object) -> None:
        """The error is at the field."""
        form = ArticleForm({"title": "Ants", "author": key, "editor": bob.pk})
        assert form.errors == {
            "author": ["Select a valid choice. That choice is not one of the available choices."]
        }

    def test_constraints_are_reported(self, ann: Person, bob: Person) -> None:
        """Those that involve the reference."""
        Article.objects.create(title="Ants", author=ann)
        form = ArticleForm({"title": "Ants", "author": ann.pk, "editor": bob.pk})
        assert form.non_field_errors() == ["Article with this Author and Title already exists."]

    def test_one_to_one_references_are_checked_for_uniqueness(self, ann: Person) -> None:
        """A second account of Ann's is refused."""
        form_class = forms.modelform_factory(Account, fields=["person"])
        form_class({"person": ann.pk}).save()
        form = form_class({"person": ann.pk})
        assert form.errors == {"person": ["Account with this Person already exists."]}


class TestLimitChoicesTo:
    """``limit_choices_to``."""

    @pytest.mark.parametrize(
        "limit",
        [{"age__gte": 18}, Q(age__gte=18), lambda: {"age__gte": 18}, lambda: Q(age__gte=18)],
        ids=["dict", "Q", "dict later", "Q later"],
    )
    def test_limits_forms_and_validation(
        self, ann: Person, bob: Person, limit: dict[str, Any] | Q | Callable[[], Any]
    ) -> None:
        """Both, in the target's database."""
        visit = limited(limit)
        form_class = forms.modelform_factory(visit, fields=["owner"])
        assert list(form_class().fields["owner"].queryset) == [ann]
        assert form_class({"owner": ann.pk}).is_valid()
        assert not form_class({"owner": bob.pk}).is_valid()
        visit(owner=ann).full_clean()
        with pytest.raises(ValidationError, match="not a valid choice"):
            visit(owner=bob).full_clean()

    def test_a_callable_is_called_for_each_form_and_not_for_the_class(self) -> None:
        """What it gives may depend on the day."""
        calls: list[int] = []
        form_class = forms.modelform_factory(
            limited(lambda: calls.append(1) or {}), fields=["owner"]
        )
        assert calls == []
        form_class()
        assert calls == [1]
        form_class()
        assert calls == [1, 1]

    def test_does_not_limit_saving(self, bob: Person) -> None:
        """As with a ``ForeignKey``, it is for people and not for the database."""
        assert limited({"age__gte": 18}).objects.create(owner=bob).pk


class TestFullClean:
    """``full_clean()`` verifies that the target exists."""

    def test_asks_the_targets_database_once(self, ann: Person) -> None:
        """And is content."""
        account = Account(person_id=ann.pk)
        with queries() as sent:
            account.clean_fields(exclude=["user"])
        assert {alias: len(sql) for alias, sql in sent.items()} == {"people": 1}

    def test_an_unknown_key_is_invalid(self) -> None:
        """In the words of a ``ForeignKey``."""
        with pytest.raises(ValidationError) as caught:
            Everything(adult_id=404, country_id="XX").full_clean()
        assert caught.value.message_dict["adult"] == [
            "adult instance with id 404 is not a valid choice."
        ]
        assert caught.value.message_dict["country"] == [
            "country instance with code 'XX' is not a valid choice."
        ]
        (error,) = caught.value.error_dict["adult"]
        assert (error.code, error.params["pk"]) == ("invalid", 404)

    def test_asks_the_alias_that_using_names(self) -> None:
        """Here it is the source's own."""

        class Form(forms.ModelForm):
            class Meta:
                model = Article.comments.rel.related_model
                fields = ("reply_to",)

        with queries() as sent:
            assert not Form({"reply_to": "1"}).is_valid()
        assert list(sent) == ["default"]

    @pytest.mark.parametrize(
        ("key", "message"),
        [
            (None, "This field cannot be null."),
            ("x", "“x” value must be an integer."),
            (2**70, f"person instance with id {2**70} is not a valid choice."),
        ],
    )
    def test_other_invalid_keys(self, key: object, message: str) -> None:
        """Missing, of the wrong type, or larger than any column."""
        with pytest.raises(ValidationError) as caught:
            Article(title="Ants", author_id=key).full_clean(exclude=["editor", "shelf"])
        assert caught.value.message_dict == {"author": [message]}

    def test_a_dangling_row_is_found_invalid(self, bob: Person) -> None:
        """After its target is gone."""
        account = Account.objects.create(person=bob)
        bob.delete()
        account.refresh_from_db()
        with pytest.raises(ValidationError, match="is not a valid choice"):
            account.clean_fields(exclude=["user"])

    def test_what_a_prefetch_missed_is_looked_up_again(self) -> None:
        """A target that appeared since is found after ``full_clean()``."""
        Account.objects.create(person_id=404)
        (account,) = Account.objects.prefetch_related("person")
        late = Person.objects.create(pk=404, name="Late", email="late@example.org")
        account.clean_fields(exclude=["user"])
        assert account.person == late

    def test_clean_without_an_instance_validates_too(self, ann: Person) -> None:
        """As generic code calls it."""
        field = Article._meta.get_field("author")
        assert field.clean(str(ann.pk), None) == ann.pk
        with pytest.raises(ValidationError):
            field.clean(404, None)


def test_choices_for_filters_come_from_the_targets_database(ann: Person, bob: Person) -> None:
    """``get_choices()``, as the admin's filters call it."""
    field = Article._meta.get_field("author")
    with queries() as sent:
        choices = field.get_choices(include_blank=False, ordering=("name",))
    assert choices == [(ann.pk, "Ann"), (bob.pk, "Bob")]
    assert list(sent) == ["people"]
