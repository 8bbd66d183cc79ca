"""References between Django models that live in different databases.

Declare a reference with :class:`CrossDBReference`, a home with :class:`PinnedManager` or the
``PINS`` setting, and put ``crossdb_reference.routers.CrossDBRouter`` into ``DATABASE_ROUTERS``.
"""

from crossdb_reference.exceptions import DanglingReference
from crossdb_reference.fields import CrossDBOneToOneReference, CrossDBReference
from crossdb_reference.managers import PinnedManager, PinnedQuerySet
from crossdb_reference.pins import pinned
from crossdb_reference.routers import home_database

__all__ = [
    "CrossDBOneToOneReference",
    "CrossDBReference",
    "DanglingReference",
    "PinnedManager",
    "PinnedQuerySet",
    "home_database",
    "pinned",
]
