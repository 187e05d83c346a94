"""How long the cyclic garbage collector stops the process."""

from collections.abc import Callable, Mapping
from typing import Final

from txpool.observe.histogram import PAUSE_BOUNDS, Histogram
from txpool.observe.page import Family, histograms

GENERATIONS: Final = 3


class PauseWatch:
    """Times every collection. `gc.callbacks.append(watch)` switches it on.

    A collection runs to its end in the thread that set it off, and none starts meanwhile, so one start time is enough.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock in seconds."""
        self.by_generation = tuple(Histogram(PAUSE_BOUNDS) for _ in range(GENERATIONS))
        self.longest = 0.0
        self._clock = clock
        self._started: float | None = None

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Do what the interpreter asks of a member of `gc.callbacks`."""
        if phase == "start":
            self._started = self._clock()
        elif self._started is not None:
            pause = self._clock() - self._started
            self._started = None
            self.longest = max(self.longest, pause)
            self.by_generation[info["generation"]].add(pause)

    def family(self, store: str) -> Family:
        """Show the pauses under the name of the store in use."""
        return histograms(
            "txpool_gc_pause_seconds",
            "How long one collection of the cyclic garbage collector stopped the process.",
            [
                ({"generation": str(generation), "store": store}, pauses)
                for generation, pauses in enumerate(self.by_generation)
            ],
        )
