"""The Django app: registers the system checks."""

from django.apps import AppConfig


class CrossDBReferenceConfig(AppConfig):
    """``crossdb_reference`` in ``INSTALLED_APPS``."""

    name = "crossdb_reference"
    verbose_name = "Cross-database references"

    def ready(self) -> None:
        """Register the checks: see :mod:`crossdb_reference.checks`."""
