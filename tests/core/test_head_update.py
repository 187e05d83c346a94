"""What a new head does to the pool."""

import pytest

from tests.core.blob_offers import at_nonce, blob
from tests.core.stand import ALICE, BOB, CAROL, RICH, Stand, given_back, head_at, offer, set_code
from txpool.core.head import Account, HeadChange
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason
from txpool.core.rules import Fork


def test_what_a_block_holds_is_included_at_its_number() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1))

    stand.mine(offer(ALICE, 0))

    assert stand.pending(ALICE) == [1]
    event = stand.last_of(offer(ALICE, 0))
    assert (event.kind, event.head) == (Kind.INCLUDED, 2)
    assert stand.pool.tallies.included == 1


def test_a_queued_one_may_be_included_too() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 1))

    stand.see({ALICE: Account(2, 10**18)}, mined=[offer(ALICE, 1)])

    assert stand.last_of(offer(ALICE, 1)).kind is Kind.INCLUDED
    assert stand.counts() == (0, 0)


def test_whom_another_of_its_nonce_overtook_leaves() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1))

    stand.mine(offer(ALICE, 0, 77))

    event = stand.last_of(offer(ALICE, 0))
    assert (event.kind, event.reason) == (Kind.EVICTED, Reason.NONCE_PASSED)
    assert stand.pending(ALICE) == [1]


def test_what_comes_back_is_judged_by_the_account_at_the_new_head_also_where_the_blob_pool_knows_the_old_one() -> None:
    stand = Stand({ALICE: at_nonce(9)})
    plain = offer(ALICE, 9)
    assert stand.send(plain, blob(ALICE, 11)) == ["ok", "ok"]  # the second waits aside, which reserves nothing
    stand.mine(plain)

    stand.give_back(plain)

    assert stand.pending(ALICE) == [9]


def test_what_comes_back_to_an_account_of_the_blob_pool_is_refused_for_that() -> None:
    stand = Stand()
    plain = offer(ALICE, 0)
    stand.send(plain)
    stand.mine(plain)
    stand.send(blob(ALICE, 1))

    stand.give_back(plain)

    assert stand.last_of(plain).reason is Reason.ADDRESS_RESERVED
    assert stand.pending(ALICE) == []


def test_what_comes_back_at_osaka_is_judged_by_the_new_account_though_the_fork_took_all_its_sender_had() -> None:
    stand = Stand(head=head_at(1, fork=Fork.PRAGUE))
    first = offer(ALICE, 0)
    stand.send(first)
    stand.mine(first)
    stand.send(offer(ALICE, 1, gas=2**24 + 1))

    stand.give_back(first, fork=Fork.OSAKA)

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0], [])


def test_a_reorg_gives_back_what_the_new_branch_lacks() -> None:
    stand = Stand()
    one = offer(ALICE, 0)
    stand.send(one)
    stand.mine(one)
    before = stand.pool.events.next_seq

    stand.give_back(one)

    assert stand.pending(ALICE) == [0]
    assert stand.moves(before) == [(kind, one.tx.hash) for kind in (Kind.REINJECTED, Kind.QUEUED, Kind.PROMOTED)]
    assert stand.pool.tallies.reinjected == 1


def test_what_comes_back_stands_before_what_is_here() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1))
    stand.mine(offer(ALICE, 0))

    stand.give_back(offer(ALICE, 0))

    assert stand.pending(ALICE) == [0, 1]
    assert stand.pool.next_nonce(ALICE) == 2


def test_what_comes_back_must_pay_the_bump_against_what_is_here() -> None:
    stand = Stand({ALICE: Account(1, 10**18)})
    stand.send(offer(ALICE, 1, 100))

    stand.see({ALICE: Account(0, 10**18)}, reverted=[offer(ALICE, 1, 105), offer(ALICE, 0)])

    assert stand.pool.pending_of(ALICE)[1].hash == offer(ALICE, 1, 100).tx.hash
    assert stand.pool.tallies.reinject_refused == 1


def test_what_comes_back_is_not_held_to_the_price_floor() -> None:
    stand = Stand()
    cheap = offer(ALICE, 0, 5)
    stand.send(cheap)
    stand.mine(cheap)
    stand.price_floor(50)

    stand.give_back(cheap)

    assert stand.pending(ALICE) == [0]


def test_what_the_account_cannot_pay_any_more_does_not_come_back() -> None:
    stand = Stand()
    stand.see({ALICE: Account(0, 10)}, reverted=[offer(ALICE, 0)])

    event = stand.last_of(offer(ALICE, 0))
    assert (event.kind, event.reason) == (Kind.REJECTED, Reason.INSUFFICIENT_FUNDS)
    assert not stand.pool.tracks(ALICE)


