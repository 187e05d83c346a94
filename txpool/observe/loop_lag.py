"""How late the event loop runs what is due: the wall time that a request may wait before anybody looks at it."""

import asyncio
from collections.abc import Callable

from txpool.observe.histogram import PAUSE_BOUNDS, Histogram
from txpool.observe.page import Family, histograms


class LoopLag:
    """Asks the loop for a call every so often and counts by how much it was late.

    A long turn is seen whole if it starts just before a call is due, so the histogram is a sample, not a census; the
    shorter the interval, the finer. Timers of the loop are good for a millisecond. `on_tick` is told each delay.
    """

    def __init__(self, clock: Callable[[], float], interval_s: float = 0.05) -> None:
        """Take a clock in seconds."""
        self.on_tick: Callable[[float], None] = _nobody_asks
        self.lags = Histogram(PAUSE_BOUNDS)
        self.longest = 0.0
        self.last_tick = clock()
        self._clock = clock
        self._interval_s = interval_s
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch this loop from now on."""
        self._arm(loop)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self._clock() + self._interval_s
        self._timer = loop.call_later(self._interval_s, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.last_tick = self._clock()
        late = self.last_tick - due
        self.count(late)
        self.on_tick(late)
        self._arm(loop)

    def count(self, late: float) -> None:
        """Count one delay in seconds; a timer that came early was not late."""
        late = max(late, 0.0)
        self.longest = max(self.longest, late)
        self.lags.add(late)

    def family(self) -> Family:
        """Show the delays."""
        return histograms(
            "txpool_loop_lag_seconds", "How late the event loop ran a call that was due.", [({}, self.lags)]
        )


def _nobody_asks(late: float) -> None:
    """Nobody wants to know."""
