"""Blocks as plain data: what a chain keeps, and what the RPC server renders.

A block keeps its transactions as bytes and decodes them on reading, so that a long history costs little memory and
gives the collector nothing to walk.
"""

import msgspec

from txpool.core.tx import Tx, decode


class Header(msgspec.Struct, frozen=True, gc=False):
    """A block header; `hash` is the keccak of the others' RLP, in this order. What a fork has not brought is None.

    Wei, gas and seconds since the epoch; roots, hashes and `mix_hash` (the prevRandao) have 32 bytes, `nonce` has 8,
    `logs_bloom` 256.
    """

    hash: bytes
    parent_hash: bytes
    uncles_hash: bytes
    miner: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    time: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    base_fee: int | None  # London
    withdrawals_root: bytes | None  # Shanghai
    blob_gas_used: int | None  # Cancun
    excess_blob_gas: int | None  # Cancun
    parent_beacon_root: bytes | None  # Cancun
    requests_hash: bytes | None  # Prague


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What a mined transaction did. No logs: there is no EVM to write any."""

    status: int  # 1: done, 0: failed
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price: int
    contract_address: bytes | None = None  # of a creation, also of a failed one, as in geth
    blob_gas_used: int = 0
    blob_gas_price: int | None = None  # None where the type has no blobs


class MinedTx(msgspec.Struct, frozen=True, gc=False):
    """A transaction in its block, with all that its object and its receipt in RPC show."""

    tx: Tx
    sender: bytes
    block_hash: bytes
    block_number: int
    block_time: int
    index: int
    receipt: Receipt


class Block(msgspec.Struct, frozen=True, gc=False):
    """A header and what belongs to it; the four tuples run side by side, in block order.

    Attributes:
        header: the header.
        size: bytes of the block's RLP.
        hashes: transaction hashes.
        payloads: transactions in canonical binary form (a blob transaction without its sidecar).
        senders: who signed each.
        receipts: what each did.
    """

    header: Header
    size: int
    hashes: tuple[bytes, ...] = ()
    payloads: tuple[bytes, ...] = ()
    senders: tuple[bytes, ...] = ()
    receipts: tuple[Receipt, ...] = ()

    def mined(self, index: int) -> MinedTx:
        """The transaction at `index`, decoded now."""
        tx = decode(self.payloads[index])
        assert isinstance(tx, Tx), "a block holds what once was decoded"
        header = self.header
        return MinedTx(tx, self.senders[index], header.hash, header.number, header.time, index, self.receipts[index])

    def transactions(self) -> list[MinedTx]:
        """All of them, in block order, decoded now."""
        return [self.mined(index) for index in range(len(self.payloads))]
