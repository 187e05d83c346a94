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
        held: how much memory the process holds; None while that is not known, which changes nothing.
    """

    def __init__(
        self,
        settings: MemorySettings,
        pool: Pool,
        restrain: Restrain,
        relief: Relief,
        tell: Tell,
        held: Callable[[], int | None],
    ) -> None:
        self._settings = settings
        self._limit = MemoryLimit(settings.soft_bytes, settings.hard_bytes)
        self._pool = pool
        self._restrain = restrain
        self._relief = relief
        self._tell = tell
        self._read = held
        self._held = 0
        self._blind = False
        self._in_force = Pressure.NONE
        self._room = (0, 0)  # slots and bytes of blob data, as they were when memory became short
        self._relieved: float | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled; nothing to do where there is no limit."""
        while self._limit.is_set:
            await asyncio.sleep(self._settings.sample_seconds)
            await self.look(time.monotonic())

    async def look(self, now: float) -> None:
        """Take how much is held, and do what follows from it."""
        await self._heed()
        if self._limit.pressure and (self._relieved is None or now - self._relieved >= self._settings.relief_seconds):
            self._relieved = now
            await self._relieve()

    async def _heed(self) -> None:
        self._observe()
        if self._limit.pressure is not self._in_force:
            await self._obey()

    async def _relieve(self) -> None:
        """Give memory back. That takes seconds where there is much, so memory is looked at meanwhile."""
        relieving = asyncio.ensure_future(self._relief.relieve())
        try:
            while not relieving.done():
                await asyncio.wait((relieving,), timeout=self._settings.sample_seconds)
                await self._heed()
        finally:
            relieving.cancel()
        await relieving

    def _observe(self) -> None:
        """Take how much is held; what is not known changes nothing."""
        held = self._read()
        if held is None:
            if not self._blind:
                LOG.warning("memory: how much is held cannot be read, so limits stay as they are")
        else:
            self._held = held
            self._limit.observe(held)
        self._blind = held is None

    def standing(self) -> MemoryStanding:
        """How short of memory the process is."""
        limit = self._limit
        return MemoryStanding(limit.pressure.name.lower(), self._held, limit.soft_bytes, limit.hard_bytes)

    async def _obey(self) -> None:
        """Have the pool obey; at once above the hard limit, for a pool that takes nothing new need not be ranked."""
        if not self._in_force:
            self._room = self._room_now()
        await self._rank_all()
        before, after = self._in_force, self._limit.pressure
        if after is before:
            return
        self._in_force = after
        await self._restrain(self._changed)
        self._report(before, after)

    async def _rank_all(self) -> None:
        """Rank prices in slices before the pool is full, or opens again and is: else the first newcomer waits for all.

        That takes seconds where there are a million, so memory is looked at meanwhile.
        """
        while self._limit.pressure is Pressure.SOFT and not self._pool.rank_some():
            await asyncio.sleep(0)
            self._observe()

    def _changed(self, restraint: Restraint) -> Restraint:
        """Keep the room as it was when memory became short; nothing new at all while it is very short."""
        match self._in_force:
            case Pressure.NONE:
                return msgspec.structs.replace(restraint, slots_max=None, blob_bytes_max=None, closed=False)
            case Pressure.HARD:
                return msgspec.structs.replace(restraint, closed=True)
        slots, blob_bytes = map(max, self._room, self._room_now())
        return msgspec.structs.replace(restraint, slots_max=slots, blob_bytes_max=blob_bytes, closed=False)

    def _room_now(self) -> tuple[int, int]:
        """What the pool takes, or a part of its limits where that is more."""
        counts, settings = self._pool.counts(), self._pool.settings
        slots = max(counts.slots, (settings.global_slots + settings.global_queue) // LEFT_SHARE)
        return slots, max(counts.blob_stored, settings.blob_data_cap // LEFT_SHARE)

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
