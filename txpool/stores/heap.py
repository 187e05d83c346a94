"""Transactions as plain objects: what one writes without a thought for the collector.

The control beside the slab store. Each transaction is an instance that the collector tracks and walks, on purpose.
"""

from typing import Final

from txpool.stores.objects import ObjectStore

# An instance with two attributes (88 on CPython 3.11, by tracemalloc) and the headers of two bytes objects.
OVERHEAD_BYTES: Final = 88 + 2 * 33


class Transaction:
    """A transaction as an object."""

    def __init__(self, record: bytes, payload: bytes) -> None:
        self.record = record
        self.payload = payload


class HeapStore(ObjectStore[Transaction]):
    """The `Store` over objects that the collector tracks."""

    def __init__(self, limit_bytes: int) -> None:
        """Hold up to `limit_bytes`, the objects' overhead included."""
        super().__init__(Transaction, OVERHEAD_BYTES, limit_bytes)
