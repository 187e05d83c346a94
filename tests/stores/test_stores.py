import gc
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from mmap_pool import OversizedError
from txpool.core.store import StaleHandleError, Store
from txpool.stores.heap import OVERHEAD_BYTES, HeapStore
from txpool.stores.mmap import MmapStore

RECORD = bytes(range(112))
LIMIT_BYTES = 1 << 20


class ClosableStore(Store, Protocol):
    def close(self) -> None: ...


def mmap_store() -> ClosableStore:
    return MmapStore.open(LIMIT_BYTES, len(RECORD), slab_bytes=64 << 10)


def heap_store() -> ClosableStore:
    return HeapStore(LIMIT_BYTES)


@pytest.fixture(params=[mmap_store, heap_store])
def store(request: pytest.FixtureRequest) -> Iterator[ClosableStore]:
    make: Callable[[], ClosableStore] = request.param
    store = make()
    yield store
    store.close()


def put(store: Store, payload: bytes) -> int:
    handle = store.put(RECORD, payload)
    assert handle is not None
    return handle


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
    while (handle := store.put(RECORD, bytes(900))) is not None:
        handles.append(handle)
    assert 850 < len(handles) < 1050

    store.free(handles.pop(500))

    assert store.put(RECORD, bytes(900)) is not None
    assert store.put(RECORD, bytes(900)) is None
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


def test_statistics_count_what_is_held(store: Store) -> None:
    handles = [put(store, bytes(120)) for _ in range(10)]
    for handle in handles[4:]:
        store.free(handle)

    stats = store.stats()

    assert stats.slots_used == 4
    assert stats.high_water_slots == 10
    assert stats.bytes_used == 4 * 232
    assert stats.bytes_wasted == 4 * (8 if isinstance(store, MmapStore) else OVERHEAD_BYTES)
    assert stats.bytes_reserved >= stats.bytes_used + stats.bytes_wasted


def test_the_heap_store_gives_the_collector_an_object_for_each_transaction_and_the_mmap_store_none() -> None:
    grown = {}
    for make in (mmap_store, heap_store):
        store = make()
        put(store, b"x")
        gc.collect()
        before = len(gc.get_objects())
        handles = [put(store, b"x") for _ in range(1_000)]
        gc.collect()
        grown[make] = len(gc.get_objects()) - before
        assert len(handles) == 1_000
        store.close()

    assert grown[heap_store] >= 1_000
    assert grown[mmap_store] < 10 * (1_000 * 128 // (64 << 10) + 1)


def test_a_record_of_another_size_is_a_bug() -> None:
    store = MmapStore.open(LIMIT_BYTES, len(RECORD), slab_bytes=64 << 10)

    with pytest.raises(AssertionError):
        store.put(b"short", b"payload")
    with pytest.raises(OversizedError):
        store.put(RECORD, bytes(64 << 10))
    store.close()
