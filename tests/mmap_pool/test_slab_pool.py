import gc
import random
from collections.abc import Iterator

import pytest

from mmap_pool import Arena, OutOfRangeError, OversizedError, Pages, SlabPool, StaleHandleError
from mmap_pool.handle import pack, unpack
from mmap_pool.size_class import PART_BYTES


@pytest.fixture
def arena() -> Iterator[Arena]:
    with Arena(4 * 4096, slab_bytes=4096) as arena:
        yield arena


@pytest.fixture
def pool(arena: Arena) -> SlabPool:
    return SlabPool(arena)


def fill(pool: SlabPool, payload: bytes) -> list[int]:
    handles = []
    while (handle := pool.put(payload)) is not None:
        handles.append(handle)
    return handles


def test_what_went_in_in_parts_comes_out_whole(pool: SlabPool) -> None:
    handle = pool.put(b"one", b"", b"two")
    assert handle is not None

    assert pool.read(handle) == b"onetwo"
    assert pool.read(handle, 3) == b"two"
    assert pool.head(handle, 3) == b"one"


def test_each_size_has_a_slab_of_its_class(pool: SlabPool) -> None:
    places = [unpack(pool.put(bytes(size)) or 0) for size in (64, 65, 72, 10, 128)]

    assert [(place.slab, place.slot) for place in places] == [(0, 0), (1, 0), (1, 1), (0, 1), (2, 0)]
    pool.check()


def test_a_full_pool_answers_none_and_goes_on_when_a_slot_is_free(pool: SlabPool) -> None:
    handles = fill(pool, bytes(64))
    assert len(handles) == 4 * 64
    assert pool.put(b"x") is None
    assert pool.put(bytes(1000)) is None

    pool.free(handles[100])

    again = pool.put(b"x")
    assert again is not None
    assert unpack(again)[1:] == unpack(handles[100])[1:]
    pool.check()


def test_a_payload_above_the_largest_class_is_the_callers_bug(pool: SlabPool) -> None:
    assert pool.largest == 4096
    assert pool.put(bytes(4096)) is not None

    with pytest.raises(OversizedError, match="4097"):
        pool.put(bytes(4000), bytes(97))


def test_a_large_transaction_and_one_of_six_blobs_fit_in_slabs_of_2_mib() -> None:
    with Arena(4 << 20, ask=Pages.NORMAL) as arena:
        pool = SlabPool(arena)
        for payload in (random.Random(1).randbytes(131_072 + 112), random.Random(2).randbytes(6 * PART_BYTES)):
            handle = pool.put(payload)
            assert handle is not None
            assert pool.read(handle) == payload


def test_the_next_payload_goes_to_the_lowest_free_place_of_all_slabs(pool: SlabPool) -> None:
    handles = fill(pool, bytes(128))
    rng = random.Random(3)
    freed = rng.sample(handles, 60)
    for handle in freed:
        pool.free(handle)

    taken = [pool.put(bytes(128)) or 0 for _ in freed]

    assert [unpack(handle)[1:] for handle in taken] == sorted(unpack(handle)[1:] for handle in freed)


def test_pages_empty_again_after_a_mass_eviction() -> None:
    # The same at a million payloads: 96.5 % of the pages straight after, 15 % after 400 000 replacements; a last-in,
    # first-out free list stays at 96.5 %.
    rng = random.Random(4)
    with Arena(4 << 20, slab_bytes=256 << 10, ask=Pages.NORMAL) as arena:
        pool = SlabPool(arena)
        handles = [pool.put(bytes(128)) or 0 for _ in range(20_000)]
        full = occupied_pages(handles)
        rng.shuffle(handles)
        for handle in handles[2_000:]:
            pool.free(handle)
        del handles[2_000:]
        assert occupied_pages(handles) > 0.9 * full

        for _ in range(8_000):
            victim = rng.randrange(len(handles))
            pool.free(handles[victim])
            handles[victim] = pool.put(bytes(128)) or 0

        assert occupied_pages(handles) < 0.2 * full
        pool.check()


