"""``manage.py demo``: fill the databases, and show what the library does with them."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand

from tour import bench, sections
from tour.homes import addresses, table_homes
from tour.prepare import prepare

SECTIONS = {
    "The databases": addresses,
    "Where each table lives": table_homes,
    "Orders, with customers and cities from other databases": sections.order_list,
    "Saves go back to where the object came from": sections.saves,
    "A key that nothing has": sections.dangling_key,
    "From the other side": sections.reverse_side,
    "A filter over three databases": sections.remote_filter,
    "What it costs beside a ForeignKey in one database": bench.first_lines,
}


class Command(BaseCommand):
    """The tour. A second run starts from the data that is there."""

    help = "Fills the three databases, and shows what the library does with them."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        """Print the sections, one after the other."""
        started = perf_counter()
        prepare(self.stdout)
        for title, section in SECTIONS.items():
            self.stdout.write("\n" + self.style.MIGRATE_HEADING(title))
            for line in section():
                self.stdout.write(line)
        self.stdout.write(f"\nDone in {perf_counter() - started:.1f} s.")
