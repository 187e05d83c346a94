"""When blocks are due."""

from txpool.chain.mining import MiningPolicy


def test_on_demand_no_block_is_ever_due() -> None:
    assert MiningPolicy(0).wait_s(now=100, last_block=0, pending_since=1) is None


def test_at_intervals_a_block_is_due_a_period_after_the_last() -> None:
    policy = MiningPolicy(12)

    assert policy.wait_s(now=5, last_block=0, pending_since=None) == 7
    assert policy.wait_s(now=13, last_block=0, pending_since=None) == 0


def test_with_auto_a_block_is_due_once_others_had_time_to_come() -> None:
    policy = MiningPolicy(gather_s=0.5)

    assert policy.wait_s(now=100, last_block=0, pending_since=None) is None
    assert policy.wait_s(now=100, last_block=0, pending_since=99.75) == 0.25
    assert policy.wait_s(now=100, last_block=0, pending_since=99) == 0
