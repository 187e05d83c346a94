"""The servers: JSON-RPC over HTTP, WebSocket and a Unix socket, and the metrics page."""

import asyncio
import logging
import os
import time
from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Final, Protocol

import msgspec

from txpool.chain.source import ChainSource
from txpool.config import Address, Settings
from txpool.config.sections import IpcSettings, WsSettings
from txpool.core.head import Account
from txpool.daemon.metrics import MetricsPage
from txpool.daemon.node import Node
from txpool.daemon.tagging import encoder, tagged
from txpool.daemon.watches import Watches
from txpool.ingest.gate import Gate
from txpool.ingest.ingest import Ingest
from txpool.ingest.settings import IngestSettings
from txpool.observe.allocation_trace import AllocationTracer
from txpool.observe.tags import OTHER
from txpool.rpc.dev import DevNamespace
from txpool.rpc.eth_sync import SyncLimits, SyncSends
from txpool.rpc.filters import FilterLimits, Filters
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.http import Access, Exchange, HttpLimits, HttpServer
from txpool.rpc.http_service import FAREWELL, JsonRpcOverHttp
from txpool.rpc.ipc import IpcServer
from txpool.rpc.local_tracker import HidingDoor
from txpool.rpc.method import Methods
from txpool.rpc.pool import PoolNamespace
from txpool.rpc.pool_governor import GovernorNamespace
from txpool.rpc.pool_trace import PoolTrace
from txpool.rpc.price_floor import PriceFloor
from txpool.rpc.registry import Live, build_methods
from txpool.rpc.service import Door, JsonRpc, RpcLimits
from txpool.rpc.session import SessionLimits
from txpool.rpc.session_server import SessionServer
from txpool.rpc.slices import Slices
from txpool.rpc.streams import StreamLimits, Streams
from txpool.rpc.ws import WsServer
from txpool.rpc.ws_origins import Origins

LOG: Final = logging.getLogger(__name__)

IPC_NAME: Final = "txpool.ipc"
HTTP_PATIENCE_S: Final = 29.9  # geth's: a little less than it gives an answer to be written
SCRAPE_LIMITS: Final = HttpLimits(body_bytes_max=4096, connections_max=64)


class Places(msgspec.Struct, frozen=True):
    """Where JSON-RPC is served; None for a listener that is off."""

    http: str | None = None
    ws: str | None = None
    ipc: str | None = None


class LiveParts:
    """What listens to the pool on behalf of clients: streams, filters, those who wait for receipts."""

    def __init__(self, settings: Settings, node: Node, ingest: Ingest) -> None:
        rpc, kept = settings.rpc, settings.subscriptions
        bounds = StreamLimits(kept.messages_max, kept.bytes_max)
        waits = SyncLimits(rpc.sync_default_seconds, rpc.sync_max_seconds, rpc.sync_waiting_max)
        idle = FilterLimits(rpc.filters_max, rpc.filter_idle_seconds)
        self.streams = Streams(node.pool, node.chain, ingest.just_judged, bounds)
        self.filters = Filters(self.streams, time.monotonic, idle)
        self.sync_sends = SyncSends(door_of(settings, ingest), node.pool, node.chain, waits)
        self.governor = GovernorNamespace(self.streams.tell_soon)

    def notice(self, events: range) -> None:
        """Hear what has happened; to be called in the step that caused it."""
        self.streams.notice(events)
        self.sync_sends.notice()


def own_namespace(node: Node, ingest: Ingest, slices: Slices) -> PoolNamespace:
    """Our own methods; what an operator's removal causes is told to whom the node tells what happens."""

    def notice(events: range) -> None:
        node.on_events(events)

    return PoolNamespace(node.pool, node.chain, ingest, time.time_ns, notice, slices=slices)


class Served(msgspec.Struct, frozen=True):
    """What JSON-RPC serves: whatever carries it, and to the operator alone, on the Unix socket."""

    public: Methods
    private: Methods


def operator_methods(node: Node, slices: Slices, tracer: AllocationTracer) -> Methods:
    """What the operator alone is served, beside our own namespace."""
    return {**PriceFloor(node.set_price_floor, slices).private(), **PoolTrace(tracer).private()}


def methods_of(
    node: Node, live: LiveParts, own: PoolNamespace, dev: DevNamespace, operator: Methods, *others: Live
) -> Served:
    """What JSON-RPC serves of a node; what moves its dev chain to whom `dev` serves that."""
    parts: list[Live] = [live.filters, live.sync_sends, live.governor, own, *others]
    private = {**own.private(), **operator}
    if dev.is_private:
        private |= dev.methods()
    else:
        parts.append(dev)
    return Served(build_methods(node.pool, node.chain, version("txpool"), parts), private)


