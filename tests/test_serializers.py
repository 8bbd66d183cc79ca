"""``dumpdata`` and ``loaddata``."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.core import serializers
from django.core.management import call_command
from django.core.serializers.base import DeserializationError

from tests.library.models import Article, Event, Review
from tests.people.models import Person, Profile
from tests.queries import queries

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def article(ann: Person) -> Article:
    """Give a source with one reference set and one not."""
    return Article.objects.create(title="Ants", author=ann)


def dumped(*args: str) -> str:
    """Return what ``dumpdata`` prints."""
    out = io.StringIO()
    call_command("dumpdata", *args, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["json", "jsonl", "xml"])
def test_a_fixture_is_loaded_as_it_was_dumped(article: Article, form: str, tmp_path: Path) -> None:
    """By keys, in every format."""
    fixture = tmp_path / f"articles.{form}"
    fixture.write_text(dumped("library.article", "--format", form))
    Article.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert Article.objects.get() == article
    assert Article.objects.get().author.name == "Ann"
    assert Article.objects.get().editor is None


@pytest.mark.usefixtures("article")
def test_natural_keys_find_the_target_that_has_another_key_now(ann: Person, tmp_path: Path) -> None:
    """Dumped from one pair of databases, loaded into another."""
    fixture = tmp_path / "articles.json"
    fixture.write_text(dumped("library.article", "--natural-foreign"))
    assert '"author": ["ann@example.org"]' in fixture.read_text()
    assert '"editor": null' in fixture.read_text()
    Article.objects.all().delete()
    ann.delete()
    again = Person.objects.create(pk=1_000_000, name="Ann", email="ann@example.org")
    call_command("loaddata", str(fixture), verbosity=0)
    assert Article.objects.get().author == again


def test_natural_keys_are_read_from_the_databases_of_each_side(article: Article) -> None:
    """The target is looked up on its own database, whichever the source is loaded into."""
    with queries() as sent:
        written = serializers.serialize(
            "json", Article.objects.all(), use_natural_foreign_keys=True
        )
        (found,) = serializers.deserialize("json", written, using="archive")
    assert {alias: len(sql) for alias, sql in sent.items()} == {"default": 1, "people": 2}
    assert found.object.author_id == article.author_id


@pytest.mark.usefixtures("article")
def test_an_unknown_natural_key_names_the_value() -> None:
    """As for a ``ForeignKey``: the fixture is refused."""
    written = serializers.serialize("json", Article.objects.all(), use_natural_foreign_keys=True)
    Person.objects.all().delete()
    with pytest.raises(DeserializationError, match="matching query does not exist"):
        list(serializers.deserialize("json", written))


def test_a_key_of_the_wrong_type_is_refused(article: Article) -> None:
    """The error names model and value."""
    written = serializers.serialize("json", Article.objects.all())
    written = written.replace(f'"author": {article.author_id}', '"author": "x"')
    with pytest.raises(DeserializationError, match=r"library\.article") as caught:
        list(serializers.deserialize("json", written))
    assert "x" in str(caught.value)


def test_a_dangling_key_is_kept(article: Article, ann: Person) -> None:
    """What is in the row is dumped and loaded, without asking for the target."""
    ann.delete()
    with queries() as sent:
        written = serializers.serialize("json", Article.objects.all())
        (found,) = serializers.deserialize("json", written)
    assert found.object.author_id == article.author_id
    assert list(sent) == ["default"]


def test_multi_table_inheritance_dumps_each_table(ann: Person, tmp_path: Path) -> None:
    """The parent's reference is in the parent's entry."""
    Review.objects.create(title="Ants", author=ann, critic=ann, stars=3)
    fixture = tmp_path / "reviews.json"
    fixture.write_text(dumped("library.article", "library.review"))
    Review.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    review = Review.objects.get()
    assert (review.author, review.critic, review.stars) == (ann, ann, 3)


def test_sources_of_a_database_of_their_own(ann: Person, tmp_path: Path) -> None:
    """``--database`` is the pinned model's home."""
    Event.objects.create(actor=ann, name="login")
    fixture = tmp_path / "events.json"
    fixture.write_text(dumped("library.event", "--database", "archive"))
    Event.objects.all().delete()
    call_command("loaddata", str(fixture), "--database", "archive", verbosity=0)
    assert Event.objects.get().actor == ann


def test_a_reference_that_is_the_primary_key(ann: Person) -> None:
    """It is the ``pk`` of the entry."""
    Profile.objects.create(person=ann, bio="x")
    written = serializers.serialize("json", Profile.objects.all())
    assert f'"pk": {ann.pk}' in written
    Profile.objects.all().delete()
    (found,) = serializers.deserialize("json", written)
    found.save()
    assert Profile.objects.get().person == ann


@pytest.mark.usefixtures("article")
def test_targets_are_dumped_without_their_other_side() -> None:
    """The private field on the target is in no fixture."""
    assert "articles" not in dumped("people.person", "--database", "people")
