"""The system checks: each one's exact words, and silence where all is well."""

import pytest
from django.core import checks
from django.core.management import call_command
from django.db import connections, models
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import isolate_apps, override_settings

from crossdb_reference import CrossDBReference
from crossdb_reference.checks.homes import check_homes
from crossdb_reference.checks.references import check_reference, check_references
from crossdb_reference.checks.tables import check_tables
from tests.library.models import Article
from tests.people.models import Person

PINS = {"auth": "people", "contenttypes": "people", "admin": "people", "people": "people"}
ROUTER = "crossdb_reference.routers.CrossDBRouter"
ALIASES = "archive, default, geo, people"


def words(messages):
    """Return id, message and hint of each."""
    return [(each.id.removeprefix("crossdb_reference."), each.msg, each.hint) for each in messages]


def declared(**fields):
    """Return the reference ``ref`` of a new model of the app ``library``."""
    fields["__module__"] = "tests.library.models"
    return type("Declared", (models.Model,), fields)._meta.get_field("ref")


def settings(**conf):
    return override_settings(CROSSDB_REFERENCE={"PINS": PINS} | conf)


class StrayRouter:
    """A router that knows better."""

    def db_for_read(self, model, **_):
        return "geo" if model is Person else None

    def db_for_write(self, model, **_):
        return "default" if model is Person else None

    def allow_migrate(self, _db, _app_label, model_name=None, **_):
        return False if model_name == "person" else None


class SilentRouter:
    """A router without methods."""


@pytest.fixture
def _isolated():
    with isolate_apps("tests.library"):
        yield


