"""Transactions as objects that the collector is told to leave alone.

The control that tells apart what the slab gives from what comes of not being tracked: bytes on Python's heap, as in the
heap store, but a full collection has nothing to walk. `gc=False` is a promise that no cycle runs through the object;
two bytes objects keep it. The index is untracked with it, since a dict is tracked only for values that may be.
"""

from typing import Final

import msgspec

from txpool.stores.objects import ObjectStore

# The object's header and two references (32), and the headers of two bytes objects.
OVERHEAD_BYTES: Final = 32 + 2 * 33


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction as an object that nobody walks."""

    record: bytes
    payload: bytes


class UntrackedStore(ObjectStore[Transaction]):
    """The `Store` over objects that the collector does not know of."""

    def __init__(self, limit_bytes: int) -> None:
        """Hold up to `limit_bytes`, the objects' overhead included."""
        super().__init__(Transaction, OVERHEAD_BYTES, limit_bytes)
