"""Makes blocks when the mining policy says so."""

import asyncio
from collections.abc import Callable

from txpool.chain.dev import DevChain
from txpool.chain.mining import AUTO, MiningPolicy


class Miner:
    """Mines at intervals, or as soon as something is pending; with a period of 0 it does nothing."""

    def __init__(self, chain: DevChain, policy: MiningPolicy, pending: Callable[[], int]) -> None:
        """`pending` tells how many transactions a block could hold."""
        self._chain = chain
        self._policy = policy
        self._pending = pending
        self._woken = asyncio.Event()
        self._pending_since: float | None = None

    def notice(self, events: range) -> None:
        """Hear that the pool has changed: something may be pending now."""
        if events and self._pending_since is None and self._policy.period == AUTO and self._pending():
            self._pending_since = asyncio.get_running_loop().time()
            self._woken.set()

    async def run(self) -> None:
        """Mine until cancelled."""
        loop = asyncio.get_running_loop()
        last_block = loop.time()
        while True:
            wait_s = self._policy.wait_s(now=loop.time(), last_block=last_block, pending_since=self._pending_since)
            if wait_s is None:
                await self._woken.wait()
                self._woken.clear()
            elif wait_s:
                await asyncio.sleep(wait_s)
            else:
                self._mine()
                last_block = loop.time()
                await asyncio.sleep(0)

    def _mine(self) -> None:
        """Mine one block. If that leaves something pending, the change of the head has woken us again."""
        self._pending_since = None
        if self._policy.period == AUTO:
            self._chain.mine_if_filled()
        else:
            self._chain.mine()
