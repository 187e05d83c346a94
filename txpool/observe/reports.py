"""Reports of what held the process up, and who it was: a bounded ring, counters, and who wants to hear of new ones."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from txpool.observe.attribution import NOBODY, Activity
from txpool.observe.page import Family, counters
from txpool.observe.tags import KINDS

REPEAT_NS: Final = 5 * 10**9  # who comes back so soon, by the same trigger, is counted in the report that there is
CAUSES: Final = (*KINDS, NOBODY)


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What happened and who it was.

    Attributes:
        number: from 1.
        time: nanoseconds since the epoch.
        trigger: pause, lag, heap_growth or call_rate.
        measured: what crossed its threshold: seconds, bytes a second, calls a second.
        threshold: that threshold.
        cause: the kind of the source that is named, or `none`.
        name: which of that kind.
        sentence: the verdict in words.
        alarms: what else was above its alarm.
        heap_growth: private bytes a second, over the last second.
        pause_p99: of the collections of the last ten seconds, of 1024 at most, in seconds.
        cpu_share: the part of a held-up loop's time in which its thread had a core; None for other triggers.
        head_updates: that began in the time in question, or went on in it.
        evicted: transactions evicted in it.
        stage: the stage of life that came to hold more bytes, None where none did.
        stages: bytes a second by which each grew.
        suspects: the likeliest first.
        repeats: how often it happened again within five seconds.
    """

    number: int
    time: int
    trigger: str
    measured: float
    threshold: float
    cause: str
    name: str
    sentence: str
    alarms: Sequence[str]
    heap_growth: float
    pause_p99: float
    cpu_share: float | None
    head_updates: int
    evicted: int
    stage: str | None
    stages: Mapping[str, float]
    suspects: Sequence[Activity]
    repeats: int = 0

    def facts(self) -> Mapping[str, object]:
        """The main points, for a line of the log."""
        return {
            "report": self.number,
            "trigger": self.trigger,
            "measured": round(self.measured, 3),
            "threshold": self.threshold,
            "cause": self.cause,
            "name": self.name or "-",
            "alarms": ",".join(self.alarms) or "-",
            "cpu_share": "-" if self.cpu_share is None else round(self.cpu_share, 2),
            "heap_growth_mb": round(self.heap_growth / 1e6, 1),
            "pause_p99_ms": round(self.pause_p99 * 1e3, 1),
        }


class Reports:
    """The newest reports.

    Attributes:
        on_report: told of each new one; of repeats nobody is.
    """

    def __init__(self, most: int) -> None:
        """Keep so many."""
        self.on_report: Callable[[Report], None] = _nobody_listens
        self.by_cause = dict.fromkeys(CAUSES, 0)
        self._kept: deque[Report] = deque(maxlen=most)
        self._made = 0

    def add(self, report: Report) -> None:
        """Keep it under the next number, or count it in the one that it repeats."""
        self.by_cause[report.cause] += 1
        for place, kept in enumerate(self._kept):
            if _repeats(report, kept):
                worst = max(kept.measured, report.measured)
                self._kept[place] = replace(kept, repeats=kept.repeats + 1, measured=worst)
                return
        self._made += 1
        made = replace(report, number=self._made)
        self._kept.appendleft(made)
        self.on_report(made)

    def newest(self, most: int) -> list[Report]:
        """Up to so many, the newest first."""
        return [report for report, _ in zip(self._kept, range(most), strict=False)]

    def family(self) -> Family:
        """How many there were, repeats included."""
        return counters(
            "txpool_gc_reports_total",
            "Times that a pause, a delay or a burst crossed its threshold, by the kind of source that is named.",
            [{"cause": cause} for cause in CAUSES],
            lambda: tuple(self.by_cause.values()),
        )


def _repeats(report: Report, kept: Report) -> bool:
    same = (report.trigger, report.cause, report.name) == (kept.trigger, kept.cause, kept.name)
    return same and report.time - kept.time < REPEAT_NS


def _nobody_listens(report: Report) -> None:
    """Nobody wants to know."""
