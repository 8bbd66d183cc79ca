"""How much is measured, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of rows, all in proportion to ``sources``, and of repetitions."""

    sources: int
    repetitions: int

    @property
    def objects(self) -> int:
        """How many objects are prefetched, at most one per target."""
        return self.sources // 10

    @property
    def targets(self) -> int:
        """How many targets there are; each has ten sources."""
        return self.sources // 10

    @property
    def few_targets(self) -> int:
        """How many targets ``objects`` objects share among them."""
        return self.targets // 10

    @property
    def often(self) -> int:
        """How often work is repeated that takes milliseconds."""
        return self.repetitions * 7


FULL = Sizes(sources=1_000_000, repetitions=7)
QUICK = Sizes(sources=50_000, repetitions=3)
TINY = Sizes(sources=2_000, repetitions=2)
