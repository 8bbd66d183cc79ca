"""References between Django models that live in different databases.

Declare a reference with :class:`CrossDBReference`, a home with :class:`PinnedManager` or the
``PINS`` setting, and put ``crossdb_reference.routers.CrossDBRouter`` into ``DATABASE_ROUTERS``.
"""

from crossdb_reference.exceptions import DanglingReference
from crossdb_reference.fields import CrossDBOneToOneReference, CrossDBReference
from crossdb_reference.managers import PinnedManager, PinnedQuerySet
from crossdb_reference.pins import pinned
from crossdb_reference.prefetch import (
    aiter_with_references,
    aprefetch_references,
    iter_with_references,
    prefetch_references,
)
from crossdb_reference.remote.columns import with_remote
from crossdb_reference.remote.explaining import explain_references
from crossdb_reference.routers import home_database

__all__ = [
    "CrossDBOneToOneReference",
    "CrossDBReference",
    "DanglingReference",
    "PinnedManager",
    "PinnedQuerySet",
    "aiter_with_references",
    "aprefetch_references",
    "explain_references",
    "home_database",
    "iter_with_references",
    "pinned",
    "prefetch_references",
    "with_remote",
]
