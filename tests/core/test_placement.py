"""Promotion and demotion: who can run now, who waits, and what moves them."""

from tests.core.stand import ALICE, BOB, CAROL, Stand, offer
from txpool.core.head import Account
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason

COST = 21_000 * 100


def test_filling_a_nonce_gap_promotes_every_waiting_successor() -> None:
    stand = Stand()
    two, one, zero, four = (offer(ALICE, nonce) for nonce in (2, 1, 0, 4))
    stand.send(two, one, four)
    before = stand.pool.events.next_seq

    stand.send(zero)

    assert stand.moves(before) == [(Kind.PROMOTED, each.tx.hash) for each in (zero, one, two)]
    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 1, 2], [4])
    assert stand.pool.next_nonce(ALICE) == 3


def test_a_gap_that_the_chain_fills_promotes_too() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 1), offer(ALICE, 2), offer(ALICE, 4))

    stand.see({ALICE: Account(1, 10**18)})

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([1, 2], [4])


def test_of_a_queue_only_what_the_account_cannot_pay_alone_is_dropped() -> None:
    stand = Stand()
    poor, payable = offer(ALICE, 1, value=COST), offer(ALICE, 2)
    stand.send(poor, payable)

    stand.see({ALICE: Account(0, COST)})

    assert stand.queued(ALICE) == [2]
    assert stand.last_of(poor).reason is Reason.UNAFFORDABLE


def test_promotion_weighs_each_alone_so_a_chain_may_overdraw_together() -> None:
    stand = Stand({ALICE: Account(balance=COST)})
    stand.send(offer(ALICE, 1), offer(ALICE, 2))

    assert stand.send(offer(ALICE, 0)) == ["ok"]

    assert stand.pending(ALICE) == [0, 1, 2]


def test_an_unpayable_pending_one_leaves_and_its_successors_wait() -> None:
    stand = Stand()
    dear = offer(ALICE, 1, value=10**6)
    stand.send(offer(ALICE, 0), dear, offer(ALICE, 2), offer(ALICE, 3))
    before = stand.pool.events.next_seq

    stand.see({ALICE: Account(0, COST)})

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0], [2, 3])
    assert stand.last_of(dear).reason is Reason.UNAFFORDABLE
    assert [event.kind for event in stand.events(before)] == [Kind.EVICTED, Kind.DEMOTED, Kind.DEMOTED]
    assert stand.pool.next_nonce(ALICE) == 1


def test_a_balance_that_covers_each_alone_demotes_nothing() -> None:
    stand = Stand()
    stand.send(*(offer(ALICE, nonce) for nonce in range(3)))

    stand.see({ALICE: Account(0, COST)})

    assert stand.pending(ALICE) == [0, 1, 2]


def test_a_demoted_one_is_promoted_when_its_predecessor_is_there_again() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1, value=2 * COST), offer(ALICE, 2))
    stand.see({ALICE: Account(0, 2 * COST)})
    assert stand.queued(ALICE) == [2]

    assert stand.send(offer(ALICE, 1)) == ["ok"]

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 1, 2], [])


def test_a_nonce_that_falls_back_on_the_chain_demotes_all() -> None:
    stand = Stand({ALICE: Account(2, 10**18)})
    stand.send(offer(ALICE, 2), offer(ALICE, 3))

    stand.see({ALICE: Account(1, 10**18)})

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([], [2, 3])
    assert stand.last_of(offer(ALICE, 3)).reason is Reason.PREDECESSOR_LEFT
    assert stand.pool.next_nonce(ALICE) == 1


def test_one_sender_never_moves_another() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(BOB, 0), offer(BOB, 2))

    stand.see({ALICE: Account(1, 0)})

    assert (stand.pending(BOB), stand.queued(BOB)) == ([0], [2])


def test_a_queue_grows_old_from_its_first_and_then_goes_whole() -> None:
    stand = Stand(lifetime=100)
    stand.send(offer(ALICE, 1))
    stand.wait(98)
    stand.send(offer(ALICE, 2))  # renews nothing

    stand.wait(0)
    assert stand.queued(ALICE) == [1, 2]
    stand.wait(2)

    assert stand.queued(ALICE) == []
    assert stand.last_of(offer(ALICE, 2)).reason is Reason.LIFETIME


def test_a_promotion_renews_the_age_of_the_rest_of_the_queue() -> None:
    stand = Stand(lifetime=100)
    stand.send(offer(ALICE, 1), offer(ALICE, 3))
    stand.wait(90)
    stand.send(offer(ALICE, 0))

    stand.wait(90)
    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 1], [3])
    stand.wait(20)

    assert stand.queued(ALICE) == []


def test_a_replacement_among_the_pending_renews_the_queue_too() -> None:
    stand = Stand(lifetime=100)
    stand.send(offer(ALICE, 0), offer(ALICE, 2))
    stand.wait(90)
    stand.send(offer(ALICE, 0, 200))

    stand.wait(90)

    assert stand.queued(ALICE) == [2]


def test_pending_ones_do_not_grow_old() -> None:
    stand = Stand(lifetime=100)
    stand.send(offer(ALICE, 0))

    stand.wait(1000)

    assert stand.pending(ALICE) == [0]


def test_who_waits_in_a_hole_is_promoted_before_a_newcomer_behind_it() -> None:
    stand = Stand()
    stand.send(*[offer(ALICE, nonce) for nonce in range(4)])
    stand.mine(offer(ALICE, 0), offer(ALICE, 1), offer(ALICE, 2))
    stand.give_back(offer(ALICE, 0), offer(ALICE, 2))  # 0 and 3 are executable, 2 waits, and 1 is lost

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 3], [2])
    stand.send(offer(ALICE, 4))

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 2, 3], [4])


def test_what_waits_in_a_hole_stays_there_at_the_next_head() -> None:
    stand = Stand()
    stand.send(*[offer(ALICE, nonce) for nonce in range(4)])
    stand.mine(offer(ALICE, 0), offer(ALICE, 1), offer(ALICE, 2))
    stand.give_back(offer(ALICE, 0), offer(ALICE, 2))

    stand.see()

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 3], [2])


def test_queues_expire_some_at_a_time_the_oldest_first() -> None:
    stand = Stand(lifetime=60)
    for sender in (ALICE, BOB, CAROL):
        stand.send(offer(sender, 1), offer(sender, 2))
    late = stand.now + 61 * 10**9

    assert len(stand.pool.expire(now=late, most=2)) == 4
    assert (stand.queued(ALICE), stand.queued(BOB), stand.queued(CAROL)) == ([], [], [1, 2])
    assert len(stand.pool.expire(now=late, most=2)) == 2
    assert not stand.pool.expire(now=late, most=2)
    stand.pool.check()
