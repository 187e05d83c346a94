"""Every collection of a stretch of time, by generation: how long the process stood."""

import gc
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

GENERATIONS: Final = 3
_COLLECTIONS: Final = 5


class Pauses(msgspec.Struct, frozen=True):
    """A distribution, in milliseconds. The percentiles are those of what was measured, not of a model."""

    count: int
    total: float
    median: float
    p99: float
    longest: float

    @classmethod
    def of(cls, taken: Sequence[float]) -> "Pauses":
        """Sum up pauses in seconds."""
        if not taken:
            return cls(0, 0.0, 0.0, 0.0, 0.0)
        ordered = sorted(each * 1e3 for each in taken)
        median, p99 = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.99))
        return cls(len(ordered), sum(ordered), median, p99, ordered[-1])


class PauseRecord:
    """All pauses while `watching`, in CPU seconds of the thread and in wall seconds.

    The clock is read before every other member of `gc.callbacks` is asked and after the last one: what they do at a
    collection, as emptying a cache, is part of the pause.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.cpu = tuple(array("d") for _ in range(GENERATIONS))
        self.wall = tuple(array("d") for _ in range(GENERATIONS))
        self._started = (0.0, 0.0)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record."""
        gc.callbacks.insert(0, self._begin)
        gc.callbacks.append(self._end)
        try:
            yield
        finally:
            gc.callbacks.remove(self._begin)
            gc.callbacks.remove(self._end)

    def by_generation(self) -> dict[str, Pauses]:
        """CPU time: for each generation, and for all collections together."""
        return {str(each): Pauses.of(self.cpu[each]) for each in range(GENERATIONS)} | {
            "all": Pauses.of([pause for each in self.cpu for pause in each])
        }

    def in_wall_time(self) -> Pauses:
        """All of them by the clock on the wall: what else the machine did is in it."""
        return Pauses.of([pause for each in self.wall for pause in each])

    def _begin(self, phase: str, _info: Mapping[str, int]) -> None:
        if phase == "start":
            self._started = (time.perf_counter(), time.thread_time())

    def _end(self, phase: str, info: Mapping[str, int]) -> None:
        if phase == "stop":
            cpu, wall = time.thread_time(), time.perf_counter()
            self.cpu[info["generation"]].append(cpu - self._started[1])
            self.wall[info["generation"]].append(wall - self._started[0])


def full_collection_ms() -> float:
    """The median of a few full collections, in CPU time of this thread."""
    times = []
    for _ in range(_COLLECTIONS):
        started = time.thread_time()
        gc.collect()
        times.append(time.thread_time() - started)
    return sorted(times)[_COLLECTIONS // 2] * 1e3
