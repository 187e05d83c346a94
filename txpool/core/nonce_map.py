"""A sender's transactions by nonce: sorted, packed, invisible to the collector.

Sixteen bytes an entry (nonce, handle), ascending, in one bytearray. A dict for each of a million senders would be a
million containers for the collector to count; this is none. Runs without a gap, which pending ones are, are found by
subtraction; others by bisection.

Of a million senders most have one transaction each, so one is kept without a map (`LoneEntry`): 32 bytes, not 128.
"""

from bisect import bisect_left
from collections.abc import Iterator
from struct import Struct
from typing import Final

import msgspec

_ENTRY: Final = Struct("=QQ")
_pack = _ENTRY.pack
_unpack_from = _ENTRY.unpack_from


class NonceMap(msgspec.Struct, gc=False):
    """A sorted map of nonces (unsigned 64 bit) to handles (never 0).

    `spent` is what all of them cost together, in wei, where somebody keeps count: a field of a map that many senders do
    without, and not one of every sender.
    """

    packed: bytearray
    spent: int = 0

    def roomy(self) -> "NonceMap":
        """The same with room for more."""
        return self

    def __len__(self) -> int:
        return len(self.packed) >> 4

    def get(self, nonce: int) -> int:
        """The handle at this nonce, 0 if there is none."""
        packed = self.packed
        if not packed or _unpack_from(packed, len(packed) - 16)[0] < nonce:
            return 0  # the usual answer for a newcomer
        at = self._offset(nonce)
        if at < len(packed):
            found, handle = _unpack_from(packed, at)
            if found == nonce:
                return int(handle)
        return 0

    def put(self, nonce: int, handle: int) -> int:
        """Set the handle at this nonce; the one that was there before, or 0."""
        packed = self.packed
        at = self._offset(nonce)
        if at < len(packed):
            found, old = _unpack_from(packed, at)
            if found == nonce:
                packed[at : at + 16] = _pack(nonce, handle)
                return int(old)
        packed[at:at] = _pack(nonce, handle)
        return 0

    def pop(self, nonce: int) -> int:
        """Take one nonce out; its handle, or 0."""
        at = self._offset(nonce)
        if at < len(self.packed):
            found, handle = _unpack_from(self.packed, at)
            if found == nonce:
                del self.packed[at : at + 16]
                return int(handle)
        return 0

    def first(self) -> int:
        """The lowest nonce. The map must not be empty."""
        return int(_unpack_from(self.packed)[0])

    def last(self) -> int:
        """The highest nonce. The map must not be empty."""
        return int(_unpack_from(self.packed, len(self.packed) - 16)[0])

    def items(self) -> list[tuple[int, int]]:
        """All entries, lowest nonce first."""
        return list(_ENTRY.iter_unpack(self.packed))

    def between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The entries from one nonce up to another, read one by one; the map must not change meanwhile."""
        return _ENTRY.iter_unpack(memoryview(self.packed)[self._offset(start) : self._offset(end)])

    def take_below(self, nonce: int) -> list[tuple[int, int]]:
        """Take out all entries under this nonce."""
        return self._take(0, self._offset(nonce))

    def take_above(self, nonce: int) -> list[tuple[int, int]]:
        """Take out all entries over this nonce."""
        return self._take(self._offset(nonce + 1), len(self.packed))

    def take_last(self) -> tuple[int, int]:
        """Take out the entry with the highest nonce. The map must not be empty."""
        return self._take(len(self.packed) - 16, len(self.packed))[0]

    def take_all(self) -> list[tuple[int, int]]:
        """Take out everything."""
        return self._take(0, len(self.packed))

    def take_ready(self, start: int) -> list[tuple[int, int]]:
        """Take out the run without a gap from the lowest nonce, if that is at or under `start` (geth's `Ready`)."""
        if not self.packed or self.first() > start:
            return []
        return self._take(0, self._run_length() << 4)

    def covers(self, start: int, end: int) -> bool:
        """Whether every nonce of `range(start, end)` is here."""
        return self._offset(end) - self._offset(start) == (end - start) << 4

    def _run_length(self) -> int:
        """How many entries follow the lowest without a gap: where nonce minus position stops being the same."""
        lowest = self.first()
        low, high = 1, len(self)
        while low < high:
            middle = (low + high) // 2
            if _unpack_from(self.packed, middle << 4)[0] == lowest + middle:
                low = middle + 1
            else:
                high = middle
        return low if _unpack_from(self.packed, (low - 1) << 4)[0] == lowest + low - 1 else low - 1

    def _take(self, start: int, end: int) -> list[tuple[int, int]]:
        if start >= end:
            return []
        taken = list(_ENTRY.iter_unpack(self.packed[start:end]))
        del self.packed[start:end]
        return taken

    def _offset(self, nonce: int) -> int:
        """Where this nonce is, or would be inserted."""
        packed = self.packed
        if not packed:
            return 0
        distance = nonce - int(_unpack_from(packed)[0])
        if distance <= 0:
            return 0
        end = len(packed)
        dense = distance << 4
        if dense < end:
            if _unpack_from(packed, dense)[0] == nonce:
                return dense
        elif int(_unpack_from(packed, end - 16)[0]) < nonce:
            return end
        return bisect_left(memoryview(packed).cast("Q")[::2], nonce) << 4


class LoneEntry(msgspec.Struct, gc=False):
    """A map of at most one nonce; `handle` is 0 where there is none. What it answers is what a `NonceMap` would."""

    nonce: int
    handle: int

    def roomy(self) -> NonceMap:
        """The same with room for more."""
        return NonceMap(bytearray(_pack(self.nonce, self.handle)) if self.handle else bytearray())

    def __len__(self) -> int:
        return 1 if self.handle else 0

    def get(self, nonce: int) -> int:
        """The handle at this nonce, 0 if there is none."""
        return self.handle if nonce == self.nonce else 0

    def put(self, nonce: int, handle: int) -> int:
        """Set the handle at the nonce that is here; the one that was there before."""
        assert nonce == self.nonce, "room for one"
        old, self.handle = self.handle, handle
        return old

    def pop(self, nonce: int) -> int:
        """Take one nonce out; its handle, or 0."""
        return self.take_all()[0][1] if self.get(nonce) else 0

    def first(self) -> int:
        """The nonce. The map must not be empty."""
        return self.nonce

    def last(self) -> int:
        """The nonce. The map must not be empty."""
        return self.nonce

    def items(self) -> list[tuple[int, int]]:
        """The entry, if there is one."""
        return [(self.nonce, self.handle)] if self.handle else []

    def take_below(self, nonce: int) -> list[tuple[int, int]]:
        """Take it out if it is under this nonce."""
        return self.take_all() if self.nonce < nonce else []

    def take_above(self, nonce: int) -> list[tuple[int, int]]:
        """Take it out if it is over this nonce."""
        return self.take_all() if self.nonce > nonce else []

    def take_last(self) -> tuple[int, int]:
        """Take it out. The map must not be empty."""
        return self.take_all()[0]

    def take_all(self) -> list[tuple[int, int]]:
        """Take it out, if there is one."""
        taken = self.items()
        self.handle = 0
        return taken

    def take_ready(self, start: int) -> list[tuple[int, int]]:
        """Take it out if it is at or under `start`."""
        return self.take_all() if self.nonce <= start else []

    def covers(self, start: int, end: int) -> bool:
        """Whether every nonce of `range(start, end)` is here."""
        return start >= end or (end - start == 1 and bool(self.get(start)))


NOTHING: Final = LoneEntry(0, 0)
"""The map of everyone who has none of a kind; nobody puts anything in."""
