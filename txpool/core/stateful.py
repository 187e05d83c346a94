"""Checks of a transaction against its sender's account and what the pool already holds of the sender.

Source: geth's `ValidateTransactionWithState` and its legacy pool's `validateAuth`; order and words are theirs.
"""

from collections.abc import Callable, Sequence

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
    old = sender.pending.get(tx.nonce)
    fault = funds_fault(sender.balance, cost, residents.spent(sender), residents.read(old).cost if old else None)
    if fault:
        return fault
    if sender.has_code or address in residents.authorities:
        return _delegation_fault(tx.nonce, sender)
    return None


def authority_fault(
    authorities: Sequence[bytes], residents: Residents, reserved: Callable[[bytes], bool]
) -> Rejected | None:
    """Refuse an authorization by somebody who has more than one transaction in flight, or any in the other pool."""
    for authority in authorities:
        signer = residents.senders.get(authority)
        if reserved(authority) or (signer and len(signer.pending) + len(signer.queued) > 1):
            return Rejected(Reason.AUTHORITY_RESERVED)
    return None


def funds_fault(balance: int, cost: int, spent: int, old_cost: int | None) -> Rejected | None:
    """Refuse what the balance does not cover, alone or together with what is pooled.

    Args:
        balance: the sender's.
        cost: the transaction's.
        spent: of all that counts against the balance already.
        old_cost: of the one among these that it would replace, if it would.
    """
    if balance < cost:
        return Rejected(Reason.INSUFFICIENT_FUNDS, {"balance": balance, "cost": cost, "overshot": cost - balance})
    needed = spent + cost - (old_cost or 0)
    if balance >= needed:
        return None
    facts: dict[str, int | str] = {"balance": balance, "spent": spent, "overshot": needed - balance}
    if old_cost is None:
        return Rejected(Reason.OVERDRAFT, {**facts, "cost": cost})
    return Rejected(Reason.OVERDRAFT_REPLACEMENT, {**facts, "bump": cost - old_cost})


def _delegation_fault(nonce: int, sender: Sender) -> Rejected | None:
    """A delegated account may have one executable transaction, replaceable, and no gap."""
    if not sender.pending:
        return None if nonce == sender.next_nonce else Rejected(Reason.DELEGATED_GAP)
    return None if sender.pending.get(nonce) else Rejected(Reason.DELEGATED_IN_FLIGHT)
