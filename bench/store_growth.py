"""One store grows to so many resident transactions: `python -m bench.store_growth VARIANT RESIDENT SENDERS`, as JSON.

A process for each, started by `python -m bench stores`, so that no store inherits another's heap.
"""

import gc
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from bench.heap_in_use import HeapInUse, heap_in_use
from bench.offers import GWEI, offer
from bench.pauses import PauseRecord, Pauses, full_collection_ms
from bench.resident import proportional_bytes
from bench.standing import BATCH, STORES, StandingPool
from txpool.core.settings import PoolSettings

RAISED: Final = (50_000, 20, 1_000)


def _leave() -> None:
    """CPython's own settings."""


class Variant(msgspec.Struct, frozen=True):
    """A store, and what is done to the collector when the pool stands empty."""

    store: str
    prepare: Callable[[], None] = _leave


VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(
    {kind: Variant(kind) for kind in STORES}
    | {
        "heap-raised": Variant("heap", lambda: gc.set_threshold(*RAISED)),
        "heap-frozen": Variant("heap", gc.freeze),
    }
)


class Growth(msgspec.Struct, frozen=True):
    """What was seen.

    Attributes:
        resident: transactions, all pending at the end.
        pauses: of the collections that came by themselves, by generation and all together, CPU ms.
        wall_pauses: all of them, wall ms.
        full_empty_ms: a full collection of the empty pool, asked for, CPU ms.
        full_ms: the first one at the end.
        full_again_ms: those after it, the median of five.
        tracked: objects of the collector's that growing has added.
        blocks: allocated blocks that it has added.
        heap_bytes: bytes in use on Python's heap that it has added: small objects and malloc.
        heap_bytes_all: those of the whole process, for what is there without any transaction.
        resident_bytes: proportional set that it has added, slabs included.
        resident_bytes_all: that of the whole process.
        cpu_us: of the pool's own work, a transaction.
    """

    variant: str
    resident: int
    pauses: dict[str, Pauses]
    wall_pauses: Pauses
    full_empty_ms: float
    full_ms: float
    full_again_ms: float
    tracked: int
    blocks: int
    heap_bytes: int
    heap_bytes_all: int
    resident_bytes: int
    resident_bytes_all: int
    cpu_us: float


class Stock(msgspec.Struct, frozen=True):
    """The process at one moment."""

    heap: HeapInUse
    resident_bytes: int
    tracked: int

    @classmethod
    def now(cls) -> "Stock":
        """Take stock, after a full collection."""
        gc.collect()
        return cls(heap_in_use(), proportional_bytes(), len(gc.get_objects()))


def grow(name: str, count: int, senders: int) -> Growth:
    """Grow one to `count` transactions."""
    variant = VARIANTS[name]
    settings = PoolSettings(global_slots=2 * count, account_slots=count, global_queue=count, account_queue=count)
    standing = StandingPool(settings, STORES[variant.store]())
    before, empty_ms = Stock.now(), full_collection_ms()
    variant.prepare()
    record, busy = PauseRecord(), 0.0
    with record.watching():
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            busy += standing.submit([offer(n, n % senders, n // senders, GWEI + n % 1009) for n in numbers])
    started = time.thread_time()
    gc.collect()
    full_s = time.thread_time() - started
    full_again_ms = full_collection_ms()
    gc.unfreeze()
    after = Stock.now()
    assert standing.pool.counts().pending == standing.pool.store.stats().slots_used == count
    return Growth(
        variant=name,
        resident=count,
        pauses=record.by_generation(),
        wall_pauses=record.in_wall_time(),
        full_empty_ms=empty_ms,
        full_ms=full_s * 1e3,
        full_again_ms=full_again_ms,
        tracked=after.tracked - before.tracked,
        blocks=after.heap.blocks - before.heap.blocks,
        heap_bytes=after.heap.total - before.heap.total,
        heap_bytes_all=after.heap.total,
        resident_bytes=after.resident_bytes - before.resident_bytes,
        resident_bytes_all=after.resident_bytes,
        cpu_us=busy / count * 1e6,
    )


if __name__ == "__main__":
    print(msgspec.json.encode(grow(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))).decode())
