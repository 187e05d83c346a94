"""How much CPU the busiest turn of the event loop took: how long everybody else had to wait because of our own work."""

from collections.abc import Callable

from txpool.observe.histogram import PAUSE_BOUNDS, Histogram
from txpool.observe.page import Family, histograms


class LoopTurns:
    """Times turns of the loop in which a request arrived, in CPU time of the loop's thread.

    A turn is counted from its first request until the answers that were ready are written, behind all that the requests
    had the loop do at once. A turn without a request is not seen, and costs nothing.
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

    def end(self) -> None:
        """Say that the answers of this turn are written."""
        if self._started is None:
            return
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
