"""Where the slabs' memory lies, and how it goes back to the system: what the daemon does about its mmap store."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Literal

from mmap_pool import Scavenger, numa
from txpool.stores.mmap import MmapStore

LOG: Final = logging.getLogger(__name__)

# The scavenger works for one part in a hundred of the time, as Go's does.
REST_PER_WORK: Final = 99


def settle_on_node(store: MmapStore, wish: Literal["auto", "off"] | int) -> None:
    """Have the store's memory come from the node that the settings name; where that cannot be, say so once.

    `auto` is the node that this thread runs on, and nothing at all on a machine with one.
    """
    if wish == "off" or (wish == "auto" and len(numa.nodes()) == 1):
        return
    node = numa.current_node() if wish == "auto" else wish
    try:
        store.prefer_node(node)
    except OSError as error:
        LOG.warning("slabs are not bound to memory node %d: %s", node, error)
    else:
        LOG.info("slabs are bound to memory node %d", node)


async def scavenge(scavenger: Scavenger, every_s: float, clock: Callable[[], float] = time.thread_time) -> None:
    """Return free pages, round after round, in slices with rests between them. Never, if `every_s` is 0.

    The clock is of the thread's CPU time: so much of a core, however busy the machine is.
    """
    if not every_s:
        return
    try:
        while True:
            await asyncio.sleep(every_s)
            await _one_round(scavenger, clock)
    except OSError as error:
        LOG.warning("pages are not returned to the system any more: %s", error)


async def _one_round(scavenger: Scavenger, clock: Callable[[], float]) -> None:
    while True:
        started = clock()
        if scavenger.work(clock):
            return
        await asyncio.sleep((clock() - started) * REST_PER_WORK)


async def return_at_once(scavenger: Scavenger, clock: Callable[[], float] = time.thread_time) -> None:
    """Return all that is free, in a round of its own without rests, and keep none for what may come."""
    last = scavenger.rounds
    try:
        with scavenger.keeping_nothing():
            while scavenger.rounds == last:  # the chore may be who brings it to its end
                scavenger.work(clock)
                await asyncio.sleep(0)
    except OSError as error:
        LOG.warning("pages are not returned to the system: %s", error)
