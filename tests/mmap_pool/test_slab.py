import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from mmap_pool import Arena, DoubleFreeError, OutOfRangeError, StaleHandleError
from mmap_pool.handle import GENERATION_MAX, pack, unpack
from mmap_pool.slab import Slab

MAP_FIXED: Final = 0x10  # of mmap(2)


@pytest.fixture
def arena() -> Iterator[Arena]:
    with Arena(4 * 4096, slab_bytes=4096) as arena:
        arena.claim()
        arena.claim()
        yield arena


@pytest.fixture
def slab(arena: Arena) -> Slab:
    return Slab(arena, 1, 512)


def put(slab: Slab, payload: bytes) -> int:
    return slab.put((payload,), len(payload))


def test_slots_are_filled_from_the_bottom_and_handles_say_so(slab: Slab) -> None:
    handles = [put(slab, bytes([n])) for n in range(8)]

    assert handles == [pack(1, 1, slot) for slot in range(8)]
    assert slab.free_list.count == 0
    assert [slab.head(handle, 9) for handle in handles] == [bytes([n]) for n in range(8)]
    slab.check()


def test_parts_lie_behind_each_other_in_the_slabs_own_memory(slab: Slab, arena: Arena) -> None:
    put(slab, b"first")
    handle = slab.put((b"record", b"payload"), 13)

    assert arena.memory[4096 + 512 : 4096 + 525] == b"recordpayload"
    assert slab.length(handle) == 13
    assert slab.head(handle, 6) == b"record"
    assert slab.tail(handle, 6) == b"payload"


def test_a_read_never_goes_beyond_the_payload(slab: Slab) -> None:
    slab.free(put(slab, b"a long forgotten secret"))
    handle = put(slab, b"short")

    assert slab.head(handle, 100) == b"short"
    assert slab.tail(handle, 6) == b""


def test_a_payload_may_fill_its_slot_or_be_empty(slab: Slab) -> None:
    full, empty = put(slab, b"x" * 512), put(slab, b"")

    assert slab.tail(full, 0) == b"x" * 512
    assert slab.tail(empty, 0) == b""
    slab.check()


def test_a_freed_slot_comes_back_with_a_new_handle(slab: Slab) -> None:
    old = put(slab, b"old")
    assert slab.free(old) == 3

    new = put(slab, b"new")

    assert unpack(new) == (2, 1, 0)
    with pytest.raises(StaleHandleError):
        slab.head(old, 3)
    assert slab.tail(new, 0) == b"new"


def test_freeing_twice_is_named_as_long_as_the_slot_is_empty(slab: Slab) -> None:
    handle = put(slab, b"x")
    slab.free(handle)
    with pytest.raises(DoubleFreeError):
        slab.free(handle)

    put(slab, b"y")

    with pytest.raises(StaleHandleError) as caught:
        slab.free(handle)
    assert not isinstance(caught.value, DoubleFreeError)
    assert slab.used == 1


@pytest.mark.parametrize(
    "handle",
    [
        pack(0, 1, 0),  # nothing has generation 0
        pack(2, 1, 0),  # one life further than the slot is
        pack(1, 1, 1),  # a slot not used yet
        pack(1, 1, 8),  # behind the last slot
        pack(1, 1, 0) + 2**64,
        pack(1, 1, 0) - 2**64,
        -1,
    ],
)
def test_a_handle_that_was_never_issued_opens_nothing(slab: Slab, handle: int) -> None:
    live = put(slab, b"x")

    for call in (slab.free, slab.length, lambda handle: slab.lend(handle, 0)):
        with pytest.raises(OutOfRangeError):
            call(handle)

    assert not slab.holds(handle)
    assert slab.holds(live)
    slab.check()


def test_a_slot_retires_after_its_last_generation(arena: Arena) -> None:
    slab = Slab(arena, 1, 2048, first_generation=GENERATION_MAX - 2)
    lives = [put(slab, b"x")]
    slab.free(lives[0])
    lives.append(put(slab, b"x"))
    assert [unpack(handle) for handle in lives] == [(GENERATION_MAX - 1, 1, 0), (GENERATION_MAX, 1, 0)]

    slab.free(lives[1])

    assert slab.retired == 1
    assert unpack(put(slab, b"x")).slot == 1
    assert slab.free_list.count == 0
    with pytest.raises(DoubleFreeError):
        slab.free(lives[1])
    slab.check()


def test_a_lent_slot_in_its_last_generation_retires_when_the_loan_ends(arena: Arena) -> None:
    slab = Slab(arena, 1, 2048, first_generation=GENERATION_MAX - 1)
    handle = put(slab, b"x")
    slab.lend(handle, 0).release()
    slab.free(handle)
    assert (slab.lent, slab.retired) == (1, 0)
    slab.check()

    slab.give_back(handle)

    assert (slab.lent, slab.retired) == (0, 1)
    slab.check()


def test_check_notices_a_live_slot_that_is_also_free(slab: Slab) -> None:
    put(slab, b"x")
    slab.free_list.add(0)

    with pytest.raises(AssertionError):
        slab.check()


def test_check_notices_a_slot_that_got_lost(slab: Slab) -> None:
    slab.free_list.take()

    with pytest.raises(AssertionError):
        slab.check()


@contextmanager
def unmapped(arena: Arena, start: int, size: int) -> Iterator[None]:
    """Part of the arena is nowhere: the system refuses to populate it."""
    library = ctypes.CDLL(None, use_errno=True)
    word = ctypes.c_size_t
    library.munmap.argtypes = (word, word)
    library.mmap.argtypes = (word, word, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    library.mmap.restype = word
    address = ctypes.addressof(ctypes.c_char.from_buffer(arena.memory, start))
    assert library.munmap(address, size) == 0
    try:
        yield
    finally:
        flags = mmap.MAP_SHARED | MAP_FIXED
        assert library.mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, arena.fd, start) == address


def test_a_slot_whose_memory_cannot_be_had_stays_free(slab: Slab, arena: Arena) -> None:
    with unmapped(arena, 4096, 4096), pytest.raises(OSError, match="allocate memory"):
        put(slab, b"payload")

    assert slab.free_list.count == slab.slot_count
    assert slab.head(put(slab, b"payload"), 9) == b"payload"
    slab.check()
