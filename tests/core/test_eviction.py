"""A full pool trades the cheap for the dear, and only then."""

import pytest

from tests.core.stand import ALICE, BOB, CAROL, DAVE, ERIN, Stand, dynamic, offer
from txpool.core.eviction import PriceOrder
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason

UNDERPRICED = "transaction underpriced"
FUTURE = "future transaction tries to replace pending"


def full_of(*prices: int) -> Stand:
    """A pool of four slots; one sender each."""
    stand = Stand(global_slots=3, global_queue=1, account_slots=4)
    offers = [offer(sender, 0, price) for sender, price in zip((BOB, CAROL, DAVE, ERIN), prices, strict=False)]
    assert set(stand.send(*offers)) == {"ok"}
    return stand


def test_who_pays_more_than_the_cheapest_takes_his_place() -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(offer(ALICE, 0, 6)) == ["ok"]

    assert (stand.pending(BOB), stand.pending(ALICE)) == ([], [0])
    gone = stand.last_of(offer(BOB, 0, 5))
    assert (gone.kind, gone.reason) == (Kind.EVICTED, Reason.POOL_FULL_CHEAPEST)
    assert gone.counterpart == offer(ALICE, 0, 6).tx.hash


@pytest.mark.parametrize("price", [1, 4, 5])
def test_who_pays_no_more_than_the_cheapest_is_underpriced(price: int) -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(offer(ALICE, 0, price)) == [UNDERPRICED]

    assert stand.counts() == (4, 0)


def test_a_pool_with_one_slot_left_is_not_full() -> None:
    stand = full_of(5, 6, 7)

    assert stand.send(offer(ALICE, 0, 1)) == ["ok"]


def test_a_large_transaction_needs_as_many_slots_as_it_has_32_kib() -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(offer(ALICE, 0, 100, size=32_769)) == ["ok"]

    assert [len(stand.pending(each)) for each in (ALICE, BOB, CAROL, DAVE, ERIN)] == [1, 0, 0, 1, 1]


def test_a_future_transaction_pushes_out_no_pending_one_however_dear() -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(offer(ALICE, 1, 1000)) == [FUTURE]

    assert stand.counts() == (4, 0)
    assert stand.holds(offer(BOB, 0, 5)) == [True]


def test_a_future_transaction_may_push_out_a_queued_one() -> None:
    stand = full_of(5, 6, 7)
    stand.send(offer(ERIN, 9, 4))

    assert stand.send(offer(ALICE, 1, 5)) == ["ok"]

    assert (stand.queued(ERIN), stand.queued(ALICE)) == ([], [1])


def test_a_nonce_that_the_own_queue_reaches_is_no_future_one() -> None:
    stand = Stand(global_slots=2, global_queue=2, account_slots=4)
    stand.send(offer(BOB, 0, 5), offer(CAROL, 0, 6), offer(ALICE, 1, 50), offer(ALICE, 2, 50))

    assert stand.send(offer(ALICE, 0, 40)) == ["ok"]

    assert stand.pending(BOB) == []
    assert stand.pending(ALICE) == [0, 1, 2]


def test_what_stood_behind_the_evicted_waits() -> None:
    stand = Stand(global_slots=3, global_queue=2, account_slots=4)
    stand.send(offer(BOB, 0, 5), offer(BOB, 1, 50), offer(BOB, 2, 50), offer(CAROL, 0, 50), offer(DAVE, 0, 50))

    assert stand.send(offer(ALICE, 0, 40)) == ["ok"]

    assert (stand.pending(BOB), stand.queued(BOB)) == ([], [1, 2])
    assert stand.pool.next_nonce(BOB) == 0


def test_of_equal_prices_the_higher_nonce_goes() -> None:
    stand = Stand(global_slots=3, global_queue=1, account_slots=4)
    stand.send(offer(BOB, 0, 5), offer(BOB, 1, 5), offer(BOB, 2, 5), offer(BOB, 3, 5))

    assert stand.send(offer(ALICE, 0, 6)) == ["ok"]

    assert stand.pending(BOB) == [0, 1, 2]


def test_of_the_fifth_with_the_worst_effective_tips_the_lowest_fee_cap_goes() -> None:
    stand = Stand(global_slots=8, global_queue=2, account_slots=16)
    for nonce in range(8):
        stand.send(dynamic(BOB, nonce, tip=50, fee=200))
    stand.send(dynamic(CAROL, 0, tip=1, fee=1000), dynamic(DAVE, 0, tip=2, fee=500))
    stand.see(next_base_fee=100)

    assert stand.send(dynamic(ALICE, 0, tip=60, fee=600)) == ["ok"]

    assert (stand.pending(CAROL), stand.pending(DAVE)) == ([0], [])
    assert stand.pending(BOB) == list(range(8))


