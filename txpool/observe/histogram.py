"""A histogram of plain ints, for hot paths: an observation costs a bisection and two additions."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

# 10 us to 1.3 s, each bound twice the one before: what stops or delays a process. The same for every store, so that
# ratios between stores compare equal buckets.
PAUSE_BOUNDS: Final = tuple(1e-5 * 2**n for n in range(18))
# 1-2-5 from 50 us to 5 s: what a client waits for.
REQUEST_BOUNDS: Final = tuple(digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5))[2:]


class Histogram:
    """How many observations were at most each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self.counts)

    def samples(self) -> list[float]:
        """Prometheus' order: counts up to each bound and up to infinity, then sum, then count."""
        upto = list(accumulate(self.counts))
        return [*upto, self.sum, upto[-1]]
