"""Measures how long submissions take, and has the parts of the daemon do what the governor decides."""

import asyncio
import logging
import time
from collections import deque
from typing import Final

from msgspec.structs import replace

from txpool.config.sections import GovernorSettings
from txpool.core.pool import Pool
from txpool.daemon.obedience import Restrain, Tell
from txpool.ingest.ingest import Ingest
from txpool.observe.histogram import Histogram
from txpool.observe.latency_window import LatencyWindow
from txpool.observe.page import Family, counters, gauge
from txpool.rollout.governor import LAST, Governor, Move, Rules, Step
from txpool.rpc.pool_governor import GovernorStanding, Moved
from txpool.rpc.streams import Streams

LOG: Final = logging.getLogger(__name__)

SHARE: Final = 0.99
PRICE_MAX: Final = 2**64 - 1  # what the pool's order of prices tells apart


class Governing:
    """The governor, its measurements and its measures.

    Args:
        settings: when and what.
        pool: whose least tip the floor is made of.
        restrain: has the pool ask for a floor and refuse gaps.
        ingest: judges fewer in one go.
        streams: tell hashes only.
        durations: how long each submission took, from the bytes that were read to the answer.
        tell: told each move.
    """

    def __init__(
        self,
        settings: GovernorSettings,
        *,
        pool: Pool,
        restrain: Restrain,
        ingest: Ingest,
        streams: Streams,
        durations: Histogram,
        tell: Tell,
    ) -> None:
        self._settings = settings
        names = Rules.__struct_fields__
        self._governor = Governor(Rules(*(getattr(settings, name) for name in names)))
        intervals = max(1, round(settings.window_seconds / settings.sample_seconds))
        self._window = LatencyWindow(durations, intervals)
        self._judged = deque([ingest.judged], maxlen=intervals + 1)  # by the ingest so far, at the same moments
        self._pool = pool
        self._restrain = restrain
        self._ingest = ingest
        self._streams = streams
        self._tell = tell
        self._latency: float | None = None
        self._moves = {True: 0, False: 0}  # down, and up

    async def run(self) -> None:
        """Look again and again, until cancelled; nothing to do where it is off."""
        while self._settings.enabled:
            await asyncio.sleep(self._settings.sample_seconds)
            await self.look(time.monotonic())

    async def look(self, now: float) -> None:
        """Take the latency of the last while, and do what follows from it."""
        self._window.advance()
        self._judged.append(self._ingest.judged)
        self._latency = self._measure()
        if move := self._governor.observe(now, self._latency):
            await self._obey(move)

    def standing(self) -> GovernorStanding:
        """How far it has gone."""
        step = self._governor.step
        return GovernorStanding(self._settings.enabled, step, LAST, step.name.lower(), self._latency)

    def _measure(self) -> float | None:
        """The latency of the last while; None where too few came in it.

        What has not been answered shows in no histogram. So where more wait than were judged in that while, they wait
        for as long as it is; and where few were answered, for as long as it takes to judge them at the pace of late.
        """
        answered, waiting = self._window.count, self._ingest.waiting
        judged = self._judged[-1] - self._judged[0]
        enough, window_s = self._settings.answers_min, self._settings.window_seconds
        if waiting > judged and (not judged or answered + waiting >= enough):
            return window_s
        if answered >= enough:
            return self._window.quantile(SHARE)
        return window_s * waiting / judged if answered + waiting >= enough else None

    async def _obey(self, move: Move) -> None:
        """Do what belongs to the step, whichever the one before was."""
        settings, step = self._settings, move.after
        self._moves[move.is_down] += 1
        if step is Step.HASHES_ONLY and move.is_down:
            self._streams.tell_hashes_only()
        elif step is Step.FULL_SERVICE:
            self._streams.tell_everything()
        floor = (self._pool.restraint.price_floor or self._floor()) if step >= Step.HIGH_FLOOR else 0
        gapless = step >= Step.NO_GAPS
        self._ingest.ease(settings.batch_max if step >= Step.SMALL_BATCHES else None, floor)
        await self._restrain(lambda restraint: replace(restraint, price_floor=floor, gapless=gapless))
        self._report(move)

    def _floor(self) -> int:
        settings = self._settings
        return min(max(settings.tip_min, settings.tip_factor * self._pool.settings.price_limit), PRICE_MAX)

    def _report(self, move: Move) -> None:
        why = self._why(move)
        before, after = move.before.name.lower(), move.after.name.lower()
        facts = {"from": before, "to": after, "why": why}
        LOG.log(
            logging.WARNING if move.is_down else logging.INFO,
            "governor: step %d of %d",
            move.after,
            LAST,
            extra={"facts": facts},
        )
        self._tell(Moved(time.time_ns(), "governor", before, after, why))

    def _why(self, move: Move) -> str:
        settings = self._settings
        if move.latency is None:
            return f"too few submissions to measure for {self._governor.wait:g} s"
        took = f"submissions took {move.latency * 1000:.0f} ms (p99)"
        if move.is_down:
            return f"{took}, more than {settings.latency_seconds * 1000:g} ms, for {settings.hold_seconds:g} s"
        return f"{took}, no more than {settings.calm_seconds * 1000:g} ms, for {self._governor.wait:g} s"

    def families(self) -> list[Family]:
        """Show the step, the moves and the latency that decides."""
        return [
            gauge(
                "txpool_governor_step", "How far the service is reduced; 0 is not.", lambda: int(self._governor.step)
            ),
            counters(
                "txpool_governor_moves_total",
                "Steps of the governor: down to less service, up to more.",
                [{"direction": "down"}, {"direction": "up"}],
                lambda: (self._moves[True], self._moves[False]),
            ),
            gauge(
                "txpool_governor_latency_seconds",
                "99th percentile of how long submissions took, over the governor's window; 0 where it has none.",
                lambda: self._latency or 0.0,
            ),
        ]
