"""The Django app: registers the system checks."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from crossdb_reference.checks.homes import check_homes
from crossdb_reference.checks.references import check_references
from crossdb_reference.checks.tables import check_tables


class CrossDBReferenceConfig(AppConfig):
    """``crossdb_reference`` in ``INSTALLED_APPS``."""

    name = "crossdb_reference"
    verbose_name = "Cross-database references"

    def ready(self) -> None:
        """Register the checks: see :mod:`crossdb_reference.checks`."""
        register(check_references, Tags.models)
        register(check_homes, Tags.models)
        register(check_tables, Tags.database)
