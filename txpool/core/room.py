"""The room of the pool: how many slots it has, and who makes way for a newcomer when all are taken.

Source: geth's `add`; with `pool.hardened` the rules of `hardening.py`.
"""

from collections.abc import Sequence

from txpool.core.hardening import last_ones, quota_fault, slots_given_up, worth_of
from txpool.core.placement import drop
from txpool.core.record import Resident, slots_of
from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.restraint import gapped
from txpool.core.sender import Sender
from txpool.core.settings import PoolSettings
from txpool.core.tx import Tx


class Room:
    """So many slots for the pool's plain transactions.

    Attributes:
        slots: how many there may be.
        pushed_out: how many pending ones made way, or went back to the queue behind one that did, since the limits were
            last applied; geth's `changesSinceReorg`.
    """

    def __init__(self, residents: Residents, slots: int) -> None:
        self.slots = slots
        self.pushed_out = 0
        self._residents = residents

    def make(self, tx: Tx, address: bytes, sender: Sender, settings: PoolSettings) -> Rejected | None:
        """Push out the cheapest until the newcomer fits, or say why it may not."""
        if settings.hardened:
            return self._make_hardened(tx, address, sender, settings)
        residents = self._residents
        if residents.prices.underpriced(tx.tip_cap, tx.fee_cap):
            return Rejected(Reason.UNDERPRICED)
        if self.pushed_out > settings.global_slots // 4:
            return Rejected(Reason.POOL_FULL)
        victims = residents.prices.discard(residents.slots - self.slots + slots_of(tx.size))
        if victims is None:
            return Rejected(Reason.POOL_FULL)
        if gapped(sender, tx.nonce) and any(map(residents.is_pending, victims)):
            residents.prices.put_back(victims)
            return Rejected(Reason.FUTURE_REPLACES_PENDING)
        self._push_out(victims, tx, address)
        return None

    def _make_hardened(self, tx: Tx, address: bytes, sender: Sender, settings: PoolSettings) -> Rejected | None:
        """The same, but a chain is worth its cheapest, and the last of a sender makes way first."""
        residents, prices = self._residents, self._residents.prices
        slots = slots_of(tx.size) - slots_given_up(tx.nonce, sender, residents)
        if residents.slots + slots <= self.slots:
            return None
        worth = worth_of(tx, sender, residents)
        if prices.underpriced(tx.tip_cap, tx.fee_cap):
            return Rejected(Reason.UNDERPRICED)
        if prices.underpriced(worth.tip_cap, worth.fee_cap):
            return Rejected(Reason.CHAIN_UNDERPRICED, {"nonce": worth.nonce})
        cheapest = prices.discard(residents.slots - self.slots + slots)
        if cheapest is None:
            return Rejected(Reason.POOL_FULL)
        prices.put_back(cheapest)
        victims = last_ones(cheapest, residents)
        if any(map(residents.is_pending, victims)):
            if gapped(sender, tx.nonce):
                return Rejected(Reason.FUTURE_REPLACES_PENDING)
            if fault := quota_fault(residents, settings):
                return fault
        if any(victim.sender == address and victim.nonce < tx.nonce for victim in victims):
            return Rejected(Reason.CHAIN_UNDERPRICED, {"nonce": worth.nonce})
        self._push_out(victims, tx, address)
        prices.removed(len(victims))
        return None

    def _push_out(self, victims: Sequence[Resident], tx: Tx, address: bytes) -> None:
        residents = self._residents
        for victim in victims:
            loser = residents.senders[victim.sender]
            self.pushed_out += drop(residents, victim, Reason.POOL_FULL_CHEAPEST, tx.hash)
            if victim.sender != address:
                residents.release_if_empty(victim.sender, loser)
