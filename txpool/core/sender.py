"""What the pool keeps of one sender: the account at the head, and its transactions by nonce."""

import msgspec

from txpool.core.head import Account
from txpool.core.nonce_map import NOTHING, NonceMap


class Sender(msgspec.Struct, gc=False):
    """One sender, from its first pooled transaction to its last.

    `gc=False` and fields of ints and packed bytes only: a million of these add nothing to a collection. Bounds are kept
    as numbers of bits, which are small ints that cost nothing; a map is `NOTHING` where it has no entry.

    Attributes:
        nonce: the account's, at the head.
        balance: the account's, at the head, wei.
        has_code: the account has code or an EIP-7702 delegation.
        next_nonce: the pool's: the first nonce that no pending transaction has.
        spent: cost of all pending ones together, wei.
        cost_bits: no transaction's cost here has more, so that most head changes need not look at each.
        gas_bits: no transaction's gas limit here has more, likewise.
        pending: executable ones.
        queued: those that wait for a nonce or for funds.
    """

    nonce: int
    balance: int
    has_code: bool
    next_nonce: int
    spent: int
    cost_bits: int
    gas_bits: int
    pending: NonceMap
    queued: NonceMap

    def fits(self, gas_limit: int) -> bool:
        """Whether it is certain that the balance pays for each one here and a block has room for it."""
        return self.balance >> self.cost_bits > 0 and gas_limit >> self.gas_bits > 0

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
        gas_bits=0,
        pending=NOTHING,
        queued=NOTHING,
    )
