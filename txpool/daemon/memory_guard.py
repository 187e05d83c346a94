"""Looks at how much memory the process holds, and keeps it under the limits of the settings."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec

from txpool.config.sections import MemorySettings
from txpool.core.pool import Pool
from txpool.core.restraint import Restraint
from txpool.daemon.obedience import Restrain, Tell
from txpool.daemon.relief import Relief
from txpool.observe.page import Family, gauge
from txpool.observe.resident import held_bytes
from txpool.rollout.memory_limit import MemoryLimit, Pressure
from txpool.rpc.pool_governor import MemoryStanding, Moved

LOG: Final = logging.getLogger(__name__)

MIB: Final = 1 << 20
LEFT_SHARE: Final = 16  # the room of a pool is never made smaller than this part of its limits


class MemoryGuard:
    """The limits on memory, the look at it, and what is done.

    Args:
        settings: the limits, and how often to look.
        pool: whose room is kept.
        restrain: has the pool grow no further, or take nothing new.
        relief: what gives memory back.
        tell: told each change.
        held: how much memory the process holds.
    """

    def __init__(
        self,
        settings: MemorySettings,
        pool: Pool,
        restrain: Restrain,
        relief: Relief,
        tell: Tell,
        held: Callable[[], int] = held_bytes,
    ) -> None:
        self._settings = settings
        self._limit = MemoryLimit(settings.soft_bytes, settings.hard_bytes)
        self._pool = pool
        self._restrain = restrain
        self._relief = relief
        self._tell = tell
        self._read = held
        self._held = 0
        self._relieved: float | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled; nothing to do where there is no limit."""
        while self._limit.is_set:
            await asyncio.sleep(self._settings.sample_seconds)
            await self.look(time.monotonic())

    async def look(self, now: float) -> None:
        """Take how much is held, and do what follows from it."""
        before = self._limit.pressure
        self._held = self._read()
        after = self._limit.observe(self._held)
        if after is not before:
            await self._obey(before, after)
        if after and (self._relieved is None or now - self._relieved >= self._settings.relief_seconds):
            self._relieved = now
            await self._relief.relieve()

    def standing(self) -> MemoryStanding:
        """How short of memory the process is."""
        limit = self._limit
        return MemoryStanding(limit.pressure.name.lower(), self._held, limit.soft_bytes, limit.hard_bytes)

    async def _obey(self, before: Pressure, after: Pressure) -> None:
        if not before:
            await self._rank_all()
        await self._restrain(lambda restraint: self._changed(restraint, before, after))
        self._report(before, after)

    async def _rank_all(self) -> None:
        """Rank prices in slices: else the first newcomer to a pool that has just become full would wait for all."""
        is_ranked = False
        while not is_ranked:
            is_ranked = self._pool.rank_some()
            await asyncio.sleep(0)

    def _changed(self, restraint: Restraint, before: Pressure, after: Pressure) -> Restraint:
        """Keep the room as it was when memory became short; nothing new at all while it is very short."""
        if not after:
            return msgspec.structs.replace(restraint, slots_max=None, blob_bytes_max=None, closed=False)
        restraint = msgspec.structs.replace(restraint, closed=after is Pressure.HARD)
        if before:
            return restraint
        counts, settings = self._pool.counts(), self._pool.settings
        slots = max(counts.slots, (settings.global_slots + settings.global_queue) // LEFT_SHARE)
        blob_bytes = max(counts.blob_stored, settings.blob_data_cap // LEFT_SHARE)
        return msgspec.structs.replace(restraint, slots_max=slots, blob_bytes_max=blob_bytes)

    def _report(self, before: Pressure, after: Pressure) -> None:
        settings = self._settings
        limits = f"limits {settings.soft_bytes // MIB} and {settings.hard_bytes // MIB} MiB"
        why = f"{self._held // MIB} MiB are held, {limits}"
        level = logging.WARNING if after > before else logging.INFO
        LOG.log(level, "memory: %s", _WORDS[after], extra={"facts": {"why": why}})
        self._tell(Moved(time.time_ns(), "memory", before.name.lower(), after.name.lower(), why))

    def families(self) -> list[Family]:
        """Show which limit is reached."""
        return [
            gauge(
                "txpool_memory_pressure",
                "Which limit on memory is reached: 0 none, 1 the soft one, 2 the hard one.",
                lambda: int(self._limit.pressure),
            )
        ]


_WORDS: Final = {
    Pressure.NONE: "enough again",
    Pressure.SOFT: "above the soft limit, the pool grows no further",
    Pressure.HARD: "above the hard limit, nothing new is taken",
}
