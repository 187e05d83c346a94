"""Payloads of any size in, handles out: size classes over one arena."""

from bisect import bisect_left

from mmap_pool.arena import Arena
from mmap_pool.errors import OutOfRangeError, OversizedError
from mmap_pool.handle import GENERATION_MAX, SLAB_MASK, SLOT_BITS, Handle
from mmap_pool.lease import Lease
from mmap_pool.shelf import Shelf
from mmap_pool.size_class import slot_sizes
from mmap_pool.slab import Slab
from mmap_pool.stats import PoolStats


class SlabPool:
    """Slabs of every size class that is asked for, as many as the arena allows.

    A slab belongs to one size class. When the arena can give no more, a slab that stands empty changes its class, and
    when there is none, a payload may lie in a larger slot than it needs: yesterday's sizes do not shut out today's.

    Every method that takes a handle raises `HandleError` (see `errors.py`) for one that opens nothing. One writer:
    nothing here is locked.
    """

    def __init__(self, arena: Arena, *, first_generation: int = 0) -> None:
        """Begin empty.

        Args:
            arena: nobody else claims slabs from it.
            first_generation: where slots begin to count their lives.
        """
        self.arena = arena
        self._first_generation = first_generation
        self._sizes = slot_sizes(arena.slab_bytes)
        self._shelves = [Shelf(size) for size in self._sizes]
        self._slabs: list[Slab] = []
        self._shelf_of: list[Shelf] = []  # by slab
        self._emptied = 0  # a bit for each slab that may stand empty
        self._used = 0
        self._high_water = 0

    @property
    def largest(self) -> int:
        """The most bytes that one payload may have."""
        return self._sizes[-1]

    def put(self, *parts: bytes) -> Handle | None:
        """Copy `parts`, one behind the other, into the lowest free slot that suits. None when the pool is full.

        Full means: neither has the size class a free slot, nor can it get a slab, nor has a larger class a slot.

        Raises:
            OversizedError: together they are larger than `largest`.
        """
        size = 0
        for part in parts:
            size += len(part)
        if size > self._sizes[-1]:
            raise OversizedError(f"{size} bytes, and the largest slot has {self.largest}")
        shelf = self._shelves[bisect_left(self._sizes, size)]
        slab = shelf.first
        if slab is None:
            shelf = self._make_room(shelf)
            slab = shelf.first
            if slab is None:
                return None
        handle = slab.put(parts, size)
        if not slab.free_list.count:
            shelf.is_full(slab)
        shelf.used += 1
        shelf.bytes_used += size
        self._used += 1
        return handle

    def has_room(self, size: int) -> bool:
        """Tell whether `put` would find a slot for so many bytes. O(slabs) where none is free."""
        if size > self.largest:
            return False
        fitting = self._shelves[bisect_left(self._sizes, size) :]
        if self.arena.slabs < self.arena.slabs_max or any(shelf.first for shelf in fitting):
            return True
        return any(self._convertible(slab) for slab in self._slabs)

    def holds(self, handle: Handle) -> bool:
        """Tell whether the handle opens a payload; any int may be asked for."""
        number = handle >> SLOT_BITS & SLAB_MASK
        return number < len(self._slabs) and self._slabs[number].holds(handle)

    def head(self, handle: Handle, size: int) -> bytes:
        """Copy out the first `size` bytes of a payload, or all if there are fewer."""
        try:
            slab = self._slabs[handle >> SLOT_BITS & SLAB_MASK]
        except IndexError:
            raise _never_issued(handle) from None
        return slab.head(handle, size)

    def read(self, handle: Handle, skip: int = 0) -> bytes:
        """Copy out a payload behind its first `skip` bytes."""
        try:
            slab = self._slabs[handle >> SLOT_BITS & SLAB_MASK]
        except IndexError:
            raise _never_issued(handle) from None
        return slab.tail(handle, skip)

    def view(self, handle: Handle, skip: int = 0) -> Lease:
        """Lend a payload behind its first `skip` bytes, uncopied and read-only."""
        try:
            slab = self._slabs[handle >> SLOT_BITS & SLAB_MASK]
        except IndexError:
            raise _never_issued(handle) from None
        return Lease(slab.lend(handle, skip), handle, self._give_back)

    def free(self, handle: Handle) -> None:
        """Take a payload out. Its slot is free at once, or when the last lease on it ends.

        Raises:
            DoubleFreeError: it was taken out already.
        """
        number = handle >> SLOT_BITS & SLAB_MASK
        try:
            slab = self._slabs[number]
        except IndexError:
            raise _never_issued(handle) from None
        size = slab.free(handle)
        shelf = self._shelf_of[number]
        if shelf.used > shelf.high_water:  # noqa: PLR1730  # max() costs a call
            shelf.high_water = shelf.used
        if self._used > self._high_water:  # noqa: PLR1730  # max() costs a call
            self._high_water = self._used
        shelf.used -= 1
        shelf.bytes_used -= size
        self._used -= 1
        if slab.free_list.count in (1, slab.slot_count):
            self._note_room(slab, shelf)

    def slab(self, number: int) -> Slab | None:
        """The slab of that number; None behind the last one."""
        return self._slabs[number] if number < len(self._slabs) else None

    def live_slots(self, slot_bytes: int) -> int:
        """How many payloads lie in slots of a size class."""
        return self._shelves[bisect_left(self._sizes, slot_bytes)].used

    @property
    def live_bytes(self) -> int:
        """What the slots of all payloads take. O(size classes)."""
        return sum(shelf.used * shelf.slot_bytes for shelf in self._shelves)

    def stats(self) -> PoolStats:
        """Count. O(slabs)."""
        classes = tuple(shelf.stats() for shelf in self._shelves if shelf.slabs or shelf.high_water)
        return PoolStats(
            slots_used=self._used,
            slots_free=sum(each.slots_free for each in classes),
            slots_lent=sum(each.slots_lent for each in classes),
            slots_retired=sum(each.slots_retired for each in classes),
            bytes_used=sum(each.bytes_used for each in classes),
            bytes_wasted=sum(each.bytes_wasted for each in classes),
            bytes_free=sum(each.bytes_free for each in classes),
            bytes_populated=self.arena.populated_bytes,
            bytes_reserved=self.arena.reserved_bytes,
            bytes_limit=self.arena.limit_bytes,
            high_water_slots=max(self._high_water, self._used),
            classes=classes,
        )

    def check(self) -> None:
        """Assert every invariant of shelves and slabs, and that no slab is on two shelves or on none. O(slots)."""
        for shelf in self._shelves:
            shelf.check()
        assert len(self._slabs) == len(self._shelf_of) == self.arena.slabs
        assert sum(len(shelf.slabs) for shelf in self._shelves) == len(self._slabs)
        for number, (slab, shelf) in enumerate(zip(self._slabs, self._shelf_of, strict=True)):
            assert shelf.slabs[number] is slab, number
        assert self._used == sum(shelf.used for shelf in self._shelves)

    def _give_back(self, handle: Handle) -> None:
        number = handle >> SLOT_BITS & SLAB_MASK
        slab = self._slabs[number]
        slab.give_back(handle)
        self._note_room(slab, self._shelf_of[number])

    def _note_room(self, slab: Slab, shelf: Shelf) -> None:
        """Tell the shelf of a slab that may have been full until now; remember one that has become empty."""
        if slab.free_list.count:
            shelf.has_room(slab)
        if slab.is_empty:
            self._emptied |= 1 << slab.number

    def _make_room(self, shelf: Shelf) -> Shelf:
        """Find a free slot for a shelf that is full.

        Returns:
            The same shelf with a slab more; or the next larger one that has room; or the same one, still full.
        """
        number = self.arena.claim()
        if number is not None:
            self._slabs.append(self._lay_out(number, shelf, self._first_generation))
            self._shelf_of.append(shelf)
        elif not self._convert_empty_slab(shelf):
            larger = self._shelves[bisect_left(self._sizes, shelf.slot_bytes) + 1 :]
            return next((each for each in larger if each.first), shelf)
        return shelf

    def _convert_empty_slab(self, shelf: Shelf) -> bool:
        """Lay out the lowest empty slab anew for `shelf`."""
        while self._emptied:
            number = (self._emptied & -self._emptied).bit_length() - 1
            self._emptied ^= 1 << number
            old = self._slabs[number]
            if self._convertible(old):
                self._shelf_of[number].remove(old)
                self._slabs[number] = self._lay_out(number, shelf, old.newest_generation)
                self._shelf_of[number] = shelf
                return True
        return False

    def _convertible(self, slab: Slab) -> bool:
        """New slots start at the old ones' highest generation; one worn slot must not age them all."""
        return slab.is_empty and slab.newest_generation <= GENERATION_MAX // 2

    def _lay_out(self, number: int, shelf: Shelf, first_generation: int) -> Slab:
        slab = Slab(self.arena, number, shelf.slot_bytes, first_generation=first_generation)
        shelf.add(slab)
        return slab


def _never_issued(handle: Handle) -> OutOfRangeError:
    return OutOfRangeError(f"handle {handle:#x} was never issued")
