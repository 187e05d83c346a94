import gc
import mmap
from collections.abc import Callable

import pytest

from tests.observe.clocks import Clock
from txpool.observe.memory import Memory
from txpool.observe.paced import DEAR_REST_S, REST_FACTOR, Paced
from txpool.observe.tracked import TrackedObjects

MB = 1 << 20


def grown(memory: Memory, read: Callable[[], float], make: Callable[[], object]) -> float:
    """By how much a reading grows while something is held."""
    memory.look()
    before = read()
    held = make()
    memory.look()
    assert held is not None
    return read() - before


def test_large_objects_are_mallocs_and_small_ones_the_interpreters() -> None:
    clock = Clock()
    memory = Memory(clock)
    large: Callable[[], object] = lambda: b"x" * (64 * MB)  # noqa: E731 - said twice
    small: Callable[[], object] = lambda: [bytes(64) for _ in range(200_000)]  # noqa: E731 - said twice

    assert grown(memory, lambda: memory.malloc.used + memory.malloc.mapped, large) >= 64 * MB
    assert grown(memory, lambda: memory.blocks, small) > 150_000  # others let go of theirs meanwhile
    assert memory.arenas + memory.malloc.used + memory.malloc.free + memory.malloc.mapped == memory.anonymous


def test_first_touch_of_a_page_is_a_minor_fault() -> None:
    memory = Memory(Clock())
    with mmap.mmap(-1, 8 * MB) as region:

        def touch() -> bool:
            region[:: mmap.PAGESIZE] = bytes(len(region) // mmap.PAGESIZE)
            return True

        assert grown(memory, lambda: memory.faults[0], touch) >= 1


def test_a_look_at_the_heap_needs_no_other_reading() -> None:
    memory = Memory(Clock())

    assert memory.look_at_heap() == memory.anonymous > 0
    assert (memory.blocks, memory.faults) == (0, (0, 0))


# --- readings that rest


class Reading:
    """Takes as long as it is told, and counts."""

    def __init__(self, clock: Clock, cost: float) -> None:
        self.clock = clock
        self.cost = cost
        self.taken = 0

    def __call__(self) -> int:
        self.clock.now += self.cost
        self.taken += 1
        return self.taken


@pytest.mark.parametrize(("cost", "rest"), [(0.0005, 0.0005 * REST_FACTOR), (0.005, DEAR_REST_S)])
def test_the_dearer_a_reading_was_the_longer_it_rests(cost: float, rest: float) -> None:
    clock = Clock()
    reading = Reading(clock, cost)
    paced = Paced(reading, clock, 0)

    paced.look()
    clock.now += rest * 0.99
    assert paced.look() == 1
    clock.now += rest * 0.02
    assert paced.look() == 2

    assert paced.is_dear == (cost > 0.001)
    assert paced.cost_s == pytest.approx(cost)


# --- tracked objects


def test_tracked_objects_are_those_that_the_collector_lists() -> None:
    gc.collect()
    gc.disable()
    try:
        tracked = TrackedObjects(Clock())
        tracked.count()
        before = tracked.value
        held = [[number] for number in range(5000)]
        grown = tracked.value - before
        listed = len(gc.get_objects())
    finally:
        gc.enable()

    assert len(held) == 5000
    assert 5000 <= grown < 5100
    assert abs(before + grown - listed) < 100


def test_collections_carry_the_count_on() -> None:
    tracked = TrackedObjects(Clock())
    gc.collect()
    gc.disable()
    try:
        tracked.count()
        before = tracked.value
        held = []
        for _ in range(3):
            held += [[number] for number in range(2000)]
            tracked.collection_begins()
            gc.collect(0)
            tracked.collection_ended(0, 0)
        grown = tracked.value - before
    finally:
        gc.enable()

    assert len(held) == 6000
    assert 6000 <= grown < 6100
