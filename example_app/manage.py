#!/usr/bin/env python
"""The example's commands: ``demo`` and ``serve`` are its own, all others are Django's.

``DEMO_DB=postgres`` runs any of them on two PostgreSQL servers instead of SQLite files.
"""

import os
import sys

from django.core.management import execute_from_command_line
from shop.databases import servers


def main() -> None:
    """Run the command, with the database servers that it needs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    try:
        with servers():
            execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")


if __name__ == "__main__":
    main()
