"""``manage.py serve``: the example site on its data."""

import os
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from tour.prepare import prepare

NAME = PASSWORD = "demo"  # noqa: S105


class Command(BaseCommand):
    """The site, on one's own machine only. Control-C stops it."""

    help = "Opens the example site on http://localhost:8000, or on the port that PORT names."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        """Make sure of the data and of a user for the admin, then serve."""
        prepare(self.stdout)
        if not User.objects.filter(username=NAME).exists():
            User.objects.create_superuser(NAME, "demo@example.org", PASSWORD)
        address = f"localhost:{os.environ.get('PORT', '8000')}"
        self.stdout.write(
            f"\nOrders: http://{address}/\n"
            f"Admin:  http://{address}/admin/ (name {NAME}, password {PASSWORD})\n"
        )
        os.environ.setdefault("DJANGO_RUNSERVER_HIDE_WARNING", "true")
        call_command("runserver", address, use_reloader=False, skip_checks=True)
