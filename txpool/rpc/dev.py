"""The namespace `dev`: the levers of the embedded dev chain, and a look at whether the pool is sound."""

from typing import Final

from txpool.core.pool import Pool
from txpool.rpc.arguments import Parameters, small_count
from txpool.rpc.chain_view import DevView
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import quantity

BLOCKS_MAX: Final = 1024  # in one call: it holds up everybody else


class DevNamespace:
    """Blocks and reorgs on demand; the pool's self-check."""

    def __init__(self, chain: DevView, pool: Pool) -> None:
        self._chain = chain
        self._pool = pool

    def methods(self) -> Methods:
        """By name."""
        return {
            "dev_mine": Method(self._mine, Parameters(small_count, required=0)),
            "dev_reorg": Method(self._reorg, Parameters(small_count)),
            "dev_check": Method(self._check, Parameters()),
        }

    def _mine(self, count: int | None) -> str | RpcError:
        wanted = 1 if count is None else count
        if not 1 <= wanted <= BLOCKS_MAX:
            return refused(f"cannot mine {wanted} blocks at once: from 1 to {BLOCKS_MAX}")
        return quantity(self._chain.mine(wanted))

    def _reorg(self, depth: int) -> str | RpcError:
        try:
            return quantity(self._chain.reorg(depth))
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
