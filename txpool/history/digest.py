"""One number for a stream of events: equal digests, equal histories."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from txpool.core.events import Event


def canonical(event: Event) -> bytes:
    """An event as MessagePack, fields in their declared order: the form for logs and digests."""
    return msgspec.msgpack.encode(msgspec.structs.astuple(event))


def digest(events: Iterable[Event]) -> str:
    """SHA-256 over the canonical form of each event, in order, as hex."""
    total = sha256()
    for event in events:
        total.update(canonical(event))
    return total.hexdigest()
