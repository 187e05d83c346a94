from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmap_pool.size_class import FINE_BYTES_MAX, PART_BYTES, slot_sizes
from txpool.core.blob_sidecar import network_bytes
from txpool.core.record import RECORD_BYTES

SIZES = slot_sizes(2 << 20)


def test_slots_go_from_64_bytes_to_the_end_of_a_slab() -> None:
    assert SIZES[:10] == (64, 72, 80, 88, 96, 104, 112, 120, 128, 144)
    assert SIZES[-1] == 15 * PART_BYTES
    assert len(SIZES) == 89 + 15


@pytest.mark.parametrize("blobs", range(1, 7))
def test_blobs_have_size_classes_of_their_own(blobs: int) -> None:
    smallest = RECORD_BYTES + network_bytes(120, blobs, blobs, 128 * blobs)

    slot_bytes = SIZES[bisect_left(SIZES, smallest)]

    assert slot_bytes == blobs * PART_BYTES
    assert slot_bytes % 4096 == 0
    assert slot_bytes - smallest <= slot_bytes / 50


@given(st.integers(57, FINE_BYTES_MAX))
def test_at_most_an_eighth_of_a_slot_is_waste(size: int) -> None:
    slot_bytes = SIZES[bisect_left(SIZES, size)]

    assert slot_bytes >= size
    assert slot_bytes - size <= slot_bytes / 8


def test_slots_keep_eight_byte_alignment() -> None:
    assert all(size % 8 == 0 for size in SIZES)


def test_no_slot_is_larger_than_the_slab() -> None:
    assert slot_sizes(5000)[-1] == 4608


def test_a_slab_below_the_smallest_slot_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no slot"):
        slot_sizes(63)
