"""What happened, in order: numbered records of fixed size in a bounded ring, outside the collector.

Whatever tells what became of a transaction (subscriptions, filters, explanations) reads these records, so no two of
them can disagree; metrics read counters of their own (`tallies`). Python objects are made on reading only.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

import msgspec

from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason

# sequence, time, nonce, head | hash, counterpart, sender | kind, reason | padding to two cache lines
_RECORD: Final = Struct("=QQQQ32s32s20sBB10x")
_SEQ: Final = Struct("=Q")
_HASH_OFFSET: Final = 32
EVENT_BYTES: Final = _RECORD.size
NO_HASH: Final = bytes(32)
_REASONS: Final = tuple(Reason)
# Stored plus one, so that 0 says "none".
_REASON_CODE: Final = {reason: code for code, reason in enumerate(_REASONS, start=1)}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One step of one transaction's life.

    Attributes:
        seq: number in the stream, from 0, without gaps.
        time: nanoseconds since the epoch, as the caller of the pool gave it.
        kind: which move of the lifecycle table.
        reason: why, where there is a choice: refusals, evictions, demotions.
        hash: the transaction.
        sender: 20 bytes, zeros where the signature gave none.
        nonce: the transaction's.
        head: number of the block that was the head; for an inclusion, of the block that holds it.
        counterpart: the transaction that caused it (the one that replaced this one), else zeros.
    """

    seq: int
    time: int
    kind: Kind
    reason: Reason | None
    hash: bytes
    sender: bytes
    nonce: int
    head: int
    counterpart: bytes


class EventRing:
    """The newest `capacity` events; older ones are overwritten, their numbers are not used again."""

    def __init__(self, capacity: int, first_seq: int = 0) -> None:
        """Allocate `capacity` records of 128 bytes at once; nothing grows later."""
        if capacity < 1:
            raise ValueError(f"an event ring needs room for one event at least, not {capacity}")
        self.capacity = capacity
        self.next_seq = first_seq
        self._origin = first_seq
        self._memory = bytearray(capacity * EVENT_BYTES)

    @property
    def first_seq(self) -> int:
        """The oldest event still held."""
        return max(self._origin, self.next_seq - self.capacity)

    def append(
        self,
        kind: Kind,
        reason: Reason | None,
        tx: tuple[bytes, bytes, int],
        *,
        now: int,
        head: int,
        counterpart: bytes = NO_HASH,
    ) -> None:
        """Write one event; `tx` is hash, sender, nonce."""
        seq = self.next_seq
        self.next_seq = seq + 1
        tx_hash, sender, nonce = tx
        _RECORD.pack_into(
            self._memory,
            seq % self.capacity * EVENT_BYTES,
            seq,
            now,
            nonce,
            head,
            tx_hash,
            counterpart,
            sender,
            kind,
            _REASON_CODE[reason] if reason else 0,
        )

    def __getitem__(self, seq: int) -> Event:
        """Read one event. Raises IndexError for one that is overwritten or yet to come."""
        if not self.first_seq <= seq < self.next_seq:
            raise IndexError(f"event {seq} is not among {self.first_seq}..{self.next_seq - 1}")
        number, time, nonce, head, tx_hash, counterpart, sender, kind, reason = _RECORD.unpack_from(
            self._memory, seq % self.capacity * EVENT_BYTES
        )
        why = _REASONS[reason - 1] if reason else None
        return Event(number, time, Kind(kind), why, tx_hash, sender, nonce, head, counterpart)

    def since(self, seq: int) -> Iterator[Event]:
        """Events from this number on, or from the oldest still held; ends at the newest there is when it gets there."""
        seq = max(seq, self.first_seq)
        while seq < self.next_seq:
            seq = max(seq, self.first_seq)
            yield self[seq]
            seq += 1

    def of(self, tx_hash: bytes) -> list[Event]:
        """All events still held of one transaction, oldest first. A search through the memory: about 0.1 ms a MB."""
        if tx_hash == NO_HASH:
            return []
        found = []
        at = self._memory.find(tx_hash)
        while at >= 0:
            slot, offset = divmod(at, EVENT_BYTES)
            if offset == _HASH_OFFSET:
                found.append(int(_SEQ.unpack_from(self._memory, slot * EVENT_BYTES)[0]))
            at = self._memory.find(tx_hash, at + 1)
        return [self[seq] for seq in sorted(found)]
