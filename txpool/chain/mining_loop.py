"""The task that mines when the policy says so."""

import asyncio
from collections.abc import Callable
from typing import Final

from txpool.chain.dev import DevChain
from txpool.chain.mining import AUTO, MiningPolicy


class MiningLoop:
    """Drives a dev chain by a mining policy. It sleeps until a block is due or `wake` is called.

    With `auto`, transactions that no block takes now (a fee cap under the base fee) are left alone until `wake` is
    called again: no empty blocks are mined for them.
    """

    def __init__(self, chain: DevChain, policy: MiningPolicy, clock: Callable[[], float]) -> None:
        """Start nothing yet; `clock` is in seconds, the one that asyncio's timeouts follow."""
        self._chain: Final = chain
        self._policy: Final = policy
        self._clock: Final = clock
        self._woken: Final = asyncio.Event()

    def wake(self) -> None:
        """Say that something has become pending."""
        self._woken.set()

    async def run(self) -> None:
        """Mine until cancelled. A cancellation falls between blocks."""
        last_block = self._clock()
        pending_since: float | None = self._clock()
        while True:
            wait = self._policy.wait_s(now=self._clock(), last_block=last_block, pending_since=pending_since)
            if wait is None:
                await self._woken.wait()
                self._woken.clear()
                pending_since = self._clock()
            elif wait > 0:
                await asyncio.sleep(wait)
            else:
                self._woken.clear()
                pending_since = self._mine()
                last_block = self._clock()
                await asyncio.sleep(0)

    def _mine(self) -> float | None:
        """Mine a block; since when more may be pending."""
        if self._policy.period == AUTO:
            return self._clock() if self._chain.mine_if_filled() else None
        self._chain.mine()
        return None
