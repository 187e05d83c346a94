from hypothesis import given
from hypothesis import strategies as st

from mmap_pool.handle import GENERATION_MAX, SLABS_MAX, SLOTS_MAX, pack, unpack

GENERATIONS = st.integers(1, GENERATION_MAX)
SLABS = st.integers(0, SLABS_MAX - 1)
SLOTS = st.integers(0, SLOTS_MAX - 1)


@given(GENERATIONS, SLABS, SLOTS)
def test_a_handle_is_a_positive_64_bit_int_that_comes_apart_again(generation: int, slab: int, slot: int) -> None:
    handle = pack(generation, slab, slot)

    assert 0 < handle < 2**64
    assert unpack(handle) == (generation, slab, slot)


def test_handles_of_young_slots_stay_below_2_to_the_60() -> None:
    assert pack(2**28 - 1, SLABS_MAX - 1, SLOTS_MAX - 1) < 2**60
