"""One number for a stream of events: equal digests, equal histories."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from txpool.core.events import Event, EventRing


def canonical(event: Event) -> bytes:
    """An event as MessagePack, fields in their declared order: the form for logs and digests."""
    return msgspec.msgpack.encode(msgspec.structs.astuple(event))


def digest(events: Iterable[Event]) -> str:
    """SHA-256 over the canonical form of each event, in order, as hex."""
    total = sha256()
    for event in events:
        total.update(canonical(event))
    return total.hexdigest()


class RunningDigest:
    """The digest of all events of a ring, also of those that it has forgotten: follow it before it forgets.

    Attributes:
        next_seq: the number of the first event that is not in it yet.
        missed: how many came and were forgotten between two looks; with any the digest says nothing.
    """

    def __init__(self) -> None:
        self.next_seq = 0
        self.missed = 0
        self._total = sha256()

    def follow(self, ring: EventRing) -> None:
        """Take in what has happened since the last time."""
        self.missed += max(ring.first_seq - self.next_seq, 0)
        for event in ring.since(self.next_seq):
            self._total.update(canonical(event))
        self.next_seq = ring.next_seq

    def __str__(self) -> str:
        """As `digest` of all of them."""
        return self._total.hexdigest()
