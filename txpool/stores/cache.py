"""Transactions in buffers that are used again: the pool as one builds it around a `sync.Pool`.

A live transaction is a plain object with a buffer, tracked by the collector as in any program; when it leaves, object
and buffer go into a cache (`mmap_pool/object_cache.py`) and wait for the next one. There is a cache for each size
class, and these are the slab store's, so that both waste the same.

What this store can show on CPython, and what it cannot:

- It makes nothing cheaper to collect. Every live transaction is walked, and those that wait are too.
- It spares an allocation, not the copy: record and payload have to be copied into the buffer, which a program that just
  keeps the bytes it was given (the heap store) does not do.
- Only full collections empty it, and in steady state there are none; the slab's scavenger has its own pace.
- One thread writes to a store, the event loop's. So nothing is ever stolen here, and Go's benefit, that processors do
  not wait for each other, has nothing to show itself on.
"""

import weakref
from bisect import bisect_left
from functools import partial
from typing import Final

from mmap_pool import SLAB_BYTES, Lease
from mmap_pool.object_cache import FULL, Aging, Gets, ObjectCache, added
from mmap_pool.size_class import slot_sizes
from txpool.core.store import Lease as AnyLease
from txpool.core.store import StoreStats
from txpool.stores.handle_index import HandleIndex
from txpool.stores.reuse import Reuse

SIZES: Final = slot_sizes(SLAB_BYTES)

# An instance with four attributes (104 on CPython 3.11, by tracemalloc), a bytearray's header and its end (57).
OVERHEAD_BYTES: Final = 104 + 57


class Buffer:
    """A transaction, or room for one.

    Attributes:
        memory: as long as its size class.
        size: how much of it record and payload take.
        loans: how many views of it there are.
        is_new: it has not held a transaction yet.
    """

    def __init__(self, size_class: int) -> None:
        self.memory = bytearray(size_class)
        self.size = 0
        self.loans = 0
        self.is_new = True

    @property
    def takes(self) -> int:
        """Bytes of the heap."""
        return len(self.memory) + OVERHEAD_BYTES


