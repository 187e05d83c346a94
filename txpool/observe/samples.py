"""The last seconds in numbers: a ring of rows, each written over when its turn comes; nothing is allocated to stay."""

from array import array
from collections.abc import Sequence
from typing import Final

from txpool.observe.stages import STAGES
from txpool.observe.tags import SOURCES_MAX, Source

SECONDS_KEPT: Final = 5.0
ROWS_MAX: Final = 1024


class Row:
    """One look: process, stages, and the counters of each source.

    Attributes:
        at: when, in seconds of the sampler's clock.
        heap: private resident bytes.
        evicted: transactions that have left for want of room or time, so far.
        stages: bytes held in each stage, in the order of `STAGES`.
        calls: of each source so far, at the source's place; `collections` and `seconds` likewise.
    """

    __slots__ = ("at", "calls", "collections", "evicted", "heap", "seconds", "stages")

    def __init__(self) -> None:
        self.at = float("-inf")
        self.heap = 0
        self.evicted = 0
        self.stages = array("q", [0]) * len(STAGES)
        self.calls = array("q", [0]) * SOURCES_MAX
        self.collections = array("q", [0]) * SOURCES_MAX
        self.seconds = array("d", [0.0]) * SOURCES_MAX

    def write(self, at: float, heap: int, evicted: int, stages: Sequence[int], sources: Sequence[Source]) -> None:
        """Note how things are."""
        self.heap = heap
        for place, size in enumerate(stages):
            self.stages[place] = size
        self.count(at, evicted, sources)

    def count(self, at: float, evicted: int, sources: Sequence[Source]) -> None:
        """Note what is counted, and nothing that is held."""
        self.at = at
        self.evicted = evicted
        calls, collections, seconds = self.calls, self.collections, self.seconds
        for place, source in enumerate(sources):
            calls[place] = source.calls
            collections[place] = source.collections
            seconds[place] = source.seconds


class Samples:
    """The rows of the last five seconds and a little more."""

    def __init__(self, every_s: float) -> None:
        """Make room for rows that are so far apart, and two."""
        self._rows = [Row() for _ in range(min(ROWS_MAX, int(SECONDS_KEPT / every_s) + 2))]
        self.taken = 0

    def next(self) -> Row:
        """The row to write now: the oldest."""
        row = self._rows[self.taken % len(self._rows)]
        self.taken += 1
        return row

    @property
    def latest(self) -> Row:
        """The row that was written last."""
        return self._rows[(self.taken - 1) % len(self._rows)]

    def back(self, at: float) -> Row:
        """The newest row that is no younger than that, or the oldest there is."""
        count = min(self.taken, len(self._rows))
        assert count, "nothing was sampled yet"
        newest = self.taken - 1
        for number in range(newest, newest - count, -1):
            row = self._rows[number % len(self._rows)]
            if row.at <= at:
                return row
        return self._rows[(newest - count + 1) % len(self._rows)]
