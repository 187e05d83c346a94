"""A price floor raised in steps: the same as at once, and nobody comes between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.blob_offers import blob
from tests.core.pool_state import state_digest
from tests.core.stand import ALICE, BOB, CAROL, DAVE, ERIN, Stand, offer
from txpool.core.candidate import Candidate
from txpool.core.steps import finish

OFFERS = st.lists(
    st.builds(offer, st.sampled_from((ALICE, BOB, CAROL)), st.integers(0, 6), st.integers(20, 60))
    | st.builds(lambda sender, nonce, tip: blob(sender, nonce, tip_cap=tip), st.sampled_from((DAVE, ERIN)),
                st.integers(0, 4), st.integers(20, 60)),
    max_size=40,
)  # fmt: skip


@given(OFFERS, st.lists(st.integers(10, 70), min_size=1, max_size=3))
def test_what_comes_of_it_does_not_hang_on_the_steps(offers: list[Candidate], tips: list[int]) -> None:
    at_once, in_steps = Stand(), Stand()
    for stand in (at_once, in_steps):
        stand.send(*offers)

    for tip in tips:
        at_once.price_floor(tip)
        for _ in in_steps.pool.set_price_floor_in_steps(tip, now=at_once.now):
            assert in_steps.pool.held() == in_steps.pool.store.stats().slots_used
        in_steps.pool.check()
    assert state_digest(in_steps.pool) == state_digest(at_once.pool)


def test_nobody_changes_a_pool_whose_floor_is_rising() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 20), offer(BOB, 0, 20))
    steps = stand.pool.set_price_floor_in_steps(50, now=1)
    next(steps)

    with pytest.raises(AssertionError, match="under way"):
        stand.send(offer(ALICE, 1))
    finish(steps)

    assert stand.send(offer(CAROL, 0, 50)) == ["ok"]
    assert stand.counts() == (1, 0)


def test_a_step_drops_no_more_than_one() -> None:
    stand = Stand()
    stand.send(*(offer(number.to_bytes(20, "big"), 0, 20) for number in range(1, 101)))
    ring = stand.pool.events
    before, most = ring.next_seq, 0

    for _ in stand.pool.set_price_floor_in_steps(50, now=1):
        most, before = max(most, ring.next_seq - before), ring.next_seq

    assert most == 1
    assert stand.counts() == (0, 0)