def test_to_be_worst_in_one_of_two_heaps_is_not_underpriced() -> None:
    stand = Stand(global_slots=8, global_queue=2, account_slots=16)
    stand.send(*(dynamic(BOB, nonce, tip=50, fee=200) for nonce in range(10)))
    stand.see(next_base_fee=100)

    assert stand.send(dynamic(ALICE, 0, tip=1, fee=1000)) == ["ok"]
    assert stand.send(dynamic(CAROL, 0, tip=1, fee=200)) == [UNDERPRICED]


def test_with_one_heap_a_higher_fee_cap_alone_is_underpriced() -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(dynamic(ALICE, 0, tip=1, fee=1000)) == [UNDERPRICED]


def test_a_reorg_pushes_out_no_more_than_a_quarter_of_the_slots_and_one() -> None:
    stand = Stand(global_slots=4, global_queue=4, account_slots=8)
    stand.send(*(offer(BOB, nonce, 20 - nonce) for nonce in range(8)))
    back = [offer(ALICE, nonce, 100) for nonce in range(4)]

    stand.give_back(*back)

    assert (stand.pending(ALICE), stand.pending(BOB)) == ([0, 1], [0, 1, 2, 3, 4, 5])
    assert stand.last_of(back[2]).reason is Reason.POOL_FULL
    assert stand.send(offer(ALICE, 2, 100)) == ["ok"]  # counted anew from here


def test_each_submission_starts_with_no_drops_counted() -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(*(offer(ALICE, nonce, 100) for nonce in range(3))) == ["ok"] * 3

    assert stand.pending(ERIN) == [0]


def test_a_replacement_in_a_full_pool_needs_room_like_any_other() -> None:
    stand = full_of(5, 6, 7, 8)

    assert stand.send(offer(CAROL, 0, 20)) == ["ok"]

    assert stand.pending(BOB) == []  # pushed out before the replaced one left, as in geth
    assert stand.counts() == (3, 0)


def test_a_rejected_newcomer_may_still_have_pushed_out_others() -> None:
    stand = full_of(5, 6, 700, 8)

    assert stand.send(offer(DAVE, 0, 701)) == ["replacement transaction underpriced"]

    assert stand.pending(BOB) == []


def test_removals_leave_no_more_than_a_quarter_of_dead_entries() -> None:
    stand = Stand(global_slots=64, global_queue=64, account_slots=64)
    for nonce in range(40):
        stand.send(offer(BOB, nonce, 100))
    prices = stand.pool._residents.prices
    assert isinstance(prices, PriceOrder)

    for nonce in range(40):
        stand.send(offer(BOB, nonce, 200))
        assert prices._stale * 4 <= len(prices._urgent) + len(prices._floating) + 4


def test_evictions_alone_can_make_the_share_of_dead_entries_too_large() -> None:
    stand = Stand(global_slots=60, global_queue=4, account_slots=64)
    stand.send(*(offer(BOB, nonce, 1000) for nonce in range(60)))
    stand.send(*(offer(BOB, nonce, 2000) for nonce in range(12)))  # not more than a quarter is dead
    prices = stand.pool._residents.prices
    assert isinstance(prices, PriceOrder)
    assert prices._stale == 12

    for nonce in range(12):
        assert stand.send(offer(CAROL, nonce, 5000, size=131_000)) == ["ok"]
        assert prices._stale <= (len(prices._urgent) + len(prices._floating)) // 4

    assert prices._stale == 0


def test_dead_entries_stay_where_nobody_looked() -> None:
    stand = Stand(global_slots=16, global_queue=4, account_slots=16)
    stand.send(*(offer(BOB, nonce, 10 + nonce) for nonce in range(9)), offer(CAROL, 0, 5))
    stand.see()  # the two cheapest are in the second heap now
    stand.send(offer(CAROL, 0, 50))
    prices = stand.pool._residents.prices
    assert isinstance(prices, PriceOrder)
    assert prices._stale == 1

    assert not prices.underpriced(100, 100)  # the first heap has a cheaper one
    assert prices._stale == 1

    assert prices.underpriced(1, 1)
    assert prices._stale == 0
