"""Protections that geth does not have, against transactions that push others out and then cost nothing.

`pool.hardened` turns them on; they change verdicts, so it is off by default. Three rules:

1. A sender's transactions, pending and queued together, never cost more than its balance.
2. A transaction is worth no more than the cheapest of its sender that it stands on, and who makes way is always the
   last of its sender: nothing is pushed out by what then falls away with its predecessor.
3. Nothing makes way for one that the limits would cut again, and between two blocks no more than a quarter of the
   pending slots makes way.

Which attacks each ends: `docs/attacks.md`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from txpool.core.record import Resident
from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.sender import Sender
from txpool.core.settings import PoolSettings
from txpool.core.tallies import Tallies
from txpool.core.tx import Tx

_QUOTA_SHARE: Final = 4  # a quarter of the pending slots between two heads


class Worth(msgspec.Struct, frozen=True, gc=False):
    """The fees that a transaction competes with, and of which nonce they are."""

    tip_cap: int
    fee_cap: int
    nonce: int


def displaced(tallies: Tallies) -> int:
    """How many pending ones have made way for others since the start."""
    removed = tallies.removed_pending
    return removed[Reason.POOL_FULL_CHEAPEST] + removed[Reason.PENDING_LIMIT]


def hardened_fault(tx: Tx, cost: int, sender: Sender, residents: Residents, settings: PoolSettings) -> Rejected | None:
    """Refuse what geth would take but these rules do not."""
    return _together_fault(tx, cost, sender, residents) or _limits_fault(tx, sender, residents, settings)


def quota_fault(residents: Residents, settings: PoolSettings) -> Rejected | None:
    """Refuse who needs others to make way when enough have done so since the last block."""
    made_way = displaced(residents.tallies) - residents.displaced_before
    limit = settings.global_slots // _QUOTA_SHARE
    if made_way < limit:
        return None
    return Rejected(Reason.EVICTION_QUOTA, {"evicted": made_way, "limit": limit})


def slots_given_up(nonce: int, sender: Sender, residents: Residents) -> int:
    """What a newcomer's predecessor of the same nonce gives back."""
    handle = sender.pending.get(nonce) or sender.queued.get(nonce)
    return residents.read(handle).slots if handle else 0


def worth_of(tx: Tx, sender: Sender, residents: Residents) -> Worth:
    """The lowest fees among a newcomer's and those of its sender that go before it. O(those)."""
    tip, fee, nonce = tx.tip_cap, tx.fee_cap, tx.nonce
    for earlier, handle in sender.pending.items() + sender.queued.items():
        if earlier < tx.nonce:
            before = residents.read(handle)
            if before.tip_cap < tip or before.fee_cap < fee:
                nonce = earlier
            tip, fee = min(tip, before.tip_cap), min(fee, before.fee_cap)
    return Worth(tip, fee, nonce)


def last_ones(victims: Sequence[Resident], residents: Residents) -> list[Resident]:
    """Who makes way in place of these: of the same senders, the highest nonces that free as many slots."""
    needed: dict[bytes, int] = {}
    for victim in victims:
        needed[victim.sender] = needed.get(victim.sender, 0) + victim.slots
    chosen = []
    for address, slots in needed.items():
        freed = 0
        for tx in reversed(_all_of(residents.senders[address], residents)):
            if freed < slots:
                chosen.append(tx)
                freed += tx.slots
    return chosen


def beyond_balance(sender: Sender, residents: Residents) -> list[Resident]:
    """Those at a sender's end that the balance does not cover together with all before them, lowest nonce first."""
    left = sender.balance
    txs = _all_of(sender, residents)
    for number, tx in enumerate(txs):
        left -= tx.cost
        if left < 0:
            return txs[number:]
    return []


def _all_of(sender: Sender, residents: Residents) -> list[Resident]:
    """All of a sender's, lowest nonce first."""
    return [residents.read(handle) for _, handle in sorted(sender.pending.items() + sender.queued.items())]


def _together_fault(tx: Tx, cost: int, sender: Sender, residents: Residents) -> Rejected | None:
    queued = [residents.read(handle).cost for nonce, handle in sender.queued.items() if nonce != tx.nonce]
    replaced = sender.pending.get(tx.nonce)
    spent = residents.spent(sender) + sum(queued) - (residents.read(replaced).cost if replaced else 0)
    if spent + cost <= sender.balance:
        return None
    facts = {"balance": sender.balance, "spent": spent, "cost": cost, "overshot": spent + cost - sender.balance}
    return Rejected(Reason.OVERDRAFT_TOGETHER, {**facts})


def _limits_fault(tx: Tx, sender: Sender, residents: Residents, settings: PoolSettings) -> Rejected | None:
    """Refuse who would be cut again at once, or would have others cut that have made way often enough."""
    if residents.pending_count < settings.global_slots or sender.pending.get(tx.nonce):
        return None
    pending = len(sender.pending)
    if pending >= settings.account_slots:
        return Rejected(Reason.ACCOUNT_OVER_SLOTS, {"pending": pending, "limit": settings.account_slots})
    return quota_fault(residents, settings) if residents.crowded else None
