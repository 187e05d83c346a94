"""The record that lies in front of each payload in the store: what the pool must know without decoding.

112 bytes, little-endian:

    offset  bytes  field
         0     32  hash
        32     20  sender
        52      8  nonce
        60      8  gas limit
        68      8  tip cap, wei a gas (all ones: more than fits)
        76      8  fee cap, wei a gas (all ones: more than fits)
        84     16  cost, wei: what the balance must cover (all ones: more than fits)
       100      8  arrival, nanoseconds since the epoch
       108      4  size of the binary form << 8 | origin << 4 | wide << 3 | type

Fees over 18 ether a gas and costs over 2**128 wei are legal and absurd. They set `wide`, and are then read from the
payload.
"""

from struct import Struct
from typing import Final

import msgspec

from txpool.core.candidate import Candidate, Origin
from txpool.core.rejection import Rejected
from txpool.core.store import Store
from txpool.core.tx import decode

_RECORD: Final = Struct("<32s20sQQQQQQQI")
RECORD_BYTES: Final = _RECORD.size
SLOT_BYTES: Final = 32_768  # of the pool's room, whatever the store
U64_MAX: Final = 2**64 - 1
_U128_MAX: Final = 2**128 - 1
_WIDE: Final = 8
_RANKING: Final = Struct("<52xQ8xQQ")
_HASH_LEAD: Final = Struct(">Q")

assert RECORD_BYTES == 112


class Resident(msgspec.Struct, frozen=True, gc=False):
    """A record, read: what the pool knows of a transaction it holds."""

    handle: int
    hash: bytes
    sender: bytes
    nonce: int
    gas: int
    tip_cap: int
    fee_cap: int
    cost: int
    arrival: int
    size: int
    origin: Origin
    type: int

    @property
    def slots(self) -> int:
        """How many slots of 32 KiB it takes of the pool's room."""
        return slots_of(self.size)

    @property
    def key(self) -> tuple[bytes, bytes, int]:
        """What events name a transaction by: hash, sender, nonce."""
        return (self.hash, self.sender, self.nonce)


def slots_of(size: int) -> int:
    """How many slots of 32 KiB a transaction of this many bytes takes of the pool's room."""
    return -(-size // SLOT_BYTES)


def pack_record(candidate: Candidate, sender: bytes, cost: int) -> bytes:
    """The record of a transaction that passed the stateless checks: all fees are below 2**256."""
    tx = candidate.tx
    tip, fee = tx.tip_cap, tx.fee_cap
    meta = tx.size << 8 | candidate.origin << 4 | tx.type
    if fee >= U64_MAX or cost >= _U128_MAX:
        meta |= _WIDE
        tip, fee = min(tip, U64_MAX), min(fee, U64_MAX)
        packed_cost = min(cost, _U128_MAX)
    else:
        packed_cost = cost
    return _RECORD.pack(
        tx.hash, sender, tx.nonce, tx.gas, tip, fee, packed_cost & U64_MAX, packed_cost >> 64, candidate.arrival, meta
    )


def read_ranking(store: Store, handle: int) -> tuple[int, int, int]:
    """Nonce, tip cap and fee cap behind a handle, fees capped at 2**64-1: what prices are ranked by."""
    nonce, tip, fee = _RANKING.unpack_from(store.record(handle))
    return nonce, tip, fee


def read_full_ranking(store: Store, handle: int) -> tuple[int, int, int, int]:
    """The same, and the hash's first eight bytes: what tells apart those that are otherwise alike, in every store."""
    record = store.record(handle)
    nonce, tip, fee = _RANKING.unpack_from(record)
    return nonce, tip, fee, _HASH_LEAD.unpack_from(record)[0]


def read_record(store: Store, handle: int) -> Resident:
    """Read the record behind a handle, wide fields included."""
    tx_hash, sender, nonce, gas, tip, fee, low, high, arrival, meta = _RECORD.unpack(store.record(handle))
    cost = high << 64 | low
    if meta & _WIDE:
        tx = decode(store.payload(handle))
        assert not isinstance(tx, Rejected), "what was admitted decodes"
        tip, fee, cost = tx.tip_cap, tx.fee_cap, tx.cost
    return Resident(
        handle, tx_hash, sender, nonce, gas, tip, fee, cost, arrival, meta >> 8, Origin(meta >> 4 & 15), meta & 7
    )
