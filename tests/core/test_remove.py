"""The operator takes transactions out."""

from tests.core.blob_offers import at_nonce, blob
from tests.core.stand import ALICE, BOB, CAROL, PLENTY_BYTES, Stand, offer
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason
from txpool.stores.heap import HeapStore


def remove(stand: Stand, *hashes: bytes) -> range:
    events = stand.pool.remove(hashes, now=stand.now)
    stand.pool.check()
    return events


def test_what_stood_behind_a_removed_one_waits_in_the_queue() -> None:
    stand = Stand()
    stand.send(*(offer(ALICE, nonce) for nonce in range(3)))

    events = remove(stand, offer(ALICE, 1).tx.hash)

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0], [2])
    assert [(event.kind, event.reason, event.nonce) for event in stand.events(events.start)] == [
        (Kind.EVICTED, Reason.REMOVED_BY_OPERATOR, 1),
        (Kind.DEMOTED, Reason.PREDECESSOR_LEFT, 2),
    ]


def test_the_removed_one_may_be_sent_again() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1))
    remove(stand, offer(ALICE, 0).tx.hash)

    assert stand.send(offer(ALICE, 0)) == ["ok"]
    assert stand.pending(ALICE) == [0, 1]


def test_a_sender_of_whom_nothing_is_left_is_forgotten() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 4))

    remove(stand, offer(ALICE, 4).tx.hash, offer(ALICE, 0).tx.hash)

    assert not stand.pool.tracks(ALICE)
    assert stand.counts() == (0, 0)


def test_what_is_not_there_leaves_no_event() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0))

    assert not remove(stand, offer(BOB, 0).tx.hash)
    assert stand.counts() == (1, 0)


def test_a_removal_makes_room_in_a_full_pool() -> None:
    stand = Stand(global_slots=1, global_queue=1)
    stand.send(offer(ALICE, 0, 100), offer(BOB, 0, 100))
    assert stand.send(offer(CAROL, 0, 50)) == ["transaction underpriced"]

    remove(stand, offer(BOB, 0, 100).tx.hash)

    assert stand.send(offer(CAROL, 0, 50)) == ["ok"]


def test_a_blob_transaction_takes_with_it_what_stands_behind_it() -> None:
    stand = Stand()
    stand.send(*(blob(ALICE, nonce) for nonce in range(3)))

    events = remove(stand, blob(ALICE, 1).tx.hash)

    assert [(event.reason, event.nonce) for event in stand.events(events.start)] == [
        (Reason.PREDECESSOR_LEFT, 2),
        (Reason.REMOVED_BY_OPERATOR, 1),
    ]
    assert stand.pool.hashes_of(ALICE) == [blob(ALICE, 0).tx.hash]


def test_all_of_a_sender_of_blobs_go_those_that_wait_too() -> None:
    stand = Stand({ALICE: at_nonce(1000)})
    stand.send(blob(ALICE, 1000), blob(ALICE, 1003), blob(ALICE, 1002))
    hashes = stand.pool.hashes_of(ALICE)

    remove(stand, *hashes)

    assert hashes == [blob(ALICE, nonce).tx.hash for nonce in (1003, 1002, 1000)]
    assert stand.counts() == (0, 0)
    assert not stand.pool.tracks(ALICE)


class RecordsOnly(HeapStore):
    """A store that opens no payload: a large one would be copied."""

    def payload(self, handle: int) -> bytes:
        raise AssertionError(f"who asked for the payload of {handle}?")


def test_the_hashes_of_a_sender_are_told_without_a_look_at_any_payload() -> None:
    stand = Stand(store=RecordsOnly(PLENTY_BYTES))
    stand.send(offer(ALICE, 0), offer(ALICE, 4), offer(ALICE, 1))

    assert stand.pool.hashes_of(ALICE) == [offer(ALICE, nonce).tx.hash for nonce in (4, 1, 0)]
    assert stand.pool.hashes_of(BOB) == []
