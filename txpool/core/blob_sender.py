"""What the blob pool keeps of one account: its state at the head, and which transactions are its own."""

import msgspec

from txpool.core.head import Account

HASH_BYTES = 32


class BlobSender(msgspec.Struct, gc=False):
    """One account with a blob transaction, pooled or waiting for a nonce.

    Attributes:
        nonce: the account's, at the head.
        balance: the account's, at the head, wei.
        has_code: the account has code or an EIP-7702 delegation.
        spent: cost of all pooled ones together, wei.
        pooled: their hashes in nonce order, joined.
        waiting: hashes of those that wait for a lower nonce, in order of arrival, joined.
    """

    nonce: int
    balance: int
    has_code: bool
    spent: int = 0
    pooled: bytes = b""
    waiting: bytes = b""

    @property
    def count(self) -> int:
        """How many are pooled."""
        return len(self.pooled) // HASH_BYTES

    @property
    def waiting_count(self) -> int:
        """How many wait."""
        return len(self.waiting) // HASH_BYTES

    def sees(self, account: Account) -> None:
        """Take over what the chain says of the account."""
        self.nonce, self.balance, self.has_code = account.nonce, account.balance, account.has_code


def split_hashes(joined: bytes) -> list[bytes]:
    """The hashes that were joined."""
    return [joined[start : start + HASH_BYTES] for start in range(0, len(joined), HASH_BYTES)]
