"""A bad actor is named within a second: planted in a running daemon's parts, found by their reports."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import pytest
from msgspec.structs import replace

from tests.cli.test_submitting import transfer
from tests.rpc.loop import Client
from txpool.config import Address, Settings
from txpool.config.sections import DevSettings, HttpSettings, IpcSettings, StoreSettings, WatchSettings, WsSettings
from txpool.core.record import RECORD_BYTES
from txpool.core.steps import Steps
from txpool.daemon.listeners import LiveParts, RpcListeners, ingest_of, methods_of, operator_methods, own_namespace
from txpool.daemon.metrics import MetricsPage, families
from txpool.daemon.node import Node
from txpool.daemon.watches import Watches
from txpool.observe.allocation_trace import AllocationTracer
from txpool.observe.attribution import Trigger
from txpool.observe.reports import Report, Reports
from txpool.observe.tags import Tags
from txpool.rpc.dev import DevNamespace
from txpool.rpc.gc_reports import GcReports
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.method import Method
from txpool.rpc.slices import Slices

PATIENCE_S = 30
NAMED_WITHIN_S = 1.0
DEED_S = 0.4
SETTINGS = Settings(
    store=StoreSettings(limit_bytes=8 << 20),
    dev=DevSettings(period=0),
    http=HttpSettings(listen=Address("127.0.0.1", 0)),
    ws=WsSettings(listen=Address("", 0)),
    ipc=IpcSettings(path="off"),
    watch=WatchSettings(pause_seconds=0.1, lag_seconds=0.1),
)


class Deed:
    """Something bad, and when it was over."""

    def __init__(self) -> None:
        self.ended = 0.0

    async def huge_list_later(self) -> int:
        """The same, when it has waited."""
        await asyncio.sleep(0)
        return self.huge_list()

    def huge_list(self) -> int:
        """Make containers and keep them, for so long that others notice."""
        until = time.perf_counter() + DEED_S
        held: list[Sequence[int]] = []
        while time.perf_counter() < until:
            held += [[number] for number in range(1000)]
        self.ended = time.perf_counter()
        return len(held)


class Parts:
    """The parts of a daemon, as `Daemon` puts them together, and one method more."""

    def __init__(self, deed: Deed, settings: Settings = SETTINGS) -> None:
        self.tags, reports = Tags(time.perf_counter), Reports(8)
        self.node = Node(settings, self.tags)
        self.ingest = ingest_of(settings, self.node)
        live = LiveParts(settings, self.node, self.ingest)
        self.slices = slices = Slices(time.thread_time)
        held = HeldCalls(lambda: self.node.moving, time.thread_time)
        slices.on_slice = held.go_on
        own = own_namespace(self.node, self.ingest, slices)
        tracer = AllocationTracer(settings.data.dir)
        dev = DevNamespace(self.node.chain, self.node.pool, slices)
        operator = operator_methods(self.node, slices, tracer)
        served = methods_of(self.node, live, own, dev, operator, GcReports(reports.newest))
        deeds = {
            "test_hugeList": Method(deed.huge_list),
            "test_hugeListLater": Method(deed.huge_list_later, waits=True),
        }
        served = replace(served, public={**served.public, **deeds})
        self.watches = Watches(served.public, self.tags, settings.watch, reports)
        self.watches.follow(self.node, self.ingest, slices)
        self.rpc = RpcListeners(settings, served, own, live=live, ingest=self.ingest, watches=self.watches, held=held)
        self.page = MetricsPage(families(self.node, self.ingest, self.rpc, self.watches, "mmap"))

    def close(self) -> None:
        self.ingest.close()
        self.node.close()


@asynccontextmanager
async def served(deed: Deed, settings: Settings = SETTINGS) -> AsyncIterator[tuple[Parts, Client]]:
    parts = Parts(deed, settings)
    places = await parts.rpc.start()
    assert places.http
    host, _, port = places.http.rpartition(":")
    client = await Client.to((host, int(port)))
    parts.watches.start()
    try:
        for nonce in range(3):  # the innocent are at work, too
            await client.result("eth_sendRawTransaction", transfer(nonce))
            await client.result("txpool_status")
        yield parts, client
    finally:
        parts.watches.stop()
        await client.close()
        await parts.rpc.stop()
        parts.close()


@contextmanager
def collector_on() -> Iterator[None]:
    """Collections as CPython has them by itself, whatever tests before have left."""
    gc.collect()
    assert gc.isenabled()
    yield
    gc.collect()


async def named(reports: Reports, triggers: set[Trigger], act: Callable[[], Awaitable[object]]) -> tuple[Report, float]:
    """Let it happen; the first report by one of these, and when it came."""
    heard: asyncio.Future[tuple[Report, float]] = asyncio.get_running_loop().create_future()

    def hear(report: Report) -> None:
        if report.trigger in triggers and not heard.done():
            heard.set_result((report, time.perf_counter()))

    reports.on_report = hear
    acting = asyncio.ensure_future(act())
    found = await asyncio.wait_for(heard, PATIENCE_S)
    await acting
    return found


STALLS = {Trigger.PAUSE, Trigger.LAG, Trigger.HEAP_GROWTH}


@pytest.mark.parametrize("method", ["test_hugeList", "test_hugeListLater"])
def test_a_query_that_builds_a_huge_list_is_named(method: str) -> None:
    async def story() -> None:
        deed = Deed()
        async with served(deed) as (parts, client):
            report, at = await named(parts.watches.reports, STALLS, lambda: client.result(method))

            assert (report.cause, report.name) == ("query", method), report
            assert at - deed.ended < NAMED_WITHIN_S
            assert report.suspects[0].collections > 0
            assert report.suspects[0].longest_seconds > DEED_S / 2
            (told,) = [each for each in await client.result("pool_gcReports") if each["number"] == report.number]
            assert (told["cause"], told["name"], told["trigger"]) == ("query", method, report.trigger)
            assert 'txpool_gc_reports_total{cause="query"} 0' not in parts.page.render().decode().splitlines()

    with collector_on():
        asyncio.run(story())


def test_a_head_update_that_allocates_is_named_and_not_the_call_that_made_the_block() -> None:
    async def story() -> None:
        deed = Deed()
        async with served(deed) as (parts, client):

            def allocate(_events: range) -> None:
                deed.huge_list()

            parts.node.on_events = allocate
            report, at = await named(parts.watches.reports, STALLS, lambda: client.result("dev_mine"))

            assert (report.cause, report.name, report.head_updates) == ("head_update", "", 1), report
            assert at - deed.ended < NAMED_WITHIN_S

    with collector_on():
        asyncio.run(story())


CACHED = replace(SETTINGS, store=StoreSettings(kind="cache", limit_bytes=32 << 20))
BURST = 6000  # buffers; five thousand in five seconds are an alarm


def test_a_cache_burst_is_named_though_no_turn_of_the_loop_is_long() -> None:
    async def story() -> None:
        deed = Deed()
        async with served(deed, CACHED) as (parts, client):
            store = parts.node.store
            held: list[int | None] = []

            async def burst() -> None:
                while len(held) < BURST:
                    held.extend(store.put(bytes(RECORD_BYTES), bytes(64)) for _ in range(200))
                    await client.result("txpool_status")
                deed.ended = time.perf_counter()

            report, at = await named(parts.watches.reports, {Trigger.CALL_RATE, Trigger.HEAP_GROWTH}, burst)

            assert (report.cause, report.name, report.trigger) == ("cache", "transactions", "call_rate"), report
            assert at - deed.ended < NAMED_WITHIN_S
            assert "call_rate" in report.alarms
            for handle in held:
                assert handle is not None
                store.free(handle)

    with collector_on():
        asyncio.run(story())


def test_what_the_cache_of_the_store_has_to_make_counts_as_its_calls() -> None:
    async def story() -> None:
        async with served(Deed(), CACHED) as (parts, client):
            await client.result("txpool_status")
            parts.watches.lookout.sample()

            assert parts.tags.source("cache", "transactions").calls == 3

    asyncio.run(story())


def test_what_is_done_in_slices_stays_the_work_of_who_asked_for_it() -> None:
    async def story() -> None:
        async with served(Deed()) as (parts, _):
            turns: list[None] = []
            at_work: list[str] = []

            def until_a_later_turn() -> Steps[None]:
                while not turns:
                    yield
                at_work.append(parts.tags.current.name)

            with parts.tags.entered("query", "pool_best"):
                done = parts.slices.run(until_a_later_turn())
            asyncio.get_running_loop().call_soon(turns.append, None)
            await done

            assert at_work == ["pool_best"]
            assert parts.tags.current is parts.tags.idle

    asyncio.run(story())


@pytest.mark.parametrize("carrier", ["ws", "ipc"])
def test_making_json_and_telling_subscribers_have_sources_of_their_own(carrier: str) -> None:
    async def story() -> None:
        async with served(Deed()) as (parts, _):
            server, status = parts.rpc.sessions[carrier], parts.tags.source("query", "txpool_status")
            before, at_work = status.seconds, list[tuple[str, str]]()

            assert server.rpc.encode("txpool_status", {"pending": "0x3"}) == b'{"pending":"0x3"}'
            server.around(lambda: at_work.append((parts.tags.current.kind, parts.tags.current.name)))

            assert status.seconds > before
            assert at_work == [("other", "subscriptions")]

    asyncio.run(story())


@pytest.mark.parametrize("stage", ["received", "validating", "queued", "pending"])
def test_stages_hold_what_is_in_them_and_nothing_of_what_has_left(stage: str) -> None:
    async def story() -> list[float]:
        async with served(Deed()) as (parts, client):
            await client.result("eth_sendRawTransaction", transfer(5))
            held = [held_in(parts, stage)]
            await client.result("dev_mine")
            parts.node.pool.remove(hashes(parts), now=time.time_ns())
            return [*held, held_in(parts, stage)]

    def held_in(parts: Parts, stage: str) -> float:
        lines = dict(line.rsplit(" ", 1) for line in parts.page.render().decode().splitlines() if "stage=" in line)
        return float(lines[f'txpool_stage_bytes{{stage="{stage}"}}'])

    def hashes(parts: Parts) -> list[bytes]:
        return [event.hash for event in parts.node.events.since(0) if parts.node.pool.knows(event.hash)]

    sizes = {nonce: len(bytes.fromhex(transfer(nonce)[2:])) + RECORD_BYTES for nonce in (0, 1, 2, 5)}
    pending = sizes[0] + sizes[1] + sizes[2]
    expected = {"received": 0, "validating": 0, "queued": sizes[5], "pending": pending}

    assert asyncio.run(story()) == [expected[stage], 0]
