"""A whole node in the test's own loop: dev chain, pool, ingest, JSON-RPC over HTTP on a free port."""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

from tests.rpc.loop import Client
from txpool.chain.block_builder import Supply
from txpool.chain.dev import DevChain, DevChainSettings
from txpool.chain.dev_accounts import dev_accounts
from txpool.chain.genesis import dev_genesis, parse_genesis
from txpool.core.best import Best
from txpool.core.events import EventRing
from txpool.core.head import HeadChange
from txpool.core.pool import Pool
from txpool.core.settings import PoolSettings
from txpool.core.signature import sign
from txpool.core.steps import Steps
from txpool.core.unsigned import Unsigned
from txpool.ingest.gate import Gate
from txpool.ingest.ingest import Ingest
from txpool.ingest.settings import IngestSettings
from txpool.rpc.dev import DevNamespace
from txpool.rpc.gc_reports import GcReports
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.http import HttpLimits, HttpServer
from txpool.rpc.http_service import FAREWELL, JsonRpcOverHttp
from txpool.rpc.pool import PoolNamespace
from txpool.rpc.pool_governor import GovernorNamespace
from txpool.rpc.registry import build_methods
from txpool.rpc.service import JsonRpc, RpcLimits
from txpool.rpc.slices import Slices
from txpool.stores.heap import HeapStore

CHAIN_ID: Final = 1337
GWEI: Final = 10**9
KEYS: Final = {account.address: account.private_key for account in dev_accounts()}
ALICE, BOB, CAROL = list(KEYS)[:3]
STRANGER: Final = bytes.fromhex("00000000000000000000000000000000c0ffee00")
START: Final = 1_700_000_000


class Clock:
    """A time that moves when it is looked at, a microsecond each."""

    def __init__(self) -> None:
        self.now = START * 10**9

    def __call__(self) -> int:
        self.now += 1000
        return self.now

    def seconds(self) -> float:
        return self() / 1e9


class Node:
    """Everything that stands behind the socket."""

    def __init__(
        self,
        *,
        pool: PoolSettings | None = None,
        genesis: Mapping[str, Any] | None = None,
        initial_blocks: int = 1,
        gate: Gate | None = None,
        ingest: IngestSettings | None = None,
        limits: RpcLimits | None = None,
        http: HttpLimits | None = None,
        fetching: bool = False,
        ring: int = 1 << 14,
        slice_s: float = 1.0,
    ) -> None:
        self.clock = Clock()
        self.store = HeapStore(1 << 30)
        self.chain = DevChain(
            parse_genesis(genesis or dev_genesis(START)),
            supply=Supply(self._best, self.store.payload),
            on_change=self._follow,
            clock=self.clock,
            settings=DevChainSettings(initial_blocks=initial_blocks),
        )
        self.pool = Pool(pool or PoolSettings(), self.chain.head(), self.store, EventRing(ring))
        self.ingest = Ingest(
            self.pool,
            self.chain.chain_id,
            self.chain,
            self.clock,
            gate=gate,
            settings=ingest,
            at_hand=None if fetching else lambda addresses: {each: self.chain.account(each) for each in addresses},
        )
        self.ingest.moving = lambda: self.chain.moving
        self.times: list[tuple[str, float]] = []
        self.noticed: list[range] = []
        self.slices = Slices(self.clock.seconds, slice_s)
        self.slices.on_slice = self._go_on
        self.held = HeldCalls(lambda: self.chain.moving, self.clock.seconds)
        self.own = PoolNamespace(
            self.pool, self.chain, self.ingest, self.clock, self.noticed.append, slices=self.slices
        )
        self.governor = GovernorNamespace(lambda: None)
        self.reports: list[msgspec.Struct] = []
        dev = DevNamespace(self.chain, self.pool, self.slices)
        parts = (self.own, self.governor, GcReports(lambda most: self.reports[:most]), dev)
        methods = build_methods(self.pool, self.chain, "0.1.0", parts)
        self.methods = methods
        self.rpc = JsonRpc(
            methods,
            self.ingest,
            self.clock.seconds,
            observe=lambda method, seconds: self.times.append((method, seconds)),
            limits=limits,
            held=self.held,
        )
        self.server = HttpServer(JsonRpcOverHttp(self.rpc), http, farewell=FAREWELL)
        self.address = ("", 0)
        self._clients: list[Client] = []

    def _best(self, base_fee: int | None, blob_base_fee: int) -> Best:
        return self.pool.best(base_fee, blob_base_fee)

    def _follow(self, change: HeadChange) -> Steps[None]:
        yield from self.pool.advance_in_steps(change, now=self.clock())

    def _go_on(self) -> None:
        self.ingest.go_on()
        self.held.go_on()

    async def __aenter__(self) -> Self:
        self.address = await self.server.listen("127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients:
            await client.close()
        await self.server.stop(seconds=1)
        await self.ingest.drain()
        self.ingest.close()
        if exc[0] is None:
            self.pool.check()

    async def client(self) -> Client:
        client = await Client.to(self.address)
        self._clients.append(client)
        return client


def transfer(sender: bytes = ALICE, nonce: int = 0, **fields: Any) -> bytes:  # noqa: ANN401 - any field of Unsigned
    """A signed transfer of type 2."""
    defaults: dict[str, Any] = {
        "type": 2,
        "chain_id": CHAIN_ID,
        "fee_cap": 100 * GWEI,
        "tip_cap": GWEI,
        "gas": 21_000,
        "to": STRANGER,
        "value": 1,
    }
    return sign(Unsigned(nonce=nonce, **(defaults | fields)), KEYS[sender])


def hexed(octets: bytes) -> str:
    return "0x" + octets.hex()


def call(method: str, *params: object, identity: object = 1) -> dict[str, Any]:
    """A call as it goes over the wire."""
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": list(params)}


def send(raw: bytes, identity: object = 1) -> dict[str, Any]:
    """The call that sends a transaction."""
    return call("eth_sendRawTransaction", hexed(raw), identity=identity)


def text(*calls: object) -> str:
    """A batch."""
    return json.dumps(calls)
