"""The lookups of a prefetch as a tree: what is fetched from the same objects stands together.

``prefetch_related`` follows one lookup after the other. Here ``"author__team"``, ``"editor"`` and
``"author__country"`` become the steps ``author`` and ``editor``, and beyond ``author`` the steps
``team`` and ``country``: a level at a time can be asked for.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Prefetch
from django.db.models.constants import LOOKUP_SEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Step:
    """An attribute of some objects, and the steps from what it gives."""

    def __init__(self, lookup: Prefetch[Any], *, automatic: bool) -> None:
        """Take the step of ``lookup``: one attribute, with queryset and ``to_attr`` if any."""
        self.lookup = lookup
        # Whether the queryset of another step asked for this one, not the caller.
        self.automatic = automatic
        # Whether a lookup ends here; an attribute that is only passed may be any.
        self.is_end = False
        self.steps: dict[str, Step] = {}

    @property
    def through(self) -> str:
        """The relation's own attribute."""
        return str(self.lookup.prefetch_through)

    @property
    def to(self) -> str:
        """The attribute that gets the objects: the relation's, or ``to_attr``."""
        return str(self.lookup.prefetch_to)

    @property
    def queryset(self) -> Any:
        """The queryset that a ``Prefetch`` brought, or ``None``."""
        querysets = self.lookup.get_current_querysets(0)
        return querysets[0] if querysets else None

    @property
    def is_particular(self) -> bool:
        """Whether the objects here or beyond are not simply all that there are."""
        return self.queryset is not None or any(step.is_particular for step in self.steps.values())

    def values(self, objects: Iterable[Any]) -> Iterator[Any]:
        """Yield what the attribute gives for ``objects``, as Django goes on from it."""
        for obj in objects:
            prefetched = getattr(obj, "_prefetched_objects_cache", {})
            if self.to in prefetched:
                yield from prefetched[self.to]
                continue
            with suppress(ObjectDoesNotExist):
                value = getattr(obj, self.to)
                yield from value if isinstance(value, list) else [value]


def add_step(
    steps: dict[str, Step], lookup: Prefetch[Any] | str, *, automatic: bool = False
) -> None:
    """Add the steps of ``lookup`` that are not among ``steps`` yet. No query.

    Raises ``ValueError``, as Django does, if it brings a queryset for a step that is there.
    """
    # A copy, because the caller may use a Prefetch again.
    lookup = copy.copy(lookup) if isinstance(lookup, Prefetch) else Prefetch(lookup)
    path, whole = lookup.prefetch_through.split(LOOKUP_SEP), lookup.prefetch_to
    for name in path[:-1]:
        steps = steps.setdefault(name, Step(Prefetch(name), automatic=automatic)).steps
    lookup.prefetch_through = path[-1]
    lookup.prefetch_to = whole.split(LOOKUP_SEP)[-1]
    step = steps.setdefault(lookup.prefetch_to, Step(lookup, automatic=automatic))
    if automatic and step.queryset is None:
        step.lookup = lookup  # Django, too, follows it first.
    elif step.lookup is not lookup and lookup.queryset is not None:
        message = (
            f"'{whole}' lookup was already seen with a different queryset. You may need to adjust"
            " the ordering of your lookups."
        )
        raise ValueError(message)
    step.is_end = True
