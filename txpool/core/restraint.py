"""What the pool refuses beyond its settings while the process is overloaded or short of memory.

Who decides that is elsewhere and looks at clocks and counters; the pool gets the outcome as a value, through a door of
its own, so that a replay of its inputs comes to the same. Nothing that is pooled leaves because of a restraint.
"""

from typing import Final

import msgspec

from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.sender import Sender
from txpool.core.settings import PoolSettings
from txpool.core.tx import Tx


class Restraint(msgspec.Struct, frozen=True, gc=False):
    """Rules for the time being, on top of the settings.

    Attributes:
        price_floor: least tip of a newcomer, wei a gas.
        slots_max: slots that the pool may have; a newcomer beyond them has to push out the cheapest, as in a full pool.
        blob_bytes_max: the same for blob data.
        gapless: whether those are refused that would wait for a nonce, unless they replace one.
        closed: whether all are refused but those that replace one and are no larger.
    """

    price_floor: int = 0
    slots_max: int | None = None
    blob_bytes_max: int | None = None
    gapless: bool = False
    closed: bool = False


UNRESTRAINED: Final = Restraint()
_AT_LIMIT: Final = Rejected(Reason.MEMORY_LIMIT)


def in_force(settings: PoolSettings, restraint: Restraint) -> PoolSettings:
    """The settings as they are under a restraint."""
    price_limit = max(settings.price_limit, restraint.price_floor)
    blob_bytes = restraint.blob_bytes_max
    blob_data_cap = settings.blob_data_cap if blob_bytes is None else min(settings.blob_data_cap, blob_bytes)
    return msgspec.structs.replace(settings, price_limit=price_limit, blob_data_cap=blob_data_cap)


def room_of(settings: PoolSettings, restraint: Restraint) -> int:
    """How many slots the pool may have under a restraint."""
    room = settings.global_slots + settings.global_queue
    return room if restraint.slots_max is None else min(room, restraint.slots_max)


def restraint_fault(tx: Tx, sender: Sender, restraint: Restraint, residents: Residents) -> Rejected | None:
    """Refuse a newcomer for what it would add; one whose nonce has passed hears that instead."""
    if restraint is UNRESTRAINED or tx.nonce < sender.nonce:
        return None
    taken = sender.pending.get(tx.nonce) or sender.queued.get(tx.nonce)
    if restraint.closed and not (taken and tx.size <= residents.read(taken).size):
        return _AT_LIMIT
    if restraint.gapless and not taken and gapped(sender, tx.nonce):
        return _gap(sender.next_nonce, tx.nonce)
    return None


def blob_restraint_fault(tx: Tx, next_nonce: int, restraint: Restraint) -> Rejected | None:
    """The same for one with blobs, whose replacement is never taken to be no larger: both lie there for a while."""
    if restraint.closed:
        return _AT_LIMIT
    return _gap(next_nonce, tx.nonce) if restraint.gapless and tx.nonce > next_nonce else None


def gapped(sender: Sender, nonce: int) -> bool:
    """Whether a nonce cannot be reached from the pool's through what is queued."""
    return nonce > sender.next_nonce and not sender.queued.covers(sender.next_nonce, nonce)


def _gap(next_nonce: int, nonce: int) -> Rejected:
    return Rejected(Reason.OVERLOADED_GAP, {"next": next_nonce, "nonce": nonce})
