"""The metrics of pool, store, events and memory. Their names stay: dashboards and alerts hang on them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from txpool.core.events import EventRing
from txpool.core.pool import Pool
from txpool.core.rejection import REFUSALS, REMOVALS, Reason
from txpool.core.residents import Counts
from txpool.core.store import Store
from txpool.observe.histogram import PAUSE_BOUNDS, REQUEST_BOUNDS, Histogram
from txpool.observe.paced import Paced
from txpool.observe.page import Family, Labels, counter, counters, gauge, gauges, histograms

OTHER: Final = "other"
PAGE_KINDS: Final = ("hugetlb", "transparent", "normal")
PAGES_REST_S: Final = 60.0  # the kernel walks through all that is mapped to tell which pages are large
_SUBPOOLS: Final[tuple[Labels, ...]] = ({"subpool": "pending"}, {"subpool": "queued"}, {"subpool": "blob"})


def pool_families(pool: Pool, refused_before: Mapping[Reason, int]) -> list[Family]:
    """What is in the pool, what came and what went; `refused_before` counts what was refused on the way to it."""
    tallies = pool.tallies
    return [
        gauges(
            "txpool_transactions",
            "Transactions in the pool.",
            _SUBPOOLS,
            lambda: _transactions(pool.counts()),
        ),
        gauges(
            "txpool_bytes",
            "Bytes of the binary forms of the transactions in the pool.",
            _SUBPOOLS,
            lambda: _bytes(pool.counts()),
        ),
        gauge("txpool_senders", "Senders with a transaction in the pool.", lambda: pool.counts().senders),
        counters(
            "txpool_submissions_total",
            "Transactions judged, by outcome.",
            [{"result": "accepted", "reason": "none"}, *_refusal_labels()],
            lambda: (tallies.accepted, *(tallies.rejected[each] + refused_before.get(each, 0) for each in REFUSALS)),
        ),
        counters(
            "txpool_removed_total",
            "Transactions that left the pool for another reason than a block.",
            [_removal_labels(each["subpool"], reason) for each in _SUBPOOLS for reason in REMOVALS],
            lambda: (
                *(tallies.removed_pending[reason] for reason in REMOVALS),
                *(tallies.removed_queued[reason] for reason in REMOVALS),
                *(tallies.removed_blob[reason] for reason in REMOVALS),
            ),
        ),
        counter("txpool_included_total", "Transactions that left the pool in a block.", lambda: tallies.included),
        counter("txpool_promoted_total", "Moves from queued to pending.", lambda: tallies.promoted),
        counter("txpool_demoted_total", "Moves from pending to queued.", lambda: tallies.demoted),
        counter("txpool_reinjected_total", "Transactions that a reorg gave back.", lambda: tallies.reinjected),
        counter(
            "txpool_reinject_refused_total",
            "Transactions that a reorg gave back and the pool did not take again.",
            lambda: tallies.reinject_refused,
        ),
    ]


def _transactions(counts: Counts) -> tuple[float, ...]:
    blobs = counts.blob_pending + counts.blob_queued
    return counts.pending - counts.blob_pending, counts.queued - counts.blob_queued, blobs


def _bytes(counts: Counts) -> tuple[float, ...]:
    return counts.pending_bytes, counts.queued_bytes, counts.blob_bytes


def _refusal_labels() -> list[Labels]:
    return [{"result": "rejected", "reason": reason.value} for reason in REFUSALS]


def _removal_labels(subpool: str, reason: Reason) -> Labels:
    return {"subpool": subpool, "reason": reason.value}


def store_families(store: Store) -> list[Family]:
    """How full the store is."""

    def sizes() -> tuple[float, ...]:
        stats = store.stats()
        free = stats.bytes_reserved - stats.bytes_used - stats.bytes_wasted
        return stats.bytes_used, stats.bytes_wasted, max(free, 0)

    def slots() -> tuple[float, ...]:
        stats = store.stats()
        return stats.slots_used, stats.slots_free

    return [
        gauges("txpool_slab_slots", "Slots of the transaction store.", [{"state": "used"}, {"state": "free"}], slots),
        gauges(
            "txpool_slab_bytes",
            "Bytes reserved by the transaction store: used by transactions, wasted in their slots, free.",
            [{"state": "used"}, {"state": "wasted"}, {"state": "free"}],
            sizes,
        ),
        gauge("txpool_slab_high_water_slots", "Most slots ever in use.", lambda: store.stats().high_water_slots),
    ]


class SlabFigures(Protocol):
    """What a store in slabs can say beyond its `stats`."""

    numa_node: int

    @property
    def returned_bytes(self) -> int:
        """What was ever given back to the system."""

    @property
    def fragmentation(self) -> float:
        """The part of the slabs' memory that is free and cannot go back."""

    @property
    def page_kind(self) -> str:
        """The kind of pages that the system granted, one of `PAGE_KINDS`."""

    def large_bytes(self) -> int:
        """What of the slabs lies on large pages now; may take milliseconds. Raises OSError."""


