"""How many objects the cyclic collector tracks.

The interpreter does not say, other than by a list of them all, which takes a fifth of a full collection. So the list is
made while it takes under a millisecond (some 50 000 objects), else after a full collection, once a minute at most. What
was allocated since is added: the interpreter counts new containers less those that went, and begins anew with each
collection. It forgets those that went after a collection which they survived, so between two counts the figure may be
too high, not too low.
"""

import gc
from collections.abc import Callable
from typing import Final

from txpool.observe.paced import DEAR_REST_S, Paced

OLDEST: Final = 2


class TrackedObjects:
    """A count, and what was allocated since."""

    __slots__ = ("_clock", "_counted", "_counted_at", "_grown")

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock in seconds; nothing is counted yet."""
        self._clock = clock
        self._counted = Paced(_count, clock, 0)
        self._counted_at = float("-inf")
        self._grown = 0

    @property
    def value(self) -> int:
        """How many there are."""
        return max(0, self._counted.value + self._grown + gc.get_count()[0])

    def collection_begins(self) -> None:
        """Note what was allocated since the one before."""
        self._grown += gc.get_count()[0]

    def collection_ended(self, generation: int, collected: int) -> None:
        """Note what it found; behind a full one is the moment to count."""
        self._grown -= collected
        rested = self._clock() - self._counted_at >= DEAR_REST_S
        if generation == OLDEST and (rested or not self._counted.is_dear):
            self.count()

    def look(self) -> None:
        """Count, if that is due and takes next to no time."""
        if self._counted.is_due and not self._counted.is_dear:
            self.count()

    def count(self) -> None:
        """Count now."""
        self._counted.read()
        self._counted_at = self._clock()
        self._grown = -gc.get_count()[0]


def _count() -> int:
    return len(gc.get_objects())
