"""The metrics page: which families stand on it, and how it is served."""

import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Final, Protocol

from mmap_pool.object_cache import Gets
from txpool.core.store import Store
from txpool.daemon.node import Node
from txpool.daemon.watches import Watches
from txpool.ingest.ingest import Ingest
from txpool.observe.catalogue import (
    event_families,
    info_family,
    memory_families,
    pool_families,
    slab_families,
    store_families,
)
from txpool.observe.page import CONTENT_TYPE, Family, Page, counter, counters, gauge, gauges
from txpool.observe.process import ProcessMetrics
from txpool.observe.reuse import cache_family, reuse_families
from txpool.rpc.http import Exchange, HttpServer
from txpool.rpc.session_server import SessionServer
from txpool.stores.cache import CacheStore
from txpool.stores.mmap import MmapStore

PATH: Final = b"/metrics"


class MetricsPage:
    """Answers scrapes. Reading happens in the loop's thread, so every page shows one moment."""

    def __init__(self, families: list[Family]) -> None:
        self._page = Page(families)
        self._process = ProcessMetrics()

    def render(self) -> bytes:
        """The page as Prometheus reads it."""
        return self._page.render() + self._process.render()

    def serve(self, exchange: Exchange) -> None:
        """Answer one HTTP request."""
        if exchange.target.partition(b"?")[0] != PATH:
            exchange.refuse(404, "the metrics are at /metrics")
        elif exchange.method != b"GET":
            exchange.refuse(405, "method not allowed", b"Allow: GET\r\n")
        else:
            exchange.reply(self.render(), content_type=CONTENT_TYPE.encode())


class RpcServers(Protocol):
    """The servers of JSON-RPC."""

    @property
    def http(self) -> HttpServer:
        """Over HTTP."""

    @property
    def sessions(self) -> Mapping[str, SessionServer]:
        """Those whose connections stay, by carrier."""


def families(node: Node, ingest: Ingest, rpc: RpcServers, watches: Watches, store: str) -> list[Family]:
    """All metrics of a daemon."""
    return [
        info_family(
            version=version("txpool"),
            python=platform.python_version(),
            store=store,
            kernel=ingest.kernel.name,
            lanes=str(ingest.kernel.lanes),
        ),
        *pool_families(node.pool, ingest.counters.refused),
        *store_families(node.store),
        *(slab_families(node.store, time.perf_counter) if isinstance(node.store, MmapStore) else ()),
        *buffer_families(node.store),
        *event_families(node.events),
        *node.head_updates.families(),
        *ingest_families(ingest),
        *http_families(rpc.http),
        *session_families(rpc.sessions),
        *watches.families(store),
        *memory_families(watches.lookout.evidence.memory.look_at_heap),
    ]


def buffer_families(store: Store) -> list[Family]:
    """How a store uses its memory again; the stores of plain objects have nothing of the kind."""
    if isinstance(store, MmapStore):
        return reuse_families(store.reuse)
    if isinstance(store, CacheStore):
        return [*reuse_families(store.reuse), cache_family(lambda: store.gets()._asdict(), Gets._fields)]
    return []


def ingest_families(ingest: Ingest) -> list[Family]:
    """How submissions get from bytes to verdicts."""
    counts = ingest.counters
    return [
        gauge("txpool_ingest_waiting", "Transactions that wait for their verdict.", lambda: ingest.depth),
        gauge("txpool_ingest_waiting_bytes", "Bytes of the transactions that wait.", lambda: ingest.depth_bytes),
        counter("txpool_ingest_batches_total", "Batches judged.", lambda: counts.batches),
        counter("txpool_ingest_transactions_total", "Transactions judged in them.", lambda: counts.transactions),
        counters(
            "txpool_ingest_senders_recovered_total",
            "Senders recovered, by where.",
            [{"where": "inline"}, {"where": "threads"}],
            lambda: (counts.recovered_inline, counts.recovered_on_threads),
        ),
        counter(
            "txpool_ingest_turned_away_total",
            "Transactions turned away because too many waited.",
            lambda: counts.refused_busy,
        ),
        counter(
            "txpool_ingest_kernel_faults_total",
            "Times that the kernel broke by a defect, and Python took over.",
            lambda: counts.kernel_faults,
        ),
        counter("txpool_ingest_crashed_total", "Batches that a defect of this program ended.", lambda: counts.crashed),
    ]


def http_families(http: HttpServer) -> list[Family]:
    """What the HTTP listener of JSON-RPC does."""
    counts = http.counters
    return [
        gauge("txpool_http_connections", "Open connections.", lambda: http.connections),
        counter("txpool_http_connections_total", "Connections made.", lambda: counts.connections),
        counter(
            "txpool_http_connections_refused_total", "Of them, refused as too many.", lambda: counts.connections_refused
        ),
        counter("txpool_http_requests_total", "Requests read whole.", lambda: counts.requests),
        counter("txpool_http_timeouts_total", "Connections ended by a deadline.", lambda: counts.timeouts),
        counter("txpool_http_received_bytes_total", "Bytes received.", lambda: counts.bytes_in),
    ]


def session_families(servers: Mapping[str, SessionServer]) -> list[Family]:
    """What the listeners do whose connections stay, by carrier."""
    labels = [{"carrier": carrier} for carrier in servers]
    each = tuple(servers.values())

    def told(name: str, about: str, read: Callable[[SessionServer], int]) -> Family:
        return counters(name, about, labels, lambda: tuple(read(server) for server in each))

    return [
        gauges(
            "txpool_session_connections",
            "Open connections.",
            labels,
            lambda: tuple(server.connections for server in each),
        ),
        gauges(
            "txpool_session_subscriptions",
            "Subscriptions under way.",
            labels,
            lambda: tuple(server.subscriptions for server in each),
        ),
        told("txpool_session_connections_total", "Connections made.", lambda server: server.counters.connections),
        told(
            "txpool_session_connections_refused_total",
            "Of them, refused as too many.",
            lambda server: server.counters.connections_refused,
        ),
        told("txpool_session_messages_total", "Messages read.", lambda server: server.counters.messages),
        told("txpool_session_received_bytes_total", "Bytes of them.", lambda server: server.counters.bytes_in),
        told(
            "txpool_session_notifications_total",
            "Messages that subscriptions have brought.",
            lambda server: server.counters.notifications,
        ),
        told(
            "txpool_session_fell_behind_total",
            "Connections ended because their subscriptions were read too slowly.",
            lambda server: server.counters.fell_behind,
        ),
    ]
