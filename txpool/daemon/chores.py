"""What is due again and again: the lifetime of queued transactions, the watchdog of the service manager."""

import asyncio
import logging
from typing import Final

from txpool.daemon.node import Node
from txpool.rpc.slices import Slices
from txpool.systemd import Notifier

LOG: Final = logging.getLogger(__name__)

EXPIRY_S: Final = 60.0  # as often as geth looks


async def expire_queued(node: Node, slices: Slices, every_s: float = EXPIRY_S) -> None:
    """Drop what has waited too long, again and again, never while the head is moving."""
    while True:
        await asyncio.sleep(every_s)
        await slices.run(node.expire())


async def feed_watchdog(node: Node, notifier: Notifier) -> None:
    """Tell the service manager that all is well, as long as it is.

    This runs in the loop, so a loop that hangs says nothing either.
    """
    if notifier.watchdog_seconds is None:
        return
    while node.is_sound():
        notifier.alive()
        await asyncio.sleep(notifier.watchdog_seconds / 2)
    LOG.critical("the pool has lost count: the watchdog gets no more signs of life")
    notifier.status("unhealthy: pool and store disagree")
