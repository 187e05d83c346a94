"""What the pool knows of the chain: its head, the accounts there, and how both change."""

from collections.abc import Mapping, Sequence

import msgspec

from txpool.core.candidate import Candidate
from txpool.core.rules import Fork


class Head(msgspec.Struct, frozen=True, gc=False):
    """The chain's tip, as far as pool rules look at it.

    Fees are wei a gas, `time` is seconds since the epoch. `base_fee` is None before London. `next_base_fee` is that
    of the block to come: the one at which effective tips are ranked.
    """

    number: int
    hash: bytes
    parent_hash: bytes
    time: int
    gas_limit: int
    base_fee: int | None
    next_base_fee: int | None
    blob_base_fee: int
    fork: Fork


class Account(msgspec.Struct, frozen=True, gc=False):
    """An account at the head. `has_code` is true for contracts and for EIP-7702 delegations alike, as in geth."""

    nonce: int = 0
    balance: int = 0
    has_code: bool = False


class HeadChange(msgspec.Struct, frozen=True):
    """One step of the chain as the pool sees it: new blocks on the old head, or another branch.

    Attributes:
        head: the new tip.
        accounts: the accounts that may differ from what they were at the old head, as they are at the new one; whoever
            sent one of `reverted` is among them.
        included: hash to block number for each transaction of the blocks that are new.
        reverted: transactions of abandoned blocks that no new block holds; newest abandoned block first, in block
            order within it, as geth puts them back.
    """

    head: Head
    accounts: Mapping[bytes, Account]
    included: Mapping[bytes, int] = {}
    reverted: Sequence[Candidate] = ()
