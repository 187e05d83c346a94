"""What is due again and again: the lifetime of queued transactions, the watchdog of the service manager."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from txpool.daemon.node import Node
from txpool.rpc.slices import Slices
from txpool.systemd import Notifier

LOG: Final = logging.getLogger(__name__)

EXPIRY_S: Final = 60.0  # as often as geth looks

Chore = Callable[[], Awaitable[None]]


class Chores:
    """What is done beside the service. One that breaks has the service stop in order, as a signal would.

    Args:
        told: set when the service is to stop.

    Attributes:
        broken: what ended some of them.
    """

    def __init__(self, told: asyncio.Event) -> None:
        self.broken: list[Exception] = []
        self._told = told

    async def see_to(self, chore: Chore) -> None:
        """Do it until it ends or breaks."""
        try:
            await chore()
        except Exception as error:
            LOG.exception("stopping, since what is done beside the service broke")
            self.broken.append(error)
            self._told.set()


async def expire_queued(node: Node, slices: Slices, every_s: float = EXPIRY_S) -> None:
    """Drop what has waited too long, again and again, never while the head is moving."""
    while True:
        await asyncio.sleep(every_s)
        await slices.run(node.expire(), next_up=True)


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
