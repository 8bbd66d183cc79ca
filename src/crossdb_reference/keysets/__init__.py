"""Sets of keys, sent to a database as one parameter: one file per vendor.

``lookup``      :class:`InKeySet`, the condition that the rest of the package uses
``postgresql``  ``column = ANY(array)``
``sqlite``      ``column IN (SELECT value FROM json_each(…))``
``mysql``       ``column IN (SELECT … FROM JSON_TABLE(…))``
``plain``       ``column IN (…)``, a parameter per key, for everything else
``collected``   :class:`Collected`: the keys that a query on another database found
"""

from crossdb_reference.keysets.collected import Collected, InCollected
from crossdb_reference.keysets.lookup import CHUNK_SIZE, InKeySet, chunks
from crossdb_reference.keysets.plain import fits_bigint

__all__ = ["CHUNK_SIZE", "Collected", "InCollected", "InKeySet", "chunks", "fits_bigint"]
