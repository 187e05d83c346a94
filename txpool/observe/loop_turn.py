"""How much CPU the busiest turn of the event loop took: how long everybody else had to wait because of our own work."""

import asyncio
from collections.abc import Callable

from txpool.observe.histogram import PAUSE_BOUNDS, Histogram
from txpool.observe.page import Family, histograms


class LoopTurns:
    """Times turns of the loop in which a request arrived, in CPU time of the loop's thread.

    A turn is counted from its first request until the loop has run everything that was due and has looked for input
    once more; that is at most one turn too much, so the longest is an upper bound. A turn without a request is not
    seen, and costs nothing.
    """

    def __init__(self, cpu_clock: Callable[[], float]) -> None:
        """Take a clock of the thread's CPU time in seconds."""
        self.turns = Histogram(PAUSE_BOUNDS)
        self.longest = 0.0
        self._cpu_clock = cpu_clock
        self._started: float | None = None

    def touch(self) -> None:
        """Say that something happens in this turn."""
        if self._started is None:
            self._started = self._cpu_clock()
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._end)

    def _end(self) -> None:
        assert self._started is not None, "ends once for each start"
        spent = self._cpu_clock() - self._started
        self._started = None
        self.longest = max(self.longest, spent)
        self.turns.add(spent)

    def family(self) -> Family:
        """Show the turns."""
        return histograms(
            "txpool_loop_turn_seconds",
            "CPU time of a turn of the event loop that had a request in it.",
            [({}, self.turns)],
        )