class CacheStore:
    """The `Store` over buffers from an object cache."""

    def __init__(self, limit_bytes: int, record_bytes: int, *, generation: int = FULL) -> None:
        """Hold up to `limit_bytes`, what waits for use and all overhead included.

        Args:
            limit_bytes: for all buffers. When those that wait would make it more, they are dropped.
            record_bytes: the size of every record.
            generation: the least generation whose collection ages the cache.
        """
        self._limit_bytes = limit_bytes
        self._record_bytes = record_bytes
        self._caches: dict[int, ObjectCache[Buffer]] = {}  # by size class, from the first use of each
        self._held: HandleIndex[Buffer] = HandleIndex()
        self._lent: dict[int, Buffer] = {}  # freed, but a view of it is out
        self._bytes_used = 0
        self._bytes_taken = 0  # by live and lent buffers
        self._bytes_made = 0  # at least by those and the ones that wait; what a collection drops is found out later
        self._puts = 0
        self._reused = 0
        aging = Aging(self._caches.values(), generation)
        aging.start()
        self._stop_aging = weakref.finalize(self, aging.stop)

    def put(self, record: bytes, payload: bytes) -> int | None:
        """Copy record and payload into a buffer; None when the limit is reached."""
        middle = self._record_bytes
        assert len(record) == middle, "records have one size"
        size = middle + len(payload)
        if not self.has_room(size):
            return None
        buffer = self._take(SIZES[bisect_left(SIZES, size)])
        memory = buffer.memory
        memory[:middle] = record
        memory[middle:size] = payload
        buffer.size = size
        self._bytes_used += size
        self._bytes_taken += len(memory) + OVERHEAD_BYTES
        return self._held.add(buffer)

    def has_room(self, size: int) -> bool:
        """Tell whether a buffer for record and payload of so many bytes together would stay within the limit."""
        if size > SIZES[-1]:
            return False
        return self._bytes_taken + SIZES[bisect_left(SIZES, size)] + OVERHEAD_BYTES <= self._limit_bytes

    def holds(self, handle: int) -> bool:
        """Tell whether the handle still names a live transaction."""
        return handle in self._held

    def record(self, handle: int) -> bytes:
        """Copy out the record. Raises StaleHandleError."""
        return bytes(self._held[handle].memory[: self._record_bytes])

    def payload(self, handle: int) -> bytes:
        """Copy out the payload. Raises StaleHandleError."""
        buffer = self._held[handle]
        return bytes(memoryview(buffer.memory)[self._record_bytes : buffer.size])

    def view(self, handle: int) -> AnyLease:
        """Lend the payload. Raises StaleHandleError."""
        buffer = self._held[handle]
        buffer.loans += 1
        view = memoryview(buffer.memory).toreadonly()[self._record_bytes : buffer.size]
        return Lease(view, handle, partial(self._give_back, buffer))

    def free(self, handle: int) -> None:
        """Let the buffer be used again, once nobody reads it. Raises StaleHandleError, for one freed twice too."""
        buffer = self._held.pop(handle)
        self._bytes_used -= buffer.size
        if buffer.loans:
            self._lent[handle] = buffer
        else:
            self._let_go(buffer)

    def stats(self) -> StoreStats:
        """Count. O(size classes in use, loans); what waits for use is free."""
        lent = sum(buffer.takes for buffer in self._lent.values())
        waiting = {size: cache.idle for size, cache in self._caches.items()}
        return StoreStats(
            slots_used=len(self._held),
            slots_free=sum(waiting.values()),
            bytes_used=self._bytes_used,
            bytes_wasted=self._bytes_taken - lent - self._bytes_used,
            bytes_reserved=self._bytes_taken + _takes(waiting),
            high_water_slots=self._held.high_water,
        )

    def gets(self) -> Gets:
        """Where buffers came from, so often each. O(size classes in use)."""
        return added(cache.gets() for cache in self._caches.values())

    def reuse(self) -> Reuse:
        """How many puts there were, and how many found a buffer that had been used before."""
        return Reuse(self._puts, self._reused)

    def check(self) -> None:
        """Assert that the counts are those of what is held, and that nothing is held twice. O(n)."""
        self._held.check()
        held = list(self._held)
        out = [*held, *self._lent.values()]
        assert len(set(map(id, out))) == len(out), "two transactions in one buffer"
        assert self._bytes_used == sum(buffer.size for buffer in held)
        assert self._bytes_taken == sum(buffer.takes for buffer in out) <= self._limit_bytes
        assert self.stats().bytes_reserved <= self._bytes_made
        assert all(buffer.loans for buffer in self._lent.values()), "lent to nobody"

    def close(self) -> None:
        """Forget everything, and listen to the collector no longer."""
        self._stop_aging()
        self._held.clear()
        for cache in self._caches.values():
            cache.clear()
        self._bytes_used = 0
        self._bytes_taken = self._bytes_made = sum(buffer.takes for buffer in self._lent.values())

    def _take(self, size_class: int) -> Buffer:
        cache = self._caches.get(size_class)
        if cache is None:
            cache = self._caches[size_class] = ObjectCache(partial(Buffer, size_class))
        buffer = cache.get()
        self._puts += 1
        if buffer.is_new:
            buffer.is_new = False
            self._note_made(buffer)
        else:
            self._reused += 1
        return buffer

    def _note_made(self, buffer: Buffer) -> None:
        """Keep the sum of all buffers under the limit: those that wait make way for one of another size."""
        self._bytes_made += buffer.takes
        if self._bytes_made <= self._limit_bytes:
            return
        in_use = self._bytes_taken + buffer.takes
        self._bytes_made = in_use + _takes({size: cache.idle for size, cache in self._caches.items()})
        if self._bytes_made > self._limit_bytes:
            for cache in self._caches.values():
                cache.clear()
            self._bytes_made = in_use

    def _give_back(self, buffer: Buffer, handle: int) -> None:
        """End one loan. The last one lets a buffer go that was freed meanwhile."""
        buffer.loans -= 1
        if not buffer.loans and self._lent.pop(handle, None) is not None:
            self._let_go(buffer)

    def _let_go(self, buffer: Buffer) -> None:
        size_class = len(buffer.memory)
        self._bytes_taken -= size_class + OVERHEAD_BYTES
        self._caches[size_class].put(buffer)


def _takes(waiting: dict[int, int]) -> int:
    """The bytes of so many buffers of each size class."""
    return sum(number * (size_class + OVERHEAD_BYTES) for size_class, number in waiting.items())
