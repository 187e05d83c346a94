"""The header of a block to come, as far as its parent decides it; and what it says to the transactions in it."""

from typing import Final

from txpool.chain.execution import Context
from txpool.chain.genesis import Genesis
from txpool.chain.seal import NO_LOGS_BLOOM, NO_REQUESTS_HASH, NO_UNCLES_HASH, ZERO_HASH
from txpool.chain.trie import EMPTY_ROOT
from txpool.core.block import Header
from txpool.core.fees import blob_base_fee, next_base_fee, next_excess_blob_gas
from txpool.core.keccak import keccak
from txpool.core.rules import Fork, ForkSchedule

# No state trie is kept, so every header says so in the same way.
STATE_ROOT_UNKNOWN: Final = ZERO_HASH
EXTRA_DATA: Final = b"txpool dev chain"


def genesis_header(genesis: Genesis) -> Header:
    """Block 0, unsealed. Its hash differs from geth's, for want of a state root."""
    fork = genesis.schedule.at(0, genesis.time)
    has_blobs = fork >= Fork.CANCUN
    return Header(
        hash=b"",
        parent_hash=genesis.parent_hash,
        uncles_hash=NO_UNCLES_HASH,
        miner=genesis.miner,
        state_root=STATE_ROOT_UNKNOWN,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=NO_LOGS_BLOOM,
        difficulty=genesis.difficulty,
        number=0,
        gas_limit=genesis.gas_limit,
        gas_used=0,
        time=genesis.time,
        extra_data=genesis.extra_data,
        mix_hash=genesis.mix_hash,
        nonce=genesis.nonce,
        base_fee=genesis.base_fee,
        withdrawals_root=EMPTY_ROOT if fork >= Fork.SHANGHAI else None,
        blob_gas_used=genesis.blob_gas_used if has_blobs else None,
        excess_blob_gas=genesis.excess_blob_gas if has_blobs else None,
        parent_beacon_root=ZERO_HASH if has_blobs else None,
        requests_hash=NO_REQUESTS_HASH if fork >= Fork.PRAGUE else None,
    )


def child_header(parent: Header, schedule: ForkSchedule, time: int, fee_recipient: bytes, branch: int) -> Header:
    """An empty block on the parent, unsealed. The gas limit stays as it is.

    Args:
        parent: the block below.
        schedule: the chain's forks.
        time: of the new block, seconds since the epoch.
        fee_recipient: who gets the tips.
        branch: a number that tells blocks on one parent apart; it decides the prevRandao.
    """
    fork = schedule.at(parent.number + 1, time)
    has_blobs = fork >= Fork.CANCUN
    return Header(
        hash=b"",
        parent_hash=parent.hash,
        uncles_hash=NO_UNCLES_HASH,
        miner=fee_recipient,
        state_root=STATE_ROOT_UNKNOWN,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=NO_LOGS_BLOOM,
        difficulty=0,
        number=parent.number + 1,
        gas_limit=parent.gas_limit,
        gas_used=0,
        time=time,
        extra_data=EXTRA_DATA,
        mix_hash=keccak(b"prevrandao" + parent.hash + branch.to_bytes(8, "big")),
        nonce=bytes(8),
        base_fee=next_base_fee(parent.gas_limit, parent.gas_used, parent.base_fee) if fork >= Fork.LONDON else None,
        withdrawals_root=EMPTY_ROOT if fork >= Fork.SHANGHAI else None,
        blob_gas_used=0 if has_blobs else None,
        excess_blob_gas=_excess_blob_gas(parent, schedule, fork) if has_blobs else None,
        parent_beacon_root=ZERO_HASH if has_blobs else None,
        requests_hash=NO_REQUESTS_HASH if fork >= Fork.PRAGUE else None,
    )


def context_of(header: Header, schedule: ForkSchedule) -> Context:
    """What the block's transactions are run with."""
    return Context(
        chain_id=schedule.chain_id,
        fork=schedule.at(header.number, header.time),
        base_fee=header.base_fee or 0,
        blob_base_fee=blob_base_fee_of(header, schedule),
        fee_recipient=header.miner,
    )


def blob_base_fee_of(header: Header, schedule: ForkSchedule) -> int:
    """The price of blob gas in the block, wei; 0 before blobs."""
    numbers = schedule.blob_schedule(schedule.at(header.number, header.time))
    if header.excess_blob_gas is None or numbers is None:
        return 0
    return blob_base_fee(header.excess_blob_gas, numbers.fraction)


def blobs_max(header: Header, schedule: ForkSchedule) -> int:
    """How many blobs the block may hold."""
    numbers = schedule.blob_schedule(schedule.at(header.number, header.time))
    return numbers.max if numbers else 0


def _excess_blob_gas(parent: Header, schedule: ForkSchedule, fork: Fork) -> int:
    numbers = schedule.blob_schedule(fork)
    assert numbers is not None, "from Cancun on a schedule has blobs"
    excess, used = parent.excess_blob_gas or 0, parent.blob_gas_used or 0
    return next_excess_blob_gas(excess, used, parent.base_fee or 0, numbers, fork)