@pytest.mark.usefixtures("_isolated")
class TestReferences:
    def assert_words(self, field, *expected):
        assert words(check_reference(field)) == list(expected)

    def test_a_sound_declaration_is_silent(self):
        self.assert_words(declared(ref=CrossDBReference(Person, models.CASCADE)))

    def test_target_not_installed(self):
        self.assert_words(
            declared(ref=CrossDBReference("gone.Model", models.CASCADE)),
            (
                "E001",
                "The reference points at 'gone.Model', which is not an installed model, or is"
                " abstract.",
                "Correct the name, or add the app of the model to INSTALLED_APPS.",
            ),
        )

    def test_target_abstract(self):
        class Base(models.Model):
            class Meta:
                abstract = True
                app_label = "library"

        self.assert_words(
            declared(ref=CrossDBReference(Base, models.CASCADE)),
            (
                "E001",
                "The reference points at 'library.Base', which is not an installed model, or is"
                " abstract.",
                "Correct the name, or add the app of the model to INSTALLED_APPS.",
            ),
        )

    def test_target_swapped_out(self):
        with override_settings(LIBRARY_TARGET="people.Person"):

            class Swappable(models.Model):
                class Meta:
                    swappable = "LIBRARY_TARGET"
                    app_label = "library"

            self.assert_words(
                declared(ref=CrossDBReference(Swappable, models.CASCADE)),
                (
                    "E002",
                    "The reference points at 'library.Swappable', which has been swapped out.",
                    "Point at settings.LIBRARY_TARGET.",
                ),
            )

    def test_to_field_missing(self):
        self.assert_words(
            declared(ref=CrossDBReference(Person, models.CASCADE, to_field="nick")),
            (
                "E003",
                "The to_field 'nick' is not a field of 'people.Person'.",
                "Name a unique field, or leave to_field out to store the primary key.",
            ),
        )

    def test_to_field_not_unique(self):
        self.assert_words(
            declared(ref=CrossDBReference(Person, models.CASCADE, to_field="name")),
            (
                "E004",
                "The to_field 'people.Person.name' is not unique.",
                "Set unique=True on 'name', or give it a UniqueConstraint without condition.",
            ),
        )

    @pytest.mark.parametrize(("condition", "ids"), [(None, []), (models.Q(pk=1), ["E004"])])
    def test_a_unique_constraint_makes_a_key_unless_it_has_a_condition(self, condition, ids):
        class Target(models.Model):
            code = models.CharField(max_length=5)

            class Meta:
                app_label = "library"
                constraints = [
                    models.UniqueConstraint(fields=["code"], name="one", condition=condition)
                ]

        field = declared(ref=CrossDBReference(Target, models.CASCADE, using="geo", to_field="code"))
        assert [each[0] for each in words(check_reference(field))] == ids

    def test_composite_primary_key(self):
        class Target(models.Model):
            pk = models.CompositePrimaryKey("a", "b")
            a = models.IntegerField()
            b = models.IntegerField()

            class Meta:
                app_label = "library"

        self.assert_words(
            declared(ref=CrossDBReference(Target, models.CASCADE)),
            (
                "E005",
                "The target 'library.Target' has a composite primary key.",
                "Give the target a unique field of one column, and name it with to_field.",
            ),
        )

    def test_set_null_without_null(self):
        self.assert_words(
            declared(ref=CrossDBReference(Person, models.SET_NULL)),
            (
                "E006",
                "The reference specifies on_delete=SET_NULL, but cannot be null.",
                "Set null=True, or change on_delete.",
            ),
        )

    def test_set_default_without_default(self):
        self.assert_words(
            declared(ref=CrossDBReference(Person, models.SET_DEFAULT)),
            (
                "E007",
                "The reference specifies on_delete=SET_DEFAULT, but has no default.",
                "Set a default, or change on_delete.",
            ),
        )

    @pytest.mark.parametrize(
        ("on_delete", "options"),
        [(models.SET_NULL, {"null": True}), (models.SET_DEFAULT, {"default": 1})],
    )
    def test_set_null_and_set_default_that_can(self, on_delete, options):
        self.assert_words(declared(ref=CrossDBReference(Person, on_delete, **options)))

    def test_accessor_and_query_name_clash_with_a_relation(self):
        class Team(models.Model):
            class Meta:
                app_label = "library"

        class Member(models.Model):
            team = models.ForeignKey(Team, models.CASCADE, related_name="members")

            class Meta:
                app_label = "library"

        hint = (
            "Set related_name (or related_query_name) of the reference to another name, or to '+'"
            " for none."
        )
        self.assert_words(
            declared(
                ref=CrossDBReference(Team, models.CASCADE, using="geo", related_name="members")
            ),
            *[
                (
                    number,
                    f"The {kind} 'library.Team.members' of the reference clashes with"
                    " library.Member.team.",
                    hint,
                )
                for number, kind in (("E008", "accessor"), ("E009", "query name"))
            ],
        )

    def test_query_name_clashes_with_a_field(self):
        class Team(models.Model):
            declared = models.IntegerField()

            class Meta:
                app_label = "library"

        field = declared(ref=CrossDBReference(Team, models.CASCADE, using="geo"))
        assert [each[:2] for each in words(check_reference(field))] == [
            (
                "E009",
                "The query name 'library.Team.declared' of the reference clashes with"
                " library.Team.declared.",
            )
        ]

    def test_two_references_without_names_clash(self):
        class Team(models.Model):
            class Meta:
                app_label = "library"

        field = declared(
            ref=CrossDBReference(Team, models.CASCADE, using="geo"),
            other=CrossDBReference(Team, models.CASCADE, using="geo"),
        )
        assert [each[:2] for each in words(check_reference(field))] == [
            (
                number,
                f"The {kind} 'library.Team.{name}' of the reference clashes with"
                " library.Declared.other.",
            )
            for number, kind, name in (
                ("E008", "accessor", "declared_set"),
                ("E009", "query name", "declared"),
            )
        ]

    def test_hidden_references_do_not_clash(self):
        self.assert_words(
            declared(
                ref=CrossDBReference(Person, models.CASCADE, related_name="+"),
                other=CrossDBReference(Person, models.CASCADE, related_name="+"),
            )
        )

    def test_unknown_alias(self):
        self.assert_words(
            declared(ref=CrossDBReference(Person, models.CASCADE, using="nowhere")),
            (
                "E010",
                "The reference names the database 'nowhere', which settings.DATABASES does not"
                " have.",
                f"Correct 'using': there are {ALIASES}.",
            ),
        )

    def test_reference_within_one_home(self):
        [found] = check_reference(declared(ref=CrossDBReference(Article, models.CASCADE)))
        assert isinstance(found, checks.Warning)
        assert words([found]) == [
            (
                "W011",
                "The reference and its target 'library.Article' share the database 'default'.",
                "Use a ForeignKey: the database then keeps it intact, and can join.",
            )
        ]

    def test_on_delete_of_the_database(self):
        """Django 6.1's DB_CASCADE and its kin; for older versions, what looks like it."""

        class DatabaseOnDelete:
            def __call__(self, *_):
                """Do nothing, as Django's."""

            def __str__(self):
                return "DB_CASCADE"

        on_delete = getattr(models, "DB_CASCADE", DatabaseOnDelete())
        self.assert_words(
            declared(ref=CrossDBReference(Person, on_delete)),
            (
                "E012",
                f"The reference specifies on_delete={on_delete}, which a database can do only"
                " within itself.",
                "Use CASCADE, SET_NULL or SET_DEFAULT.",
            ),
        )

    @pytest.mark.parametrize("target", [5, None, object])
    def test_what_is_no_model_is_refused_at_once(self, target):
        with pytest.raises(TypeError, match="cannot be a target: use a model"):
            CrossDBReference(target, models.CASCADE)

    def test_what_is_no_on_delete_is_refused_at_once(self):
        with pytest.raises(TypeError, match="on_delete must be callable"):
            CrossDBReference(Person, "CASCADE")


