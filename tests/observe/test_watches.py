import asyncio
import gc
import time
from collections.abc import Iterator

import pytest

from tests.observe.clocks import Clock
from txpool.observe.gc_pause import RECENT_MAX, PauseWatch, RecentPauses
from txpool.observe.loop_lag import LoopLag
from txpool.observe.loop_turn import LoopTurns
from txpool.observe.process import ProcessMetrics
from txpool.observe.tags import Tags


class Ticks:
    """A clock that moves on by a step at each look."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def watch() -> Iterator[PauseWatch]:
    watch = PauseWatch(Ticks(0.25))
    gc.disable()
    gc.callbacks.append(watch)
    yield watch
    gc.callbacks.remove(watch)
    gc.enable()


def test_a_forced_collection_is_counted_in_its_generation(watch: PauseWatch) -> None:
    gc.collect(1)
    gc.collect(2)
    gc.collect(2)

    assert [pauses.count for pauses in watch.by_generation] == [0, 1, 2]
    assert watch.by_generation[2].sum == 0.5
    assert watch.longest == 0.25


def test_a_collection_that_began_before_the_watch_is_left_out() -> None:
    watch = PauseWatch(Ticks(0.25))

    watch("stop", {"generation": 2})

    assert watch.by_generation[2].count == 0


def test_a_turn_that_holds_the_loop_up_is_seen_as_lag() -> None:
    async def hold_up() -> LoopLag:
        lag = LoopLag(time.perf_counter, interval_s=0.001)
        lag.start(asyncio.get_running_loop())
        held = asyncio.Event()

        def hold() -> None:
            until = time.perf_counter() + 0.05
            while time.perf_counter() < until:
                pass
            asyncio.get_running_loop().call_later(0.002, held.set)

        asyncio.get_running_loop().call_soon(hold)
        await held.wait()
        lag.stop()
        return lag

    lag = asyncio.run(hold_up())

    assert lag.longest >= 0.045
    assert lag.lags.count >= 1


def test_a_timer_that_came_early_was_not_late() -> None:
    lag = LoopLag(Ticks(0))

    lag.count(-0.001)

    assert (lag.lags.sum, lag.lags.count) == (0, 1)


def test_process_metrics_are_there() -> None:
    page = ProcessMetrics().render().decode()

    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert f"\n{name} " in page


def test_a_turn_lasts_from_its_first_request_to_its_answers() -> None:
    clock = Ticks(0.25)
    turns = LoopTurns(clock)

    turns.end()  # nothing was asked
    turns.touch()
    clock.now += 1
    turns.touch()
    turns.end()
    turns.touch()
    turns.end()

    assert (turns.turns.count, turns.turns.sum, turns.longest) == (2, 1.5, 1.25)


def test_what_was_found_in_cycles_is_counted(watch: PauseWatch) -> None:
    cycles: list[list[object]] = [[] for _ in range(5)]
    for cycle in cycles:
        cycle.append(cycle)
    del cycles, cycle
    gc.collect(2)

    assert watch.collected[2] >= 5
    assert watch.uncollectable == [0, 0, 0]


def test_what_could_not_be_let_go_is_counted() -> None:
    watch = PauseWatch(Ticks(0.25))

    watch("start", {})
    watch("stop", {"generation": 1, "collected": 2, "uncollectable": 3})

    assert (watch.collected, watch.uncollectable) == ([0, 2, 0], [0, 3, 0])


def test_the_age_of_the_last_full_collection_is_told() -> None:
    clock = Clock()
    watch = PauseWatch(clock)
    clock.now += 5
    never = watch.full_age_s
    for generation in (2, 1):
        watch("start", {})
        watch("stop", {"generation": generation})
        clock.now += 1

    assert (never, watch.full_age_s) == (5, 2)


def test_a_collection_is_set_off_by_who_is_at_work() -> None:
    clock = Clock()
    tags = Tags(clock)
    watch = PauseWatch(clock, tags)

    with tags.entered("query", "eth_call"):
        watch("start", {})
        clock.now += 0.5
        watch("stop", {"generation": 0})

    assert tags.source("query", "eth_call").collections == 1
    assert (watch.unreported, watch.inside) == (0.5, tags.source("query", "eth_call"))


def test_percentiles_are_of_the_latest_collections() -> None:
    recent = RecentPauses()
    for number in range(1, RECENT_MAX + 101):
        recent.add(float(number), number / 1000)

    assert recent.p99(since=RECENT_MAX + 1) == 1.123
    assert recent.p99(since=0) == 1.114
    assert recent.p99(since=RECENT_MAX + 101) == 0
