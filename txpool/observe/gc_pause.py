"""How long the cyclic garbage collector stops the process, what it finds, and who set it off."""

from array import array
from collections.abc import Callable, Mapping
from math import ceil
from typing import Final

from txpool.observe.histogram import PAUSE_BOUNDS, Histogram
from txpool.observe.page import Family, counters, gauge, histograms
from txpool.observe.tags import Source, Tags
from txpool.observe.tracked import OLDEST, TrackedObjects

GENERATIONS: Final = 3
RECENT_MAX: Final = 1024
P99: Final = 0.99


class RecentPauses:
    """The latest collections, up to 1024 of them: when each ended and how long it took."""

    __slots__ = ("_at", "_ends", "_pauses")

    def __init__(self) -> None:
        self._ends = array("d", [float("-inf")]) * RECENT_MAX
        self._pauses = array("d", [0.0]) * RECENT_MAX
        self._at = 0

    def add(self, end: float, pause: float) -> None:
        """Keep one."""
        self._ends[self._at] = end
        self._pauses[self._at] = pause
        self._at = (self._at + 1) % RECENT_MAX

    def p99(self, since: float) -> float:
        """The 99th percentile, by nearest rank, of those that ended since then; 0 for none."""
        found = sorted(pause for end, pause in zip(self._ends, self._pauses, strict=True) if end >= since)
        return found[ceil(P99 * len(found)) - 1] if found else 0.0


class PauseWatch:
    """Times every collection. `gc.callbacks.append(watch)` switches it on.

    A collection runs to its end in the thread that set it off, and none starts meanwhile, so one start time is enough.

    Attributes:
        by_generation: pauses.
        collected: objects found in cycles, by generation.
        uncollectable: objects found and left, by generation.
        longest: the longest pause so far.
        unreported: the longest since somebody set it back to 0.
        inside: who was at work when that one began.
        recent: the latest.
        tracked: how many objects there are to look at.
    """

    def __init__(self, clock: Callable[[], float], tags: Tags | None = None) -> None:
        """Take a clock in seconds, and who knows who is at work."""
        self.by_generation = tuple(Histogram(PAUSE_BOUNDS) for _ in range(GENERATIONS))
        self.collected = [0] * GENERATIONS
        self.uncollectable = [0] * GENERATIONS
        self.longest = 0.0
        self.unreported = 0.0
        self.recent = RecentPauses()
        self.tracked = TrackedObjects(clock)
        self._clock = clock
        self._tags = tags or Tags(clock)
        self.inside: Source = self._tags.idle
        self._started: float | None = None
        self._last_full = clock()

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Do what the interpreter asks of a member of `gc.callbacks`."""
        if phase == "start":
            self._tags.current.collections += 1
            self.tracked.collection_begins()
            self._started = self._clock()
        elif self._started is not None:
            now = self._clock()
            self._count(now, now - self._started, info)
            self._started = None

    def _count(self, now: float, pause: float, info: Mapping[str, int]) -> None:
        generation = info["generation"]
        self.by_generation[generation].add(pause)
        self.collected[generation] += info.get("collected", 0)
        self.uncollectable[generation] += info.get("uncollectable", 0)
        self.longest = max(self.longest, pause)
        if pause > self.unreported:
            self.unreported, self.inside = pause, self._tags.current
        self.recent.add(now, pause)
        if generation == OLDEST:
            self._last_full = now
        self.tracked.collection_ended(generation, info.get("collected", 0))

    @property
    def full_age_s(self) -> float:
        """Seconds since the last full collection, or since the watch was made."""
        return self._clock() - self._last_full

    def families(self, store: str) -> list[Family]:
        """Show what was seen; pauses under the name of the store in use."""
        generations = [{"generation": str(generation)} for generation in range(GENERATIONS)]
        return [
            histograms(
                "txpool_gc_pause_seconds",
                "How long one collection of the cyclic garbage collector stopped the process.",
                [
                    ({**labels, "store": store}, pauses)
                    for labels, pauses in zip(generations, self.by_generation, strict=True)
                ],
            ),
            gauge("txpool_gc_pause_longest_seconds", "The longest collection so far.", lambda: self.longest),
            counters("txpool_gc_collected_total", "Objects found in cycles.", generations, lambda: self.collected),
            counters(
                "txpool_gc_uncollectable_total",
                "Objects found in cycles that could not be let go.",
                generations,
                lambda: self.uncollectable,
            ),
            gauge("txpool_gc_tracked_objects", "Objects that the collector tracks.", lambda: self.tracked.value),
            gauge(
                "txpool_gc_full_age_seconds",
                "Time since the last full collection, or since the start.",
                lambda: self.full_age_s,
            ),
        ]
