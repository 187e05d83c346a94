"""The interpreter's cyclic garbage collector, as the settings want it."""

import gc

from txpool.config.sections import GcSettings
from txpool.observe.gc_pause import GENERATIONS
from txpool.observe.page import Family, gauge, gauges


class Collector:
    """Sets the collector up from `apply` to `restore`."""

    def __init__(self, settings: GcSettings) -> None:
        self._settings = settings
        self._before: tuple[tuple[int, int, int], bool] | None = None
        self._frozen = 0

    def apply(self) -> None:
        """Do as the settings say. To be called when all is built: what is there is frozen, if anything is."""
        self._before = gc.get_threshold(), gc.isenabled()
        if self._settings.thresholds is not None:
            gc.set_threshold(*self._settings.thresholds)
        if self._settings.freeze:
            gc.collect()
            gc.freeze()
            self._frozen = gc.get_freeze_count()
        if not self._settings.enabled:
            gc.disable()

    def restore(self) -> None:
        """Leave it as it was before."""
        if self._before is None:
            return
        thresholds, was_enabled = self._before
        gc.set_threshold(*thresholds)
        if self._settings.freeze:
            gc.unfreeze()
        if was_enabled:
            gc.enable()
        self._before = None

    def families(self) -> list[Family]:
        """Show how it is set."""
        return [
            gauge(
                "txpool_gc_enabled", "Whether the cyclic garbage collector runs by itself.", lambda: int(gc.isenabled())
            ),
            gauges(
                "txpool_gc_threshold",
                "When a generation is collected: allocations for the first, collections of the one before for others.",
                [{"generation": str(number)} for number in range(GENERATIONS)],
                gc.get_threshold,
            ),
            gauge(
                "txpool_gc_frozen_objects",
                "Objects that were frozen at the start, and are left out by the collector.",
                lambda: self._frozen,
            ),
        ]
