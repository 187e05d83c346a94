"""Limits for each sender and for all: who is cut when there is too much."""

from tests.core.stand import ALICE, BOB, CAROL, DAVE, ERIN, Stand, offer
from txpool.core.head import Account
from txpool.core.rejection import Reason


def lengths(stand: Stand, *senders: bytes) -> list[int]:
    return [len(stand.pending(sender)) for sender in senders]


def fill(stand: Stand, sender: bytes, count: int, start: int = 0) -> None:
    assert set(stand.send(*(offer(sender, nonce) for nonce in range(start, start + count)))) == {"ok"}


def test_a_sender_may_go_over_his_slots_while_all_fit() -> None:
    stand = Stand(account_slots=2, global_slots=8, global_queue=8)

    fill(stand, ALICE, 8)

    assert lengths(stand, ALICE) == [8]


def test_the_longest_sender_loses_his_highest_nonces() -> None:
    stand = Stand(account_slots=2, global_slots=8, global_queue=8)
    fill(stand, ALICE, 6)
    fill(stand, BOB, 2)

    fill(stand, CAROL, 2)

    assert (stand.pending(ALICE), stand.pending(BOB), stand.pending(CAROL)) == ([0, 1, 2, 3], [0, 1], [0, 1])
    assert stand.last_of(offer(ALICE, 5)).reason is Reason.PENDING_LIMIT
    assert stand.pool.next_nonce(ALICE) == 4


def test_offenders_are_levelled_to_the_next_and_then_cut_together() -> None:
    stand = Stand(account_slots=1, global_slots=12, global_queue=20)
    fill(stand, ALICE, 6)
    fill(stand, BOB, 4)
    fill(stand, CAROL, 2)

    fill(stand, DAVE, 1)
    assert lengths(stand, ALICE, BOB, CAROL, DAVE) == [5, 4, 2, 1]
    fill(stand, DAVE, 1, start=1)
    fill(stand, ERIN, 1)

    assert lengths(stand, ALICE, BOB, CAROL, DAVE, ERIN) == [3, 3, 2, 2, 1]  # a round cuts each of them


def test_nobody_is_cut_under_his_account_slots() -> None:
    stand = Stand(account_slots=2, global_slots=4, global_queue=8)

    for sender in (ALICE, BOB, CAROL, DAVE):
        fill(stand, sender, 2)

    assert lengths(stand, ALICE, BOB, CAROL, DAVE) == [2, 2, 2, 2]
    assert stand.counts() == (8, 0)


def test_who_has_more_is_cut_to_his_account_slots_and_no_further() -> None:
    stand = Stand(account_slots=2, global_slots=4, global_queue=8)
    for sender, count in ((ALICE, 4), (BOB, 2), (CAROL, 2)):
        fill(stand, sender, count)

    assert lengths(stand, ALICE, BOB, CAROL) == [2, 2, 2]


def test_cut_ones_are_deleted_not_queued_and_may_come_again() -> None:
    stand = Stand(account_slots=1, global_slots=2, global_queue=8)
    fill(stand, ALICE, 3)

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 1], [])
    stand.mine(offer(ALICE, 0))

    assert stand.send(offer(ALICE, 2)) == ["ok"]
    assert stand.pending(ALICE) == [1, 2]


def test_a_senders_queue_is_cut_from_its_highest_nonce() -> None:
    stand = Stand(account_queue=2)

    assert stand.send(*(offer(ALICE, nonce) for nonce in (5, 7, 3))) == ["ok"] * 3

    assert stand.queued(ALICE) == [3, 5]
    assert stand.last_of(offer(ALICE, 7)).reason is Reason.ACCOUNT_QUEUE_LIMIT


def test_what_fills_the_gap_is_promoted_before_the_queue_is_cut() -> None:
    stand = Stand(account_queue=2)
    stand.send(offer(ALICE, 1), offer(ALICE, 2))

    stand.send(offer(ALICE, 0))

    assert stand.pending(ALICE) == [0, 1, 2]


def test_of_too_many_queued_the_longest_waiting_sender_goes_first() -> None:
    stand = Stand(global_queue=3)
    stand.send(offer(ALICE, 1), offer(BOB, 1), offer(BOB, 2))

    stand.send(offer(CAROL, 1))

    assert [stand.queued(sender) for sender in (ALICE, BOB, CAROL)] == [[], [1, 2], [1]]
    assert stand.last_of(offer(ALICE, 1)).reason is Reason.QUEUE_LIMIT


def test_of_a_long_queue_only_the_excess_goes() -> None:
    stand = Stand(global_queue=3)
    stand.send(*(offer(ALICE, nonce) for nonce in (1, 2, 3)))

    stand.send(offer(BOB, 1))

    assert [stand.queued(sender) for sender in (ALICE, BOB)] == [[1, 2], [1]]


def test_who_is_oldest_may_be_the_newcomer_himself() -> None:
    stand = Stand(global_queue=2)
    stand.send(offer(ALICE, 1), offer(ALICE, 2))

    assert stand.send(offer(ALICE, 3)) == ["ok"]  # taken, and cut at once

    assert stand.queued(ALICE) == [1, 2]


def test_demotion_may_leave_a_long_queue_until_the_next_head() -> None:
    stand = Stand(account_queue=2)
    stand.send(offer(ALICE, 0, value=10**9))
    fill(stand, ALICE, 3, start=1)

    stand.see({ALICE: Account(0, 10**9)})
    assert stand.queued(ALICE) == [1, 2, 3]
    stand.see()

    assert stand.queued(ALICE) == [1, 2]
