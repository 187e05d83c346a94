"""What the pool refuses while it is told to hold back, and that nothing leaves because of it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.blob_offers import ONE_BLOB_STORED, blob
from tests.core.stand import ALICE, BOB, CAROL, DAVE, ERIN, RICH, Stand, offer
from txpool.core.foresee import foresee
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason
from txpool.core.restraint import UNRESTRAINED, Restraint

FULL = "txpool is at its memory limit, try again later"
LARGE_ROOM = 20_000  # of slots, where prices are ranked late


def restrained(restraint: Restraint, **limits: Any) -> Stand:  # noqa: ANN401 - any field of PoolSettings
    stand = Stand(**limits)
    stand.pool.restrain(restraint, now=0)
    return stand


# --- closed


def test_a_closed_pool_refuses_newcomers_with_a_reason_of_its_own() -> None:
    stand = restrained(Restraint(closed=True))
    newcomer = offer(ALICE)

    assert stand.send(newcomer) == [FULL]

    last = stand.last_of(newcomer)
    assert (last.kind, last.reason) == (Kind.REJECTED, Reason.MEMORY_LIMIT)
    assert stand.pool.tallies.rejected[Reason.MEMORY_LIMIT] == 1


def test_a_closed_pool_takes_a_replacement_that_is_no_larger() -> None:
    stand = Stand()
    stand.send(offer(ALICE), offer(BOB), offer(CAROL, 5))
    stand.pool.restrain(Restraint(closed=True), now=0)

    assert stand.send(offer(ALICE, price=200), offer(BOB, price=200, size=111), offer(CAROL, 5, price=200)) == [
        "ok",
        FULL,
        "ok",
    ]
    assert stand.counts() == (2, 1)


def test_who_sends_a_passed_nonce_to_a_closed_pool_hears_that() -> None:
    stand = Stand()
    first = offer(ALICE)
    stand.send(first)
    stand.mine(first)
    stand.pool.restrain(Restraint(closed=True), now=0)

    assert stand.send(offer(ALICE, price=300)) == ["nonce too low: next nonce 1, tx nonce 0"]


def test_a_closed_pool_follows_the_chain_and_takes_back_what_a_reorg_returns() -> None:
    stand = Stand()
    mined = offer(ALICE)
    stand.send(mined, offer(ALICE, 1))
    stand.pool.restrain(Restraint(closed=True), now=0)

    stand.mine(mined)
    assert stand.pending(ALICE) == [1]
    stand.give_back(mined)

    assert stand.pending(ALICE) == [0, 1]


@pytest.mark.parametrize("price", [50, 200])
def test_what_a_reorg_returns_comes_back_beyond_a_smaller_room_and_pushes_out_nobody(price: int) -> None:
    stand = Stand()
    mined, stays = offer(ALICE, price=price), offer(BOB)
    stand.send(mined, stays)
    stand.mine(mined)
    stand.pool.restrain(Restraint(slots_max=1, closed=True), now=0)

    stand.give_back(mined)

    assert stand.holds(mined, stays) == [True, True]
    assert stand.send(offer(CAROL, price=300)) == [FULL]


def test_a_closed_pool_refuses_every_blob_transaction() -> None:
    stand = Stand()
    stand.send(blob(ALICE))
    stand.pool.restrain(Restraint(closed=True), now=0)

    assert stand.send(blob(ALICE, fees=300), blob(BOB)) == [FULL, FULL]
    assert stand.counts() == (1, 0)


def test_a_blob_transaction_that_a_closed_pool_has_or_whose_nonce_has_passed_hears_that() -> None:
    stand = Stand()
    mined, pooled = blob(ALICE), blob(ALICE, 1)
    stand.send(mined, pooled)
    stand.mine(mined)
    stand.pool.restrain(Restraint(gapless=True, closed=True), now=0)

    assert stand.send(pooled, blob(ALICE, 0, fees=300), blob(ALICE, 2)) == [
        "already known",
        "nonce too low: next nonce 1, tx nonce 0",
        FULL,
    ]


def test_a_pool_that_opens_again_is_as_before() -> None:
    stand = restrained(Restraint(closed=True))
    stand.pool.restrain(UNRESTRAINED, now=1)

    assert stand.send(offer(ALICE), blob(BOB)) == ["ok", "ok"]


# --- gaps


def test_without_gaps_only_what_can_run_or_fills_or_replaces_is_taken() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 2), offer(BOB, 3))
    stand.pool.restrain(Restraint(gapless=True), now=0)

    told = stand.send(offer(ALICE, 3), offer(ALICE, 2, price=200), offer(ALICE, 0), offer(ALICE, 1), offer(ALICE, 3))

    gap = "nonce gap refused while txpool is overloaded: next nonce 0, tx nonce 3"
    assert told == [gap, "ok", "ok", "ok", "ok"]
    assert (stand.pending(ALICE), stand.queued(BOB)) == ([0, 1, 2, 3], [3])


def test_without_gaps_no_blob_transaction_waits_aside() -> None:
    stand = restrained(Restraint(gapless=True))

    assert stand.send(blob(ALICE, 1), blob(BOB, 0), blob(BOB, 1)) == [
        "nonce gap refused while txpool is overloaded: next nonce 0, tx nonce 1",
        "ok",
        "ok",
    ]


# --- the floor


def test_a_higher_floor_holds_for_newcomers_and_leaves_what_is_there() -> None:
    stand = Stand(price_limit=10)
    stand.send(offer(ALICE, price=20))
    stand.pool.restrain(Restraint(price_floor=100), now=0)

    assert stand.send(offer(BOB, price=99), offer(CAROL, price=100)) == [
        "transaction gas price below minimum: gas tip cap 99, minimum needed 100",
        "ok",
    ]
    assert stand.counts() == (2, 0)


def test_a_floor_under_that_of_the_settings_means_nothing() -> None:
    stand = Stand(price_limit=50)
    stand.pool.restrain(Restraint(price_floor=10), now=0)

    assert stand.send(offer(ALICE, price=49), offer(ALICE, price=50))[1] == "ok"
    assert stand.counts() == (1, 0)


def test_the_operators_floor_stays_its_own_under_a_restraint() -> None:
    stand = restrained(Restraint(price_floor=100), price_limit=10)

    stand.price_floor(30)
    stand.pool.restrain(UNRESTRAINED, now=0)

    assert stand.pool.settings.price_limit == 30


# --- room


@pytest.mark.parametrize("room", [8, LARGE_ROOM])
def test_with_less_room_a_newcomer_pushes_out_the_cheapest(room: int) -> None:
    stand = Stand(global_slots=room // 2, global_queue=room // 2, account_slots=1)
    cheap = offer(BOB, price=50)
    stand.send(offer(ALICE), cheap, offer(CAROL))
    stand.pool.restrain(Restraint(slots_max=3), now=0)
    assert stand.counts() == (3, 0)

    assert stand.send(offer(DAVE, price=40), offer(ERIN, price=60)) == ["transaction underpriced", "ok"]

    assert stand.last_of(cheap).reason is Reason.POOL_FULL_CHEAPEST
    assert stand.counts() == (3, 0)

    stand.pool.restrain(UNRESTRAINED, now=0)
    assert stand.send(offer(BOB, price=10)) == ["ok"]


def test_prices_are_ranked_a_piece_at_a_time_before_room_is_taken() -> None:
    stand = Stand(global_slots=LARGE_ROOM, account_slots=2000)
    stand.send_together(*(offer(ALICE, nonce) for nonce in range(600)))

    pieces = 1
    while not stand.pool.rank_some():
        pieces += 1

    assert pieces >= 3
    stand.pool.restrain(Restraint(slots_max=600), now=0)
    assert stand.send(offer(BOB, price=200)) == ["ok"]
    assert stand.counts()[0] + stand.counts()[1] == 600


def test_with_less_room_for_blobs_the_worst_account_gives_way() -> None:
    stand = Stand()
    cheap = blob(BOB, tip_cap=1)
    stand.send(blob(ALICE), cheap)
    assert stand.pool.counts().blob_stored == 2 * ONE_BLOB_STORED
    stand.pool.restrain(Restraint(blob_bytes_max=2 * ONE_BLOB_STORED), now=0)

    assert stand.send(blob(CAROL)) == ["ok"]

    assert stand.holds(cheap) == [False]


# --- what would happen


def test_a_dry_run_knows_of_the_restraint() -> None:
    stand = restrained(Restraint(closed=True))

    (forecast,) = foresee(stand.pool, [offer(ALICE)], {ALICE: RICH}, now=0)

    assert str(forecast.verdict) == FULL


# --- who makes way is the same, whoever has looked and whenever prices were ranked


def rank_before(stand: Stand, _onlooker: bytes) -> None:
    while not stand.pool.rank_some():
        pass


def try_before(stand: Stand, onlooker: bytes) -> None:
    foresee(stand.pool, [offer(onlooker, price=150)], {onlooker: RICH}, now=1)


@pytest.mark.parametrize("before", [rank_before, try_before])
def test_who_makes_way_among_equals_does_not_hang_on_when_they_were_ranked(
    before: Callable[[Stand, bytes], None],
) -> None:
    crowd = [number.to_bytes(8, "big") + bytes(12) for number in range(1, 1302)]

    def who_left(before: Callable[[Stand, bytes], None]) -> list[tuple[Kind, bytes]]:
        stand = Stand(dict.fromkeys(crowd, RICH), global_slots=LARGE_ROOM)
        stand.send_together(*(offer(each) for each in crowd[:1000]))
        stand.pool.restrain(Restraint(slots_max=1000), now=0)
        before(stand, crowd[-1])
        stand.pool.remove([offer(each).tx.hash for each in crowd[:100]], now=1)
        stand.send_together(*(offer(each) for each in crowd[1000:1100]))
        stand.send_together(*(offer(each, price=200) for each in crowd[1100:1200]))
        return [(each.kind, each.hash) for each in stand.pool.events.since(0)]

    assert who_left(before) == who_left(lambda _stand, _onlooker: None)
