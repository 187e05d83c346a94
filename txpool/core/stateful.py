"""Checks of a transaction against its sender's account and what the pool already holds of the sender.

Source: geth's `ValidateTransactionWithState` and its legacy pool's `validateAuth`; order and words are theirs.
"""

from collections.abc import Sequence

from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.sender import Sender
from txpool.core.tx import Tx


def stateful_fault(tx: Tx, cost: int, address: bytes, sender: Sender, residents: Residents) -> Rejected | None:
    """The first rule that the transaction breaks, or None.

    Only pending transactions count against the balance together; a queued one is weighed alone.
    """
    if tx.nonce < sender.nonce:
        return Rejected(Reason.NONCE_TOO_LOW, {"next": sender.nonce, "nonce": tx.nonce})
    if sender.balance < cost:
        return _funds_fault(Reason.INSUFFICIENT_FUNDS, sender.balance, cost, {"cost": cost})
    old = sender.pending.get(tx.nonce)
    if old:
        bump = cost - residents.read(old).cost
        if sender.balance < sender.spent + bump:
            facts = {"spent": sender.spent, "bump": bump}
            return _funds_fault(Reason.OVERDRAFT_REPLACEMENT, sender.balance, sender.spent + bump, facts)
    elif sender.balance < sender.spent + cost:
        facts = {"spent": sender.spent, "cost": cost}
        return _funds_fault(Reason.OVERDRAFT, sender.balance, sender.spent + cost, facts)
    if sender.has_code or address in residents.authorities:
        return _delegation_fault(tx.nonce, sender)
    return None


def authority_fault(authorities: Sequence[bytes], residents: Residents) -> Rejected | None:
    """Refuse an authorization by somebody who has more than one transaction in flight."""
    for authority in authorities:
        signer = residents.senders.get(authority)
        if signer and len(signer.pending) + len(signer.queued) > 1:
            return Rejected(Reason.AUTHORITY_RESERVED)
    return None


def _funds_fault(reason: Reason, balance: int, needed: int, facts: dict[str, int]) -> Rejected:
    return Rejected(reason, {"balance": balance, **facts, "overshot": needed - balance})


def _delegation_fault(nonce: int, sender: Sender) -> Rejected | None:
    """A delegated account may have one executable transaction, replaceable, and no gap."""
    if not sender.pending:
        return None if nonce == sender.next_nonce else Rejected(Reason.DELEGATED_GAP)
    return None if sender.pending.get(nonce) else Rejected(Reason.DELEGATED_IN_FLIGHT)
