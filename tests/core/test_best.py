"""The order in which a block builder gets transactions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stand import ALICE, BOB, CAROL, Stand, dynamic, head_at, offer, pending_senders
from tests.model.test_batches import OFFERS, fresh, together
from txpool.core.best import Best
from txpool.core.candidate import Candidate
from txpool.core.head import Account
from txpool.core.pool import Pool


def order(stand: Stand, base_fee: int | None = 0) -> list[tuple[bytes, int]]:
    return [(each.sender, each.nonce) for each in stand.pool.best(base_fee)]


def test_the_highest_effective_tip_comes_first() -> None:
    stand = Stand()
    stand.send(
        dynamic(ALICE, 0, tip=10, fee=1000), dynamic(BOB, 0, tip=50, fee=105), dynamic(CAROL, 0, tip=20, fee=120)
    )

    assert [each.tip for each in stand.pool.best(0)] == [50, 20, 10]
    assert [(each.sender, each.tip) for each in stand.pool.best(100)] == [(CAROL, 20), (ALICE, 10), (BOB, 5)]


def test_nonces_of_a_sender_come_in_order_whatever_they_pay() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 1), offer(ALICE, 1, 1000), offer(BOB, 0, 10))

    assert order(stand) == [(BOB, 0), (ALICE, 0), (ALICE, 1)]


def test_of_equal_tips_the_one_that_arrived_first_comes_first() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, arrival=30), offer(BOB, 0, arrival=10), offer(CAROL, 0, arrival=20))

    assert [sender for sender, _ in order(stand)] == [BOB, CAROL, ALICE]


def test_of_equal_arrivals_the_one_that_was_stored_first_comes_first() -> None:
    stand = Stand()
    stand.send(offer(CAROL, 0), offer(ALICE, 0), offer(BOB, 0))

    assert [sender for sender, _ in order(stand)] == [CAROL, ALICE, BOB]


def test_a_sender_ends_where_his_fee_cap_is_under_the_base_fee() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 100), offer(ALICE, 1, 99), offer(ALICE, 2, 200), offer(BOB, 0, 99))

    assert order(stand, 100) == [(ALICE, 0)]


def test_a_fee_cap_equal_to_the_base_fee_is_enough() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 100))

    assert [each.tip for each in stand.pool.best(100)] == [0]


def test_queued_ones_do_not_come() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 1, 1000), offer(BOB, 0))

    assert order(stand) == [(BOB, 0)]


def test_a_skipped_sender_does_not_come_back() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 50), offer(ALICE, 1, 50), offer(BOB, 0, 10), offer(BOB, 1, 10))
    best = stand.pool.best(0)

    assert next(best).sender == ALICE
    best.skip_sender()

    assert [(each.sender, each.nonce) for each in best] == [(BOB, 0), (BOB, 1)]


def test_skipping_before_the_first_and_twice_skips_nobody_else() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 50), offer(BOB, 0, 10))
    best = stand.pool.best(0)
    best.skip_sender()
    next(best)
    best.skip_sender()
    best.skip_sender()

    assert next(best).sender == BOB


def test_an_iterator_does_not_outlive_a_new_head() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(BOB, 0))
    best = stand.pool.best(0)
    next(best)
    stand.see()

    with pytest.raises(RuntimeError, match="changed"):
        next(best)


def test_before_london_the_price_is_the_tip() -> None:
    stand = Stand(head=head_at(1, base_fee=None, next_base_fee=None))
    stand.send(offer(ALICE, 0, 5), offer(BOB, 0, 9))

    assert [each.tip for each in stand.pool.best(None)] == [9, 5]


def test_accounts_that_do_not_start_at_zero_come_too() -> None:
    stand = Stand({ALICE: Account(7, 10**18)})
    stand.send(offer(ALICE, 7), offer(ALICE, 8))

    assert order(stand) == [(ALICE, 7), (ALICE, 8)]


def test_what_has_left_meanwhile_does_not_come() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 300), offer(BOB, 0, 200), offer(BOB, 1, 200), offer(CAROL, 0, 100))
    best = stand.pool.best(0)
    assert next(best).sender == ALICE

    stand.pool.remove([offer(BOB, 0, 200).tx.hash], now=stand.now)

    assert [each.sender for each in best] == [CAROL]


def test_what_has_replaced_another_meanwhile_comes_instead() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 300), offer(BOB, 0, 200), offer(BOB, 1, 100))
    best = stand.pool.best(0)
    next(best)

    stand.send(offer(BOB, 0, 250), offer(BOB, 2, 100))

    assert [(each.sender, each.nonce, each.tip) for each in best] == [(BOB, 0, 250), (BOB, 1, 100), (BOB, 2, 100)]


def plainly_ordered(pool: Pool, base_fee: int) -> list[bytes]:
    """By looking at all heads for each pick."""
    left = {each: [pool.read(handle) for _, handle in sender.pending.items()] for each in pending_senders(pool)
            if (sender := pool.sender(each))}  # fmt: skip
    found = []
    while heads := {each: txs[0] for each, txs in left.items() if txs and txs[0].fee_cap >= base_fee}:
        ranks = {each: (-min(tx.tip_cap, tx.fee_cap - base_fee), tx.arrival, tx.handle) for each, tx in heads.items()}
        found.append(left[min(ranks, key=ranks.__getitem__)].pop(0).hash)
    return found


@given(st.lists(OFFERS, max_size=30), st.integers(0, 30), st.integers(1, 5))
def test_however_many_senders_are_held_at_a_time_the_order_is_the_same(
    batch: list[Candidate], base_fee: int, senders_max: int
) -> None:
    pool = fresh()
    together(pool, batch, 0)

    best = Best(pool._residents, base_fee, senders_max=senders_max)

    assert [each.hash for each in best] == plainly_ordered(pool, base_fee)
