"""What is measured of the running process."""

import asyncio
import gc
import time
from collections.abc import Iterable

from txpool.observe.catalogue import RpcDurations
from txpool.observe.gc_pause import PauseWatch
from txpool.observe.loop_lag import LoopLag
from txpool.observe.loop_turn import LoopTurns
from txpool.observe.page import Family, gauge


class Watches:
    """Pauses, lag, turns and durations, from `start` to `stop`."""

    def __init__(self, methods: Iterable[str]) -> None:
        """Durations are told apart by these methods."""
        self.pauses = PauseWatch(time.perf_counter)
        self.lag = LoopLag(time.perf_counter)
        self.turns = LoopTurns(time.thread_time)
        self.durations = RpcDurations(methods)

    def start(self) -> None:
        """Watch the collector, and the loop that runs."""
        gc.callbacks.append(self.pauses)
        self.lag.start(asyncio.get_running_loop())

    def stop(self) -> None:
        """Watch no longer."""
        self.lag.stop()
        gc.callbacks.remove(self.pauses)

    def families(self, store: str) -> list[Family]:
        """Show what was seen; pauses under the name of the store in use."""
        return [
            self.durations.family(),
            self.pauses.family(store),
            gauge("txpool_gc_pause_longest_seconds", "The longest collection so far.", lambda: self.pauses.longest),
            self.lag.family(),
            gauge("txpool_loop_lag_longest_seconds", "The longest delay so far.", lambda: self.lag.longest),
            self.turns.family(),
            gauge("txpool_loop_turn_longest_seconds", "CPU time of the longest turn.", lambda: self.turns.longest),
        ]