def occupied_pages(handles: list[int]) -> int:
    return len({(place.slab, place.slot * 128 // 4096) for place in map(unpack, handles)})


def test_a_slab_that_stands_empty_changes_its_class_when_the_arena_is_full(pool: SlabPool) -> None:
    small = fill(pool, bytes(64))
    for handle in small[64:128]:
        pool.free(handle)

    large = fill(pool, bytes(4096))

    assert [unpack(handle).slab for handle in large] == [1]
    pool.free(large[0])
    for handle in small[64:128]:
        assert not pool.holds(handle)
        with pytest.raises(StaleHandleError):
            pool.read(handle)
    again = fill(pool, bytes(64))
    assert len(again) == 64
    assert not set(again) & set(small)
    pool.check()


def test_a_slab_with_one_payload_left_keeps_its_class(pool: SlabPool) -> None:
    small = fill(pool, bytes(64))
    for handle in small[65:128]:
        pool.free(handle)
    assert pool.put(bytes(4096)) is None

    pool.free(small[64])

    assert pool.put(bytes(4096)) is not None


def test_a_larger_slot_serves_when_the_size_class_can_get_none(pool: SlabPool) -> None:
    large = [pool.put(bytes(2048)) or 0 for _ in range(8)]
    assert pool.put(bytes(64)) is None
    pool.free(large[5])

    handle = pool.put(b"a" * 64)

    assert handle is not None
    assert unpack(handle)[1:] == unpack(large[5])[1:]
    assert pool.read(handle) == b"a" * 64
    assert pool.put(bytes(64)) is None
    assert pool.stats().bytes_wasted == 2048 - 64
    pool.check()
    pool.free(handle)
    assert pool.put(bytes(2048)) is not None


def test_the_smallest_of_the_larger_slots_serves(pool: SlabPool) -> None:
    pages = [pool.put(bytes(4096)) or 0 for _ in range(2)]
    halves = [pool.put(bytes(2048)) or 0 for _ in range(2)]
    quarters = [pool.put(bytes(1024)) or 0 for _ in range(4)]
    pool.free(halves[1])
    pool.free(quarters[3])
    assert all(map(pool.holds, pages))

    served = [pool.put(bytes(64)), pool.put(bytes(64)), pool.put(bytes(64))]

    assert [unpack(handle).slab if handle else None for handle in served] == [3, 2, None]


@pytest.mark.parametrize("handle", [0, -1, pack(1, 1, 0), pack(1, 65535, 65535), 2**64])
def test_a_handle_of_no_slab_opens_nothing(pool: SlabPool, handle: int) -> None:
    pool.put(b"x")

    assert not pool.holds(handle)
    for call in (pool.read, pool.view, pool.free, lambda handle: pool.head(handle, 1)):
        with pytest.raises(OutOfRangeError):
            call(handle)


def test_statistics_add_up(pool: SlabPool) -> None:
    handles = [pool.put(bytes(100)) or 0 for _ in range(30)]
    pool.put(bytes(1000))
    for handle in handles[10:]:
        pool.free(handle)
    lease = pool.view(handles[0])
    pool.free(handles[0])

    stats = pool.stats()

    small, large = stats.classes
    assert (small.slot_bytes, small.slabs, small.slots_used, small.slots_free, small.slots_lent) == (104, 1, 9, 29, 1)
    assert (small.bytes_used, small.bytes_wasted, small.bytes_free) == (900, 36, 29 * 104)
    assert small.high_water_slots == 30
    assert (large.slot_bytes, large.slots_used, large.slots_free, large.high_water_slots) == (1024, 1, 3, 1)
    assert (stats.slots_used, stats.slots_free, stats.slots_lent, stats.high_water_slots) == (10, 32, 1, 31)
    assert stats.bytes_used == 1900
    assert stats.bytes_wasted == 36 + 24
    assert stats.bytes_reserved == 2 * 4096
    assert stats.bytes_limit == 4 * 4096
    lease.release()


def test_the_collector_has_no_more_to_walk_when_slots_are_used() -> None:
    with Arena(2 << 20, ask=Pages.NORMAL) as arena:
        pool = SlabPool(arena)
        pool.put(bytes(240))
        gc.collect()
        before = len(gc.get_objects())

        for _ in range(8_000):
            pool.put(bytes(240))

        gc.collect()
        assert pool.stats().slots_used == 8_001
        assert len(gc.get_objects()) - before < 10


def test_a_further_slab_costs_the_collector_a_handful_of_objects() -> None:
    with Arena(100 * 4096, slab_bytes=4096) as arena:
        pool = SlabPool(arena)
        pool.put(bytes(64))
        gc.collect()
        before = len(gc.get_objects())

        assert len(fill(pool, bytes(64))) == 6399

        gc.collect()
        assert len(gc.get_objects()) - before < 8 * 99


def test_check_notices_a_count_that_drifted(pool: SlabPool) -> None:
    pool.put(b"x")
    pool._used += 1

    with pytest.raises(AssertionError):
        pool.check()
