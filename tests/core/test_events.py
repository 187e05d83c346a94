"""The ring of events: numbers without gaps, records of fixed size, bounds."""

from struct import pack

import pytest

from txpool.core.events import EVENT_BYTES, Event, EventRing
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason

KEY = (b"\x01" * 32, b"\x02" * 20, 7)


def ring_of(count: int, capacity: int = 4) -> EventRing:
    ring = EventRing(capacity)
    for number in range(count):
        ring.append(Kind.QUEUED, None, (bytes([number]) * 32, KEY[1], number), now=number, head=0)
    return ring


def test_an_event_comes_out_as_it_went_in() -> None:
    ring = EventRing(4)
    ring.append(Kind.REPLACED, Reason.REPLACED, KEY, now=2**63, head=2**40, counterpart=b"\x03" * 32)

    assert ring[0] == Event(0, 2**63, Kind.REPLACED, Reason.REPLACED, *KEY, 2**40, b"\x03" * 32)


@pytest.mark.parametrize("reason", [None, *Reason])
def test_every_reason_comes_back(reason: Reason | None) -> None:
    ring = EventRing(1)
    ring.append(Kind.EVICTED, reason, KEY, now=0, head=0)

    assert ring[0].reason is reason


def test_a_record_has_128_bytes_and_this_layout() -> None:
    ring = EventRing(2)
    for number in range(2):
        ring.append(Kind.REJECTED, Reason.ALREADY_KNOWN, KEY, now=11, head=5, counterpart=b"\x03" * 32)
        assert number == ring.next_seq - 1

    assert EVENT_BYTES == 128
    reason = list(Reason).index(Reason.ALREADY_KNOWN) + 1
    fields = pack("=QQQQ32s32s20sBB10x", 1, 11, 7, 5, KEY[0], b"\x03" * 32, KEY[1], Kind.REJECTED, reason)
    assert ring._memory[EVENT_BYTES:] == fields


def test_the_oldest_is_overwritten_and_its_number_stays_its_own() -> None:
    ring = ring_of(6)

    assert (ring.first_seq, ring.next_seq) == (2, 6)
    assert [event.nonce for event in ring.since(0)] == [2, 3, 4, 5]
    assert [event.seq for event in ring.since(0)] == [2, 3, 4, 5]


@pytest.mark.parametrize("seq", [-1, 1, 6])
def test_what_is_overwritten_or_to_come_cannot_be_read(seq: int) -> None:
    with pytest.raises(IndexError, match=r"is not among 2\.\.5"):
        ring_of(6)[seq]


def test_memory_is_taken_once() -> None:
    ring = EventRing(4)
    before = len(ring._memory)
    for number in range(100):
        ring.append(Kind.QUEUED, None, (bytes(32), KEY[1], number), now=0, head=0)

    assert len(ring._memory) == before == 4 * EVENT_BYTES


def test_since_starts_at_a_number_and_ends_at_the_newest() -> None:
    ring = ring_of(4)

    assert [event.seq for event in ring.since(2)] == [2, 3]
    assert list(ring.since(4)) == []
    assert list(ring.since(99)) == []


def test_a_slow_reader_skips_what_was_overwritten_meanwhile() -> None:
    ring = ring_of(4)
    reader = ring.since(0)
    assert next(reader).seq == 0

    for _ in range(3):
        ring.append(Kind.QUEUED, None, KEY, now=0, head=0)

    assert [event.seq for event in reader] == [3, 4, 5, 6]


def test_of_finds_all_that_is_held_of_one_transaction() -> None:
    ring = EventRing(8)
    for kind in (Kind.RECEIVED, Kind.QUEUED, Kind.PROMOTED):
        ring.append(kind, None, KEY, now=0, head=0)
        ring.append(kind, None, (bytes(32), KEY[1], 0), now=0, head=0)

    assert [event.kind for event in ring.of(KEY[0])] == [Kind.RECEIVED, Kind.QUEUED, Kind.PROMOTED]


def test_numbers_may_go_on_from_an_earlier_life() -> None:
    ring = EventRing(4, first_seq=1000)
    assert (ring.first_seq, ring.next_seq, list(ring.since(0))) == (1000, 1000, [])

    ring.append(Kind.QUEUED, None, KEY, now=0, head=0)

    assert ring[1000].seq == 1000


def test_a_ring_without_room_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="room for one event at least"):
        EventRing(0)
