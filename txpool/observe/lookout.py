"""Looks at pauses and loop twenty times a second, at memory and calls four times, and reports what crosses a threshold.

What it keeps is bounded and made at the start. It runs in the loop's thread: after the loop was held up it is among the
first to run again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from txpool.observe.attribution import NOBODY, Facts, Trigger, accusation, suspects
from txpool.observe.evidence import Evidence, Lately
from txpool.observe.gc_pause import PauseWatch
from txpool.observe.page import Family, gauges
from txpool.observe.reports import Report, Reports
from txpool.observe.samples import Row
from txpool.observe.stages import STAGE_NAMES
from txpool.observe.tags import SUBMIT, Source, Tags, nobody_asks

WINDOW_S: Final = 1.0
# How far before it lies what led to it: a loop is late by what it did meanwhile, a collection is due after allocations.
# For a lag this is about memory alone: what the sources did is counted from the last look at the loop.
LEAD_S: Final = {Trigger.PAUSE: 1.0, Trigger.LAG: 0.05, Trigger.HEAP_GROWTH: WINDOW_S, Trigger.CALL_RATE: WINDOW_S}
P99_S: Final = 10.0
SUSPECTS_MAX: Final = 5
REARMED: Final = 0.5  # an alarm that was told is told again after it has fallen to that part of its threshold


class Limits(msgspec.Struct, frozen=True):
    """What makes a report, and how often to look.

    Attributes:
        sample_seconds: between two looks at memory and sources.
        pause_seconds: one collection; also the alarm for the 99th percentile over ten seconds.
        lag_seconds: one delay of the loop.
        heap_bytes_per_second: growth of private memory.
        calls_per_second: calls of one source over five seconds; submissions have no such alarm.
    """

    sample_seconds: float = 0.25
    pause_seconds: float = 0.1
    lag_seconds: float = 0.2
    heap_bytes_per_second: int = 50_000_000
    calls_per_second: float = 1000.0


class Clocks(msgspec.Struct, frozen=True):
    """The times: seconds of the wall, CPU seconds of the loop's thread, nanoseconds since the epoch."""

    seconds: Callable[[], float]
    cpu: Callable[[], float]
    epoch_ns: Callable[[], int]


class Lookout:
    """Samples and reports from `start` to `stop`."""

    def __init__(self, limits: Limits, tags: Tags, pauses: PauseWatch, clocks: Clocks, reports: Reports) -> None:
        """Take the parts that it looks at, and where reports go."""
        self.limits = limits
        self.evidence = Evidence(limits.sample_seconds, tags, clocks.seconds)
        self.reports = reports
        self._tags = tags
        self._pauses = pauses
        self._clocks = clocks
        self._ticked = (clocks.seconds(), clocks.cpu())
        self.evidence.mark()
        self._growth_told = False
        self._rates_told: set[Source] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look from now on."""
        self._tags.on_long = self.evidence.note_long
        self._pauses.tracked.count()
        self._ticked = (self._clocks.seconds(), self._clocks.cpu())
        self.evidence.mark()
        self._go_on(loop)

    def stop(self) -> None:
        """Look no longer."""
        self._tags.on_long = nobody_asks
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self.sample()
        self._timer = loop.call_later(self.limits.sample_seconds, self._go_on, loop)

    def families(self) -> list[Family]:
        """Show memory, stages and how often something was reported."""
        labels = [{"stage": name} for name in STAGE_NAMES]
        return [
            *self.evidence.memory.families(),
            gauges(
                "txpool_stage_bytes",
                "Bytes of transactions held in each stage of their lives.",
                labels,
                self.evidence.stage_bytes,
            ),
            self.reports.family(),
        ]

    # --- pauses and delays

    def tick(self, late: float) -> None:
        """Hear by how much the loop was late, again and again."""
        before, cpu_before = self._ticked
        now, cpu = self._ticked = (self._clocks.seconds(), self._clocks.cpu())
        pauses, limits = self._pauses, self.limits
        pause, pauses.unreported = pauses.unreported, 0.0
        if pause >= limits.pause_seconds and (late < limits.lag_seconds or 2 * pause >= late):
            self._report(Trigger.PAUSE, pause, limits.pause_seconds, source=pauses.inside)
        elif late >= limits.lag_seconds:
            share = (cpu - cpu_before) / (now - before) if now > before else None
            self._report(Trigger.LAG, late, limits.lag_seconds, cpu_share=share)
        self.evidence.mark()

    # --- memory and calls

    def sample(self) -> None:
        """Look at everything, and tell what is above its alarm."""
        self._pauses.tracked.look()
        row = self.evidence.sample()
        self._look_at_growth(row)
        self._look_at_rates()

    def _look_at_growth(self, row: Row) -> None:
        before = self.evidence.samples.back(row.at - WINDOW_S)
        growth = (row.heap - before.heap) / max(row.at - before.at, WINDOW_S)
        limit = self.limits.heap_bytes_per_second
        if growth >= limit and not self._growth_told:
            self._growth_told = True
            self._report(Trigger.HEAP_GROWTH, growth, limit)
        elif growth < REARMED * limit:
            self._growth_told = False

    def _look_at_rates(self) -> None:
        limit = self.limits.calls_per_second
        for source, rate in self.evidence.rates():
            if rate >= limit and source not in self._rates_told and source.kind != SUBMIT:
                self._rates_told.add(source)
                self._report(Trigger.CALL_RATE, rate, limit, source=source)
            elif rate < REARMED * limit:
                self._rates_told.discard(source)

    # --- reports

    def _report(
        self,
        trigger: Trigger,
        measured: float,
        threshold: float,
        *,
        source: Source | None = None,
        cpu_share: float | None = None,
    ) -> None:
        """Report; the source is where a pause took place, or whose calls are too many."""
        seconds = measured if trigger in {Trigger.PAUSE, Trigger.LAG} else 0.0
        found = self.evidence.lately(
            seconds + LEAD_S[trigger],
            calls_max=self.limits.calls_per_second,
            inside=source if trigger is Trigger.PAUSE else None,
            counted=self.evidence.marked if trigger is Trigger.LAG else None,
        )
        alarm = found.of(source) if source and trigger is Trigger.CALL_RATE else None
        named = suspects(Facts(trigger, seconds or WINDOW_S, found.activities, alarm))
        first = named[0] if named else None
        p99 = self._pauses.recent.p99(self._clocks.seconds() - P99_S)
        self.reports.add(
            Report(
                number=0,
                time=self._clocks.epoch_ns(),
                trigger=trigger,
                measured=measured,
                threshold=threshold,
                cause=first.activity.kind if first else NOBODY,
                name=first.activity.name if first else "",
                sentence=accusation(first),
                alarms=self._alarms(found, p99),
                heap_growth=found.heap_growth,
                pause_p99=p99,
                cpu_share=cpu_share,
                head_updates=found.head_updates,
                evicted=found.evicted,
                stage=found.stage,
                stages=found.stages,
                suspects=[each.activity for each in named[:SUSPECTS_MAX]],
            )
        )

    def _alarms(self, found: Lately, p99: float) -> list[str]:
        limits = self.limits
        raised = {
            "heap_growth": found.heap_growth >= limits.heap_bytes_per_second,
            "pause_p99": p99 >= limits.pause_seconds,
            "call_rate": any(each.alarming > 0 for each in found.activities),
        }
        return [name for name, is_raised in raised.items() if is_raised]
