"""What every store promises, whichever it is."""

import gc
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pytest

from mmap_pool import OversizedError
from txpool.core.store import StaleHandleError, Store
from txpool.daemon.store import KINDS, OwnStore
from txpool.stores import cache, heap, untracked
from txpool.stores.cache import CacheStore
from txpool.stores.heap import HeapStore
from txpool.stores.mmap import MmapStore
from txpool.stores.untracked import UntrackedStore

RECORD = bytes(range(112))
LIMIT_BYTES = 1 << 20


def mmap_store(limit_bytes: int = LIMIT_BYTES) -> MmapStore:
    return MmapStore.open(limit_bytes, len(RECORD), slab_bytes=64 << 10)


def cache_store(limit_bytes: int = LIMIT_BYTES) -> CacheStore:
    return CacheStore(limit_bytes, len(RECORD))


STORES: Final[Mapping[str, Callable[[int], OwnStore]]] = {
    "mmap": mmap_store,
    "cache": cache_store,
    "heap": HeapStore,
    "untracked": UntrackedStore,
}

# What a transaction of 112 + 120 bytes takes beside them: the rest of its size class, objects.
WASTE: Final = {
    "mmap": 8,
    "cache": 8 + cache.OVERHEAD_BYTES,
    "heap": heap.OVERHEAD_BYTES,
    "untracked": untracked.OVERHEAD_BYTES,
}


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str) -> Iterator[OwnStore]:
    store = STORES[kind](LIMIT_BYTES)
    yield store
    store.close()


def put(store: Store, payload: bytes) -> int:
    handle = store.put(RECORD, payload)
    assert handle is not None
    return handle


def test_these_are_all_stores_of_the_daemon() -> None:
    assert STORES.keys() == KINDS.keys()


def test_record_and_payload_come_back_as_they_were(store: Store) -> None:
    handles = {put(store, bytes([n]) * n): n for n in range(200)}

    assert len(handles) == 200
    for handle, n in handles.items():
        assert 0 < handle < 2**64
        assert store.holds(handle)
        assert store.record(handle) == RECORD
        assert store.payload(handle) == bytes([n]) * n
        with store.view(handle) as view:
            assert view == bytes([n]) * n
    store.check()


def test_what_comes_out_is_bytes_of_its_own(store: Store) -> None:
    first = put(store, b"first")
    record, payload = store.record(first), store.payload(first)

    store.free(first)
    put(store, b"other")

    assert (type(record), type(payload)) == (bytes, bytes)
    assert (record, payload) == (RECORD, b"first")


def test_the_largest_transaction_fits(store: Store) -> None:
    store = MmapStore.open(4 << 20, len(RECORD)) if isinstance(store, MmapStore) else store

    handle = put(store, b"x" * 131_072)

    assert store.payload(handle) == b"x" * 131_072


def test_a_freed_handle_is_stale_for_ever(store: Store) -> None:
    freed = put(store, b"first")
    store.free(freed)
    assert put(store, b"second") != freed

    assert not store.holds(freed)
    for call in (store.record, store.payload, store.view, store.free):
        with pytest.raises(StaleHandleError):
            call(freed)
    assert store.stats().slots_used == 1


@pytest.mark.parametrize("handle", [0, -1, 7, 2**64])
def test_a_handle_from_nowhere_is_stale_too(store: Store, handle: int) -> None:
    put(store, b"x")

    assert not store.holds(handle)
    with pytest.raises(StaleHandleError):
        store.record(handle)


def test_a_full_store_says_so_and_takes_again_after_a_free(store: Store) -> None:
    handles = []
    while store.has_room(1012):
        handles.append(put(store, bytes(900)))
    assert store.put(RECORD, bytes(900)) is None
    assert 850 < len(handles) < 1050

    store.free(handles.pop(500))

    assert store.has_room(1012)
    assert store.put(RECORD, bytes(900)) is not None
    assert store.put(RECORD, bytes(900)) is None
    store.check()


def test_yesterdays_sizes_do_not_shut_out_todays(store: Store) -> None:
    small = []
    while store.has_room(232):
        small.append(put(store, bytes(120)))
    for handle in small:
        store.free(handle)

    large = []
    while store.has_room(1012):
        large.append(put(store, bytes(900)))

    assert len(large) > 850
    assert store.stats().bytes_reserved <= LIMIT_BYTES
    store.check()


def test_a_loan_outlives_the_transaction(store: Store) -> None:
    handle = put(store, b"on its way out")
    lease = store.view(handle)
    store.free(handle)
    for _ in range(100):
        put(store, b"another")

    assert bytes(lease.view) == b"on its way out"

    lease.release()
    store.check()


def test_what_is_lent_twice_is_used_again_after_the_last_of_the_two(store: Store) -> None:
    handle = put(store, b"on its way out")
    first, second = store.view(handle), store.view(handle)
    store.free(handle)

    first.release()
    first.release()
    others = [put(store, b"another word!!") for _ in range(100)]

    assert bytes(second.view) == b"on its way out"

    second.release()
    assert all(store.payload(other) == b"another word!!" for other in others)
    store.check()


def test_a_loan_of_a_live_transaction_ends_without_a_trace(store: Store) -> None:
    handle = put(store, b"stays")
    with store.view(handle) as view:
        assert view.readonly
    before = store.stats()

    put(store, b"another")

    assert store.payload(handle) == b"stays"
    assert store.stats().slots_used == before.slots_used + 1
    store.check()


def test_statistics_count_what_is_held(store: Store, kind: str) -> None:
    handles = [put(store, bytes(120)) for _ in range(10)]
    for handle in handles[4:]:
        store.free(handle)

    stats = store.stats()

    assert stats.slots_used == 4
    assert stats.high_water_slots == 10
    assert stats.bytes_used == 4 * 232
    assert stats.bytes_wasted == 4 * WASTE[kind]
    assert stats.bytes_reserved >= stats.bytes_used + stats.bytes_wasted


def test_only_cache_and_heap_give_the_collector_an_object_for_each_transaction() -> None:
    tracked = {}
    for kind, make in STORES.items():
        store = make(LIMIT_BYTES)
        put(store, b"x")
        gc.collect()
        before = len(gc.get_objects())
        handles = [put(store, b"x") for _ in range(1_000)]
        gc.collect()
        tracked[kind] = len(gc.get_objects()) - before
        assert len(handles) == 1_000
        store.close()

    slabs = 1_000 * 128 // (64 << 10) + 1
    assert tracked["cache"] >= 1_000
    assert tracked["heap"] >= 1_000
    assert tracked["mmap"] < 10 * slabs
    assert tracked["untracked"] < 10, "nor is any part of its index"


@pytest.mark.parametrize("make", [mmap_store, cache_store])
def test_a_record_of_another_size_is_a_bug_where_room_is_cut_to_measure(make: Callable[[], OwnStore]) -> None:
    store = make()

    with pytest.raises(AssertionError):
        store.put(b"short", b"payload")
    store.close()


def test_the_slab_store_calls_a_transaction_that_no_slab_could_hold_a_bug() -> None:
    store = mmap_store()

    with pytest.raises(OversizedError):
        store.put(RECORD, bytes(64 << 10))
    store.close()


@pytest.mark.parametrize("make", [mmap_store, cache_store])
def test_reuse_counts_the_puts_that_found_room_used_before(make: Callable[[], MmapStore | CacheStore]) -> None:
    store = make()
    first = [put(store, bytes(120)) for _ in range(10)]
    for handle in first[:4]:
        store.free(handle)

    for _ in range(7):
        put(store, bytes(120))

    assert store.reuse() == (17, 4)
    store.close()
