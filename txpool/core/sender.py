"""What the pool keeps of one sender: the account at the head, and its transactions by nonce."""

from typing import Final

import msgspec

from txpool.core.head import Account
from txpool.core.nonce_map import NOTHING, LoneEntry, NonceMap

_HAS_CODE: Final = 1


class Sender(msgspec.Struct, gc=False):
    """One sender, from its first pooled transaction to its last.

    `gc=False` and fields of ints and packed bytes only: a million of these add nothing to a collection. Six fields take
    64 bytes, so the smaller two share one, whose numbers are small enough to take no memory of their own. A map is
    `NOTHING` where it has no entry. What all pending ones cost together stands in it, or in the record of the only one.

    Attributes:
        nonce: the account's, at the head.
        balance: the account's, at the head, wei.
        next_nonce: the pool's: the first nonce that no pending transaction has.
        marks: `cost_bits` and `has_code`.
        pending: executable ones.
        queued: those that wait for a nonce or for funds.
    """

    nonce: int
    balance: int
    next_nonce: int
    marks: int
    pending: NonceMap | LoneEntry
    queued: NonceMap | LoneEntry

    @property
    def has_code(self) -> bool:
        """Whether the account has code or an EIP-7702 delegation."""
        return bool(self.marks & _HAS_CODE)

    @property
    def cost_bits(self) -> int:
        """No transaction's cost here has more bits, so that most head changes need not look at each."""
        return self.marks >> 1

    def raise_cost_bits(self, cost: int) -> None:
        """Hear of a transaction's cost."""
        bits = cost.bit_length()
        if bits > self.marks >> 1:
            self.marks = bits << 1 | self.marks & _HAS_CODE

    def pays_for_each(self) -> bool:
        """Whether it is certain that the balance pays for each one here."""
        return self.balance >> (self.marks >> 1) > 0

    def sees(self, account: Account) -> None:
        """Take over what the chain says of the account."""
        self.nonce = account.nonce
        self.balance = account.balance
        self.marks = self.cost_bits << 1 | account.has_code
        self.forget_pool_nonce()

    def forget_pool_nonce(self) -> None:
        """Let the pool nonce fall back to the chain's, as geth's do at each head before it promotes."""
        self.next_nonce = self.nonce


def sender_at(account: Account) -> Sender:
    """A sender without transactions."""
    return Sender(
        nonce=account.nonce,
        balance=account.balance,
        next_nonce=account.nonce,
        marks=int(account.has_code),
        pending=NOTHING,
        queued=NOTHING,
    )