def ingest_of(settings: Settings, node: Node) -> Ingest:
    """The way in. It would take any chain; on the dev chain every account is at hand."""
    source: ChainSource = node.chain

    def at_hand(addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        return {address: node.chain.account(address) for address in addresses}

    ingest = Ingest(
        node.pool,
        source.chain_id,
        source,
        time.time_ns,
        gate=Gate(settings.rpc.tx_fee_cap_ether, allow_unprotected=settings.rpc.allow_unprotected),
        settings=IngestSettings(**msgspec.structs.asdict(settings.ingest)),
        at_hand=at_hand,
    )
    ingest.moving = lambda: node.moving
    _tell_kernel(ingest)
    return ingest


def _tell_kernel(ingest: Ingest) -> None:
    if ingest.kernel.name == "native":
        LOG.info("the native kernel reads transactions and recovers senders")
    elif ingest.settings.kernel == "auto":
        LOG.warning("the native kernel is not built, so Python reads transactions: batches may cost twice the CPU")


def door_of(settings: Settings, ingest: Ingest) -> Door:
    """Where transactions go from RPC, with what clients of geth expect to hear where that is wanted."""
    return HidingDoor(ingest.offer) if settings.rpc.compat == "geth" else ingest


class RpcListeners:
    """Every server of JSON-RPC. None listens yet.

    What they serve is the same but for the private methods, which only the Unix socket has.
    """

    def __init__(
        self,
        settings: Settings,
        served: Served,
        own: PoolNamespace,
        *,
        live: LiveParts,
        ingest: Ingest,
        watches: Watches,
        held: HeldCalls,
    ) -> None:
        self._settings = settings
        self._live = live
        limits = RpcLimits(settings.rpc.batch_items_max, settings.rpc.batch_response_bytes_max)
        observe, door = watches.durations.observe, door_of(settings, ingest)

        def service(given: Methods, patience_s: float | None = None) -> JsonRpc:
            methods = tagged(given, watches.tags)
            rpc = JsonRpc(
                methods, door, time.perf_counter, observe=observe, limits=limits, patience_s=patience_s, held=held
            )
            rpc.encode = encoder(given, watches.tags)
            return rpc

        kinds = {**live.streams.kinds(), **live.governor.kinds(), **own.kinds()}
        self.http = _http_server(settings, service(served.public, HTTP_PATIENCE_S), watches)
        self.ipc = IpcServer(service({**served.public, **served.private}), kinds, _session_limits(settings.ipc))
        ws = settings.ws
        self.ws = WsServer(
            service(served.public),
            kinds,
            _session_limits(ws),
            origins=Origins(ws.origins),
            handshake_seconds=ws.handshake_seconds,
            ping_seconds=ws.ping_seconds,
            pong_seconds=ws.pong_seconds,
        )
        for server in self.sessions.values():
            live.streams.follow(server)
            server.around = watches.tags.around(OTHER, "subscriptions")
            server.on_request, server.on_answered = watches.turns.touch, watches.turns.end

    @property
    def sessions(self) -> Mapping[str, SessionServer]:
        """The servers whose connections stay, by carrier."""
        return {"ws": self.ws, "ipc": self.ipc}

    async def start(self) -> Places:
        """Listen.

        Raises:
            OSError: where it was told to, it cannot.
        """
        where = await listen(self.http, self._settings.http.listen, "http")
        return Places(http=where, ws=await self._start_ws(), ipc=await self._start_ipc())

    async def _start_ws(self) -> str | None:
        return await listen(self.ws, self._settings.ws.listen, "ws")

    async def _start_ipc(self) -> str | None:
        path = self._settings.ipc.path
        if path == "off":
            return None
        wanted = path or os.path.join(self._settings.data.dir, IPC_NAME)  # noqa: PTH118 - a `~` may be in it
        try:
            return await self.ipc.listen(wanted)
        except OSError as error:
            if path is not None:
                raise
            LOG.warning("no Unix socket: %s", error)
            return None

    async def stop(self) -> None:
        """Accept nothing more, and answer everything that was read."""
        seconds = self._settings.http.drain_seconds
        self._live.sync_sends.close()
        servers = (self.http, self.ws, self.ipc)
        await asyncio.gather(*(server.stop(seconds=seconds) for server in servers))


class Listener(Protocol):
    """A server at a port."""

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Listen; where it really does. Raises OSError."""


async def listen(server: Listener, address: Address, section: str) -> str | None:
    """Listen, and tell where; None where the listener is off, or is spare and its port is taken.

    Raises:
        OSError: it cannot; the message says how to listen elsewhere.
    """
    if address.off:
        return None
    try:
        return str(Address(*await server.listen(address.host, address.port)))
    except OSError as error:
        why = error.strerror or error
        told = f"{section}.listen: {why}; --{section} HOST:PORT listens elsewhere (port 0: on a free one)"
        if not address.spare:
            raise OSError(told) from None
        LOG.warning("does without %s", told)
        return None


def _http_server(settings: Settings, rpc: JsonRpc, watches: Watches) -> HttpServer:
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
    server = HttpServer(handle, bounds, Access(http.vhosts, http.cors_domain), FAREWELL)
    server.on_flush, server.on_flushed = watches.turns.touch, watches.turns.end
    return server


def _session_limits(given: WsSettings | IpcSettings) -> SessionLimits:
    return SessionLimits(
        message_bytes_max=given.message_bytes_max,
        connections_max=given.connections_max,
        requests_max=given.requests_max,
        subscriptions_max=given.subscriptions_max,
        write_seconds=given.write_seconds,
    )


def metrics_server(page: MetricsPage) -> HttpServer:
    """The metrics, for whoever reaches the port under whatever name."""
    return HttpServer(page.serve, SCRAPE_LIMITS, Access(vhosts=("*",)), b"shutting down\n")
