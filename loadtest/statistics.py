"""Statistics of few runs: medians, bootstrap intervals, the test of Mann, Whitney and Wilcoxon. Pure."""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from statistics import median
from typing import Final

RESAMPLES: Final = 4000
CONFIDENCE: Final = 0.95
EXACT_MAX: Final = 20  # runs in both groups together up to which every arrangement is counted


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """U of `b` over `a`, and the two-sided p that it differs so much by chance.

    Exact for few runs without ties; else by the normal approximation with corrections for ties and continuity.
    """
    u = sum((y > x) + (y == x) / 2 for x, y in product(a, b))
    pairs, runs = len(a) * len(b), len(a) + len(b)
    ties = [count for count in Counter([*a, *b]).values() if count > 1]
    if not ties and runs <= EXACT_MAX:
        extreme = int(min(u, pairs - u))
        ways = sum(_arrangements(len(a), len(b), value) for value in range(extreme + 1))
        return u, min(1.0, 2 * ways / math.comb(runs, len(a)))
    tied = sum(count**3 - count for count in ties) / (runs * (runs - 1)) if runs > 1 else 0.0
    spread = math.sqrt(pairs / 12 * (runs + 1 - tied))
    if not spread:
        return u, 1.0
    z = max(0.0, abs(u - pairs / 2) - 0.5) / spread
    return u, math.erfc(z / math.sqrt(2))


@cache
def _arrangements(first: int, second: int, u: int) -> int:
    """In how many orders of so many runs U is exactly `u`."""
    if u < 0:
        return 0
    if not first or not second:
        return int(u == 0)
    return _arrangements(first - 1, second, u - second) + _arrangements(first, second - 1, u)


def shift(a: Sequence[float], b: Sequence[float]) -> float:
    """Hodges and Lehmann's estimate of how far b lies above a: the median of all differences."""
    return median(y - x for x, y in product(a, b))


def ratio(a: Sequence[float], b: Sequence[float]) -> float:
    """The median of b over that of a."""
    below = median(a)
    return median(b) / below if below else math.nan


def bootstrap(
    statistic: Callable[..., float], *groups: Sequence[float], resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Between which two values a statistic of groups lies, by resampling runs (requests within one hang together)."""
    chance = random.Random("bootstrap")
    drawn = sorted(
        value
        for _ in range(resamples)
        if not math.isnan(value := statistic(*(chance.choices(group, k=len(group)) for group in groups)))
    )
    if not drawn:
        return math.nan, math.nan
    edge = (1 - CONFIDENCE) / 2
    return drawn[int(edge * (len(drawn) - 1))], drawn[math.ceil((1 - edge) * (len(drawn) - 1))]
