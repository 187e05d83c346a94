"""Transactions as plain objects: what one writes without a thought for the collector.

The control beside the slab store. Each transaction is an instance that the collector tracks and walks, on purpose.
"""

from typing import Final

from txpool.core.store import Lease, StaleHandleError, StoreStats

# As the pool's own index: growing one large dict would stall the loop, which is not what this store is to show.
_SHARDS: Final = 256


class Transaction:
    """A transaction as an object."""

    def __init__(self, record: bytes, payload: bytes) -> None:
        self.record = record
        self.payload = payload

    @property
    def size(self) -> int:
        """The bytes that were asked for."""
        return len(self.record) + len(self.payload)


class HeapLease:
    """A loan that needs no counting: the view keeps the bytes alive."""

    def __init__(self, payload: bytes) -> None:
        self.view = memoryview(payload)

    def release(self) -> None:
        """End the loan."""
        self.view.release()

    def __enter__(self) -> memoryview:
        """Borrow for the length of a `with` block."""
        return self.view

    def __exit__(self, *exc: object) -> None:
        """Give back."""
        self.release()


# An instance with two attributes (88 on CPython 3.11, by tracemalloc) and the headers of two bytes objects.
OVERHEAD_BYTES: Final = 88 + 2 * 33


class HeapStore:
    """The `Store` over objects on Python's heap."""

    def __init__(self, limit_bytes: int) -> None:
        """Hold up to `limit_bytes`, the objects' overhead included."""
        self._limit_bytes = limit_bytes
        self._shards: tuple[dict[int, Transaction], ...] = tuple({} for _ in range(_SHARDS))
        self._issued = 0
        self._used = 0
        self._bytes_used = 0
        self._high_water = 0

    def put(self, record: bytes, payload: bytes) -> int | None:
        """Keep record and payload; None when the limit is reached."""
        size = len(record) + len(payload)
        if not self.has_room(size):
            return None
        self._issued += 1
        self._shards[self._issued % _SHARDS][self._issued] = Transaction(record, payload)
        self._used += 1
        self._bytes_used += size
        self._high_water = max(self._high_water, self._used)
        return self._issued

    def has_room(self, size: int) -> bool:
        """Tell whether record and payload of so many bytes would stay within the limit."""
        return self._bytes_used + size + (self._used + 1) * OVERHEAD_BYTES <= self._limit_bytes

    def holds(self, handle: int) -> bool:
        """Tell whether the handle still names a live transaction."""
        return handle in self._shards[handle % _SHARDS]

    def record(self, handle: int) -> bytes:
        """Return the record. Raises StaleHandleError."""
        return self._at(handle).record

    def payload(self, handle: int) -> bytes:
        """Return the payload. Raises StaleHandleError."""
        return self._at(handle).payload

    def view(self, handle: int) -> Lease:
        """Lend the payload. Raises StaleHandleError."""
        return HeapLease(self._at(handle).payload)

    def free(self, handle: int) -> None:
        """Forget the transaction. Raises StaleHandleError, for a handle freed twice too."""
        transaction = self._at(handle)
        del self._shards[handle % _SHARDS][handle]
        self._used -= 1
        self._bytes_used -= transaction.size

    def stats(self) -> StoreStats:
        """Count. Nothing is ever reserved and unused, so no slot is free."""
        overhead = self._used * OVERHEAD_BYTES
        return StoreStats(
            slots_used=self._used,
            slots_free=0,
            bytes_used=self._bytes_used,
            bytes_wasted=overhead,
            bytes_reserved=self._bytes_used + overhead,
            high_water_slots=self._high_water,
        )

    def check(self) -> None:
        """Assert that the counts are those of what is held. O(n)."""
        held = [transaction for shard in self._shards for transaction in shard.values()]
        assert self._used == len(held)
        assert self._bytes_used == sum(transaction.size for transaction in held)
        assert all(
            0 < handle <= self._issued and handle % _SHARDS == number
            for number, shard in enumerate(self._shards)
            for handle in shard
        )

    def close(self) -> None:
        """Forget everything."""
        for shard in self._shards:
            shard.clear()

    def _at(self, handle: int) -> Transaction:
        try:
            return self._shards[handle % _SHARDS][handle]
        except KeyError:
            raise StaleHandleError(f"handle {handle:#x} opens nothing") from None
