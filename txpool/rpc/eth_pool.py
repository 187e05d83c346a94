"""The methods of `eth_` that look into the pool."""

from txpool.core.pool import Pool, Pooled
from txpool.core.tx import Tx, decode
from txpool.rpc.arguments import BlockId, Parameters, address, block, hash32
from txpool.rpc.blocks import PENDING, find_state
from txpool.rpc.chain_view import ChainView
from txpool.rpc.errors import RpcError
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, data, mined_transaction, pooled_transaction, quantity


class EthPool:
    """Transactions by hash, and the nonce to use next."""

    def __init__(self, pool: Pool, chain: ChainView) -> None:
        self._pool = pool
        self._chain = chain

    def methods(self) -> Methods:
        """By name."""
        return {
            "eth_getRawTransactionByHash": Method(self._raw_by_hash, Parameters(hash32)),
            "eth_getTransactionByHash": Method(self._by_hash, Parameters(hash32)),
            "eth_getTransactionCount": Method(self._count, Parameters(address, block, required=1)),
            "eth_pendingTransactions": Method(self._pending_of_own_accounts),
        }

    def _by_hash(self, tx_hash: bytes) -> Json | None:
        if mined := self._chain.mined(tx_hash):
            return mined_transaction(mined)
        pooled = self._pool.pooled(tx_hash)
        return show_pooled(pooled) if pooled else None

    def _raw_by_hash(self, tx_hash: bytes) -> str:
        if mined := self._chain.mined(tx_hash):
            return data(mined.tx.raw)
        pooled = self._pool.pooled(tx_hash)
        return data(pooled.payload) if pooled else "0x"

    def _count(self, owner: bytes, which: BlockId | None) -> str | RpcError:
        if which == PENDING and (nonce := self._pool.next_nonce(owner)) is not None:
            return quantity(nonce)
        state = find_state(self._chain, which)
        return state if isinstance(state, RpcError) else quantity(state.account(owner).nonce)

    def _pending_of_own_accounts(self) -> list[Json]:
        """What geth shows here is limited to accounts that it holds keys of; we hold none."""
        return []


def read_pooled(pooled: Pooled) -> Tx:
    """Decode a pooled transaction."""
    tx = decode(pooled.payload)
    assert isinstance(tx, Tx), "the pool holds what once was decoded"
    return tx


def show_pooled(pooled: Pooled) -> Json:
    """A pooled transaction as JSON."""
    return pooled_transaction(read_pooled(pooled), pooled.sender)
