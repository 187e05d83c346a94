"""What is measured of the running process."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from txpool.config.sections import WatchSettings
from txpool.core.store import Store
from txpool.daemon.node import Node
from txpool.ingest.ingest import Ingest
from txpool.observe.catalogue import RpcDurations
from txpool.observe.evidence import World
from txpool.observe.gc_pause import PauseWatch
from txpool.observe.lookout import Clocks, Limits, Lookout
from txpool.observe.loop_lag import LoopLag
from txpool.observe.loop_turn import LoopTurns
from txpool.observe.page import Family, gauge
from txpool.observe.reports import Report, Reports
from txpool.observe.stages import StageBytes
from txpool.observe.tags import CACHE, SUBMIT, Source, Tags
from txpool.rpc.slices import Slices
from txpool.stores.cache import CacheStore

LOG: Final = logging.getLogger(__name__)

CLOCKS: Final = Clocks(time.perf_counter, time.thread_time, time.time_ns)


class Watches:
    """Pauses, lag, turns, durations, memory, and who is behind it, from `start` to `stop`."""

    def __init__(
        self,
        methods: Iterable[str],
        tags: Tags | None = None,
        settings: WatchSettings | None = None,
        reports: Reports | None = None,
    ) -> None:
        """Durations are told apart by these methods; tags know who is at work, reports are kept in `reports`."""
        settings = settings or WatchSettings()
        self.tags = tags or Tags(time.perf_counter)
        self.pauses = PauseWatch(time.perf_counter, self.tags)
        self.lag = LoopLag(time.perf_counter)
        self.turns = LoopTurns(time.thread_time)
        self.durations = RpcDurations(methods)
        self.reports = reports or Reports(settings.reports_max)
        self.reports.on_report = _log
        self.lookout = Lookout(_limits(settings), self.tags, self.pauses, CLOCKS, self.reports)

    def follow(self, node: Node, ingest: Ingest, slices: Slices) -> None:
        """Have them look at pool, ingest and slices, too."""
        stages = StageBytes(node.pool, lambda: (ingest.depth_bytes, ingest.read_bytes))
        self.lookout.evidence.world = World(
            stages=stages.read, evicted=node.pool.tallies.evicted, bursts=self._bursts(node.store)
        )
        ingest.around = self.tags.around(SUBMIT)
        ingest.carried = slices.carried = self.tags.carried

    def _bursts(self, store: Store) -> list[tuple[Source, Callable[[], int]]]:
        """What allocates without entering anything: the store's cache, where it has none to give."""
        if not isinstance(store, CacheStore):
            return []
        return [(self.tags.source(CACHE, "transactions"), lambda: store.gets().miss)]

    def start(self) -> None:
        """Watch the collector, and the loop that runs."""
        gc.callbacks.insert(0, self.pauses)  # what others do as a collection begins is a part of it
        loop = asyncio.get_running_loop()
        self.lookout.start(loop)
        self.lag.on_tick = self.lookout.tick
        self.lag.start(loop)

    def stop(self) -> None:
        """Watch no longer."""
        self.lag.stop()
        self.lookout.stop()
        gc.callbacks.remove(self.pauses)

    def families(self, store: str) -> list[Family]:
        """Show what was seen; pauses under the name of the store in use."""
        return [
            self.durations.family(),
            *self.pauses.families(store),
            self.lag.family(),
            gauge("txpool_loop_lag_longest_seconds", "The longest delay so far.", lambda: self.lag.longest),
            self.turns.family(),
            gauge("txpool_loop_turn_longest_seconds", "CPU time of the longest turn.", lambda: self.turns.longest),
            *self.lookout.families(),
        ]


def _limits(settings: WatchSettings) -> Limits:
    return Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__})


def _log(report: Report) -> None:
    LOG.warning("%s after %s", report.sentence, report.trigger, extra={"facts": report.facts()})