def test_a_transaction_that_is_here_already_does_not_come_back_twice() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0))
    before = stand.pool.events.next_seq

    stand.see({ALICE: RICH}, reverted=[offer(ALICE, 0)])

    assert stand.pool.events.next_seq == before
    assert stand.counts() == (1, 0)


def test_a_lower_gas_limit_drops_what_no_block_can_hold() -> None:
    stand = Stand()
    big = offer(ALICE, 0, gas=100_000)
    stand.send(big, offer(ALICE, 1), offer(BOB, 5, gas=100_000), offer(CAROL, 0))

    stand.see(gas_limit=99_999)

    assert stand.last_of(big).reason is Reason.GAS_LIMIT_LOWERED
    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([], [1])
    assert stand.queued(BOB) == []
    assert stand.pending(CAROL) == [0]


def test_an_equal_gas_limit_drops_nothing() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, gas=100_000))

    stand.see(gas_limit=100_000)

    assert stand.pending(ALICE) == [0]


def test_osaka_drops_what_has_more_than_2_to_the_24_gas() -> None:
    stand = Stand(head=head_at(1, fork=Fork.PRAGUE))
    big = offer(ALICE, 0, gas=2**24 + 1)
    stand.send(big, offer(ALICE, 1), offer(BOB, 0, gas=2**24))

    stand.see(fork=Fork.OSAKA)

    assert stand.last_of(big).reason is Reason.GAS_LIMIT_TOO_HIGH
    assert stand.queued(ALICE) == [1]
    assert stand.pending(BOB) == [0]


def test_rules_are_those_of_the_head() -> None:
    stand = Stand(head=head_at(1, fork=Fork.CANCUN))
    early = "transaction type not supported: type 4 rejected, pool not yet in Prague"
    assert stand.send(set_code(ALICE, 0, BOB)) == [early]

    stand.see(fork=Fork.PRAGUE)

    assert stand.send(set_code(ALICE, 0, BOB)) == ["ok"]


def test_a_new_base_fee_changes_who_is_cheapest() -> None:
    stand = Stand(global_slots=8, global_queue=2, account_slots=16)
    for nonce in range(9):
        stand.send(offer(BOB, nonce, 500))
    stand.send(offer(CAROL, 0, 90))

    stand.see(next_base_fee=100)

    assert stand.send(offer(ALICE, 0, 95)) == ["ok"]
    assert stand.pending(CAROL) == []


def test_a_delegation_that_comes_with_a_head_limits_from_then_on() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1))

    stand.see({ALICE: Account(0, 10**18, has_code=True)})

    assert stand.pending(ALICE) == [0, 1]
    assert stand.send(offer(ALICE, 2)) == ["in-flight transaction limit reached for delegated accounts"]
    stand.see({ALICE: Account(0, 10**18)})
    assert stand.send(offer(ALICE, 2)) == ["ok"]


def test_a_head_changes_no_sender_that_it_does_not_name() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(BOB, 3))
    before = stand.pool.events.next_seq

    stand.see({CAROL: Account(5, 0)})

    assert stand.pool.events.next_seq == before
    assert not stand.pool.tracks(CAROL)


@pytest.mark.parametrize(("step", "comes_back"), [(64, True), (65, False), (-64, True), (-65, False)])
def test_between_heads_more_than_64_blocks_apart_nothing_comes_back(step: int, comes_back: bool) -> None:
    stand = Stand(head=head_at(100))
    change = HeadChange(head_at(100 + step), {ALICE: RICH}, {}, given_back(offer(ALICE, 0)))

    stand.pool.advance(change, now=1)

    assert stand.pending(ALICE) == ([0] if comes_back else [])


def test_limits_are_applied_after_everything_has_come_back() -> None:
    stand = Stand(account_slots=2, global_slots=4)
    back = [offer(ALICE, nonce) for nonce in range(4)]
    stand.send(offer(BOB, 0), offer(BOB, 1))

    stand.give_back(*back)

    assert (stand.pending(ALICE), stand.pending(BOB)) == ([0, 1], [0, 1])
    assert stand.last_of(back[3]).reason is Reason.PENDING_LIMIT


def test_what_waits_at_a_hole_below_pending_ones_waits_at_later_heads_too() -> None:
    stand = Stand({ALICE: Account(balance=10**24, nonce=3)})
    stand.send(offer(ALICE, 3), offer(BOB, 1), offer(BOB, 2))
    stand.give_back(offer(ALICE, 0), set_code(ALICE, 1, BOB), offer(ALICE, 2))  # the second is refused
    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 3], [2])

    stand.see()

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0, 3], [2])
