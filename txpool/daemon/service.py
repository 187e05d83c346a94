"""One process from start to stop.

Stopping, by SIGTERM or SIGINT: tell the service manager, accept nothing more, answer everything that was read, end the
chores, give memory back, exit 0. A chore that breaks stops the service in the same way, with exit code 1. A second
signal ends the process at once.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import uvloop

from txpool.chain.genesis import GenesisError
from txpool.config import Settings
from txpool.daemon.chores import Chore, Chores, expire_queued, feed_watchdog
from txpool.daemon.collector import Collector
from txpool.daemon.descriptors import raise_limit, warn_if_few
from txpool.daemon.listeners import (
    LiveParts,
    Places,
    RpcListeners,
    ingest_of,
    listen,
    methods_of,
    metrics_server,
    operator_methods,
    own_namespace,
)
from txpool.daemon.log import start_log
from txpool.daemon.metrics import MetricsPage, families
from txpool.daemon.miner import Miner
from txpool.daemon.node import Node
from txpool.daemon.ready import banner, ready_line
from txpool.daemon.slab_memory import scavenge
from txpool.daemon.stewards import Stewards
from txpool.daemon.watches import Watches
from txpool.observe.allocation_trace import AllocationTracer
from txpool.observe.reports import Reports
from txpool.observe.tags import Tags
from txpool.rpc.dev import DevNamespace
from txpool.rpc.gc_reports import GcReports
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.service import SEND
from txpool.rpc.slices import Slices
from txpool.stores.mmap import MmapStore
from txpool.systemd import Notifier

LOG: Final = logging.getLogger(__name__)

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
SIGNALLED: Final = 128  # the shell's convention: 128 and the signal's number
FAILED: Final = 1
METRICS_DRAIN_S: Final = 2.0


def run(settings: Settings, warnings: Sequence[str] = ()) -> int:
    """Run the daemon until it is told to stop; the exit code. The log begins with the warnings."""
    start_log(settings.log.format, settings.log.level)
    for warning in warnings:
        LOG.warning("%s", warning)
    warn_if_few(settings, raise_limit())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except (OSError, GenesisError) as error:
        LOG.critical("cannot start: %s", error)
        return FAILED
    except ExceptionGroup:
        LOG.critical("ended by a defect", exc_info=True)
        return FAILED
    return 0


async def _serve(settings: Settings) -> None:
    told = asyncio.Event()
    _heed_signals(told)
    daemon = Daemon(settings)
    try:
        await daemon.run(told)
    finally:
        daemon.close()


def _heed_signals(told: asyncio.Event) -> None:
    """Note the first signal; the second one ends the process as it stands."""
    loop = asyncio.get_running_loop()
    signalled = False  # `told` may have another reason

    def heed(number: int) -> None:
        nonlocal signalled
        if signalled:
            os._exit(SIGNALLED + number)
        signalled = True
        LOG.info("stopping: %s", signal.Signals(number).name)
        told.set()

    for one in SIGNALS:
        loop.add_signal_handler(one, heed, one)


class Daemon:
    """All parts of a running pool, put together."""

    def __init__(self, settings: Settings) -> None:
        """Build the parts; nothing listens yet."""
        self._settings = settings
        self._notifier = Notifier()
        tags, reports = Tags(time.perf_counter), Reports(settings.watch.reports_max)
        self._node = node = Node(settings, tags)
        self._slices = slices = Slices(time.thread_time)
        self._held = HeldCalls(lambda: node.moving, time.thread_time)
        self._ingest = ingest_of(settings, node)
        self._live = LiveParts(settings, node, self._ingest)
        own = own_namespace(node, self._ingest, slices)
        self._tracer = AllocationTracer(settings.data.dir)
        dev = DevNamespace(node.chain, node.pool, slices, is_private=settings.dev.private)
        operator = operator_methods(node, slices, self._tracer)
        served = methods_of(node, self._live, own, dev, operator, GcReports(reports.newest))
        self._watches = Watches((*served.public, *served.private, SEND), tags, settings.watch, reports)
        self._watches.follow(node, self._ingest, slices)
        durations = self._watches.durations.by_method[SEND]
        self._stewards = Stewards(settings, node, slices, self._ingest, self._live, durations)
        self._collector = Collector(settings.gc)
        self._miner = Miner(node.chain, slices, tags, settings.dev.period, lambda: node.pool.counts().pending)
        node.on_events = self._ingest.on_events = self._notice
        slices.on_slice = self._go_on
        self._rpc = RpcListeners(
            settings, served, own, live=self._live, ingest=self._ingest, watches=self._watches, held=self._held
        )
        shown = families(node, self._ingest, self._rpc, self._watches, settings.store.kind)
        self.page = MetricsPage([*shown, *self._collector.families(), *self._stewards.families()])
        self._metrics = metrics_server(self.page)

    def _notice(self, events: range) -> None:
        """Tell everybody what the pool has just done; the events are read before anything else can happen."""
        self._live.notice(events)
        self._miner.notice(events)

    def _go_on(self) -> None:
        """Let those go on who wait for the head to come to stand, if it has."""
        self._ingest.go_on()
        self._held.go_on()

    async def run(self, told: asyncio.Event) -> None:
        """Serve until told to stop, then stop in order.

        Raises:
            ExceptionGroup: what is done beside the service broke; it has stopped in order all the same.
        """
        self._collector.apply()
        places = await self._rpc.start()
        metrics = await listen(self._metrics, self._settings.metrics.listen, "metrics")
        self._watches.start()
        chores = Chores(told)
        async with asyncio.TaskGroup() as group:
            under_way = [group.create_task(chores.see_to(each)) for each in self._chores()]
            self._announce(places, metrics)
            await told.wait()
            await self._stop()
            for each in under_way:
                each.cancel()
        if chores.broken:
            raise ExceptionGroup("stopped in order", chores.broken)

    def _chores(self) -> Iterator[Chore]:
        yield self._miner.run
        yield partial(expire_queued, self._node, self._slices)
        yield partial(feed_watchdog, self._node, self._notifier)
        yield self._stewards.governing.run
        yield self._stewards.memory_guard.run
        if isinstance(self._node.store, MmapStore):
            yield partial(scavenge, self._node.store.scavenger, self._settings.slab.scavenge_seconds)

    def _announce(self, places: Places, metrics: str | None) -> None:
        log = self._settings.log
        if log.format == "text":
            sys.stderr.write(banner(places.http, default_genesis=self._settings.dev.genesis is None) + "\n")
        sys.stdout.write(ready_line(log.format, places, metrics) + "\n")
        sys.stdout.flush()
        self._notifier.ready(f"JSON-RPC at {places.http or places.ws or places.ipc}")

    async def _stop(self) -> None:
        """Accept nothing more, and answer everything that was read."""
        drain_s = self._settings.http.drain_seconds
        self._notifier.stopping("answering what was read")
        self._notifier.need_more_time(drain_s + METRICS_DRAIN_S)
        self._tracer.stop()
        await self._rpc.stop()
        await self._ingest.drain()
        await self._metrics.stop(seconds=METRICS_DRAIN_S)
        self._watches.stop()
        LOG.info("stopped", extra={"facts": {"requests": self._rpc.http.counters.requests}})

    def close(self) -> None:
        """Give back threads and memory."""
        self._slices.close()
        self._ingest.close()
        self._node.close()
        self._notifier.close()
        self._collector.restore()
