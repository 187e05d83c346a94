"""What the store of reused buffers has that the others have not."""

import gc
import weakref

from mmap_pool.object_cache import Gets
from tests.stores.test_stores import LIMIT_BYTES, RECORD, cache_store, put
from txpool.stores.cache import CacheStore


def test_what_leaves_makes_room_for_what_comes_and_is_counted() -> None:
    store = cache_store()
    handles = [put(store, bytes(120)) for _ in range(3)]
    for handle in handles:
        store.free(handle)

    for _ in range(4):
        put(store, b"x" * 120)

    assert store.gets() == Gets(private=1, shared=2, miss=4)
    store.close()


def test_a_shorter_payload_does_not_show_the_longer_one_before_it() -> None:
    store = cache_store()
    store.free(put(store, b"y" * 127))

    handle = put(store, b"x" * 121)

    assert store.payload(handle) == b"x" * 121
    assert store.reuse().reused == 1
    store.close()


def test_a_full_collection_makes_victims_and_the_next_one_drops_them() -> None:
    store = cache_store()
    handles = [put(store, bytes(120)) for _ in range(5)]
    for handle in handles:
        store.free(handle)

    gc.collect()
    after_one = store.stats()
    taken = put(store, bytes(120))
    gc.collect()
    after_two = store.stats()

    assert (after_one.slots_free, after_two.slots_free) == (5, 0)
    assert store.gets().victim == 1
    assert store.payload(taken) == bytes(120)
    store.check()
    store.close()


def test_a_young_collection_leaves_it_alone_unless_told_otherwise() -> None:
    free = {}
    for generation in (2, 1):
        store = CacheStore(LIMIT_BYTES, len(RECORD), generation=generation)
        store.free(put(store, bytes(120)))
        gc.collect(1)
        gc.collect(1)
        free[generation] = store.stats().slots_free
        store.close()

    assert free == {2: 1, 1: 0}


def test_a_buffer_on_loan_is_in_no_cache() -> None:
    store = cache_store()
    handle = put(store, b"lent")
    lease = store.view(handle)
    store.free(handle)
    assert store.stats().slots_free == 0

    lease.release()

    assert store.stats().slots_free == 1
    store.close()


def test_a_loan_may_end_after_the_store_has_closed() -> None:
    store = cache_store()
    live, freed = put(store, b"live"), put(store, b"freed")
    loans = [store.view(live), store.view(freed)]
    store.free(freed)

    store.close()

    assert [bytes(loan.view) for loan in loans] == [b"live", b"freed"]
    for loan in loans:
        loan.release()


def test_the_collector_forgets_a_store_that_has_closed_or_gone() -> None:
    before = list(gc.callbacks)
    closed, gone = cache_store(), cache_store()
    assert len(gc.callbacks) == len(before) + 2

    closed.close()
    reference = weakref.ref(gone)
    del gone

    assert reference() is None
    assert gc.callbacks == before
