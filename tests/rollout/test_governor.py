"""The steps of degradation under latencies that are made up; time is passed in."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from txpool.rollout.governor import LAST, Governor, Move, Rules, Step

RULES = Rules(latency_seconds=0.05, calm_seconds=0.02, hold_seconds=5, recover_seconds=30, recover_seconds_max=240)
SLOW, BETWEEN, QUICK = 0.2, 0.03, 0.01

Timeline = list[tuple[float, Move]]


def watched(governor: Governor, latencies: Sequence[float | None], start: float = 0.0) -> Timeline:
    """One look a second."""
    moves: Timeline = []
    for second, latency in enumerate(latencies):
        if move := governor.observe(start + second, latency):
            moves.append((start + second, move))
    return moves


def test_an_overload_that_lasts_takes_one_step_after_another_down_to_the_last() -> None:
    governor = Governor(RULES)

    moves = watched(governor, [SLOW] * 40)

    assert [(at, move.after) for at, move in moves] == [
        (5, Step.HASHES_ONLY),
        (10, Step.SMALL_BATCHES),
        (15, Step.HIGH_FLOOR),
        (20, Step.NO_GAPS),
    ]
    assert governor.step is LAST


def test_a_short_overload_moves_nothing() -> None:
    assert watched(Governor(RULES), ([SLOW] * 5 + [QUICK]) * 20) == []


def test_what_is_neither_slow_nor_quick_moves_nothing() -> None:
    governor = Governor(RULES)
    watched(governor, [SLOW] * 6)

    assert watched(governor, [BETWEEN] * 1000, start=10) == []
    assert governor.step is Step.HASHES_ONLY


def test_calm_takes_the_steps_back_in_reverse() -> None:
    governor = Governor(RULES)
    watched(governor, [SLOW] * 11)

    moves = watched(governor, [QUICK] * 100, start=11)

    assert [(at, move.after) for at, move in moves] == [(41, Step.HASHES_ONLY), (71, Step.FULL_SERVICE)]
    assert not any(move.is_down for _, move in moves)


def test_when_nobody_asks_all_is_calm() -> None:
    governor = Governor(RULES)
    watched(governor, [SLOW] * 6)

    (up,) = watched(governor, [None] * 60, start=6)

    assert up[1] == Move(Step.HASHES_ONLY, Step.FULL_SERVICE, None)


def test_a_step_up_that_does_not_last_makes_the_next_one_wait_twice_as_long() -> None:
    """A load that only fits with the first measure in place: slow without it, quick with it."""
    governor = Governor(RULES)
    moves: Timeline = []
    for second in range(3000):
        latency = SLOW if governor.step is Step.FULL_SERVICE else QUICK
        if move := governor.observe(second, latency):
            moves.append((second, move))

    ups = [at for at, move in moves if not move.is_down]
    downs = [at for at, move in moves if move.is_down]
    waits = [up - down for down, up in zip(downs, ups, strict=False)]
    assert waits[:5] == [31, 61, 121, 241, 241]  # calm begins a look after the move
    assert set(waits[5:]) == {241}


def test_an_overload_long_after_the_last_one_is_waited_out_as_the_first() -> None:
    governor = Governor(RULES)
    watched(governor, [SLOW] * 6 + [QUICK] * 31 + [SLOW] * 6 + [QUICK] * 61)
    assert governor.wait == 60

    watched(governor, [QUICK] * 300 + [SLOW] * 6, start=200)

    assert (governor.step, governor.wait) == (Step.HASHES_ONLY, 30)


traces = st.lists(
    st.tuples(
        st.floats(0, 20, allow_nan=False),
        st.none() | st.floats(0, 10, allow_nan=False) | st.sampled_from([SLOW, BETWEEN, QUICK]),
    ),
    max_size=300,
)
rules = st.builds(
    Rules,
    hold_seconds=st.floats(0.5, 20),
    recover_seconds=st.floats(0.5, 60),
    recover_seconds_max=st.floats(0.5, 300),
)


@given(traces, rules)
def test_whatever_the_latencies_moves_are_single_steps_and_far_apart(
    trace: list[tuple[float, float | None]], rules: Rules
) -> None:
    governor, now, moves = Governor(rules), 0.0, list[tuple[float, Move]]()
    for pause, latency in trace:
        now += pause
        before = governor.step
        if move := governor.observe(now, latency):
            assert (move.before, move.after) == (before, governor.step)
            assert abs(move.after - move.before) == 1
            assert (move.latency is None or move.latency <= rules.calm_seconds) is not move.is_down
            moves.append((now, move))
        else:
            assert governor.step is before

    for (earlier, first), (later, second) in pairwise(moves):
        assert first.after is second.before
        assert later - earlier >= (rules.hold_seconds if second.is_down else rules.recover_seconds)
    shortest = min(rules.hold_seconds, rules.recover_seconds)
    assert len(moves) <= now / shortest + 1


@given(st.integers(0, LAST), st.integers(1000, 5000))
def test_a_load_that_one_step_bears_is_not_swung_around_it(bearable: int, seconds: int) -> None:
    """At most: down to the step, and then one try up for each wait, which doubles until its most."""
    governor, moves = Governor(RULES), 0
    for second in range(seconds):
        moves += governor.observe(second, QUICK if governor.step >= bearable else SLOW) is not None

    assert moves <= bearable + 2 * (3 + seconds / RULES.recover_seconds_max)
    assert governor.step in {bearable, max(bearable - 1, 0)}
