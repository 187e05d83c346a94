"""All methods that are served, by name."""

from collections.abc import Iterable
from typing import Protocol

from txpool.core.pool import Pool
from txpool.rpc.chain_view import ChainView
from txpool.rpc.eth_chain import EthChain
from txpool.rpc.eth_fees import EthFees
from txpool.rpc.eth_fill import EthFill
from txpool.rpc.eth_pool import EthPool
from txpool.rpc.method import Methods
from txpool.rpc.net import net_methods, rpc_methods, web3_methods
from txpool.rpc.service import SEND
from txpool.rpc.txpool import TxpoolNamespace


class Live(Protocol):
    """What offers methods that hang on what happens, as filters do."""

    def methods(self) -> Methods:
        """By name."""


def build_methods(pool: Pool, chain: ChainView, version: str, live: Iterable[Live] = ()) -> Methods:
    """Gather the namespaces."""
    calls = EthChain(chain)
    methods = {
        **EthPool(pool, chain).methods(),
        **calls.methods(),
        **EthFill(pool, chain, calls).methods(),
        **EthFees(chain).methods(),
        **TxpoolNamespace(pool).methods(),
        **net_methods(chain.chain_id),
        **web3_methods(version),
    }
    for each in live:
        methods |= each.methods()
    return {**methods, **rpc_methods({*methods, SEND})}
