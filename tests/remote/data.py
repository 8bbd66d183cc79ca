"""What the tests of remote filters compare: rows by name, with repetitions, and queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# No key is that of a row of another kind, so that a mix-up shows, or one that a sequence gives.
RED, BLUE = 1_000_011, 1_000_012
KNITTING, ROWING = 1_000_021, 1_000_022
LOW, HIGH = 1_000_031, 1_000_032
ANN, BOB, CID = 1_000_101, 1_000_102, 1_000_103
ANTS, ASPS, BEES, CATS = 1_000_201, 1_000_202, 1_000_203, 1_000_204
NOBODY = 1_000_999
"""A key that no person has."""


def titles(articles: Iterable[Any]) -> str:
    """Return the titles, sorted, in one string; a row that is found twice is there twice."""
    return " ".join(sorted(article.title for article in articles))


def names(people: Iterable[Any]) -> str:
    """Return the names, sorted, in one string; a row that is found twice is there twice."""
    return " ".join(sorted(person.name for person in people))


def counts(sent: dict[str, list[str]]) -> dict[str, int]:
    """Return how many queries each alias got."""
    return {alias: len(sql) for alias, sql in sent.items()}