def slab_families(slabs: SlabFigures, clock: Callable[[], float]) -> list[Family]:
    """The memory of a store in slabs; the clock, in seconds, is for a reading that is rarely repeated."""
    large: Paced[int] = Paced(lambda: _large_bytes(slabs, large.value), clock, 0, rest_s=PAGES_REST_S)
    return [
        counter("txpool_slab_returned_bytes_total", "Free pages returned to the system.", lambda: slabs.returned_bytes),
        gauge(
            "txpool_slab_fragmentation_ratio",
            "Part of the slabs' memory that is free and shares its page with something, at the last scavenging.",
            lambda: slabs.fragmentation,
        ),
        gauge("txpool_slab_numa_node", "Memory node that slabs are bound to; -1 is none.", lambda: slabs.numa_node),
        gauges(
            "txpool_slab_pages",
            "Kind of pages that the system granted to the slabs: 1 for that one.",
            [{"kind": kind} for kind in PAGE_KINDS],
            lambda: tuple(int(kind == slabs.page_kind) for kind in PAGE_KINDS),
        ),
        gauge(
            "txpool_slab_large_bytes",
            "What of the slabs lies on large pages, as the kernel said within the last minute.",
            large.look,
        ),
    ]


def _large_bytes(slabs: SlabFigures, known: int) -> int:
    """Ask; what was known where the kernel does not tell, as when no descriptor is left."""
    try:
        return slabs.large_bytes()
    except OSError:
        return known


def event_families(ring: EventRing) -> list[Family]:
    """What the event ring has seen and forgotten."""
    start = ring.first_seq
    return [
        counter("txpool_events_total", "Events of the pool.", lambda: ring.next_seq - start),
        counter(
            "txpool_events_overwritten_total",
            "Events that newer ones have overwritten in the ring.",
            lambda: ring.first_seq - start,
        ),
    ]


def memory_families(heap_bytes: Callable[[], int]) -> list[Family]:
    """What the process holds beside the slabs, read when it is asked for."""
    return [
        gauge("txpool_heap_bytes", "Resident private memory: heap, stacks, interpreter; without slabs.", heap_bytes)
    ]


class HeadUpdates:
    """How long the pool takes to follow the chain."""

    def __init__(self, pool: Pool) -> None:
        self.durations = Histogram(PAUSE_BOUNDS)
        self._pool = pool

    def families(self) -> list[Family]:
        """The head, and the time that its changes took."""
        return [
            gauge("txpool_head_number", "Number of the block that the pool follows.", lambda: self._pool.head.number),
            histograms(
                "txpool_head_update_duration_seconds",
                "How long the pool took to follow a change of the head.",
                [({}, self.durations)],
            ),
        ]


class RpcDurations:
    """How long answers take, by method; the methods are a closed set, and `other` is the rest."""

    def __init__(self, methods: Iterable[str]) -> None:
        self.by_method = {method: Histogram(REQUEST_BOUNDS) for method in (*sorted(set(methods)), OTHER)}
        self._other = self.by_method[OTHER]

    def observe(self, method: str, seconds: float) -> None:
        """Count one answer."""
        self.by_method.get(method, self._other).add(seconds)

    def family(self) -> Family:
        """Show them."""
        return histograms(
            "txpool_rpc_duration_seconds",
            "How long a JSON-RPC call took, from its parsing to its answer.",
            [({"method": method}, durations) for method, durations in self.by_method.items()],
        )


def info_family(**labels: str) -> Family:
    """What runs, as labels of a series that is always 1."""
    one: Callable[[], tuple[float]] = lambda: (1,)  # noqa: E731 - typed, and too small for a function
    return gauges("txpool_info", "Version and make-up of the process.", [labels], one)
