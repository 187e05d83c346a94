"""The namespace `dev`: the levers of the embedded dev chain, and a look at whether the pool is sound."""

from typing import Final

from txpool.core.pool import Pool
from txpool.rpc.arguments import Parameters, small_count
from txpool.rpc.chain_view import DevView
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import quantity
from txpool.rpc.slices import Slices

BLOCKS_MAX: Final = 1024  # in one call


class DevNamespace:
    """Blocks and reorgs on demand; the pool's self-check."""

    def __init__(self, chain: DevView, pool: Pool, slices: Slices, *, is_private: bool = False) -> None:
        """Move `chain` by way of `slices`. `is_private`: for the operator alone, on the Unix socket."""
        self.is_private = is_private
        self._chain = chain
        self._pool = pool
        self._slices = slices

    def methods(self) -> Methods:
        """By name."""
        return {
            "dev_mine": Method(self._mine, Parameters(small_count, required=0), waits=True),
            "dev_reorg": Method(self._reorg, Parameters(small_count), waits=True),
            "dev_check": Method(self._check, Parameters()),
        }

    async def _mine(self, count: int | None) -> str | RpcError:
        """Answered when all blocks are mined and the pool has followed; others are served between two blocks."""
        wanted = 1 if count is None else count
        if not 1 <= wanted <= BLOCKS_MAX:
            return refused(f"cannot mine {wanted} blocks at once: from 1 to {BLOCKS_MAX}")
        number = 0
        for _ in range(wanted):
            number = await self._slices.run(self._chain.mine_in_steps())
        return quantity(number)

    async def _reorg(self, depth: int) -> str | RpcError:
        try:
            return quantity(await self._slices.run(self._chain.reorg_in_steps(depth)))
        except ValueError as why:
            return refused(why)

    def _check(self) -> dict[str, str] | RpcError:
        """Walk every invariant of pool and store: as long as that takes, nobody else is served."""
        try:
            self._pool.check()
        except AssertionError as broken:
            return refused(f"the pool contradicts itself: {broken}")
        counts = self._pool.counts()
        return {
            "transactions": quantity(counts.pending + counts.queued),
            "slotsUsed": quantity(self._pool.store.stats().slots_used),
        }
