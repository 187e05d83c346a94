import asyncio
from collections.abc import Generator

import pytest

from tests.observe.clocks import Clock
from txpool.observe.tags import LONG_S, SOURCES_MAX, Source, Tags


def test_time_passes_for_whoever_is_at_work_and_not_for_whom_it_was_entered_from() -> None:
    clock = Clock()
    tags = Tags(clock)
    query, head = tags.source("query", "dev_mine"), tags.source("head_update")

    before = tags.enter(query)
    clock.now += 1
    within = tags.enter(head)
    clock.now += 2
    tags.leave(within)
    clock.now += 4
    tags.leave(before)
    clock.now += 8

    assert (query.seconds, head.seconds) == (5, 2)
    assert (query.calls, head.calls) == (1, 1)
    assert tags.current is tags.idle


def test_a_source_is_left_when_its_work_breaks() -> None:
    tags = Tags(Clock())

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tags.around("submit")(broken)
    with pytest.raises(ZeroDivisionError), tags.entered("head_update"):
        broken()

    assert tags.current is tags.idle
    assert [tags.source(kind).calls for kind in ("submit", "head_update")] == [1, 1]


def test_work_that_takes_long_in_one_go_is_told_but_idling_is_not() -> None:
    clock = Clock()
    tags = Tags(clock)
    told: list[tuple[Source, float]] = []
    tags.on_long = lambda source, seconds: told.append((source, seconds))
    outer, inner = tags.source("query", "outer"), tags.source("head_update")

    clock.now += 100
    before = tags.enter(outer)
    clock.now += LONG_S
    within = tags.enter(inner)
    clock.now += LONG_S / 2
    tags.leave(within)
    clock.now += 2 * LONG_S
    tags.leave(before)

    assert [(source, round(seconds, 6)) for source, seconds in told] == [(outer, LONG_S), (outer, 2 * LONG_S)]


def test_work_in_steps_is_at_work_in_its_steps_only_and_comes_to_what_it_comes_to() -> None:
    clock = Clock()
    tags = Tags(clock)
    head = tags.source("head_update")

    def steps() -> Generator[str, None, int]:
        clock.now += 1
        yield tags.current.kind
        clock.now += 2
        return 7

    def whole() -> Generator[str, None, int]:
        made: int = yield from tags.through(head, steps())
        return made

    work = whole()
    first = next(work)
    clock.now += 10
    with pytest.raises(StopIteration) as end:
        next(work)

    assert (first, end.value.value) == ("head_update", 7)
    assert (head.seconds, head.calls, tags.current) == (3, 0, tags.idle)


class Busy:
    """A coroutine that works, waits, works again, and notes who is at work meanwhile."""

    def __init__(self, tags: Tags, clock: Clock) -> None:
        self.tags, self.clock = tags, clock
        self.at_work: list[str] = []
        self.waits_for: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def work(self, seconds: float) -> None:
        self.at_work.append(self.tags.current.name)
        self.clock.now += seconds

    async def run(self) -> str:
        self.work(1)
        try:
            word = await self.waits_for
        except ValueError as why:
            word = str(why)
        finally:
            self.work(2)
        return word

    async def awaited(self) -> str:
        return await self.tags.awaited(self.tags.source("query", "pool_best"), self.run())


@pytest.mark.parametrize("outcome", ["done", ValueError("in vain")])
def test_a_coroutine_is_at_work_whenever_it_goes_on_and_not_while_it_waits(outcome: str | ValueError) -> None:
    async def story() -> None:
        clock = Clock()
        tags = Tags(clock)
        busy = Busy(tags, clock)
        running = asyncio.ensure_future(busy.awaited())
        await asyncio.sleep(0)
        assert tags.current is tags.idle
        clock.now += 10
        if isinstance(outcome, str):
            busy.waits_for.set_result(outcome)
        else:
            busy.waits_for.set_exception(outcome)

        assert await running == str(outcome)
        assert busy.at_work == ["pool_best", "pool_best"]
        source = tags.source("query", "pool_best")
        assert (source.seconds, source.calls, tags.current) == (3, 0, tags.idle)

    asyncio.run(story())


def test_a_coroutine_that_is_given_up_tidies_up_as_its_source() -> None:
    async def story() -> None:
        clock = Clock()
        tags = Tags(clock)
        busy = Busy(tags, clock)
        running = asyncio.ensure_future(busy.awaited())
        await asyncio.sleep(0)

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert busy.at_work == ["pool_best", "pool_best"]
        assert (tags.source("query", "pool_best").seconds, tags.current) == (3, tags.idle)

    asyncio.run(story())


def test_a_coroutine_that_breaks_is_no_longer_at_work() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    async def story() -> None:
        tags = Tags(Clock())
        with pytest.raises(ZeroDivisionError):
            await tags.awaited(tags.source("query", "x"), broken())
        assert tags.current is tags.idle

    asyncio.run(story())


def test_what_is_carried_goes_on_in_who_asked_for_it_and_counts_as_no_call() -> None:
    clock = Clock()
    tags = Tags(clock)
    query, head = tags.source("query", "dev_mine"), tags.source("head_update")
    before = tags.enter(query)
    carried = tags.carried()
    tags.leave(before)

    def follow() -> None:
        clock.now += 4

    def mine() -> None:
        clock.now += 1
        tags.inside(head)(follow)
        clock.now += 2

    carried(mine)
    tags.around("submit")(lambda: carried(mine))

    assert (query.seconds, head.seconds, tags.source("submit").seconds) == (6, 8, 0)
    assert (query.calls, head.calls, tags.current) == (1, 0, tags.idle)


def test_what_nobody_asked_for_is_carried_for_nobody() -> None:
    tags = Tags(Clock())
    at_work: list[Source] = []

    tags.carried()(lambda: at_work.append(tags.current))

    assert at_work == [tags.idle]


def test_what_the_loop_calls_in_a_source_may_enter_others() -> None:
    clock = Clock()
    tags = Tags(clock)

    def turn() -> None:
        clock.now += 1
        with tags.entered("query", "eth_call"):
            clock.now += 2
        clock.now += 4

    tags.around("submit")(turn)

    assert (tags.source("submit").seconds, tags.source("query", "eth_call").seconds) == (5, 2)
    assert (tags.source("submit").calls, tags.current) == (1, tags.idle)


def test_sources_are_bounded_and_the_rest_is_other() -> None:
    tags = Tags(Clock())

    made = {tags.source("query", str(number)) for number in range(2 * SOURCES_MAX)}

    assert len(tags.sources) == len(made) == SOURCES_MAX
    assert tags.source("query", "one more").kind == "other"
    assert tags.source("query", "0").name == "0"
    assert [source.place for source in tags.sources] == list(range(SOURCES_MAX))


def test_a_kind_that_nobody_knows_is_other_by_its_name() -> None:
    source = Tags(Clock()).source("compaction")

    assert (source.kind, source.name) == ("other", "compaction")
