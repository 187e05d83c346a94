"""A histogram of high dynamic range: nanoseconds to three digits, whatever their size, in a few thousand counters.

Gil Tene's HdrHistogram with 1024 steps an octave. Values are counted under an index; `index_of` is the hot path.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

STEPS_BITS: Final = 10
STEPS: Final = 1 << STEPS_BITS


def index_of(value: int) -> int:
    """Count a value under this number."""
    shift = value.bit_length() - STEPS_BITS - 1
    return value if shift <= 0 else (shift << STEPS_BITS) + (value >> shift)


def value_of(index: int) -> int:
    """The largest value that is counted under a number."""
    shift = (index >> STEPS_BITS) - 1
    return index if shift <= 0 else (((index & (STEPS - 1)) + STEPS + 1) << shift) - 1


class Histogram(msgspec.Struct):
    """How often which value was seen."""

    counts: dict[int, int] = {}

    @classmethod
    def of(cls, values: Iterable[int]) -> "Histogram":
        """Count values."""
        found = cls()
        for value in values:
            found.add(value)
        return found

    def add(self, value: int) -> None:
        """Count one value; below 0 counts as 0."""
        index = index_of(max(value, 0))
        self.counts[index] = self.counts.get(index, 0) + 1

    def merge(self, other: "Histogram") -> None:
        """Count all that another has counted."""
        for index, number in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + number

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    @property
    def highest(self) -> int:
        """The largest value, to three digits; 0 where nothing was counted."""
        return value_of(max(self.counts)) if self.counts else 0

    def mean(self) -> float:
        """The mean, to three digits."""
        total = self.total
        return sum(value_of(index) * number for index, number in self.counts.items()) / total if total else 0.0

    def at(self, quantile: float) -> int:
        """The smallest value that at least this share of the values does not exceed; 0 where there are none."""
        return self.quantiles((quantile,))[quantile]

    def quantiles(self, wanted: Iterable[float]) -> dict[float, int]:
        """The values at several quantiles, in one pass."""
        total, found, steps = self.total, {}, iter(sorted(self.counts.items()))
        seen = value = 0
        for quantile in sorted(wanted):
            while seen < min(max(quantile * total, 1), total):
                index, number = next(steps)
                seen, value = seen + number, value_of(index)
            found[quantile] = value
        return found

    def ladder(self) -> Iterator[tuple[float, int, int]]:
        """Quantile reached, value, and values up to it: a row for every step at which the plot bends."""
        total, seen, shown = self.total, 0, -1.0
        for index, number in sorted(self.counts.items()):
            seen += number
            # On an axis of nines, rows closer than a hundredth of the way to 1 cannot be told apart.
            if (seen / total - shown) > (1 - max(shown, 0)) / 100 or seen == total:
                shown = seen / total
                yield shown, value_of(index), seen

    def hgrm(self, unit: float = 1e6) -> str:
        """HdrHistogram's own table of percentiles, as its plotters read it; values in milliseconds."""
        lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
        for quantile, value, seen in self.ladder():
            inverse = f"{1 / (1 - quantile):14.2f}" if quantile < 1 else f"{'inf':>14}"
            lines.append(f"{value / unit:12.3f} {quantile:14.12f} {seen:10d} {inverse}")
        deviation = self._deviation()
        lines += [
            f"#[Mean    = {self.mean() / unit:12.3f}, StdDeviation   = {deviation / unit:12.3f}]",
            f"#[Max     = {self.highest / unit:12.3f}, Total count    = {self.total:12d}]",
            f"#[Buckets = {54:12d}, SubBuckets     = {2 * STEPS:12d}]",
        ]
        return "\n".join(lines) + "\n"

    def _deviation(self) -> float:
        total, mean = self.total, self.mean()
        squares = sum((value_of(index) - mean) ** 2 * number for index, number in self.counts.items())
        return float((squares / total) ** 0.5) if total else 0.0


def milliseconds(histogram: Histogram) -> Mapping[str, float]:
    """The usual figures, for people and for JSON."""
    names = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}
    found = histogram.quantiles(names.values())
    figures = {name: found[quantile] / 1e6 for name, quantile in names.items()}
    return {**figures, "max": histogram.highest / 1e6, "mean": histogram.mean() / 1e6}
