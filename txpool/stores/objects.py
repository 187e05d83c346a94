"""Transactions as objects on Python's heap, whatever kind of object it is."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from txpool.core.store import Lease, StoreStats
from txpool.stores.handle_index import HandleIndex


class Held(Protocol):
    """A transaction as a store of objects holds it."""

    @property
    def record(self) -> bytes:
        """What the pool notes of it."""

    @property
    def payload(self) -> bytes:
        """Its binary form."""


H = TypeVar("H", bound=Held)


class BytesLease:
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


class ObjectStore(Generic[H]):
    """The `Store` over objects of one kind."""

    def __init__(self, make: Callable[[bytes, bytes], H], overhead_bytes: int, limit_bytes: int) -> None:
        """Hold up to `limit_bytes`.

        Args:
            make: makes an object of record and payload.
            overhead_bytes: what it takes beside their bytes.
            limit_bytes: for all objects, overhead included.
        """
        self._make = make
        self._overhead_bytes = overhead_bytes
        self._limit_bytes = limit_bytes
        self._held: HandleIndex[H] = HandleIndex()
        self._bytes_used = 0

    def put(self, record: bytes, payload: bytes) -> int | None:
        """Keep record and payload; None when the limit is reached."""
        size = len(record) + len(payload)
        if not self.has_room(size):
            return None
        self._bytes_used += size
        return self._held.add(self._make(record, payload))

    def has_room(self, size: int) -> bool:
        """Tell whether record and payload of so many bytes would stay within the limit."""
        return self._bytes_used + size + (len(self._held) + 1) * self._overhead_bytes <= self._limit_bytes

    def holds(self, handle: int) -> bool:
        """Tell whether the handle still names a live transaction."""
        return handle in self._held

    def record(self, handle: int) -> bytes:
        """Return the record. Raises StaleHandleError."""
        return self._held[handle].record

    def payload(self, handle: int) -> bytes:
        """Return the payload. Raises StaleHandleError."""
        return self._held[handle].payload

    def view(self, handle: int) -> Lease:
        """Lend the payload. Raises StaleHandleError."""
        return BytesLease(self._held[handle].payload)

    def free(self, handle: int) -> None:
        """Forget the transaction. Raises StaleHandleError, for a handle freed twice too."""
        self._bytes_used -= _size(self._held.pop(handle))

    def stats(self) -> StoreStats:
        """Count. Nothing is ever reserved and unused, so no slot is free."""
        overhead = len(self._held) * self._overhead_bytes
        return StoreStats(
            slots_used=len(self._held),
            slots_free=0,
            bytes_used=self._bytes_used,
            bytes_wasted=overhead,
            bytes_reserved=self._bytes_used + overhead,
            high_water_slots=self._held.high_water,
        )

    def check(self) -> None:
        """Assert that the counts are those of what is held. O(n)."""
        self._held.check()
        assert self._bytes_used == sum(map(_size, self._held))

    def close(self) -> None:
        """Forget everything."""
        self._held.clear()
        self._bytes_used = 0


def _size(held: Held) -> int:
    return len(held.record) + len(held.payload)
