"""Long work cut by a clock."""

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from tests.rpc.loop import run, until
from txpool.core.steps import Steps
from txpool.rpc.held_calls import TURN_S, HeldCalls
from txpool.rpc.slices import Slices

STEPS = 10


class Ticking:
    """A clock that work moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, log: list[str], name: str, steps: int = STEPS) -> Steps[str]:
        """Each step takes a second."""
        for _ in range(steps):
            self.now += 1
            log.append(name)
            yield
        return name


def test_a_slice_ends_when_its_time_is_over_and_others_have_their_turn() -> None:
    async def story() -> list[str]:
        clock, log = Ticking(), list[str]()
        slices = Slices(clock, slice_s=4)
        slices.on_slice = lambda: log.append("|")
        done = slices.run(clock.work(log, "a"))
        while not done.done():
            await asyncio.sleep(0)
            log.append("other")
        assert await done == "a"
        return log

    log = run(story())
    assert log[:5] == [*"aaaa|"]
    assert (log.count("a"), log.count("|")) == (STEPS, 3)
    assert log.count("other") >= 2


def test_what_is_over_within_a_slice_is_over_at_once() -> None:
    async def story() -> None:
        clock, log = Ticking(), list[str]()
        done = Slices(clock, slice_s=STEPS + 1).run(clock.work(log, "a"))
        assert done.result() == "a"

    run(story())


def test_work_is_done_one_after_the_other() -> None:
    async def story() -> list[str]:
        clock, log = Ticking(), list[str]()
        slices = Slices(clock, slice_s=3)
        await asyncio.gather(slices.run(clock.work(log, "a")), slices.run(clock.work(log, "b")))
        return log

    assert run(story()) == ["a"] * STEPS + ["b"] * STEPS


def test_work_that_breaks_or_that_nobody_waits_for_holds_up_nothing() -> None:
    async def broken() -> None:
        def breaks() -> Steps[None]:
            yield
            raise ValueError("as it happens")

        clock, log = Ticking(), list[str]()
        slices = Slices(clock, slice_s=1)
        forgotten = slices.run(clock.work(log, "a"))
        forgotten.cancel()
        wrong, last = slices.run(breaks()), slices.run(clock.work(log, "b"))
        with pytest.raises(ValueError, match="as it happens"):
            await wrong
        assert await last == "b"
        assert log == ["a"] * STEPS + ["b"] * STEPS

    run(broken())


def test_work_that_was_given_up_before_it_began_is_not_begun() -> None:
    async def story() -> list[str]:
        clock, log = Ticking(), list[str]()
        slices = Slices(clock, slice_s=4)
        begun, waiting = slices.run(clock.work(log, "a")), slices.run(clock.work(log, "b"))
        begun.cancel()
        waiting.cancel()
        assert await slices.run(clock.work(log, "c")) == "c"
        return log

    assert run(story()) == [*STEPS * "a", *STEPS * "c"]


def test_what_is_next_up_waits_only_for_what_is_under_way() -> None:
    async def story() -> None:
        clock, log = Ticking(), list[str]()
        slices = Slices(clock, slice_s=1)
        many = [slices.run(clock.work(log, name, 2)) for name in "abc"]
        await slices.run(clock.work(log, "!", 1), next_up=True)
        await asyncio.gather(*many)
        await slices.run(clock.work(log, "!", 1), next_up=True)

        assert "".join(log) == "aa!bbcc!"

    run(story())


def test_what_is_under_way_at_the_end_is_given_up_and_nothing_is_begun_any_more() -> None:
    async def story() -> None:
        clock, log = Ticking(), list[str]()
        slices = Slices(clock, slice_s=1)
        under_way, waiting = slices.run(clock.work(log, "a")), slices.run(clock.work(log, "b"))

        slices.close()
        late = slices.run(clock.work(log, "c"))
        slices.on_slice = lambda: log.append("|")
        for _ in range(3):
            await asyncio.sleep(0)

        assert under_way.cancelled()
        assert waiting.cancelled()
        assert late.cancelled()
        assert log == ["a"]

    run(story())


def test_calls_that_are_held_go_on_in_order_and_not_all_in_one_turn() -> None:
    async def story() -> None:
        clock, moving, told = Ticking(), True, list[int]()

        def tell(number: int) -> None:
            clock.now += 1
            told.append(number)

        held = HeldCalls(lambda: moving, clock)
        assert all(held.holds(partial(tell, number)) for number in range(3))
        held.go_on()
        await asyncio.sleep(0)
        assert told == []

        moving = False
        held.go_on()
        assert held.holds(lambda: tell(3))  # behind those that have waited
        await asyncio.sleep(0)
        assert told == [0]
        await until(lambda: not len(held))
        assert told == [0, 1, 2, 3]
        await next_turn()
        assert not held.holds(lambda: tell(4))

    run(story())


async def next_turn() -> None:
    for _ in range(2):
        await asyncio.sleep(0)


def test_calls_for_which_a_turn_has_no_time_left_go_on_in_the_next_ones() -> None:
    async def story() -> None:
        clock, told = Ticking(), list[str]()
        held = HeldCalls(lambda: False, clock)

        def call(name: str, cost: float) -> None:
            def start() -> None:
                clock.now += cost
                told.append(name)

            if not held.holds(start):
                start()

        for number in range(3):
            call(f"short {number}", TURN_S / 8)
        call("long", 1)
        for name in "abc":
            call(name, 1)
        assert told == ["short 0", "short 1", "short 2", "long"]
        seen = [len(told)]
        while len(held):
            await asyncio.sleep(0)
            seen.append(len(told))
        assert told[4:] == ["a", "b", "c"]
        assert max(later - earlier for earlier, later in pairwise(seen)) == 1

        await next_turn()
        call("as if nothing had been", 1)
        assert told[-1] == "as if nothing had been"

    run(story())


def test_a_held_call_that_breaks_holds_up_none_behind_it(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        moving, told = True, list[int]()
        held = HeldCalls(lambda: moving, Ticking())

        def breaks() -> None:
            raise RuntimeError("a bug")

        assert held.holds(breaks)
        assert held.holds(lambda: told.append(1))
        moving = False
        held.go_on()
        await until(lambda: told == [1])

    run(story())
    assert "a bug" in caplog.text
