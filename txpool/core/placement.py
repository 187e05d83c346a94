"""Moving transactions into the pool, between queued and pending, and out: place, enqueue, promote, demote, drop.

Source: geth's `add`, `enqueueTx`, `promoteTx`, `promoteExecutables`, `demoteUnexecutables`, `removeTx`.
"""

from collections.abc import Iterable, Sequence

from txpool.core.lifecycle import Kind
from txpool.core.limits import cap_queue
from txpool.core.record import Resident
from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.sender import Sender
from txpool.core.settings import PoolSettings
from txpool.core.steps import Steps, do_each, finish
from txpool.core.tx import Tx


def bump_fault(residents: Residents, tx: Tx, sender: Sender, price_bump: int) -> Rejected | None:
    """A nonce that is taken needs a higher price."""
    handle = sender.pending.get(tx.nonce) or sender.queued.get(tx.nonce)
    if handle and not outbids(tx.tip_cap, tx.fee_cap, residents.read(handle), price_bump):
        return Rejected(Reason.REPLACEMENT_UNDERPRICED)
    return None


def outbids(tip_cap: int, fee_cap: int, old: Resident, price_bump: int) -> bool:
    """Whether both fees are raised, and by the percentage that a replacement takes (rounded down to whole wei)."""
    if fee_cap <= old.fee_cap or tip_cap <= old.tip_cap:
        return False
    percent = 100 + price_bump
    return fee_cap >= old.fee_cap * percent // 100 and tip_cap >= old.tip_cap * percent // 100


def place(residents: Residents, sender: Sender, tx: Resident, authorities: Sequence[bytes]) -> bytes | None:
    """Give a newcomer its place; the hash of the one it replaced."""
    if sender.pending.get(tx.nonce):
        return replace_pending(residents, sender, tx, authorities)
    if tx.nonce == sender.next_nonce and (not sender.queued or sender.queued.first() > tx.nonce):
        residents.enlist(tx, authorities)
        promote_one(residents, sender, tx)
        return None
    return place_in_queue(residents, sender, tx, authorities)


def replace_pending(residents: Residents, sender: Sender, tx: Resident, authorities: Sequence[bytes]) -> bytes:
    """Put a newcomer in the place of the pending one of its nonce, whose hash it gives."""
    old = residents.read(sender.pending.pop(tx.nonce))
    residents.taken_from_pending(sender, [old])
    residents.evict_pending(old, Reason.REPLACED, tx.hash)
    residents.prices.removed(1)
    residents.enlist(tx, authorities)
    residents.add_pending(sender, tx)
    residents.renew_age(tx.sender)
    residents.say(Kind.PROMOTED, None, tx.key, old.hash)
    return old.hash


def place_in_queue(residents: Residents, sender: Sender, tx: Resident, authorities: Sequence[bytes]) -> bytes | None:
    """Have a newcomer wait, if need be in the place of the one of its nonce, whose hash it gives."""
    handle = sender.queued.get(tx.nonce)
    if not handle:
        residents.enlist(tx, authorities)
        enqueue(residents, sender, tx, Kind.QUEUED)
        return None
    old = residents.read(handle)
    sender.queued.put(tx.nonce, tx.handle)
    residents.replaced_queued(sender, old, tx)
    residents.evict_queued(old, Reason.REPLACED, tx.hash)
    residents.prices.removed(1)
    residents.enlist(tx, authorities)
    residents.say(Kind.QUEUED, None, tx.key, old.hash)
    return old.hash


def enqueue(residents: Residents, sender: Sender, tx: Resident, kind: Kind, reason: Reason | None = None) -> None:
    """Put a transaction into its sender's queue, at a nonce that is free there."""
    residents.add_queued(sender, tx)
    residents.say(kind, reason, tx.key)


def promote_one(residents: Residents, sender: Sender, tx: Resident) -> None:
    """Make a transaction pending, at a nonce that is free there."""
    residents.add_pending(sender, tx)
    sender.next_nonce = tx.nonce + 1
    residents.renew_age(tx.sender)
    residents.tallies.promoted += 1
    residents.say(Kind.PROMOTED, None, tx.key)


def promote(residents: Residents, address: bytes, sender: Sender, settings: PoolSettings, gas_limit: int) -> None:
    """Drop from a queue what can never run, move on what can run now, and keep the rest under its limit."""
    finish(promote_in_steps(residents, address, sender, settings, gas_limit))


def promote_in_steps(
    residents: Residents, address: bytes, sender: Sender, settings: PoolSettings, gas_limit: int
) -> Steps[None]:
    """The same in steps."""
    if sender.queued:
        dropped = yield from _drop_stale_queued(residents, sender)
        dropped += yield from _drop_unpayable_queued(residents, sender, gas_limit)
        ready = yield from _read_all(residents, sender.queued.take_ready(sender.next_nonce))
        if ready:
            residents.taken_from_queued(sender, ready)
            yield from do_each(ready, lambda tx: promote_one(residents, sender, tx))
        dropped += yield from cap_queue(residents, sender, settings.account_queue)
        residents.prices.removed(dropped)
    residents.release_if_empty(address, sender)


