"""Pickling, as caches and task queues do it."""

import pickle
from typing import Any


def pickled(value: Any) -> Any:
    """Return what comes back from a pickle of ``value``."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 (our own)
