"""``manage.py crossdb_migrate``: migrate every home in one go.

Touches ``default``, where the models without a home live, and then each declared home, in
alphabetical order. No other alias is opened: no replica, and no database that nothing is pinned to.
Each gets Django's own ``migrate``, with the same options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, no_translations
from django.db import DEFAULT_DB_ALIAS, connections

from crossdb_reference.conf import SETTING, raw
from crossdb_reference.exceptions import UnknownDatabase
from crossdb_reference.pins import check_alias, declared_home, declared_homes

if TYPE_CHECKING:
    from django.core.management import CommandParser

# What Django makes of an entry of DATABASES that is empty, as "default" may be.
NO_DATABASE = "django.db.backends.dummy"


class Command(BaseCommand):
    """Runs ``migrate`` on ``default`` and on every declared home; see the module."""

    help = "Migrates every database that is the home of models: default, then each declared home."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the arguments of ``migrate``, except ``--database``."""
        parser.add_argument("app_label", nargs="?", help="Migrate this app only.")
        parser.add_argument(
            "migration_name", nargs="?", help='Go to this migration; "zero" unapplies all.'
        )
        parser.add_argument(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Ask for nothing.",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            dest="check_unapplied",
            help="Change nothing; list what is unapplied on each database, and exit with 1 if any.",
        )
        parser.add_argument(
            "--plan", action="store_true", help="Change nothing; list what would be done."
        )
        parser.add_argument(
            "--fake", action="store_true", help="Record migrations without running them."
        )
        parser.add_argument(
            "--fake-initial",
            action="store_true",
            help="Only record initial migrations whose tables are there already.",
        )
        parser.add_argument(
            "--run-syncdb",
            action="store_true",
            help="Create the tables of apps without migrations too.",
        )

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """Run the checks of every database that will be migrated."""
        return super().get_check_kwargs(options) | {"databases": _databases()}

    @no_translations
    def handle(self, **options: Any) -> None:
        """Migrate one database after the other. A failure ends the run; the next one goes on."""
        behind = []
        # Only a plan tells what it is that --check finds unapplied.
        options |= {"plan": options["plan"] or options["check_unapplied"], "skip_checks": True}
        for alias in _databases():
            if options["verbosity"]:
                self.stdout.write(self.style.MIGRATE_HEADING(f"Database {alias}:"))
            try:
                call_command("migrate", **options | {"database": alias})
            except SystemExit:
                behind.append(alias)
        if behind:
            message = f"There are unapplied migrations on: {', '.join(behind)}."
            raise CommandError(message)


def _databases() -> list[str]:
    """Return the aliases to migrate. Raises ``CommandError`` that names a pin to no database."""
    pins = {f"{SETTING}['PINS'][{name!r}]": alias for name, alias in raw().get("PINS", {}).items()}
    for model in apps.get_models():
        if home := declared_home(model):
            pins.setdefault(f"The pin of {model._meta.label}", home)
    for who, alias in pins.items():
        try:
            check_alias(alias, who)
        except UnknownDatabase as error:
            raise CommandError(str(error)) from None
    aliases = [DEFAULT_DB_ALIAS, *sorted(declared_homes() - {DEFAULT_DB_ALIAS})]
    return [alias for alias in aliases if connections.settings[alias]["ENGINE"] != NO_DATABASE]
