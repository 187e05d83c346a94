"""What the watch costs: its share of a core at rest, under load and with a million resident, and the metrics page.

    python -m bench watch [--transactions N] [--seconds S] [--store mmap|heap] [--json [FILE]]

A daemon's parts in this process, with the loop of the daemon: at rest, then while the pool is given transfers as fast
as it takes them, one batch of 100 in a turn (no network, no signatures: ten times the load that a daemon has), then at
rest with all of them resident. What runs at intervals is timed each time, in CPU time of the thread; what is too short
for that (a tag, a collection's two calls) is counted while it happens, and then timed in a row. Asserts that samples
were taken, at about the pace that is set.
"""

import argparse
import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import uvloop

from bench.json_option import add_json, tell_json
from bench.offers import GWEI, offer
from bench.standing import STORES
from txpool.config import Settings
from txpool.config.sections import DevSettings, StoreSettings
from txpool.core.head import Account
from txpool.core.pool import Accepted
from txpool.core.settings import PoolSettings
from txpool.daemon.listeners import LiveParts, RpcListeners, ingest_of, methods_of, operator_methods, own_namespace
from txpool.daemon.metrics import MetricsPage, families
from txpool.daemon.node import Node
from txpool.daemon.watches import Watches
from txpool.observe.allocation_trace import AllocationTracer
from txpool.observe.gc_pause import PauseWatch
from txpool.observe.tags import CACHE, QUERY, SUBMIT, Tags
from txpool.rpc.dev import DevNamespace
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.slices import Slices

BATCH: Final = 100
SENDERS: Final = 2_000
RICH: Final = 10**21
STORE_LIMIT_BYTES: Final = 8 << 30
IN_A_ROW: Final = 20_000
SCRAPES: Final = 50
SHARE_MAX: Final = 0.005
PAGE_MS_MAX: Final = 2.0
CONTINUED: Final = 0.8  # of the samples that are due have to be there


