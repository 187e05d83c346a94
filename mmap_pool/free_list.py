"""Which slots of a slab are free; the lowest comes first.

Lowest first is what lets pages empty again. After a random eviction of nine tenths, a last-in-first-out list leaves
nearly every page occupied for good, because each new payload goes where one just left; filling from below lets the
survivors above thin out (`docs/slab.md` has the figures).

A bit for each slot in words of 64, and above them a summary with a bit for each word that has any: two plain numbers
and one array, however many slots there are, so the collector has nothing to walk.
"""

import re
import sys
from array import array
from collections.abc import Iterator
from typing import Final

_WORD_BITS: Final = 64
_WORD_SHIFT: Final = 6
_BIT_MASK: Final = _WORD_BITS - 1


class FreeList:
    """A set of small ints below `capacity`, full at first. `count` says how many it holds.

    Invariants, walked by `check`:

    1. Bit `w` of the summary is set exactly when word `w` is not 0.
    2. `_first` is the lowest word that is not 0, or one past the last when all are.
    3. `count` is the number of bits set, all of them below `capacity`.
    """

    __slots__ = ("_capacity", "_first", "_summary", "_words", "count")

    def __init__(self, capacity: int) -> None:
        words, rest = divmod(capacity, _WORD_BITS)
        self._words = array("Q", b"\xff" * (8 * words))
        if rest:
            self._words.append((1 << rest) - 1)
        self._summary = (1 << len(self._words)) - 1
        self._first = 0
        self._capacity = capacity
        self.count = capacity

    def take(self) -> int:
        """Remove the lowest and return it.

        Raises:
            IndexError: nothing is free.
        """
        first = self._first
        word = self._words[first]
        rest = word & word - 1
        self._words[first] = rest
        if not rest:
            self._summary ^= 1 << first
            self._first = self._lowest_word()
        self.count -= 1
        return first << _WORD_SHIFT | (word ^ rest).bit_length() - 1

    def add(self, slot: int) -> None:
        """Put `slot` back. That it is not there yet is the caller's word: the slab knows by the generation."""
        index = slot >> _WORD_SHIFT
        word = self._words[index]
        self._words[index] = word | 1 << (slot & _BIT_MASK)
        if not word:
            self._summary |= 1 << index
            if index < self._first:  # noqa: PLR1730  # min() costs a call
                self._first = index
        self.count += 1

    def bits(self) -> int:
        """All of them as one number, a bit each."""
        little = sys.byteorder == "little"
        words = self._words if little else array("Q", reversed(self._words))
        return int.from_bytes(words.tobytes(), sys.byteorder)

    def rows(self, length: int) -> Iterator[tuple[int, int]]:
        """Go through the rows of at least `length` free slots side by side: the first one, and how many."""
        bits = self.bits()
        if _starts(bits, length):
            text = f"{bits:0{self._capacity}b}"[::-1]
            for row in re.finditer(f"1{{{length},}}", text):
                yield row.start(), row.end() - row.start()

    def __contains__(self, slot: int) -> bool:
        """Tell whether `slot` is free."""
        return bool(self._words[slot >> _WORD_SHIFT] >> (slot & _BIT_MASK) & 1)

    def __iter__(self) -> Iterator[int]:
        """Go through the free slots, lowest first. O(capacity)."""
        return (slot for slot in range(self._capacity) if slot in self)

    def check(self) -> None:
        """Assert the three invariants. O(capacity)."""
        summary = sum(1 << index for index, word in enumerate(self._words) if word)
        assert self._summary == summary, "the summary disagrees with the words"
        assert self._first == self._lowest_word(), "a lower word has free slots"
        assert self.count == sum(word.bit_count() for word in self._words), "the count drifted"
        assert self.count == sum(1 for _ in self), "a bit stands for no slot"

    def _lowest_word(self) -> int:
        summary = self._summary
        return (summary & -summary).bit_length() - 1 if summary else len(self._words)


def _starts(bits: int, length: int) -> int:
    """Where as many bits are set in a row: a microsecond that tells whether there are any at all."""
    known = 1
    while known < length and bits:
        step = min(known, length - known)
        bits &= bits >> step
        known += step
    return bits