def _read_all(residents: Residents, entries: Iterable[tuple[int, int]]) -> Steps[list[Resident]]:
    """The records of a sender's entries."""
    found: list[Resident] = []
    yield from do_each(entries, lambda entry: found.append(residents.read(entry[1])))
    return found


def _drop_stale_queued(residents: Residents, sender: Sender) -> Steps[int]:
    stale = yield from _read_all(residents, sender.queued.take_below(sender.nonce))
    if stale:
        residents.taken_from_queued(sender, stale)
        removed = residents.tallies.removed_queued
        yield from do_each(stale, lambda tx: residents.leave_passed(tx, removed))
    return len(stale)


def _drop_unpayable_queued(residents: Residents, sender: Sender, gas_limit: int) -> Steps[int]:
    if residents.surely_payable(sender, gas_limit):
        return 0
    waiting = yield from _read_all(residents, sender.queued.items())
    unpayable = [tx for tx in waiting if tx.cost > sender.balance or tx.gas > gas_limit]
    if unpayable:
        for tx in unpayable:
            sender.queued.pop(tx.nonce)
        residents.taken_from_queued(sender, unpayable)
        yield from do_each(unpayable, lambda tx: residents.evict_queued(tx, _why_unpayable(tx, sender)))
    return len(unpayable)


def demote_in_steps(residents: Residents, address: bytes, sender: Sender, gas_limit: int) -> Steps[None]:
    """Bring one sender's pending ones in line with a new head.

    What the chain's nonce has passed leaves (included, or overtaken by another), what cannot be paid for leaves, and
    all behind the lowest of those goes back to the queue; so does everything when the first nonce is missing.
    """
    if entries := sender.pending.take_below(sender.nonce):
        passed = yield from _read_all(residents, entries)
        residents.taken_from_pending(sender, passed)
        removed = residents.tallies.removed_pending
        yield from do_each(passed, lambda tx: residents.leave_passed(tx, removed))
        residents.prices.removed(len(passed))
    if sender.pending and not residents.surely_payable(sender, gas_limit):
        yield from _drop_unpayable_pending(residents, sender, gas_limit)
    if sender.pending and sender.pending.first() != sender.nonce:
        behind = yield from _read_all(residents, sender.pending.take_all())
        yield from _requeue_in_steps(residents, sender, behind)
    sender.next_nonce = sender.pending.last() + 1 if sender.pending else sender.nonce
    missing = sender.next_nonce - sender.nonce - len(sender.pending)
    if missing:
        residents.holed[address] = missing
    elif residents.holed:
        residents.holed.pop(address, None)
    residents.release_if_empty(address, sender)


def _drop_unpayable_pending(residents: Residents, sender: Sender, gas_limit: int) -> Steps[None]:
    executable = yield from _read_all(residents, sender.pending.items())
    unpayable = [tx for tx in executable if tx.cost > sender.balance or tx.gas > gas_limit]
    if not unpayable:
        return
    for tx in unpayable:
        sender.pending.pop(tx.nonce)
    residents.taken_from_pending(sender, unpayable)
    yield from do_each(unpayable, lambda tx: residents.evict_pending(tx, _why_unpayable(tx, sender)))
    residents.prices.removed(len(unpayable))
    behind = yield from _read_all(residents, sender.pending.take_above(unpayable[0].nonce))
    yield from _requeue_in_steps(residents, sender, behind)


def _why_unpayable(tx: Resident, sender: Sender) -> Reason:
    return Reason.UNAFFORDABLE if tx.cost > sender.balance else Reason.GAS_LIMIT_LOWERED


def requeue(residents: Residents, sender: Sender, txs: list[Resident]) -> None:
    """Put back into the queue what has just been taken from the sender's pending map."""
    finish(_requeue_in_steps(residents, sender, txs))


def _requeue_in_steps(residents: Residents, sender: Sender, txs: list[Resident]) -> Steps[None]:
    if not txs:
        return
    residents.taken_from_pending(sender, txs)
    residents.tallies.demoted += len(txs)
    yield from do_each(txs, lambda tx: enqueue(residents, sender, tx, Kind.DEMOTED, Reason.PREDECESSOR_LEFT))


def drop(residents: Residents, tx: Resident, reason: Reason, counterpart: bytes = bytes(32)) -> int:
    """Take one out wherever it is; its successors go back to the queue.

    Returns:
        How many pending ones that disturbed: itself and those demoted, 0 for a queued one. The price order is the
        caller's business, and so is a sender left empty.
    """
    sender = residents.senders[tx.sender]
    if sender.pending.get(tx.nonce) == tx.handle:
        sender.pending.pop(tx.nonce)
        residents.taken_from_pending(sender, [tx])
        residents.evict_pending(tx, reason, counterpart)
        behind = [residents.read(handle) for _, handle in sender.pending.take_above(tx.nonce)]
        requeue(residents, sender, behind)
        sender.next_nonce = min(sender.next_nonce, tx.nonce)
        return 1 + len(behind)
    sender.queued.pop(tx.nonce)
    residents.taken_from_queued(sender, [tx])
    residents.evict_queued(tx, reason, counterpart)
    return 0
