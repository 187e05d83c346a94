"""Checks of a blob transaction against its account, and against what the pool already holds of it.

Source: geth's `ValidateTransactionWithState` and its blob pool's `validateTx`; order and words are theirs.
"""

from collections.abc import Sequence
from math import log10
from typing import Final

from txpool.core.blob_entry import BlobEntry
from txpool.core.blob_sender import BlobSender
from txpool.core.rejection import Reason, Rejected
from txpool.core.stateful import funds_fault

BLOB_TXS_PER_ACCOUNT: Final = 16
_NONCES: Final = 2**64


def blob_stateful_fault(
    entry: BlobEntry, sender: BlobSender, pooled: Sequence[BlobEntry], *, delegated: bool
) -> Rejected | None:
    """The first rule of those with state that the transaction breaks, but for the price of a replacement.

    Args:
        entry: the newcomer.
        sender: its account.
        pooled: what the pool holds of the account, in nonce order.
        delegated: whether the account has code, or a pooled authorization.
    """
    if entry.nonce < sender.nonce:
        return Rejected(Reason.NONCE_TOO_LOW, {"next": sender.nonce, "nonce": entry.nonce})
    gap = sender.nonce + len(pooled)
    if entry.nonce > gap:
        return Rejected(Reason.NONCE_TOO_HIGH, {"nonce": entry.nonce, "gap": gap})
    old = pooled[entry.nonce - sender.nonce] if entry.nonce < gap else None
    if fault := funds_fault(sender.balance, entry.cost, sender.spent, old.cost if old else None):
        return fault
    if old is None and len(pooled) >= BLOB_TXS_PER_ACCOUNT:
        return Rejected(Reason.ACCOUNT_LIMIT, {"count": len(pooled)})
    if delegated and pooled and not (old and len(pooled) == 1):
        return Rejected(Reason.DELEGATED_IN_FLIGHT)
    return None


def blob_replacement_fault(new: BlobEntry, old: BlobEntry, price_bump: int) -> Rejected | None:
    """Why one may not take the place of another: all three fees have to rise, by the bump at least."""
    if new.hash == old.hash:
        return Rejected(Reason.ALREADY_KNOWN)
    fees = (
        ("gas fee cap", new.fee_cap, old.fee_cap),
        ("gas tip cap", new.tip_cap, old.tip_cap),
        ("blob gas fee cap", new.blob_fee_cap, old.blob_fee_cap),
    )
    for name, raised, before in fees:
        if raised <= before:
            return Rejected(Reason.BLOB_REPLACEMENT_NOT_HIGHER, {"fee": name, "new": raised, "old": before})
    for name, raised, before in fees:
        if raised < before * (100 + price_bump) // 100:
            facts: dict[str, int | str] = {"fee": name, "new": raised, "old": before, "bump": price_bump}
            return Rejected(Reason.BLOB_REPLACEMENT_UNDERPRICED, facts)
    return None


def waiting_allowance(sender: BlobSender) -> int:
    """How many more transactions with a nonce gap may wait: the more an account has sent, the more."""
    sent = (sender.nonce + 1) % _NONCES
    allowance = int(log10(sent)) if sent else 0
    return min(allowance, BLOB_TXS_PER_ACCOUNT - sender.count) - sender.waiting_count
