"""Accounts at the head, and how they were a few blocks ago.

Every block leaves a journal of what it overwrote. A reorg undoes journals; a look into the past reads them.
"""

from collections import deque
from itertools import islice
from typing import Final

import msgspec

from txpool.core.shards import Shards
from txpool.core.steps import Steps, portions

DELEGATION_PREFIX: Final = b"\xef\x01\x00"  # EIP-7702: the account lends itself the code at the address that follows
DELEGATION_BYTES: Final = 23


class AccountState(msgspec.Struct, frozen=True, gc=False):
    """What the chain knows of an account, its storage aside: no transaction changes that without an EVM."""

    nonce: int = 0
    balance: int = 0
    code: bytes = b""

    @property
    def is_delegated(self) -> bool:
        """Whether the code is an EIP-7702 delegation."""
        return len(self.code) == DELEGATION_BYTES and self.code.startswith(DELEGATION_PREFIX)


EMPTY: Final = AccountState()


class State:
    """The accounts at the head, with journals of the newest blocks.

    Writes go to the block under way, which ends with `seal`. One account has one record, replaced as a
    whole: whoever holds an old one holds a snapshot.

    Invariants:

    1. A journal holds, for each account that its block wrote, the record from before the block: None if there was none.
    2. An account that is written empty does not exist (EIP-161).
    """

    def __init__(self, journals_max: int) -> None:
        """Remember that many blocks; the oldest journal goes when another is sealed."""
        self._accounts: Shards[AccountState] = Shards()
        self._journals: deque[dict[bytes, AccountState | None]] = deque(maxlen=journals_max)
        self._open: dict[bytes, AccountState | None] = {}

    @property
    def depth(self) -> int:
        """How many blocks can be undone."""
        return len(self._journals)

    def found(self, address: bytes, account: AccountState) -> None:
        """Put an account of the genesis; it may be empty."""
        self._write(address, account)

    def exists(self, address: bytes) -> bool:
        """Whether the account is in the state, be it empty."""
        return address in self._accounts

    def get(self, address: bytes) -> AccountState:
        """The account now, in the block under way if there is one; an empty one where there is none."""
        return self._accounts.get(address) or EMPTY

    def at_head(self, address: bytes) -> AccountState:
        """The account as the newest sealed block left it."""
        return (self._open[address] or EMPTY) if address in self._open else self.get(address)

    def put(self, address: bytes, account: AccountState) -> None:
        """Replace the account in the block under way."""
        if address not in self._open:
            self._open[address] = self._accounts.get(address)
        self._write(address, None if account == EMPTY else account)

    def seal(self) -> None:
        """End the block under way."""
        self._journals.append(self._open)
        self._open = {}

    def abandon(self) -> None:
        """Take back what the block under way has written, if there is one."""
        for address, account in self._open.items():
            self._write(address, account)
        self._open = {}

    def touched(self) -> tuple[bytes, ...]:
        """The addresses that the block under way has written."""
        return tuple(self._open)

    def undo(self) -> Steps[tuple[bytes, ...]]:
        """Take back the newest sealed block; the addresses it wrote."""
        assert not self._open, "a block is under way"
        journal = self._journals.pop()
        for entries in portions(journal.items()):
            for address, account in entries:
                self._write(address, account)
            yield
        return tuple(journal)

    def past(self, address: bytes, blocks_back: int) -> AccountState | None:
        """The account as it was so many blocks before the newest sealed one; None when that is forgotten."""
        if blocks_back > len(self._journals):
            return None
        for journal in islice(self._journals, len(self._journals) - blocks_back, None):
            if address in journal:
                return journal[address] or EMPTY
        return self.at_head(address)

    def supply(self) -> int:
        """The sum of all balances, in wei. O(accounts)."""
        return sum(account.balance for account in self._accounts.values())

    def snapshot(self) -> dict[bytes, AccountState]:
        """A copy of all accounts. O(accounts)."""
        return {address: self._accounts[address] for address in self._accounts}

    def _write(self, address: bytes, account: AccountState | None) -> None:
        if address in self._accounts:
            self._accounts.remove(address)
        if account is not None:
            self._accounts.insert(address, account)
