"""Makes blocks of the dev chain: as soon as something is pending, at intervals, or never by itself."""

import asyncio
from collections.abc import Callable
from typing import Final, Literal, TypeVar

from txpool.chain.dev import DevChain
from txpool.core.steps import Steps
from txpool.observe.tags import HEAD_UPDATE, Tags
from txpool.rpc.slices import Slices

T = TypeVar("T")

AUTO: Final = "auto"


class Miner:
    """Mines by a period: seconds between blocks, 0 for never, or `auto` when something is pending.

    With `auto` the block begins in the turn of the loop that made something pending, and a small one is there before
    any client can ask again: a receipt is there when the answer to `eth_sendRawTransaction` is. Clients that look once
    for the receipt and then wait for the *next* block (ethers) would otherwise wait for a block that nobody makes.
    """

    def __init__(
        self, chain: DevChain, slices: Slices, tags: Tags, period: float | Literal["auto"], pending: Callable[[], int]
    ) -> None:
        """`tags` are told of blocks that are built; `pending` tells how many transactions one could hold."""
        self._chain = chain
        self._slices = slices
        self._tags = tags
        self._period = period
        self._pending = pending
        self._due = False
        self._faults: asyncio.Queue[BaseException] = asyncio.Queue(1)

    def notice(self, events: range) -> None:
        """Hear that the pool has changed: something may be pending now."""
        if self._period == AUTO and events and not self._due and self._pending():
            self._due = True
            asyncio.get_running_loop().call_soon(self._mine_pending)

    async def run(self) -> None:
        """Mine at intervals until cancelled, or see to it that what is pending is mined; nothing to do otherwise.

        Raises:
            Exception: a block broke.
        """
        if self._period == AUTO:
            raise await self._faults.get()
        while self._period:
            await asyncio.sleep(self._period)
            await self._build(self._chain.mine_in_steps())

    def _mine_pending(self) -> None:
        self._build(self._pending_block()).add_done_callback(self._heed)

    def _build(self, block: Steps[T]) -> "asyncio.Future[T]":
        """Have a block built, as a source beside the head updates, which it sets off."""
        with self._tags.entered(HEAD_UPDATE, "block"):
            return self._slices.run(block, next_up=True)

    def _pending_block(self) -> Steps[None]:
        """Mine one block. If that leaves something pending, the change of the head calls for another."""
        self._due = False
        yield from self._chain.mine_if_filled_in_steps()

    def _heed(self, block: "asyncio.Future[None]") -> None:
        """Have what broke a block end the task. One that was given up because the daemon ends is none."""
        if not block.cancelled() and (fault := block.exception()) and self._faults.empty():
            self._faults.put_nowait(fault)
