"""Which store the pool gets."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from mmap_pool import Arena, Pages
from txpool.config import Settings
from txpool.core.record import RECORD_BYTES
from txpool.core.store import Store
from txpool.daemon.slab_memory import settle_on_node
from txpool.stores.cache import CacheStore
from txpool.stores.heap import HeapStore
from txpool.stores.mmap import MmapStore
from txpool.stores.untracked import UntrackedStore

LOG: Final = logging.getLogger(__name__)

PAGES: Final = {"hugetlb": Pages.HUGETLB, "transparent": Pages.TRANSPARENT, "normal": Pages.NORMAL}


class OwnStore(Store, Protocol):
    """A store that whoever made it has to close."""

    def close(self) -> None:
        """Give back what it holds."""


def _mmap(settings: Settings) -> MmapStore:
    store = MmapStore.open(settings.store.limit_bytes, RECORD_BYTES, ask=PAGES[settings.slab.pages])
    settle_on_node(store, settings.slab.numa)
    _tell_pages(store.pool.arena)
    return store


def _tell_pages(arena: Arena) -> None:
    """Say which kinds of pages were not to be had. A wish for transparent ones never fails, it only has no effect."""
    for kind, why in arena.refusals.items():
        LOG.info("no %s pages, others serve: %s", kind.name.lower(), why)
    if arena.granted is not arena.kind:
        LOG.info("no transparent pages, small ones serve: transparent_hugepage/shmem_enabled does not grant them")


def _cache(settings: Settings) -> CacheStore:
    return CacheStore(settings.store.limit_bytes, RECORD_BYTES, generation=settings.store.cache_generation)


KINDS: Final[Mapping[str, Callable[[Settings], OwnStore]]] = MappingProxyType(
    {
        "mmap": _mmap,
        "cache": _cache,
        "heap": lambda settings: HeapStore(settings.store.limit_bytes),
        "untracked": lambda settings: UntrackedStore(settings.store.limit_bytes),
    }
)


def open_store(settings: Settings) -> OwnStore:
    """Make the store that the settings name.

    Raises:
        OSError: the memory cannot be had.
    """
    return KINDS[settings.store.kind](settings)
