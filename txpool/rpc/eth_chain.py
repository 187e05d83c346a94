"""The methods of `eth_` that show the chain: blocks, receipts, accounts."""

from typing import Any

from txpool.core.block import Block
from txpool.core.gas import floor_gas, intrinsic_gas
from txpool.core.head import Account
from txpool.rpc.arguments import (
    BlockId,
    Parameters,
    address,
    block,
    block_number,
    boolean,
    hash32,
    members,
    slot,
)
from txpool.rpc.blocks import find_block, find_state
from txpool.rpc.call_arguments import CallArguments, read_call
from txpool.rpc.chain_view import ChainView, StateView
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import (
    Json,
    block_with_hashes,
    block_with_transactions,
    data,
    quantity,
    receipt,
)

_NOBODY = bytes(20)


class EthChain:
    """Blocks, receipts and accounts; calls as far as they go without an EVM."""

    def __init__(self, chain: ChainView) -> None:
        self._chain = chain

    def methods(self) -> Methods:
        """By name."""
        of_account = Parameters(address, block, required=1)
        of_call = Parameters(members, block, members, members, required=1)
        return {
            "eth_accounts": Method(list),
            "eth_blockNumber": Method(lambda: quantity(self._chain.head().number)),
            "eth_call": Method(self._call, of_call),
            "eth_chainId": Method(lambda: quantity(self._chain.chain_id)),
            "eth_estimateGas": Method(self.estimate, of_call),
            "eth_getBalance": Method(self._balance, of_account),
            "eth_getBlockByHash": Method(self._block, Parameters(hash32, boolean)),
            "eth_getBlockByNumber": Method(self._block, Parameters(block_number, boolean)),
            "eth_getBlockReceipts": Method(self._receipts, Parameters(block)),
            "eth_getBlockTransactionCountByHash": Method(self._size, Parameters(hash32)),
            "eth_getBlockTransactionCountByNumber": Method(self._size, Parameters(block_number)),
            "eth_getCode": Method(self._code, of_account),
            "eth_getLogs": Method(lambda _filter: [], Parameters(members)),
            "eth_getStorageAt": Method(self._storage, Parameters(address, slot, block, required=2)),
            "eth_getTransactionReceipt": Method(self._receipt, Parameters(hash32)),
            "eth_syncing": Method(lambda: False),
        }

    # --- blocks

    def _block(self, which: BlockId, full: bool) -> Json | None:  # noqa: FBT001 - the method's own argument
        found = find_block(self._chain, which)
        if found is None:
            return None
        return block_with_transactions(found) if full else block_with_hashes(found)

    def _size(self, which: BlockId) -> str | None:
        found = find_block(self._chain, which)
        return None if found is None else quantity(len(found.hashes))

    def _receipts(self, which: BlockId) -> list[Json] | None:
        found = find_block(self._chain, which)
        return None if found is None else [self._show_receipt(found, index) for index in range(len(found.hashes))]

    def _receipt(self, tx_hash: bytes) -> Json | None:
        mined = self._chain.mined(tx_hash)
        found = mined and self._chain.block_by_hash(mined.block_hash)
        return self._show_receipt(found, mined.index) if mined and found else None

    @staticmethod
    def _show_receipt(found: Block, index: int) -> Json:
        return receipt(found.mined(index), found.header.logs_bloom)

    # --- accounts

    def _balance(self, owner: bytes, which: BlockId | None) -> str | RpcError:
        state = find_state(self._chain, which)
        return state if isinstance(state, RpcError) else quantity(state.account(owner).balance)

    def _code(self, owner: bytes, which: BlockId | None) -> str | RpcError:
        state = find_state(self._chain, which)
        return state if isinstance(state, RpcError) else data(state.code(owner))

    def _storage(self, owner: bytes, key: bytes, which: BlockId | None) -> str | RpcError:
        state = find_state(self._chain, which)
        return state if isinstance(state, RpcError) else data(state.storage(owner, key))

    # --- calls

    def _call(self, call: dict[str, Any], which: BlockId | None, *_overrides: object) -> str | RpcError:
        read = self._read(call, which)
        if isinstance(read, RpcError):
            return read
        state, arguments = read
        if arguments.tx.to is None or state.code(arguments.tx.to):
            return refused("code is not executed here: there is no EVM behind this pool")
        return "0x"

    def estimate(self, call: dict[str, Any], which: BlockId | None, *_overrides: object) -> str | RpcError:
        """The gas that a call needs."""
        read = self._read(call, which)
        if isinstance(read, RpcError):
            return read
        state, arguments = read
        tx, sender = arguments.tx, arguments.sender or _NOBODY
        owner = state.account(arguments.sender) if arguments.sender else Account()
        if tx.value > owner.balance:
            return refused("insufficient funds for transfer")
        fork = self._chain.head().fork
        return quantity(max(intrinsic_gas(tx, sender, fork), floor_gas(tx, sender, fork)))

    def _read(self, call: dict[str, Any], which: BlockId | None) -> tuple[StateView, CallArguments] | RpcError:
        arguments = read_call(call)
        if isinstance(arguments, RpcError):
            return arguments
        state = find_state(self._chain, which)
        return state if isinstance(state, RpcError) else (state, arguments)
