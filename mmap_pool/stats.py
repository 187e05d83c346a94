"""How full a pool is, in all and for each size class.

Every slot is used (a live payload), free, lent (freed, but a reader still has a view of it) or retired (out of
generations). What a slab has left over behind its last slot is in none of them; it is in `bytes_reserved` alone.
"""

from typing import NamedTuple


class ClassStats(NamedTuple):
    """The slabs of one size class."""

    slot_bytes: int
    slabs: int
    slots_used: int
    slots_free: int
    slots_lent: int
    slots_retired: int
    bytes_used: int
    high_water_slots: int

    @property
    def bytes_wasted(self) -> int:
        """What live slots have beyond their payloads."""
        return self.slots_used * self.slot_bytes - self.bytes_used

    @property
    def bytes_free(self) -> int:
        """What the free slots could hold."""
        return self.slots_free * self.slot_bytes


class PoolStats(NamedTuple):
    """The whole pool; `classes` has those size classes that ever had a slab, ascending.

    `bytes_reserved` is what the slabs may take, `bytes_populated` the part of it that they have taken so far.
    """

    slots_used: int
    slots_free: int
    slots_lent: int
    slots_retired: int
    bytes_used: int
    bytes_wasted: int
    bytes_free: int
    bytes_populated: int
    bytes_reserved: int
    bytes_limit: int
    high_water_slots: int
    classes: tuple[ClassStats, ...]
