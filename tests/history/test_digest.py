"""A digest of events as they come, and of all at the end."""

from txpool.core.events import EventRing
from txpool.core.lifecycle import Kind
from txpool.history.digest import RunningDigest, digest


def write(ring: EventRing, count: int) -> None:
    for _ in range(count):
        number = ring.next_seq
        ring.append(Kind.RECEIVED, None, (bytes([number]) * 32, bytes(20), number), now=number, head=1)


def test_who_follows_a_ring_gets_the_digest_of_all_though_the_ring_forgets() -> None:
    small, large = EventRing(3), EventRing(64)
    running = RunningDigest()

    for count in (1, 3, 0, 2):
        write(small, count)
        write(large, count)
        running.follow(small)

    assert small.first_seq > 0
    assert (str(running), running.next_seq, running.missed) == (digest(large.since(0)), 6, 0)


def test_who_looks_too_late_knows_what_it_missed() -> None:
    ring = EventRing(3)
    running = RunningDigest()
    write(ring, 5)

    running.follow(ring)

    assert running.missed == 2
