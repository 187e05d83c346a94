from collections.abc import Iterator
from pickle import PickleBuffer

import pytest

from mmap_pool import Arena, SlabPool


@pytest.fixture
def pool() -> Iterator[SlabPool]:
    with Arena(4096, slab_bytes=4096) as arena:
        yield SlabPool(arena)


def put(pool: SlabPool, payload: bytes) -> int:
    handle = pool.put(payload)
    assert handle is not None
    return handle


def test_a_view_shows_the_payload_and_cannot_change_it(pool: SlabPool) -> None:
    with pool.view(put(pool, b"payload"), 3) as view:
        assert bytes(view) == b"load"
        assert view.readonly


def test_a_freed_slot_is_reused_only_after_its_last_lease(pool: SlabPool) -> None:
    handle = put(pool, bytes([1]) * 4096)
    first, second = pool.view(handle), pool.view(handle)
    pool.free(handle)

    assert pool.put(b"2" * 4096) is None
    first.release()
    assert pool.put(b"2" * 4096) is None
    assert second.view == bytes([1]) * 4096
    second.release()

    assert pool.put(b"2" * 4096) is not None
    pool.check()


def test_a_freed_slot_opens_to_nobody_though_it_is_lent(pool: SlabPool) -> None:
    handle = put(pool, b"x")
    lease = pool.view(handle)
    pool.free(handle)

    assert not pool.holds(handle)
    with pytest.raises(LookupError):
        pool.view(handle)

    lease.release()


def test_a_lease_on_a_live_payload_leaves_it_alive(pool: SlabPool) -> None:
    handle = put(pool, b"x")

    pool.view(handle).release()

    assert pool.read(handle) == b"x"
    assert pool.stats().slots_lent == 0


def test_releasing_twice_counts_once(pool: SlabPool) -> None:
    handle = put(pool, bytes(4096))
    first, second = pool.view(handle), pool.view(handle)
    pool.free(handle)

    first.release()
    first.release()

    assert pool.put(b"x") is None
    second.release()
    assert pool.put(b"x") is not None


def test_a_lease_whose_bytes_are_still_being_read_goes_on(pool: SlabPool) -> None:
    handle = put(pool, bytes(4096))
    lease = pool.view(handle)
    reader = PickleBuffer(lease.view)  # holds the buffer as a transport does
    pool.free(handle)

    with pytest.raises(BufferError):
        lease.release()
    assert pool.put(b"x") is None

    reader.release()
    lease.release()
    assert pool.put(b"x") is not None
