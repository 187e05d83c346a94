import gc
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmap_pool.free_list import FreeList


def test_everything_is_free_at_first_and_comes_in_ascending_order() -> None:
    free = FreeList(200)
    assert list(free) == list(range(200))

    assert [free.take() for _ in range(200)] == list(range(200))

    assert free.count == 0
    free.check()


def test_taking_from_an_empty_list_is_an_error() -> None:
    free = FreeList(1)
    free.take()

    with pytest.raises(IndexError):
        free.take()

    free.add(0)
    assert free.take() == 0


@given(st.integers(1, 1000), st.lists(st.one_of(st.none(), st.integers(0, 999))))
def test_the_lowest_comes_first_whatever_was_put_back(capacity: int, steps: list[int | None]) -> None:
    free, model = FreeList(capacity), set(range(capacity))
    for slot in steps:
        if slot is None and model:
            assert free.take() == min(model)
            model.remove(min(model))
        elif slot is not None and slot < capacity and slot not in model:
            free.add(slot)
            model.add(slot)

    assert set(free) == model
    assert free.count == len(model)
    free.check()


def test_a_larger_list_has_no_more_objects_for_the_collector() -> None:
    small, large = FreeList(64), FreeList(65536)

    assert len(gc.get_referents(small)) == len(gc.get_referents(large))


def test_check_notices_a_bit_without_a_slot() -> None:
    free = FreeList(70)
    free._words[1] |= 1 << 20
    free.count += 1

    with pytest.raises(AssertionError, match="stands for no slot"):
        free.check()


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(1, 70))
def test_rows_are_the_longest_stretches_of_free_slots(free: list[bool], length: int) -> None:
    free_list = FreeList(len(free))
    for _ in free:
        free_list.take()
    for slot in (slot for slot, is_free in enumerate(free) if is_free):
        free_list.add(slot)

    found = list(free_list.rows(length))

    expected, start = [], 0
    for is_free, members in groupby(free):
        count = len(list(members))
        if is_free and count >= length:
            expected.append((start, count))
        start += count
    assert found == expected
