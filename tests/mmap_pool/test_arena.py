import mmap
import os
from pathlib import Path

import pytest

from mmap_pool import Arena, Pages, SlabPool
from mmap_pool.arena import HUGE_PAGE_BYTES
from mmap_pool.pages import report

PAGE = mmap.PAGESIZE


def test_an_arena_takes_no_memory_before_a_slab_is_claimed() -> None:
    with Arena(64 << 20, ask=Pages.NORMAL) as arena:
        assert arena.report().file_bytes == 0


def test_a_slab_is_backed_in_whole_steps_and_its_neighbour_is_not() -> None:
    with Arena(64 * PAGE, slab_bytes=16 * PAGE, step_bytes=6 * PAGE, ask=Pages.NORMAL) as arena:
        assert [arena.claim(), arena.claim()] == [0, 1]

        assert arena.back(0, 0, 1) == 6 * PAGE
        assert arena.report().file_bytes == arena.report().resident_bytes == 6 * PAGE
        assert arena.back(0, PAGE, 6 * PAGE) == 6 * PAGE
        assert arena.back(0, 6 * PAGE - 1, 6 * PAGE + 1) == 12 * PAGE
        assert arena.back(0, 12 * PAGE, 12 * PAGE + 1) == 16 * PAGE
        assert arena.back(0, 0, 1) == 16 * PAGE

        assert arena.report().file_bytes == arena.populated_bytes == 16 * PAGE
        assert arena.back(1, 0, 16 * PAGE) == 16 * PAGE
        assert arena.report().file_bytes == arena.populated_bytes == 32 * PAGE


def test_touching_populates_as_the_system_call_does() -> None:
    with Arena(64 * PAGE, slab_bytes=16 * PAGE, ask=Pages.NORMAL) as arena:
        arena.touch(16 * PAGE, 5 * PAGE)

        assert arena.report().file_bytes == 5 * PAGE


@pytest.mark.parametrize("length", [240, 5_000, 70_000])
def test_no_write_goes_to_memory_that_is_not_there_yet(length: int) -> None:
    with Arena(2 << 20, slab_bytes=256 * PAGE, step_bytes=4 * PAGE, ask=Pages.NORMAL) as arena:
        pool = SlabPool(arena)
        assert pool.put(bytes(length)) is not None

        while pool.put(b"x" * length) is not None:
            assert os.fstat(arena.fd).st_blocks * 512 == arena.populated_bytes

        assert pool.stats().bytes_reserved == 2 << 20


def test_a_slab_laid_out_anew_takes_no_memory_twice() -> None:
    with Arena(16 * PAGE, slab_bytes=16 * PAGE, step_bytes=4 * PAGE, ask=Pages.NORMAL) as arena:
        pool = SlabPool(arena)
        handle = pool.put(bytes(7 * PAGE))
        assert handle is not None
        pool.free(handle)

        for _ in range(110):
            assert pool.put(b"x" * 300) is not None

        assert arena.report().file_bytes == arena.populated_bytes == 12 * PAGE


def test_a_claim_beyond_the_limit_gets_nothing() -> None:
    with Arena(3 * PAGE + 1, slab_bytes=PAGE, ask=Pages.NORMAL) as arena:
        assert arena.limit_bytes == 3 * PAGE
        assert [arena.claim() for _ in range(5)] == [0, 1, 2, None, None]
        assert arena.reserved_bytes == 3 * PAGE


@pytest.mark.parametrize(
    ("limit_bytes", "slab_bytes"),
    [(PAGE, 0), (PAGE, -PAGE), (PAGE, PAGE + 8), (PAGE - 1, PAGE), (0, PAGE), (PAGE * 65537, PAGE)],
)
def test_sizes_that_make_no_arena_are_refused(limit_bytes: int, slab_bytes: int) -> None:
    with pytest.raises(ValueError, match="slab"):
        Arena(limit_bytes, slab_bytes=slab_bytes)


def test_a_step_of_half_a_page_is_refused() -> None:
    with pytest.raises(ValueError, match="step_bytes 2048"):
        Arena(PAGE, slab_bytes=PAGE, step_bytes=2048)


def test_the_file_can_be_neither_cut_nor_extended() -> None:
    with Arena(4 * PAGE, slab_bytes=PAGE, ask=Pages.NORMAL) as arena:
        for size in (PAGE, 8 * PAGE):
            with pytest.raises(PermissionError):
                os.ftruncate(arena.fd, size)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_closing_returns_the_file_descriptors() -> None:
    before = open_files()

    Arena(4 * PAGE, slab_bytes=PAGE).close()

    assert open_files() == before


def test_an_arena_with_a_view_on_loan_does_not_close() -> None:
    arena = Arena(4 * PAGE, slab_bytes=PAGE)
    pool = SlabPool(arena)
    handle = pool.put(b"payload")
    assert handle is not None
    lease = pool.view(handle)

    with pytest.raises(BufferError):
        arena.close()

    lease.release()
    arena.close()


@pytest.mark.parametrize("ask", Pages)
def test_every_kind_of_page_ends_in_an_arena_that_works(ask: Pages) -> None:
    with Arena(2 * HUGE_PAGE_BYTES, slab_bytes=HUGE_PAGE_BYTES, ask=ask) as arena:
        pool = SlabPool(arena)
        payload = os.urandom(100_000)
        handle = pool.put(payload)
        assert handle is not None
        assert pool.read(handle) == payload
        assert arena.report().kind >= ask
        assert all(refused >= ask for refused in arena.refusals)


def test_slabs_that_are_no_whole_huge_pages_fall_back_and_say_why() -> None:
    with Arena(4 * PAGE, slab_bytes=PAGE, ask=Pages.HUGETLB) as arena:
        assert "not whole huge pages" in arena.refusals[Pages.HUGETLB]
        assert arena.report().kind is not Pages.HUGETLB


def test_the_report_of_an_unmapped_file_counts_only_its_blocks() -> None:
    fd = os.memfd_create("unmapped")
    os.write(fd, bytes(3 * PAGE))

    assert report(fd) == (Pages.NORMAL, 0, 0, 3 * PAGE)

    os.close(fd)