class TestHomes:
    def test_a_sound_project_is_silent(self):
        assert check_homes() == []

    def test_unknown_key(self):
        with settings(PIN={}):
            assert words(check_homes()) == [
                (
                    "E101",
                    "The setting CROSSDB_REFERENCE has the unknown key 'PIN'.",
                    "Known keys are PINS, ALSO_MIGRATE, MAX_REMOTE_KEYS.",
                )
            ]

    @pytest.mark.parametrize("value", [0, -1, "9", 1.5, True])
    def test_a_limit_that_is_none(self, value):
        with settings(MAX_REMOTE_KEYS=value):
            assert words(check_homes()) == [
                (
                    "E109",
                    f"CROSSDB_REFERENCE['MAX_REMOTE_KEYS'] is {value!r}.",
                    "Use a positive whole number, or None for no limit.",
                )
            ]

    @pytest.mark.parametrize("value", [1, 10**6, None])
    def test_a_limit(self, value):
        with settings(MAX_REMOTE_KEYS=value):
            assert check_homes() == []

    def test_unknown_aliases(self):
        with settings(PINS=PINS | {"library.Shelf": "nowhere"}, ALSO_MIGRATE={"gone": ["auth"]}):
            assert words(check_homes()) == [
                (
                    "E102",
                    f"CROSSDB_REFERENCE[{key}] names the database '{alias}', which"
                    " settings.DATABASES does not have.",
                    f"Correct the alias: there are {ALIASES}.",
                )
                for key, alias in (
                    ("'PINS']['library.Shelf'", "nowhere"),
                    ("'ALSO_MIGRATE'", "gone"),
                )
            ]

    def test_unknown_alias_of_a_manager(self, monkeypatch):
        monkeypatch.delitem(connections.settings, "archive")
        assert words(check_homes())[0] == (
            "E102",
            "library.Event.objects names the database 'archive', which settings.DATABASES does"
            " not have.",
            "Correct the alias: there are default, geo, people.",
        )

    def test_unknown_app(self):
        with settings(PINS=PINS | {"authh.User": "people"}):
            assert words(check_homes()) == [
                (
                    "E103",
                    "CROSSDB_REFERENCE['PINS'] pins 'authh.User', but no installed app has the"
                    " label 'authh'.",
                    "Correct the label, or remove the entry. A model may be gone, its app not.",
                )
            ]

    def test_a_former_model_of_an_installed_app_may_be_pinned(self):
        with settings(PINS=PINS | {"library.Gone": "archive"}):
            assert check_homes() == []

    def test_two_homes(self):
        with settings(PINS=PINS | {"library.Event": "geo"}):
            assert words(check_homes()) == [
                (
                    "E104",
                    "library.Event has more than one home: its PinnedManager says 'archive',"
                    " CROSSDB_REFERENCE['PINS'] says 'geo'.",
                    "Keep one of the declarations.",
                )
            ]

    def test_a_child_lives_with_its_parent(self):
        with settings(PINS=PINS | {"library.Article": "archive", "library.Review": "geo"}):
            assert words(check_homes()) == [
                (
                    "E104",
                    "library.Review has more than one home: CROSSDB_REFERENCE['PINS'] says 'geo',"
                    " its parent library.Article says 'archive'.",
                    "Keep one of the declarations.",
                )
            ]

    def test_no_router(self):
        with override_settings(DATABASE_ROUTERS=[]):
            assert words(check_homes()) == [
                (
                    "E105",
                    "Models are pinned to databases, but CrossDBRouter is not in DATABASE_ROUTERS.",
                    "Add 'crossdb_reference.routers.CrossDBRouter' in the first place.",
                )
            ]

    def test_overruled_by_an_earlier_router(self):
        routers = [f"{__name__}.SilentRouter", f"{__name__}.StrayRouter", ROUTER]
        hint = (
            "Put CrossDBRouter first in DATABASE_ROUTERS, or let the other router leave this model"
            " alone."
        )
        with override_settings(DATABASE_ROUTERS=routers):
            assert words(check_homes())[:3] == [
                (
                    "E106",
                    f"The home of people.Person is 'people', but the router {__name__}.StrayRouter"
                    f" {answer}.",
                    hint,
                )
                for answer in (
                    "sends reads to 'geo'",
                    "sends writes to 'default'",
                    "does not let it be migrated there",
                )
            ]

    def test_a_later_router_does_not_overrule(self):
        with override_settings(DATABASE_ROUTERS=[ROUTER, f"{__name__}.StrayRouter"]):
            assert check_homes() == []

    def test_relations_between_homes(self):
        hint = "Use CrossDBReference."
        with settings(PINS=PINS | {"library.Shelf": "archive", "people.Skill": "geo"}):
            assert words(check_homes()) == [
                (
                    "E107",
                    "ManyToManyField from the database 'people' to people.Skill in the database"
                    " 'geo'.",
                    "Use CrossDBReference in a model of its own for the pairs.",
                ),
                (
                    "E107",
                    "ForeignKey from the database 'default' to library.Shelf in the database"
                    " 'archive'.",
                    hint,
                ),
            ]

    def test_contrib_apps_split_apart(self):
        with settings(PINS={"people": "people", "auth": "people", "admin": "people"}):
            assert words(check_homes()) == [
                (
                    "E108",
                    "django.contrib's apps refer to each other, but are split apart: contenttypes"
                    " in 'default', auth in 'people', admin in 'people'.",
                    "Pin all of them to one database in CROSSDB_REFERENCE['PINS'].",
                )
            ]


