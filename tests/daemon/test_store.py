"""What is said, and shown, of the pages that the slabs got."""

import logging

import pytest

from mmap_pool import Pages
from mmap_pool.arena import HUGE_PAGE_BYTES
from tests.mmap_pool.system_pages import huge_pages, transparent_pages
from tests.observe.clocks import Clock
from txpool.config.sections import Settings, SlabSettings, StoreSettings
from txpool.daemon.store import open_store
from txpool.observe.catalogue import PAGE_KINDS, slab_families
from txpool.observe.page import Page
from txpool.stores.mmap import MmapStore

RECORD = bytes(112)
IN_VAIN = "no transparent pages, small ones serve: transparent_hugepage/shmem_enabled does not grant them"


def shown(store: MmapStore, clock: Clock | None = None) -> list[str]:
    """The lines of a page about the slabs' pages."""
    page = Page(slab_families(store, clock or Clock())).render().decode()
    return [line for line in page.splitlines() if line.startswith(("txpool_slab_pages", "txpool_slab_large_bytes"))]


def filled(ask: Pages) -> MmapStore:
    """A store with one transaction."""
    store = MmapStore.open(4 * HUGE_PAGE_BYTES, len(RECORD), ask=ask)
    assert store.put(RECORD, b"payload")
    return store


def test_the_kinds_of_pages_are_those_of_the_slabs() -> None:
    assert tuple(kind.name.lower() for kind in Pages) == PAGE_KINDS


def test_normal_pages_are_shown_as_such() -> None:
    store = filled(Pages.NORMAL)

    assert shown(store) == [
        'txpool_slab_pages{kind="hugetlb"} 0',
        'txpool_slab_pages{kind="transparent"} 0',
        'txpool_slab_pages{kind="normal"} 1',
        "txpool_slab_large_bytes 0",
    ]
    store.close()


def test_pages_of_the_reserve_are_shown_as_such() -> None:
    with huge_pages(4):
        store = filled(Pages.HUGETLB)
        lines = shown(store)
        store.close()

    assert 'txpool_slab_pages{kind="hugetlb"} 1' in lines
    assert lines[-1] == f"txpool_slab_large_bytes {HUGE_PAGE_BYTES}"


def test_where_transparent_pages_are_not_granted_it_is_said_once_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings = Settings(
        store=StoreSettings(limit_bytes=4 * HUGE_PAGE_BYTES), slab=SlabSettings(pages="transparent", numa="off")
    )
    with transparent_pages("never"):
        store = open_store(settings)
        assert isinstance(store, MmapStore)
        store.put(RECORD, b"payload")
        lines = shown(store)
        store.close()

    assert [record.getMessage() for record in caplog.records] == [IN_VAIN]
    assert 'txpool_slab_pages{kind="normal"} 1' in lines
    assert lines[-1] == "txpool_slab_large_bytes 0"


def test_where_transparent_pages_are_granted_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings = Settings(slab=SlabSettings(pages="transparent", numa="off"))
    with transparent_pages("advise"):
        open_store(settings).close()

    assert caplog.records == []


class Slabs:
    """Slabs on transparent pages, as their figures go; counts how often the kernel was asked, and fails if told to."""

    numa_node = -1
    returned_bytes = 0
    fragmentation = 0.0
    page_kind = "transparent"

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    def large_bytes(self) -> int:
        self.asked += 1
        if self.fails:
            raise OSError("Too many open files")
        return self.asked << 21


def test_the_kernel_is_asked_for_large_pages_once_a_minute_and_need_not_answer() -> None:
    slabs, clock = Slabs(), Clock()
    page = Page(slab_families(slabs, clock))
    page.render()
    clock.now += 59

    assert f"txpool_slab_large_bytes {1 << 21}\n".encode() in page.render()
    clock.now += 2
    assert f"txpool_slab_large_bytes {2 << 21}\n".encode() in page.render()
    clock.now += 61
    slabs.fails = True
    assert f"txpool_slab_large_bytes {2 << 21}\n".encode() in page.render()
    assert slabs.asked == 3
