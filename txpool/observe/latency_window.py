"""A quantile over the last while, of a histogram that only ever grows.

Nothing is done when a value is observed: now and then the counts are copied, and what lies between two copies is the
window. So it costs a request nothing beyond the histogram, which is there anyway.
"""

from collections import deque
from itertools import accumulate

from txpool.observe.histogram import Histogram


class LatencyWindow:
    """The observations of the last few intervals; whoever owns it says when one has passed."""

    def __init__(self, histogram: Histogram, intervals: int) -> None:
        self._histogram = histogram
        self._copies = deque([tuple(histogram.counts)], maxlen=intervals + 1)

    def advance(self) -> None:
        """Say that an interval has passed."""
        self._copies.append(tuple(self._histogram.counts))

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self._counts())

    def quantile(self, share: float) -> float | None:
        """What that share of the observations is at most; None of none.

        Within a bucket values are taken to be spread evenly; beyond the last bound they count as that.
        """
        counts, bounds = self._counts(), self._histogram.bounds
        rank = share * sum(counts)
        if not rank:
            return None
        upto = list(accumulate(counts))
        place = next(number for number, reached in enumerate(upto) if reached >= rank)
        if place == len(bounds):
            return bounds[-1]
        low = bounds[place - 1] if place else 0.0
        missing = rank - (upto[place] - counts[place])
        return low + (bounds[place] - low) * missing / counts[place]

    def _counts(self) -> list[int]:
        oldest, newest = self._copies[0], self._copies[-1]
        return [new - old for new, old in zip(newest, oldest, strict=True)]
