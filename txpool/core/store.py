"""Where transactions lie: the protocol that every store keeps, and the record that goes with each payload.

A store holds the whole transaction, record and payload; the index holds ints and bytes. So stores differ in exactly
what is studied: where the bytes are, and what that costs.
"""

from typing import Protocol

import msgspec


class StaleHandleError(LookupError):
    """The handle names no live transaction: freed meanwhile, or never issued."""


class StoreStats(msgspec.Struct, frozen=True):
    """How full a store is. Slots count transactions, bytes are resident memory of the store's own."""

    slots_used: int
    slots_free: int
    bytes_used: int  # record and payload bytes asked for
    bytes_wasted: int  # live slots' bytes beyond what was asked for
    bytes_reserved: int  # mapped or allocated, used or not
    high_water_slots: int


class Lease(Protocol):
    """A counted loan of a payload: the slot is not reused before it is released."""

    @property
    def view(self) -> memoryview:
        """The bytes on loan."""

    def release(self) -> None:
        """End the loan."""

    def __enter__(self) -> memoryview: ...

    def __exit__(self, *exc: object) -> None: ...


class Store(Protocol):
    """Transactions by handle. A handle is a positive 64-bit int, never reused for another transaction."""

    def put(self, record: bytes, payload: bytes) -> int | None:
        """Copy record and payload in; None when the store is full. All records of one store have one size."""

    def has_room(self, size: int) -> bool:
        """Whether `put` would take record and payload of so many bytes together."""

    def holds(self, handle: int) -> bool:
        """Whether the handle still names a live transaction."""

    def record(self, handle: int) -> bytes:
        """The record, copied out. Raises StaleHandleError for a handle that was freed."""

    def payload(self, handle: int) -> bytes:
        """The payload, copied out. Raises StaleHandleError for a handle that was freed."""

    def view(self, handle: int) -> Lease:
        """The payload in place, on loan. Raises StaleHandleError for a handle that was freed."""

    def free(self, handle: int) -> None:
        """Give the slot back (once the last lease on it has ended). Raises StaleHandleError for one freed already."""

    def stats(self) -> StoreStats:
        """How full the store is, O(1) in the number of slots."""

    def check(self) -> None:
        """Assert the store's own invariants. O(slots)."""
