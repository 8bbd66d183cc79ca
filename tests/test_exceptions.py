"""The errors: their classes, and the words that no other test repeats."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured, ObjectDoesNotExist
from django.db import models
from django.test.utils import isolate_apps
from django.utils.connection import ConnectionDoesNotExist

from crossdb_reference import CrossDBOneToOneReference, CrossDBReference, DanglingReference
from crossdb_reference.exceptions import (
    CrossDBReferenceError,
    ReferenceValueError,
    RemotePathError,
    TooManyRemoteKeys,
    UnknownDatabase,
    UnknownTarget,
)
from tests.library.models import Account, Article
from tests.people.models import Person

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.mark.parametrize(
    ("cls", "djangos"),
    [
        (DanglingReference, ObjectDoesNotExist),
        (ReferenceValueError, ValueError),
        (RemotePathError, FieldError),
        (TooManyRemoteKeys, RuntimeError),
        (UnknownDatabase, ConnectionDoesNotExist),
        (UnknownTarget, ImproperlyConfigured),
    ],
)
def test_each_is_what_django_raises_there_and_one_of_ours(
    cls: type[Exception], djangos: type[Exception]
) -> None:
    """Both kinds of ``except`` clauses catch it."""
    assert issubclass(cls, djangos)
    assert issubclass(cls, CrossDBReferenceError)


def test_the_errors_of_a_reference_belong_to_the_model() -> None:
    """A traceback shows which one it was."""
    dangling, missing = Article.author.DanglingReference, Article.author.RelatedObjectDoesNotExist
    assert (dangling.__module__, dangling.__qualname__) == (
        "tests.library.models",
        "Article.author.DanglingReference",
    )
    assert missing.__qualname__ == "Article.author.RelatedObjectDoesNotExist"
    assert issubclass(dangling, (DanglingReference, Person.DoesNotExist))
    assert issubclass(missing, (AttributeError, Person.DoesNotExist))
    assert dangling is Article.author.DanglingReference is not Article.editor.DanglingReference


@pytest.mark.parametrize(
    "error",
    [
        ReferenceValueError.unsaved("a.B.c", "d.E", "f", 1),
        RemotePathError.cannot_join("a.B.c", "d"),
        TooManyRemoteKeys.more_than(10, "a.B.c", "d"),
        UnknownTarget.named_by("a.B.c", "d.E"),
    ],
)
def test_the_others_can_be_pickled(error: Exception) -> None:
    """Class and words survive."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 (its own)
    assert type(again) is type(error)
    assert str(again) == str(error)


@isolate_apps("tests.library")
def test_an_alias_that_does_not_exist_is_named() -> None:
    """With who names it, what there is, and what to do; nothing is written."""

    class Visit(models.Model):
        owner = CrossDBReference(Person, models.CASCADE, related_name="+", using="nowhere")

        class Meta:
            app_label = "library"
            db_table = "library_car"

    visit = Visit(owner_id=7)
    for use in (
        lambda: visit.owner,
        visit.full_clean,
        lambda: list(Visit.objects.filter(owner__in=Person.objects.all())),
        lambda: list(Visit.objects.filter(owner__name="Ann")),
        lambda: Visit._meta.get_field("owner").formfield(),
    ):
        with pytest.raises(UnknownDatabase) as caught:
            use()
        assert str(caught.value) == (
            "The reference library.Visit.owner names the database 'nowhere', but"
            " settings.DATABASES has only archive, default, geo, people. Correct the alias, or add"
            " the database."
        )


@isolate_apps("tests.library")
def test_a_target_that_is_not_installed_is_named() -> None:
    """By the field and by the name that it was given."""

    class Visit(models.Model):
        owner = CrossDBReference("absent.Owner", models.CASCADE, related_name="+")

        class Meta:
            app_label = "library"

    field = Visit._meta.get_field("owner")
    for use in (
        lambda: field.target_model,
        lambda: field.target_field,
        lambda: Visit(owner=1),
        lambda: Visit.objects.filter(owner=1),
        lambda: Visit.objects.filter(owner__name="Ann"),
        field.clone,
    ):
        with pytest.raises(UnknownTarget) as caught:
            use()
        assert str(caught.value) == (
            "The reference library.Visit.owner points at 'absent.Owner', which is not an installed"
            " model. Add its app to INSTALLED_APPS, or correct the name."
        )


@pytest.mark.parametrize("cls", [CrossDBReference, CrossDBOneToOneReference])
def test_on_delete_must_be_one_of_djangos(cls: type[CrossDBReference]) -> None:
    """A forgotten argument is found at once."""
    with pytest.raises(TypeError) as caught:
        cls(Person, "CASCADE")
    assert str(caught.value) == (
        "on_delete must be callable: use one of django.db.models.CASCADE, PROTECT, …"
    )


def test_what_cannot_be_a_target_is_refused_at_once() -> None:
    """Before any model uses the field."""
    with pytest.raises(TypeError) as caught:
        CrossDBReference(models.CASCADE, models.CASCADE)
    assert str(caught.value) == (
        f"{models.CASCADE!r} cannot be a target: use a model, 'app.Model', 'Model' or 'self'."
    )


def test_an_object_that_cannot_be_the_source_is_named() -> None:
    """On the target's side of a one-to-one reference."""
    ann = Person.objects.create(name="Ann", email="ann@example.org")
    with pytest.raises(ReferenceValueError) as caught:
        ann.account = ann
    assert str(caught.value) == (
        "Cannot assign <Person: Ann> to people.Person.account: use a library.Account, or None."
    )
    assert not Account.objects.exists()


def test_annotations_may_name_the_target() -> None:
    """``CrossDBReference[Person]`` is understood at run time too."""
    assert CrossDBReference[Person].__origin__ is CrossDBReference
    assert CrossDBOneToOneReference[Person].__args__ == (Person,)
