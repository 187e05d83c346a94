"""All methods that are served, by name."""

from txpool.core.pool import Pool
from txpool.rpc.chain_view import ChainView, DevView
from txpool.rpc.dev import DevNamespace
from txpool.rpc.eth_chain import EthChain
from txpool.rpc.eth_fees import EthFees
from txpool.rpc.eth_pool import EthPool
from txpool.rpc.method import Methods
from txpool.rpc.net import net_methods, rpc_methods, web3_methods
from txpool.rpc.service import SEND
from txpool.rpc.txpool import TxpoolNamespace


def build_methods(pool: Pool, chain: ChainView, version: str, dev: DevView | None = None) -> Methods:
    """Gather the namespaces; those of the dev chain only where there is one."""
    methods = {
        **EthPool(pool, chain).methods(),
        **EthChain(chain).methods(),
        **EthFees(chain).methods(),
        **TxpoolNamespace(pool).methods(),
        **net_methods(chain.chain_id),
        **web3_methods(version),
    }
    if dev is not None:
        methods |= DevNamespace(dev, pool).methods()
    return {**methods, **rpc_methods({*methods, SEND})}