class Metered:
    """Times a function each time it is called."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.seconds = 0.0
        self._call = call

    def __call__(self, *arguments: Any) -> None:  # noqa: ANN401 - whatever it takes
        """Call it."""
        before = time.thread_time()
        self._call(*arguments)
        self.seconds += time.thread_time() - before


class Parts:
    """The parts of a daemon that listens nowhere."""

    def __init__(self, settings: Settings) -> None:
        self.tags = Tags(time.perf_counter)
        self.node = Node(settings, self.tags)
        ingest = ingest_of(settings, self.node)
        slices = Slices(time.thread_time)
        live, own = LiveParts(settings, self.node, ingest), own_namespace(self.node, ingest, slices)
        dev = DevNamespace(self.node.chain, self.node.pool, slices)
        operator = operator_methods(self.node, slices, AllocationTracer(settings.data.dir))
        served = methods_of(self.node, live, own, dev, operator)
        self.watches = Watches(served.public, self.tags, settings.watch)
        self.watches.follow(self.node, ingest, slices)
        held = HeldCalls(lambda: self.node.moving, time.thread_time)
        rpc = RpcListeners(settings, served, own, live=live, ingest=ingest, watches=self.watches, held=held)
        self.page = MetricsPage(families(self.node, ingest, rpc, self.watches, settings.store.kind))
        lookout = self.watches.lookout
        self.sampled, self.ticked = Metered(lookout.sample), Metered(lookout.tick)
        lookout.sample = self.sampled  # type: ignore[method-assign]  # to be timed
        lookout.tick = self.ticked  # type: ignore[method-assign,assignment]  # to be timed


class Counts:
    """What had happened when it was made."""

    def __init__(self, parts: Parts) -> None:
        watches = parts.watches
        self.at = time.perf_counter()
        self.samples = watches.lookout.evidence.samples.taken
        self.collections = sum(pauses.count for pauses in watches.pauses.by_generation)
        self.calls = sum(source.calls for source in parts.tags.sources if source.kind != CACHE)  # its calls are no tags
        self.seconds = parts.sampled.seconds + parts.ticked.seconds


def share(parts: Parts, before: Counts, every_s: float) -> dict[str, float]:
    """What the watch has cost since then."""
    now = Counts(parts)
    passed = now.at - before.at
    samples = now.samples - before.samples
    assert samples >= CONTINUED * passed / every_s - 1, f"{samples} samples in {passed:.1f} s"
    collections, calls = now.collections - before.collections, now.calls - before.calls
    spent = now.seconds - before.seconds + collections * collection_s() + calls * tag_s()
    return {
        "seconds": passed,
        "samples": samples,
        "collections": collections,
        "tags": calls,
        "share of a core": spent / passed,
    }


def tag_s() -> float:
    """CPU of entering and leaving one source."""
    tags = Tags(time.perf_counter)
    source = tags.source(QUERY, "bench")
    before = time.thread_time()
    for _ in range(IN_A_ROW):
        tags.leave(tags.enter(source))
    return (time.thread_time() - before) / IN_A_ROW


def collection_s() -> float:
    """CPU of what one young collection calls."""
    pauses, found = PauseWatch(time.perf_counter), {"generation": 0, "collected": 0, "uncollectable": 0}
    before = time.thread_time()
    for _ in range(IN_A_ROW):
        pauses("start", found)
        pauses("stop", found)
    return (time.thread_time() - before) / IN_A_ROW


def page_ms(parts: Parts) -> float:
    """CPU of a scrape, the median."""
    costs = []
    for _ in range(SCRAPES):
        before = time.thread_time()
        parts.page.render()
        costs.append(time.thread_time() - before)
    return sorted(costs)[SCRAPES // 2] * 1e3


async def fill(parts: Parts, count: int) -> None:
    """Give the pool transfers, a batch in a turn of the loop."""
    pool, in_source = parts.node.pool, parts.tags.around(SUBMIT)

    def submit(start: int) -> None:
        numbers = range(start, min(start + BATCH, count))
        batch = [offer(n, n % SENDERS, n // SENDERS, 2 * GWEI + n % 1009) for n in numbers]
        accounts = {one.sender: Account(0, RICH + one.arrival) for one in batch if isinstance(one.sender, bytes)}
        verdicts, _ = pool.submit(batch, accounts, now=start)
        assert all(isinstance(verdict, Accepted) for verdict in verdicts), verdicts[0]

    for start in range(0, count, BATCH):
        in_source(lambda start=start: submit(start))  # type: ignore[misc]  # a default binds the number
        await asyncio.sleep(0)
    assert pool.counts().pending == count


async def measure(settings: Settings, count: int, seconds: float) -> dict[str, dict[str, float]]:
    """The three regimes, and a page in each."""
    parts = Parts(settings)
    every_s = settings.watch.sample_seconds
    found = {}

    async def rest() -> None:
        await asyncio.sleep(seconds)

    parts.watches.start()
    try:
        for name, regime in (("at rest", rest), ("under load", lambda: fill(parts, count)), ("full, at rest", rest)):
            gc.collect()
            before = Counts(parts)
            await regime()
            found[name] = share(parts, before, every_s) | {"page, CPU ms": page_ms(parts)}
            found[name] |= {"a tag, CPU us": tag_s() * 1e6}
    finally:
        parts.watches.stop()
        parts.node.close()
    return found


def settings_of(count: int, store: str) -> Settings:
    """Room for all of them, and no blocks meanwhile."""
    limits = PoolSettings(global_slots=2 * count, account_slots=count, global_queue=count, account_queue=count)
    kept = StoreSettings(kind=store, limit_bytes=STORE_LIMIT_BYTES)  # type: ignore[arg-type]  # argparse has seen to it
    return Settings(pool=limits, store=kept, dev=DevSettings(period=0))


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench watch", description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--store", choices=sorted(STORES), default="mmap")
    add_json(parser)
    options = parser.parse_args(arguments)
    work = measure(settings_of(options.transactions, options.store), options.transactions, options.seconds)
    figures = uvloop.run(work)
    if tell_json(options.json, figures):
        return
    print(
        f"{options.transactions:,} transactions, {options.store}; budget: {SHARE_MAX:.1%} of a core, {PAGE_MS_MAX} ms"
    )
    for name, each in figures.items():
        print(
            f"  {name:13} {each['share of a core']:8.4%} of a core   page {each['page, CPU ms']:6.3f} ms   "
            f"{each['samples']:4.0f} samples, {each['collections']:7,.0f} collections, {each['tags']:8,.0f} tags "
            f"in {each['seconds']:6.1f} s   a tag {each['a tag, CPU us']:.2f} us"
        )
