"""Transactions in a slab pool: outside the collector's reach, in memory that can go back to the system."""

import errno
from typing import Final, Self

from mmap_pool import SLAB_BYTES, Arena, HandleError, Pages, Scavenger, SlabPool, numa
from mmap_pool.handle import pack
from txpool.core.store import Lease, StaleHandleError, StoreStats
from txpool.stores.reuse import Reuse

_SECOND_LIVES: Final = pack(2, 0, 0)  # handles from here on name slots that were used before

UNBOUND: Final = -1


class MmapStore:
    """The `Store` over a slab pool: a slot holds the record and, behind it, the payload.

    Attributes:
        pool: the slabs.
        scavenger: gives free pages back, when it is told to work.
        numa_node: the memory node that the slabs are bound to, by the kernel's account.
    """

    def __init__(self, pool: SlabPool, record_bytes: int) -> None:
        """Keep transactions in `pool`, each with a record of `record_bytes`."""
        self.pool = pool
        self.scavenger = Scavenger(pool)
        self.numa_node = UNBOUND
        self._record_bytes = record_bytes
        self._puts = 0
        self._reused = 0

    @classmethod
    def open(
        cls, limit_bytes: int, record_bytes: int, *, slab_bytes: int = SLAB_BYTES, ask: Pages = Pages.HUGETLB
    ) -> Self:
        """Make the store with an arena of its own; the arguments are the `Arena`'s."""
        return cls(SlabPool(Arena(limit_bytes, slab_bytes=slab_bytes, ask=ask)), record_bytes)

    def put(self, record: bytes, payload: bytes) -> int | None:
        """Copy record and payload into one slot; None when no slab has one and the arena is at its limit."""
        assert len(record) == self._record_bytes, "records have one size"
        handle = self.pool.put(record, payload)
        if handle is not None:
            self._puts += 1
            if handle >= _SECOND_LIVES:
                self._reused += 1
        return handle

    def has_room(self, size: int) -> bool:
        """Tell whether a slot is to be had for record and payload of so many bytes together."""
        return self.pool.has_room(size)

    def holds(self, handle: int) -> bool:
        """Tell whether the handle still names a live transaction."""
        return self.pool.holds(handle)

    def record(self, handle: int) -> bytes:
        """Copy out the record. Raises StaleHandleError."""
        try:
            return self.pool.head(handle, self._record_bytes)
        except HandleError as error:
            raise StaleHandleError(str(error)) from error

    def payload(self, handle: int) -> bytes:
        """Copy out the payload. Raises StaleHandleError."""
        try:
            return self.pool.read(handle, self._record_bytes)
        except HandleError as error:
            raise StaleHandleError(str(error)) from error

    def view(self, handle: int) -> Lease:
        """Lend the payload. Raises StaleHandleError."""
        try:
            return self.pool.view(handle, self._record_bytes)
        except HandleError as error:
            raise StaleHandleError(str(error)) from error

    def free(self, handle: int) -> None:
        """Give the slot back. Raises StaleHandleError, for a handle freed twice too."""
        try:
            self.pool.free(handle)
        except HandleError as error:
            raise StaleHandleError(str(error)) from error

    @property
    def returned_bytes(self) -> int:
        """What was ever given back to the system."""
        return self.scavenger.returned_bytes

    @property
    def fragmentation(self) -> float:
        """The part of the slabs' memory that is free and cannot go back, at the end of the scavenger's last round."""
        return self.scavenger.survey.fragmentation

    @property
    def idle_reserve_bytes(self) -> int:
        """What is free in the slabs and never goes back: its pages are of the reserve. O(size classes)."""
        arena = self.pool.arena
        return max(arena.populated_bytes - self.pool.live_bytes, 0) if arena.kind is Pages.HUGETLB else 0

    @property
    def page_kind(self) -> str:
        """The kind of pages that the system granted: normal ones, too, where asking for transparent ones is in vain."""
        return self.pool.arena.granted.name.lower()

    def large_bytes(self) -> int:
        """What of the slabs lies on large pages now. Milliseconds where only the kernel knows (`Arena.report`)."""
        arena = self.pool.arena
        if arena.kind is Pages.HUGETLB:
            return arena.populated_bytes
        return arena.report().huge_bytes if arena.kind is Pages.TRANSPARENT else 0

    def prefer_node(self, node: int) -> None:
        """Have memory that is not there yet come from `node` while it has any.

        Raises:
            OSError: the kernel refuses, or does not show that it has done so.
        """
        memory = self.pool.arena.memory
        numa.prefer(memory, node)
        found = numa.placement(memory)
        if found is None or found.preferred != node:
            raise OSError(errno.ENOTSUP, f"mbind reported success, and numa_maps says {found}")
        self.numa_node = node

    def stats(self) -> StoreStats:
        """Count. O(slabs)."""
        stats = self.pool.stats()
        return StoreStats(
            slots_used=stats.slots_used,
            slots_free=stats.slots_free,
            bytes_used=stats.bytes_used,
            bytes_wasted=stats.bytes_wasted,
            bytes_reserved=stats.bytes_populated,
            high_water_slots=stats.high_water_slots,
        )

    def reuse(self) -> Reuse:
        """How many puts there were, and how many took a slot that had been freed."""
        return Reuse(self._puts, self._reused)

    def check(self) -> None:
        """Assert the slab pool's invariants. O(slots)."""
        self.pool.check()

    def close(self) -> None:
        """Give the memory back. Raises BufferError while a payload is on loan."""
        self.pool.arena.close()