@pytest.mark.django_db(databases="__all__")
class TestTables:
    def test_all_tables_are_there(self):
        assert check_tables(databases=["default", "people", "archive", "geo"]) == []

    def test_nothing_is_asked_of_a_database_that_no_command_named(self):
        assert check_tables() == []

    def test_a_moved_pin(self):
        """The migrations of auth are recorded on archive, but its tables are on people."""
        recorder = MigrationRecorder(connections["archive"])
        recorder.ensure_schema()
        for app, name in MigrationRecorder(connections["people"]).applied_migrations():
            recorder.record_applied(app, name)
        moved = {"auth": "archive", "contenttypes": "people", "admin": "people", "people": "people"}
        with settings(PINS=moved):
            found = check_tables(databases=["archive"])
        assert all(isinstance(each, checks.Warning) for each in found)
        assert words(found)[0] == (
            "W201",
            "auth.Permission is pinned to 'archive', and its migrations are recorded there, but"
            " the table 'auth_permission' does not exist.",
            "Its pin was moved after the migrations ran. Forget them with 'migrate auth zero"
            " --fake --database archive', migrate again, and copy the rows from the former home.",
        )
        assert {each.obj._meta.db_table for each in found} >= {
            "auth_user",
            "auth_group",
            "auth_user_groups",
        }

    def test_a_database_that_is_yet_to_be_migrated_is_no_problem(self):
        moved = {"auth": "geo", "contenttypes": "geo", "admin": "geo", "people": "people"}
        with settings(PINS=moved):
            MigrationRecorder(connections["geo"]).flush()
            assert check_tables(databases=["geo"]) == []


def test_the_checks_are_registered(capsys):
    """The test models themselves have two references within one home, and no other problem."""
    call_command("check")
    assert [each.id for each in check_references()] == ["crossdb_reference.W011"] * 2
    assert capsys.readouterr().err.count("crossdb_reference.W011") == 2


def test_the_checks_can_be_asked_of_one_app():
    from django.apps import apps  # noqa: PLC0415

    assert check_references(app_configs=[apps.get_app_config("auth")]) == []
