"""Each rung of the ladder of page kinds, by what the kernel says it has given, where this machine can give it."""

import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.system_pages import free_huge_pages
from mmap_pool import Arena, Pages, Scavenger, SlabPool
from mmap_pool.arena import HUGE_PAGE_BYTES
from mmap_pool.pages import permits_large
from tests.mmap_pool.system_pages import huge_pages, transparent_pages

SLABS = 4
PAYLOAD = bytes(1000)


@pytest.fixture
def reserve() -> Iterator[None]:
    with huge_pages(SLABS):
        yield


@pytest.fixture
def granted() -> Iterator[None]:
    with transparent_pages("advise"):
        yield


@pytest.fixture
def refused() -> Iterator[None]:
    with transparent_pages("never"):
        yield


def filled(arena: Arena, slabs: int) -> tuple[SlabPool, list[int]]:
    """A pool with as many slabs in use, and the handles."""
    pool = SlabPool(arena)
    handles = []
    while arena.slabs < slabs or pool.stats().slots_free:
        handle = pool.put(PAYLOAD)
        assert handle
        handles.append(handle)
    return pool, handles


@pytest.mark.usefixtures("reserve")
def test_huge_pages_of_the_reserve_are_used_and_reported() -> None:
    free = free_huge_pages()
    with Arena(SLABS * HUGE_PAGE_BYTES, ask=Pages.HUGETLB) as arena:
        assert (arena.kind, arena.page_bytes, arena.refusals) == (Pages.HUGETLB, HUGE_PAGE_BYTES, {})
        filled(arena, 2)

        size = 2 * HUGE_PAGE_BYTES
        assert arena.report() == (Pages.HUGETLB, size, size, size)
        assert arena.populated_bytes == size
        assert free_huge_pages() == free - SLABS  # the whole limit is set aside

    assert free_huge_pages() == free


@pytest.mark.usefixtures("reserve")
def test_pages_of_the_reserve_are_not_given_away() -> None:
    with Arena(SLABS * HUGE_PAGE_BYTES, ask=Pages.HUGETLB) as arena:
        pool, handles = filled(arena, 2)
        for handle in handles:
            pool.free(handle)
        scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)

        while scavenger.visit():
            pass

        assert arena.report().file_bytes == 2 * HUGE_PAGE_BYTES
        assert scavenger.survey.kept == 2 * HUGE_PAGE_BYTES


def test_a_reserve_too_small_gives_way_to_other_pages() -> None:
    with huge_pages(2), Arena((free_huge_pages() + 1) * HUGE_PAGE_BYTES, ask=Pages.HUGETLB) as arena:
        filled(arena, 1)

        assert "Cannot allocate memory" in arena.refusals[Pages.HUGETLB]
        assert arena.kind is not Pages.HUGETLB
        assert arena.report().kind is not Pages.HUGETLB


@pytest.mark.usefixtures("granted")
def test_transparent_large_pages_are_used_and_reported() -> None:
    with Arena(SLABS * HUGE_PAGE_BYTES, ask=Pages.TRANSPARENT) as arena:
        assert (arena.kind, arena.page_bytes) == (Pages.TRANSPARENT, HUGE_PAGE_BYTES)
        filled(arena, 2)

        got = arena.report()
        if got.huge_bytes == 0:
            pytest.skip("the system grants large pages and has none")
        assert (got.kind, got.file_bytes) == (Pages.TRANSPARENT, arena.populated_bytes)


@pytest.mark.usefixtures("granted")
def test_transparent_large_pages_go_back_whole() -> None:
    with Arena(SLABS * HUGE_PAGE_BYTES, ask=Pages.TRANSPARENT) as arena:
        pool, handles = filled(arena, 2)
        half = len(handles) // 2
        kept, *gone = handles[:half]
        for handle in (*gone, *handles[half:]):
            pool.free(handle)
        scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)

        while scavenger.visit():
            pass

        assert arena.report().file_bytes == arena.populated_bytes == HUGE_PAGE_BYTES
        assert pool.read(kept) == PAYLOAD


@pytest.mark.usefixtures("refused")
def test_where_large_pages_are_not_granted_small_ones_serve_and_go_back_singly() -> None:
    with Arena(SLABS * HUGE_PAGE_BYTES, ask=Pages.TRANSPARENT) as arena:
        assert (arena.kind, arena.page_bytes) == (Pages.TRANSPARENT, mmap.PAGESIZE)
        pool, handles = filled(arena, 1)
        assert arena.report() == (Pages.NORMAL, HUGE_PAGE_BYTES, 0, HUGE_PAGE_BYTES)
        for handle in handles[4:]:
            pool.free(handle)
        scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)

        while scavenger.visit():
            pass

        assert arena.report() == (Pages.NORMAL, mmap.PAGESIZE, 0, mmap.PAGESIZE)


def test_who_asks_for_normal_pages_gets_no_large_ones() -> None:
    with transparent_pages("always"), Arena(SLABS * HUGE_PAGE_BYTES, ask=Pages.NORMAL) as arena:
        pool = SlabPool(arena)
        pool.put(PAYLOAD)

        assert arena.page_bytes == mmap.PAGESIZE
        assert arena.report().huge_bytes == 0
        assert arena.report().file_bytes == arena.populated_bytes < HUGE_PAGE_BYTES


@pytest.mark.parametrize(
    ("common", "of_this_size", "granted"),
    [
        ("always within_size [advise] never deny force", None, True),
        ("always within_size advise [never] deny force", None, False),
        ("always within_size advise never [deny] force", None, False),
        ("always within_size [advise] never deny force", "always [inherit] within_size advise never", True),
        ("always within_size [advise] never deny force", "always inherit within_size advise [never]", False),
        ("always within_size advise [never] deny force", "[always] inherit within_size advise never", True),
        (None, None, False),
    ],
)
def test_the_switch_of_the_size_goes_before_the_common_one(
    tmp_path: Path, common: str | None, of_this_size: str | None, granted: bool
) -> None:
    if common is not None:
        (tmp_path / "shmem_enabled").write_text(common)
    if of_this_size is not None:
        (tmp_path / "hugepages-2048kB").mkdir()
        (tmp_path / "hugepages-2048kB/shmem_enabled").write_text(of_this_size)

    assert permits_large(tmp_path) == granted
