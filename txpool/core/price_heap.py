"""Packed entries in a binary heap, the cheapest on top: what both orders of prices are made of."""

from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final

HANDLE_BYTES: Final = 8


class PriceHeap:
    """A heap of packed entries in one bytearray; moves them exactly as Go's `container/heap` does.

    An entry is big-endian words of 64 bits, so that comparing bytes compares prices: the last is the handle, those
    before it rank it.

    Args:
        words: how many an entry has.
    """

    def __init__(self, words: int) -> None:
        self._entry = Struct(f">{words}Q")
        self._stride = 8 * words
        self._rank = self._stride - HANDLE_BYTES
        self._packed = bytearray()

    def __len__(self) -> int:
        return len(self._packed) // self._stride

    def top(self) -> bytes:
        """The cheapest entry. The heap must not be empty."""
        return bytes(self._packed[: self._stride])

    def top_handle(self) -> int:
        """The handle of the cheapest. The heap must not be empty."""
        return int.from_bytes(self._packed[self._rank : self._stride], "big")

    def handles(self) -> list[int]:
        """All handles, stale ones too, in no order to rely on."""
        return [entry[-1] for entry in self._entry.iter_unpack(self._packed)]

    def push(self, entry: bytes) -> None:
        """Add an entry."""
        at = len(self._packed)
        self._packed += entry
        self._rise(entry, at)

    def pop(self) -> bytes:
        """Take the cheapest out."""
        cheapest = self.top()
        self._remove(0)
        return cheapest

    def fill(self, entries: Iterable[bytes]) -> None:
        """Replace the content by entries that come cheapest first."""
        self._packed = bytearray(b"".join(entries))

    def sweep(self, start: int, count: int, is_live: Callable[[int], bool]) -> int:
        """Look at `count` entries from a position on, and take out those that are not live.

        Returns:
            The position to go on from; 0 after the last.
        """
        at = start * self._stride
        for _ in range(count):
            if at >= len(self._packed):
                return 0
            if is_live(int.from_bytes(self._packed[at + self._rank : at + self._stride], "big")):
                at += self._stride
            else:
                self._remove(at)
        return at // self._stride

    def _remove(self, at: int) -> None:
        """Take the entry at an offset out: the last one takes its place, and finds its own."""
        packed, stride = self._packed, self._stride
        last = bytes(packed[-stride:])
        del packed[-stride:]
        if at < len(packed) and self._sink(last, at) == at:
            self._rise(last, at)

    def _rise(self, entry: bytes, at: int) -> None:
        packed, stride, size = self._packed, self._stride, self._rank
        rank = entry[:size]
        while at:
            above = (at // stride - 1) // 2 * stride
            if not rank < packed[above : above + size]:
                break
            packed[at : at + stride] = packed[above : above + stride]
            at = above
        packed[at : at + stride] = entry

    def _sink(self, entry: bytes, at: int) -> int:
        """Let an entry sink from an offset; where it comes to rest."""
        packed, stride, size = self._packed, self._stride, self._rank
        end = len(packed)
        rank = entry[:size]
        while (child := 2 * at + stride) < end:
            other = child + stride
            if other < end and packed[other : other + size] < packed[child : child + size]:
                child = other
            if not packed[child : child + size] < rank:
                break
            packed[at : at + stride] = packed[child : child + stride]
            at = child
        packed[at : at + stride] = entry
        return at
