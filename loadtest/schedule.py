"""When requests leave in the open loop: moments planned ahead from a seed, whatever the server does later.

The rate over time is a line of stages. A moment is where its integral reaches the next mark; marks lie one apart for
constant arrivals, and apart by draws from the exponential distribution for Poisson arrivals.
"""

import math
import random
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from loadtest.scenario import Load, Stage

SECOND: Final = 1_000_000_000


def planned_moments(load: Load, seed: int, process: int = 0) -> Iterator[int]:
    """The moments of one process's requests, in nanoseconds from the start.

    Args:
        load: stages, batch and number of processes: each of them sends an equal part of the rate.
        seed: the same seed gives the same moments.
        process: which one; together they send the whole.
    """
    part = 1 / (load.batch * load.processes)
    marks: Iterator[float]
    if load.arrivals == "constant":
        marks = ((number + process / load.processes) for number in count())
    else:
        marks = _poisson(random.Random(f"arrivals {seed} {process}"))
    return moments(load.stages, marks, part)


def _poisson(chance: random.Random) -> Iterator[float]:
    mark = 0.0
    while True:
        mark += chance.expovariate(1.0)
        yield mark


def moments(stages: Sequence[Stage], marks: Iterator[float], part: float) -> Iterator[int]:
    """Where the integral of `part` of the rate reaches each mark. Ends with the stages."""
    began, passed = 0.0, 0.0  # seconds before the stage, integral up to it
    mark = next(marks)
    for stage in stages:
        whole = stage.transactions * part
        while mark < passed + whole:
            yield round((began + _reaches(stage, part, mark - passed)) * SECOND)
            mark = next(marks)
        began += stage.seconds
        passed += whole


def _reaches(stage: Stage, part: float, wanted: float) -> float:
    """Seconds into the stage at which its integral is `wanted`: the root of a*t*t/2 + b*t = wanted."""
    b = stage.rate * part
    a = (stage.last_rate - stage.rate) * part / stage.seconds
    if not a or not wanted:
        return wanted / b if b else 0.0
    # This form of the root also holds for small a, where the usual one cancels.
    return 2 * wanted / (b + math.sqrt(max(b * b + 2 * a * wanted, 0.0)))
