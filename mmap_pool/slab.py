"""Equal slots side by side in the arena, and the book on them.

Each slot has one 64-bit word, kept outside the arena so that pages can be given back without losing it:

     63            32 31 30          0
    +----------------+--+-------------+
    |   generation   |E |    length   |
    +----------------+--+-------------+

E is set while the slot is empty. A word less the generation of a handle is the payload's length when the handle is
good, and negative or at least E when it is not: one subtraction tells both.
"""

from array import array
from typing import Final

from mmap_pool.arena import Arena
from mmap_pool.errors import DoubleFreeError, HandleError, OutOfRangeError, StaleHandleError
from mmap_pool.free_list import FreeList
from mmap_pool.handle import (
    GENERATION_MASK,
    GENERATION_MAX,
    GENERATION_SHIFT,
    SLOT_BITS,
    SLOT_MASK,
    SLOTS_MAX,
    Handle,
    unpack,
)

_EMPTY: Final = 1 << 31
_ONE_LIFE: Final = 1 << GENERATION_SHIFT
_LAST_LIFE: Final = GENERATION_MAX << GENERATION_SHIFT
_BIRTH: Final = _ONE_LIFE - _EMPTY  # from the word of an empty slot to that of the next life, of length 0


class Slab:
    """As many slots of `slot_bytes` as one slab of the arena holds; nothing grows later.

    Invariants; `check` walks 1 to 4, the model test presses on 5:

    1. A slot is live, free, lent (its payload was freed but a loan of it runs) or retired: exactly one of them.
    2. A live slot's length is at most `slot_bytes`.
    3. `retired` counts the slots that have had their last generation.
    4. What lies in a live or lent slot, or in any below `_backed`, lies on pages that are there.
    5. A handle opens only the life it was issued for, so that a late reader gets an error, not a stranger's bytes.

    One writer: nothing here is locked.

    Attributes:
        number: which slab of the arena.
        slot_bytes: the size of a slot.
        slot_count: how many there are.
        free_list: those that `put` may take.
        retired: how many are out of generations.
    """

    __slots__ = (
        "_arena",
        "_backed",
        "_base",
        "_first_generation",
        "_loans",
        "_memory",
        "_tag",
        "_view",
        "_words",
        "free_list",
        "number",
        "retired",
        "slot_bytes",
        "slot_count",
    )

    def __init__(self, arena: Arena, number: int, slot_bytes: int, *, first_generation: int = 0) -> None:
        """Lay slots over slab `number` of the arena.

        Args:
            arena: where the bytes lie.
            number: a slab of it that is claimed.
            slot_bytes: the size of a slot, at most the slab's.
            first_generation: lives that each slot is taken to have behind it. A slab laid out anew for another size
                class goes on where the old one stopped, so that old handles stay stale.
        """
        self.number = number
        self.slot_bytes = slot_bytes
        self.slot_count = min(arena.slab_bytes // slot_bytes, SLOTS_MAX)
        self.free_list = FreeList(self.slot_count)
        self.retired = 0
        self._arena = arena
        self._backed = 0
        self._memory = arena.memory
        self._view = arena.view
        self._base = number * arena.slab_bytes
        self._tag = number << SLOT_BITS
        self._first_generation = first_generation
        self._words = array("Q", [first_generation << GENERATION_SHIFT | _EMPTY]) * self.slot_count
        self._loans: dict[int, int] = {}

    def put(self, parts: tuple[bytes, ...], size: int) -> Handle:
        """Copy `parts`, `size` bytes together, into the lowest free slot.

        Raises:
            IndexError: no slot is free; who asks has looked at `free_list.count`.
            OSError: the system has no memory for it; the slot stays free.
        """
        slot = self.free_list.take()
        if slot >= self._backed:
            try:
                self._back(slot)
            except OSError:
                self.free_list.add(slot)
                raise
        life = self._words[slot] + _BIRTH
        self._words[slot] = life + size
        start = self._base + slot * self.slot_bytes
        for part in parts:
            end = start + len(part)
            self._memory[start:end] = part
            start = end
        return life | self._tag | slot

    def length(self, handle: Handle) -> int:
        """How many bytes the payload has. Raises HandleError for a handle that opens nothing, as all below do."""
        slot = handle & SLOT_MASK
        if slot < self.slot_count:
            length = self._words[slot] - (handle & GENERATION_MASK)
            if 0 <= length < _EMPTY:
                return length
        raise self._fault(handle, StaleHandleError)

    def holds(self, handle: Handle) -> bool:
        """Tell whether the handle opens a payload."""
        slot = handle & SLOT_MASK
        return slot < self.slot_count and 0 <= self._words[slot] - (handle & GENERATION_MASK) < _EMPTY

    def head(self, handle: Handle, size: int) -> bytes:
        """Copy out the first `size` bytes of the payload, or all if there are fewer."""
        length = self.length(handle)
        start = self._base + (handle & SLOT_MASK) * self.slot_bytes
        return self._memory[start : start + (size if size < length else length)]  # noqa: FURB136  # min() costs a call

    def tail(self, handle: Handle, skip: int) -> bytes:
        """Copy out the payload behind its first `skip` bytes."""
        length = self.length(handle)
        start = self._base + (handle & SLOT_MASK) * self.slot_bytes
        return self._memory[start + skip : start + length]

    def lend(self, handle: Handle, skip: int) -> memoryview:
        """Show the payload behind its first `skip` bytes where it lies. `give_back` once for each call."""
        length = self.length(handle)
        slot = handle & SLOT_MASK
        self._loans[slot] = self._loans.get(slot, 0) + 1
        start = self._base + slot * self.slot_bytes
        return self._view[start + skip : start + length]

    def give_back(self, handle: Handle) -> None:
        """End one loan. The last one lets a slot go that was freed meanwhile."""
        slot = handle & SLOT_MASK
        others = self._loans[slot] - 1
        if others:
            self._loans[slot] = others
            return
        del self._loans[slot]
        if self._words[slot] & _EMPTY:
            self._release(slot)

    def free(self, handle: Handle) -> int:
        """End a life and return the length of its payload.

        Raises:
            DoubleFreeError: it has ended already, and the slot has not been taken again.
            StaleHandleError: it has ended already, and the slot is a later payload's.
            OutOfRangeError: this handle was never issued.
        """
        slot = handle & SLOT_MASK
        generation = handle & GENERATION_MASK
        if slot >= self.slot_count or not 0 <= (length := self._words[slot] - generation) < _EMPTY:
            raise self._fault(handle, DoubleFreeError)
        self._words[slot] = generation | _EMPTY
        if generation == _LAST_LIFE or self._loans:
            self._release(slot)
        else:
            self.free_list.add(slot)
        return length

    def free_pages(self) -> int:
        """Find the pages that are there and hold nothing but free slots, one bit each. Up to 0.1 ms a slab of 2 MiB."""
        present = self._arena.present(self.number)
        if self.is_empty:
            return present
        size = self._arena.page_bytes
        found = -1 << -(-self.slot_count * self.slot_bytes // size)  # those behind the last slot
        for first, count in self.free_list.rows(-(-size // self.slot_bytes)):
            end = first + count
            start = -(-first * self.slot_bytes // size)
            stop = (end * self.slot_bytes if end < self.slot_count else self._arena.slab_bytes) // size
            if start < stop:
                found |= (1 << stop) - (1 << start)
        return found & present

    def give_back_pages(self, pages: int) -> int:
        """Return some of `free_pages` to the system, and tell how many bytes that were."""
        if not pages:
            return 0
        first = ((pages & -pages).bit_length() - 1) * self._arena.page_bytes // self.slot_bytes
        self._backed = min(self._backed, first)
        return self._arena.give_back(self.number, pages)

    @property
    def is_empty(self) -> bool:
        """Whether every slot could be taken: nothing live, lent or retired."""
        return self.free_list.count == self.slot_count

    @property
    def used(self) -> int:
        """How many slots are live. O(loans)."""
        return self.slot_count - self.free_list.count - self.retired - self.lent

    @property
    def lent(self) -> int:
        """How many slots wait for a loan to end. O(loans)."""
        return sum(1 for slot in self._loans if self._words[slot] & _EMPTY)

    @property
    def newest_generation(self) -> int:
        """The highest generation of any slot. O(slot_count)."""
        return max(self._words) >> GENERATION_SHIFT

    def check(self) -> None:
        """Assert invariants 1 to 4. O(slot_count)."""
        self.free_list.check()
        self._check_pages()
        retired = 0
        for slot, word in enumerate(self._words):
            lent = slot in self._loans
            worn_out = word >> GENERATION_SHIFT == GENERATION_MAX
            if word & _EMPTY:
                assert (slot in self.free_list) == (not lent and not worn_out), slot
                retired += worn_out and not lent
            else:
                assert slot not in self.free_list, slot
                assert word % _ONE_LIFE <= self.slot_bytes, slot
        assert self.retired == retired, "the count of retired slots drifted"
        assert all(count > 0 for count in self._loans.values()), "a loan that is none"

    def _back(self, slot: int) -> None:
        """Have memory below the slot that is taken, the lowest free one: no free slot below it needs any."""
        start = slot * self.slot_bytes
        self._backed = self._arena.back(self.number, start, start + self.slot_bytes) // self.slot_bytes

    def _slots_on(self, page: int) -> int:
        """The slots that have a byte on a page, one bit each; none behind the last slot."""
        page_bytes = self._arena.page_bytes
        first = page * page_bytes // self.slot_bytes
        end = min(-(-(page + 1) * page_bytes // self.slot_bytes), self.slot_count)
        return (1 << end) - (1 << first) if first < end else 0

    def _check_pages(self) -> None:
        absent = ~self._arena.present(self.number)
        needed = (1 << self._backed) - 1 | ~self.free_list.bits()
        for page in range(self._arena.slab_bytes // self._arena.page_bytes):
            assert not (absent >> page & 1 and self._slots_on(page) & needed), page

    def _release(self, slot: int) -> None:
        """Let an empty slot be taken again, unless it is lent or worn out."""
        if slot in self._loans:
            return
        if self._words[slot] >> GENERATION_SHIFT == GENERATION_MAX:
            self.retired += 1
        else:
            self.free_list.add(slot)

    def _fault(self, handle: Handle, if_empty: type[StaleHandleError]) -> HandleError:
        """Say what is wrong with a handle that opens nothing."""
        generation, _, slot = unpack(handle)
        last = self._first_generation
        empty = False
        if slot < self.slot_count:
            last = self._words[slot] >> GENERATION_SHIFT
            empty = bool(self._words[slot] & _EMPTY)
        if not 0 < generation <= last:
            return OutOfRangeError(f"handle {handle:#x} was never issued")
        kind = if_empty if empty and generation == last else StaleHandleError
        return kind(f"handle {handle:#x}: slab {self.number}, slot {slot} is past generation {generation}")
