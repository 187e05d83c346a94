"""Who looks at how the daemon fares, and has it do less where it must: the governor and the guard of memory."""

import time
from collections.abc import Callable
from functools import partial

from txpool.config import Settings
from txpool.core.restraint import Restraint
from txpool.core.steps import Steps
from txpool.core.store import Store
from txpool.daemon.governing import Governing
from txpool.daemon.listeners import LiveParts
from txpool.daemon.memory_guard import MemoryGuard
from txpool.daemon.node import Node
from txpool.daemon.relief import Relief
from txpool.daemon.slab_memory import return_at_once
from txpool.ingest.ingest import Ingest
from txpool.observe.histogram import Histogram
from txpool.observe.page import Family
from txpool.observe.resident import Resident
from txpool.rpc.pool_governor import GovernorStanding, MemoryStanding
from txpool.rpc.slices import Slices
from txpool.stores.mmap import MmapStore


class Stewards:
    """Both of them.

    Args:
        settings: their sections.
        node: whose pool obeys.
        slices: keeps what changes the pool from coming in while the head is moving.
        ingest: which obeys.
        live: the streams, which obey, and those who are told.
        durations: how long submissions took.
    """

    def __init__(
        self, settings: Settings, node: Node, slices: Slices, ingest: Ingest, live: LiveParts, durations: Histogram
    ) -> None:
        tell = live.governor.tell
        self._slices = slices
        self._pool = node.pool
        self.governing = Governing(
            settings.governor,
            pool=node.pool,
            restrain=self._restrain,
            ingest=ingest,
            streams=live.streams,
            durations=durations,
            tell=tell,
        )
        held = partial(held_bytes, Resident(), node.store)
        self.memory_guard = MemoryGuard(settings.memory, node.pool, self._restrain, _relief(node), tell, held)
        live.governor.stewards = self

    async def _restrain(self, change: Callable[[Restraint], Restraint]) -> None:
        """Have the pool obey, unless that changes nothing; however many questions and blocks wait for their turn."""
        await self._slices.run(self._obey(change), next_up=True)

    def _obey(self, change: Callable[[Restraint], Restraint]) -> Steps[None]:
        before = self._pool.restraint
        after = change(before)
        if after != before:
            self._pool.restrain(after, now=time.time_ns())
        yield

    def governor(self) -> GovernorStanding:
        """How far the governor has gone."""
        return self.governing.standing()

    def memory(self) -> MemoryStanding:
        """How short of memory the process is."""
        return self.memory_guard.standing()

    def families(self) -> list[Family]:
        """What both show."""
        return [*self.governing.families(), *self.memory_guard.families()]


def held_bytes(resident: Resident, store: Store) -> int | None:
    """What counts against the limits on memory: heap and slabs; None where it is not known.

    What is free on pages that never go back is room for newcomers, so it does not count: else a limit that was reached
    once would never be left.
    """
    held = resident.held()
    if held is None or not isinstance(store, MmapStore):
        return held
    return max(held - store.idle_reserve_bytes, 0)


def _relief(node: Node) -> Relief:
    """What gives memory back: the heap, and slabs where there are any."""
    store = node.store
    return Relief(partial(return_at_once, store.scavenger)) if isinstance(store, MmapStore) else Relief()
