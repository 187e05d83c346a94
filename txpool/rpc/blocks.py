"""Which block, and which state, an argument means."""

from txpool.core.block import Block
from txpool.rpc.arguments import BlockId
from txpool.rpc.chain_view import ChainView, StateView
from txpool.rpc.errors import NO_HEADER, RpcError, refused

LATEST = "latest"
PENDING = "pending"


def find_block(chain: ChainView, which: BlockId | None) -> Block | None:
    """The block; None where there is none.

    No block is built ahead, so `pending` shows the head; nothing is ever final here but what is, so `safe` and
    `finalized` do as well.
    """
    if isinstance(which, bytes):
        return chain.block_by_hash(which)
    if isinstance(which, int):
        return chain.block_by_number(which)
    if which == "earliest":
        return chain.block_by_number(0)
    return chain.block_by_hash(chain.head().hash)


def find_state(chain: ChainView, which: BlockId | None) -> StateView | RpcError:
    """The state after a block; the head's where none is named."""
    block = find_block(chain, which)
    if block is None:
        return refused("header for hash not found") if isinstance(which, bytes) else NO_HEADER
    state = chain.state(block.header.hash)
    return refused(f"state of block {block.header.number} is not kept any more") if state is None else state
