"""Every method is a source: what runs, breaks or goes on in pieces is counted as its own."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.observe.clocks import Clock, Ticking
from txpool.core.steps import Steps
from txpool.daemon.tagging import encoder, tagged
from txpool.observe.tags import Tags
from txpool.rpc.arguments import Parameters, small_count
from txpool.rpc.method import Method
from txpool.rpc.slices import Slices
from txpool.rpc.streaming import Stream, Turns


def test_a_method_is_at_work_while_it_runs() -> None:
    clock = Clock()
    tags = Tags(clock)

    def slow(seconds: int) -> str:
        clock.now += seconds
        return tags.current.name

    method = tagged({"eth_slow": Method(slow, Parameters(small_count))}, tags)["eth_slow"]

    assert method.parameters.read(b"[7]") == [7]
    assert method.run(7) == "eth_slow"
    assert (tags.source("query", "eth_slow").seconds, tags.current) == (7, tags.idle)


def test_a_method_that_breaks_is_no_longer_at_work() -> None:
    tags = Tags(Clock())

    with pytest.raises(ZeroDivisionError):
        tagged({"eth_broken": Method(lambda: 1 // 0)}, tags)["eth_broken"].run()

    assert tags.current is tags.idle


def test_each_piece_of_a_long_answer_is_work_of_its_method() -> None:
    clock = Clock()
    tags = Tags(clock)

    def pieces() -> Iterator[bytes]:
        for piece in (b"a", b"", b"b"):
            clock.now += 1
            yield piece

    stream = tagged({"txpool_content": Method(lambda: Stream(pieces(), Turns()))}, tags)["txpool_content"].run()
    made = []
    for piece in stream.pieces:
        clock.now += 10  # the peer takes it
        made.append(piece)

    source = tags.source("snapshot", "txpool_content")
    assert made == [b"a", b"", b"b"]
    assert (source.seconds, source.calls) == (3, 1)
    assert tags.current is tags.idle


class Sliced:
    """Methods that wait for work in slices of two steps of a second, and who is at work in each step."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.tags = Tags(self.clock)
        self.slices = Slices(self.clock, slice_s=2)
        self.slices.carried = self.tags.carried
        self.at_work: list[str] = []
        methods = {"pool_best": Method(self.best, waits=True), "dev_mine": Method(self.mine, waits=True)}
        self.methods = tagged(methods, self.tags)

    def steps(self, count: int) -> Steps[int]:
        for _ in range(count):
            self.clock.now += 1
            self.at_work.append(self.tags.current.name or self.tags.current.kind)
            yield
        return count

    async def best(self) -> int:
        return await self.slices.run(self.steps(5))

    async def mine(self) -> int:
        return await self.slices.run(self.block())

    def block(self) -> Steps[int]:
        yield from self.steps(2)
        yield from self.tags.through(self.tags.source("head_update"), self.steps(3))
        return 7


def test_the_slices_of_a_method_that_waits_are_its_work() -> None:
    async def story() -> None:
        sliced = Sliced()

        assert await sliced.methods["pool_best"].run() == 5

        source = sliced.tags.source("query", "pool_best")
        assert sliced.at_work == ["pool_best"] * 5
        assert (source.seconds, source.calls, sliced.tags.current) == (5, 1, sliced.tags.idle)

    asyncio.run(story())


def test_slices_of_one_behind_those_of_another_are_told_apart() -> None:
    async def story() -> None:
        sliced = Sliced()

        await asyncio.gather(sliced.methods["pool_best"].run(), sliced.methods["dev_mine"].run())

        assert sliced.at_work == [*["pool_best"] * 5, *["dev_mine"] * 2, *["head_update"] * 3]

    asyncio.run(story())


def test_a_head_update_that_a_call_sets_off_is_the_head_updates_work() -> None:
    async def story() -> None:
        sliced = Sliced()

        assert await sliced.methods["dev_mine"].run() == 7

        mine, head = sliced.tags.source("query", "dev_mine"), sliced.tags.source("head_update")
        assert (mine.seconds, head.seconds) == (2, 3)

    asyncio.run(story())


def test_work_of_a_call_that_was_given_up_before_it_began_is_not_begun() -> None:
    async def story() -> None:
        sliced = Sliced()
        first, given_up = (asyncio.ensure_future(sliced.methods["pool_best"].run()) for _ in range(2))
        await asyncio.sleep(0)

        given_up.cancel()
        await first
        await asyncio.sleep(0)

        assert sliced.at_work == ["pool_best"] * 5

    asyncio.run(story())


def test_making_json_of_an_answer_is_work_of_its_method_and_no_call() -> None:
    tags = Tags(Ticking())

    made = encoder({"pool_best": Method(lambda: None)}, tags)("pool_best", {"gas": "<0x5>"})

    source = tags.source("query", "pool_best")
    assert made == b'{"gas":"\\u003c0x5\\u003e"}'
    assert (source.seconds, source.calls, tags.current) == (1, 0, tags.idle)


def test_making_json_for_what_is_no_method_is_other_work() -> None:
    tags = Tags(Ticking())

    assert encoder({}, tags)("eth_subscribe", "0x1") == b'"0x1"'
    assert tags.source("other").seconds == 1


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("txpool_content", "snapshot"),
        ("txpool_inspect", "snapshot"),
        ("pool_remove", "eviction"),
        ("miner_setGasPrice", "eviction"),
        ("x_y", "query"),
    ],
)
def test_methods_are_of_the_kind_of_what_they_do(method: str, kind: str) -> None:
    tags = Tags(Clock())
    tagged({method: Method(lambda: None)}, tags)[method].run()

    assert [(source.kind, source.name) for source in tags.sources if source.calls] == [(kind, method)]
