"""The pool's events over JSON-RPC: a page at a time, or as a subscription that goes on where a reader was."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from txpool.core.events import NO_HASH, Event, EventRing
from txpool.core.explain import sentence_of
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason
from txpool.rpc.arguments import Fault, address, hash32, small_count
from txpool.rpc.envelope import encode
from txpool.rpc.render import Json, data, quantity

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
LOOKED_AT_MAX: Final = 4096  # events that one call looks at
READ_ON_MAX: Final = 256  # events that a subscription looks at before others have their turn

EARLIEST: Final = "earliest"
LATEST: Final = "latest"
KINDS: Final = {kind.name.lower(): kind for kind in Kind if kind is not Kind.VALIDATED}
REASONS: Final = {str(reason): reason for reason in Reason}


class EventFilter(msgspec.Struct, frozen=True):
    """Which events are wanted; an empty set wants all."""

    senders: frozenset[bytes] = frozenset()
    hashes: frozenset[bytes] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    reasons: frozenset[Reason] = frozenset()

    def wants(self, event: Event) -> bool:
        """Whether it is one of those."""
        return (
            (not self.senders or event.sender in self.senders)
            and (not self.hashes or event.hash in self.hashes or event.counterpart in self.hashes)
            and (not self.kinds or event.kind in self.kinds)
            and (not self.reasons or event.reason in self.reasons)
        )


EVERYTHING: Final = EventFilter()


def show_event(event: Event) -> Json:
    """An event as JSON. `time` is nanoseconds since the epoch."""
    return {
        "seq": quantity(event.seq),
        "time": quantity(event.time),
        "kind": event.kind.name.lower(),
        "reason": None if event.reason is None else str(event.reason),
        "sentence": sentence_of(event),
        "hash": data(event.hash),
        "sender": data(event.sender),
        "nonce": quantity(event.nonce),
        "head": quantity(event.head),
        "counterpart": None if event.counterpart == NO_HASH else data(event.counterpart),
    }


def events_page(ring: EventRing, start: int, limit: int, wanted: EventFilter) -> Json:
    """Up to so many events from a number on, and the number to go on from.

    One call looks at a bounded count of events, so a page may be short, or empty, though more follow: there are more as
    long as `nextSeq` is under `endSeq`. `missed` counts those asked for that the ring has overwritten.
    """
    first = max(start, ring.first_seq)
    found: list[Json] = []
    seq = first
    end = min(ring.next_seq, first + LOOKED_AT_MAX)
    while seq < end and len(found) < limit:
        event = ring[seq]
        if wanted.wants(event):
            found.append(show_event(event))
        seq += 1
    return {
        "events": found,
        "nextSeq": quantity(seq),
        "firstSeq": quantity(ring.first_seq),
        "endSeq": quantity(ring.next_seq),
        "missed": quantity(first - start),
    }


def start_of(ring: EventRing, place: int | str | None) -> int:
    """The number that a reader begins at: the oldest event where it names none, never one beyond the next to come."""
    if place == LATEST:
        return ring.next_seq
    if place is None or isinstance(place, str):
        return ring.first_seq
    return min(place, ring.next_seq)


class EventCursor:
    """A subscriber's place among the events.

    Events that the ring has overwritten before they were read are told of as a gap, and reading goes on behind it.
    """

    __slots__ = ("_next", "_ring", "_wanted", "behind")

    def __init__(self, ring: EventRing, start: int, wanted: EventFilter) -> None:
        self._ring = ring
        self._next = start
        self._wanted = wanted
        self.behind = False

    def take(self, most: int) -> Sequence[bytes]:
        """Up to so many messages, as JSON, from a bounded count of events."""
        ring = self._ring
        found: list[bytes] = []
        if self._next < ring.first_seq:
            found.append(encode({"gap": {"fromSeq": quantity(self._next), "toSeq": quantity(ring.first_seq)}}))
            self._next = ring.first_seq
        end = min(ring.next_seq, self._next + READ_ON_MAX)
        while self._next < end and len(found) < most:
            event = ring[self._next]
            self._next += 1
            if self._wanted.wants(event):
                found.append(encode(show_event(event)))
        self.behind = self._next < ring.next_seq
        return found

    def close(self) -> None:
        """Nothing is kept for a reader."""


# --- arguments


def event_place(value: object) -> int | str | Fault:
    """A number, or one of two words."""
    return value if value in (EARLIEST, LATEST) else small_count(value)


def event_filter(value: object) -> EventFilter | Fault:
    """An object with `sender`, `hash`, `kinds`, `reasons`, each one value or a list of them."""
    if value is None:
        return EVERYTHING
    if not isinstance(value, dict):
        return Fault("a filter is an object")
    fields: dict[str, frozenset[Any]] = {}
    for name, given in value.items():
        if name not in _MEMBERS:
            return Fault(f"a filter has no {name!r}: it has {', '.join(_MEMBERS)}")
        field, read = _MEMBERS[name]
        values = [read(each) for each in (given if isinstance(given, list) else [given])]
        if wrong := next((each for each in values if isinstance(each, Fault)), None):
            return Fault(f"{name}: {wrong.why}")
        fields[field] = frozenset(values)
    return EventFilter(**fields)


def event_options(value: object) -> tuple[int | str | None, EventFilter] | Fault:
    """What a subscription may be given: `fromSeq` and `filter`."""
    if value is None:
        return LATEST, EVERYTHING
    if not isinstance(value, dict) or not value.keys() <= {"fromSeq", "filter"}:
        return Fault("the options are an object with fromSeq and filter")
    place = LATEST if value.get("fromSeq") is None else event_place(value["fromSeq"])
    wanted = event_filter(value.get("filter"))
    if isinstance(place, Fault):
        return place
    return wanted if isinstance(wanted, Fault) else (place, wanted)


def _kind(value: object) -> Kind | Fault:
    if isinstance(value, str) and value in KINDS:
        return KINDS[value]
    return Fault(f"there is no kind {value!r}: {', '.join(KINDS)}")


def _reason(value: object) -> Reason | Fault:
    if isinstance(value, str) and value in REASONS:
        return REASONS[value]
    return Fault(f"there is no reason {value!r}")


_MEMBERS: Final = {
    "sender": ("senders", address),
    "hash": ("hashes", hash32),
    "kinds": ("kinds", _kind),
    "reasons": ("reasons", _reason),
}
