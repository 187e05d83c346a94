"""The slabs of one size class; the lowest with room comes first, for the same reason as the lowest slot does."""

from mmap_pool.slab import Slab
from mmap_pool.stats import ClassStats


class Shelf:
    """Slabs by number, and which of them have a free slot.

    Attributes:
        slot_bytes: the size class.
        slabs: its slabs by number.
        first: the lowest with room; None when all are full.
        used: live payloads on it.
        bytes_used: their bytes.
        high_water: the most payloads there ever were, up to the last `free`; `stats` knows of those since.
    """

    __slots__ = ("_roomy", "bytes_used", "first", "high_water", "slabs", "slot_bytes", "used")

    def __init__(self, slot_bytes: int) -> None:
        self.slot_bytes = slot_bytes
        self.slabs: dict[int, Slab] = {}
        self.first: Slab | None = None
        self.used = 0
        self.bytes_used = 0
        self.high_water = 0
        self._roomy = 0  # a bit for each slab that has room

    def add(self, slab: Slab) -> None:
        """Take in a slab that is empty."""
        self.slabs[slab.number] = slab
        self.has_room(slab)

    def remove(self, slab: Slab) -> None:
        """Give up a slab that is empty."""
        del self.slabs[slab.number]
        self.is_full(slab)

    def has_room(self, slab: Slab) -> None:
        """Note that a slab has a free slot, whether or not that was known."""
        self._roomy |= 1 << slab.number
        if self.first is None or slab.number < self.first.number:
            self.first = slab

    def is_full(self, slab: Slab) -> None:
        """Note that a slab has no free slot any more."""
        self._roomy &= ~(1 << slab.number)
        self.first = self.slabs[self._lowest()] if self._roomy else None

    def stats(self) -> ClassStats:
        """Count. O(slabs)."""
        slabs = self.slabs.values()
        return ClassStats(
            slot_bytes=self.slot_bytes,
            slabs=len(slabs),
            slots_used=self.used,
            slots_free=sum(slab.free_list.count for slab in slabs),
            slots_lent=sum(slab.lent for slab in slabs),
            slots_retired=sum(slab.retired for slab in slabs),
            bytes_used=self.bytes_used,
            high_water_slots=max(self.high_water, self.used),
        )

    def check(self) -> None:
        """Assert that the slabs are sound and that the shelf knows which have room. O(slots)."""
        for number, slab in self.slabs.items():
            slab.check()
            assert slab.number == number
            assert slab.slot_bytes == self.slot_bytes
            assert bool(self._roomy >> number & 1) == (slab.free_list.count > 0), number
        assert self._roomy.bit_count() <= len(self.slabs), "room in a slab of another shelf"
        assert self.first is (self.slabs[self._lowest()] if self._roomy else None), "a lower slab has room"
        assert self.used == sum(slab.used for slab in self.slabs.values()), "the count drifted"

    def _lowest(self) -> int:
        return (self._roomy & -self._roomy).bit_length() - 1
