"""The two HTTP servers: JSON-RPC, and the metrics page."""

import time
from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Final

import msgspec

from txpool.chain.source import ChainSource
from txpool.config import Settings
from txpool.core.head import Account
from txpool.daemon.metrics import MetricsPage
from txpool.daemon.node import Node
from txpool.daemon.watches import Watches
from txpool.ingest.gate import Gate
from txpool.ingest.ingest import Ingest, IngestSettings
from txpool.rpc.http import Access, Exchange, HttpLimits, HttpServer
from txpool.rpc.http_service import FAREWELL, JsonRpcOverHttp
from txpool.rpc.method import Methods
from txpool.rpc.registry import build_methods
from txpool.rpc.service import JsonRpc, RpcLimits

SCRAPE_LIMITS: Final = HttpLimits(body_bytes_max=4096, connections_max=64)


def methods_of(node: Node) -> Methods:
    """What JSON-RPC serves of a node."""
    return build_methods(node.pool, node.chain, version("txpool"), node.chain)


def ingest_of(settings: Settings, node: Node) -> Ingest:
    """The way in. It would take any chain; on the dev chain every account is at hand."""
    source: ChainSource = node.chain

    def at_hand(addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        return {address: node.chain.account(address) for address in addresses}

    return Ingest(
        node.pool,
        source.chain_id,
        source,
        time.time_ns,
        gate=Gate(settings.rpc.tx_fee_cap_ether, allow_unprotected=settings.rpc.allow_unprotected),
        settings=IngestSettings(**msgspec.structs.asdict(settings.ingest)),
        at_hand=at_hand,
    )


def rpc_server(settings: Settings, methods: Methods, ingest: Ingest, watches: Watches) -> HttpServer:
    """JSON-RPC over HTTP; it does not listen yet."""
    limits = RpcLimits(settings.rpc.batch_items_max, settings.rpc.batch_response_bytes_max)
    rpc = JsonRpc(methods, ingest, time.perf_counter, observe=watches.durations.observe, limits=limits)
    answer = JsonRpcOverHttp(rpc)

    def handle(exchange: Exchange) -> None:
        watches.turns.touch()
        answer(exchange)

    http = settings.http
    bounds = HttpLimits(
        body_bytes_max=settings.rpc.body_bytes_max,
        connections_max=http.connections_max,
        requests_max=http.requests_max,
        head_seconds=http.head_seconds,
        body_seconds=http.body_seconds,
        idle_seconds=http.idle_seconds,
        write_seconds=http.write_seconds,
    )
    return HttpServer(handle, bounds, Access(http.vhosts, http.cors_domain), FAREWELL)


def metrics_server(page: MetricsPage) -> HttpServer:
    """The metrics, for whoever reaches the port under whatever name."""
    return HttpServer(page.serve, SCRAPE_LIMITS, Access(vhosts=("*",)), b"shutting down\n")
