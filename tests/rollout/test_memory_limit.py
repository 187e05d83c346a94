"""The limits on resident memory, left only well below where they were reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpool.rollout.memory_limit import MemoryLimit, Pressure

NONE, SOFT, HARD = Pressure


def seen(limit: MemoryLimit, *resident: int) -> list[Pressure]:
    return [limit.observe(each) for each in resident]


def test_the_hard_limit_is_left_below_the_soft_one_and_that_a_sixteenth_below_itself() -> None:
    limit = MemoryLimit(1600, 3200)

    assert seen(limit, 1599, 1600, 3199, 3200, 3199, 1600, 1599, 1500, 1499, 1599) == [
        *(NONE, SOFT, SOFT, HARD, HARD, HARD, SOFT, SOFT, NONE, NONE),
    ]


def test_one_limit_alone_has_its_own_hysteresis() -> None:
    assert seen(MemoryLimit(0, 1600), 1600, 1500, 1499, 1599) == [HARD, HARD, NONE, NONE]
    assert seen(MemoryLimit(1600, 0), 10**9, 1500, 1499) == [SOFT, SOFT, NONE]


def test_no_limit_is_never_reached() -> None:
    limit = MemoryLimit(0, 0)

    assert not limit.is_set
    assert seen(limit, 2**60) == [NONE]


@pytest.mark.parametrize("soft", [0, 1000, 2999])
@given(st.lists(st.integers(0, 5000)))
def test_above_the_hard_limit_it_is_always_hard_and_far_below_never(soft: int, trace: list[int]) -> None:
    limit = MemoryLimit(soft, 3000)
    for resident in trace:
        pressure = limit.observe(resident)

        assert resident < 3000 or pressure is HARD
        assert resident >= 900 or pressure is NONE
