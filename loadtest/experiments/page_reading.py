"""A metrics page as Prometheus writes it, read back: values and histograms by name and labels. Pure."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

_LINE: Final = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = Mapping[str, str]


class Buckets(msgspec.Struct, frozen=True):
    """How many values were at most each bound (the last bound is infinite), and their sum."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]  # up to each bound, those of smaller ones included
    sum: float

    @property
    def total(self) -> float:
        """How many values there are."""
        return self.counts[-1] if self.counts else 0.0

    def less(self, earlier: "Buckets") -> "Buckets":
        """What came since."""
        if earlier.bounds != self.bounds:
            return self
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        return Buckets(self.bounds, counts, self.sum - earlier.sum)

    def plus(self, other: "Buckets") -> "Buckets":
        """Both together."""
        if not self.bounds or not other.bounds:
            return self if self.bounds else other
        counts = tuple(mine + its for mine, its in zip(self.counts, other.counts, strict=True))
        return Buckets(self.bounds, counts, self.sum + other.sum)

    def at(self, quantile: float) -> float | None:
        """The value that this share of all does not exceed, even steps within a bucket; None where there are none."""
        wanted, below, seen = quantile * self.total, 0.0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=True):
            if count >= wanted and count > seen:
                return below if math.isinf(bound) else below + (bound - below) * (wanted - seen) / (count - seen)
            below, seen = bound, count
        return None


NO_BUCKETS: Final = Buckets((), (), 0.0)


class Page:
    """The series of one scrape."""

    def __init__(self, text: str) -> None:
        self._series: dict[str, list[tuple[Labels, float]]] = {}
        for line in text.splitlines():
            if found := _LINE.match(line):
                name, labels, value = found.groups()
                self._series.setdefault(name, []).append((dict(_LABEL.findall(labels or "")), float(value)))

    def matching(self, name: str, **labels: str) -> Iterator[tuple[Labels, float]]:
        """The series of a family that carry these labels."""
        for carried, value in self._series.get(name, ()):
            if carried.items() >= labels.items():
                yield carried, value

    def value(self, name: str, **labels: str) -> float | None:
        """All of them added up; None where the page has none."""
        values = [value for _, value in self.matching(name, **labels)]
        return sum(values) if values else None

    def buckets(self, name: str, **labels: str) -> Buckets:
        """A family of histograms as one."""
        counts: dict[float, float] = {}
        for carried, value in self.matching(f"{name}_bucket", **labels):
            bound = float(carried["le"])
            counts[bound] = counts.get(bound, 0.0) + value
        bounds = tuple(sorted(counts))
        return Buckets(bounds, tuple(counts[bound] for bound in bounds), self.value(f"{name}_sum", **labels) or 0.0)
