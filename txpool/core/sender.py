"""What the pool keeps of one sender: the account at the head, and its transactions by nonce."""

import msgspec

from txpool.core.head import Account
from txpool.core.nonce_map import NOTHING, LoneEntry, NonceMap


class Sender(msgspec.Struct, gc=False):
    """One sender, from its first pooled transaction to its last.

    `gc=False` and fields of ints and packed bytes only: a million of these add nothing to a collection. The bound of
    costs is a number of bits, a small int that takes no memory; a map is `NOTHING` where it has no entry.

    Attributes:
        nonce: the account's, at the head.
        balance: the account's, at the head, wei.
        has_code: the account has code or an EIP-7702 delegation.
        next_nonce: the pool's: the first nonce that no pending transaction has.
        spent: cost of all pending ones together, wei.
        cost_bits: no transaction's cost here has more, so that most head changes need not look at each.
        pending: executable ones.
        queued: those that wait for a nonce or for funds.
    """

    nonce: int
    balance: int
    has_code: bool
    next_nonce: int
    spent: int
    cost_bits: int
    pending: NonceMap | LoneEntry
    queued: NonceMap | LoneEntry

    def pays_for_each(self) -> bool:
        """Whether it is certain that the balance pays for each one here."""
        return self.balance >> self.cost_bits > 0

    def sees(self, account: Account) -> None:
        """Take over what the chain says of the account."""
        self.nonce = account.nonce
        self.balance = account.balance
        self.has_code = account.has_code
        self.forget_pool_nonce()

    def forget_pool_nonce(self) -> None:
        """Let the pool nonce fall back to the chain's, as geth's do at each head before it promotes."""
        self.next_nonce = self.nonce


def sender_at(account: Account) -> Sender:
    """A sender without transactions."""
    return Sender(
        nonce=account.nonce,
        balance=account.balance,
        has_code=account.has_code,
        next_nonce=account.nonce,
        spent=0,
        cost_bits=0,
        pending=NOTHING,
        queued=NOTHING,
    )
