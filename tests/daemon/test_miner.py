"""The task that mines: on the policy's time, and only then."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Literal, Self

import pytest

from tests.chain.offers import ALICE, Offers, transfer
from txpool.chain.dev import DevChain
from txpool.chain.genesis import dev_genesis, parse_genesis
from txpool.core.head import HeadChange
from txpool.core.tx import Tx
from txpool.daemon.miner import AUTO, Miner
from txpool.observe.tags import Tags
from txpool.rpc.slices import Slices

PATIENCE_S = 10


class Mine:
    """A chain whose pool wakes the loop when something comes in, and that tells a test of each block."""

    def __init__(self, period: float | Literal["auto"], slice_s: float = 1.0) -> None:
        self.offers = Offers()
        self.broken = False
        self.blocks: asyncio.Queue[list[bytes]] = asyncio.Queue()
        self.chain = DevChain(
            parse_genesis(dev_genesis(0)),
            supply=self.offers.supply,
            on_change=self.follow,
            clock=lambda: 0,
        )
        self.tags = Tags(time.perf_counter)
        self.at_work: set[tuple[str, str]] = set()
        slices = Slices(lambda: 0.0, slice_s)
        slices.carried = self.tags.carried
        self.miner = Miner(self.chain, slices, self.tags, period, lambda: len(self.offers))

    def follow(self, change: HeadChange) -> Iterable[None]:
        if self.broken:
            raise RuntimeError("a bug")
        yield from self.offers.follow(change)
        self.at_work.add((self.tags.current.kind, self.tags.current.name))
        self.blocks.put_nowait(list(change.included))
        self.miner.notice(range(1))

    def offer(self, tx: Tx) -> None:
        """Let one in, as the pool does: it leaves an event."""
        self.offers.add(tx)
        self.miner.notice(range(1))

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.miner.run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def next_block(self) -> list[bytes]:
        return await asyncio.wait_for(self.blocks.get(), PATIENCE_S)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_auto_mines_what_is_pending_each_time_it_is_woken(runner: asyncio.Runner) -> None:
    async def story() -> None:
        async with Mine(AUTO) as mine:
            for nonce in range(3):
                tx = transfer(ALICE, nonce)
                mine.offer(tx)
                assert await mine.next_block() == [tx.hash]

    runner.run(story())


def test_auto_takes_what_one_turn_of_the_loop_brought_into_one_block(runner: asyncio.Runner) -> None:
    async def story() -> None:
        async with Mine(AUTO) as mine:
            burst = [transfer(ALICE, nonce) for nonce in range(5)]
            for tx in burst:
                mine.offer(tx)
            assert await mine.next_block() == [tx.hash for tx in burst]

    runner.run(story())


def test_auto_has_mined_before_the_next_request_can_be_read(runner: asyncio.Runner) -> None:
    async def story() -> None:
        async with Mine(AUTO) as mine:
            tx = transfer(ALICE, 0)
            mine.offer(tx)
            await asyncio.sleep(0)  # one turn
            assert mine.chain.mined(tx.hash) is not None

    runner.run(story())


def test_auto_mines_no_empty_block_for_what_no_block_takes(runner: asyncio.Runner) -> None:
    async def story() -> None:
        async with Mine(AUTO) as mine:
            mine.offer(transfer(ALICE, 1))
            for _ in range(10):  # turns of the loop, of which it needs three
                await asyncio.sleep(0)
            filler = transfer(ALICE, 0)
            mine.offer(filler)
            assert filler.hash in await mine.next_block()
            assert mine.chain.head().number == 1

    runner.run(story())


def test_intervals_mine_empty_blocks_too(runner: asyncio.Runner) -> None:
    async def story() -> None:
        async with Mine(0.001) as mine:
            assert await mine.next_block() == []
            assert await mine.next_block() == []

    runner.run(story())


def test_with_a_period_of_zero_nothing_is_mined_by_itself(runner: asyncio.Runner) -> None:
    async def story() -> None:
        async with Mine(0) as mine:
            mine.offer(transfer(ALICE, 0))
            await mine.task
            assert mine.chain.head().number == 0

    runner.run(story())


@pytest.mark.parametrize("period", [AUTO, 0.001])
def test_a_block_is_built_by_a_source_beside_the_head_updates(
    runner: asyncio.Runner, period: float | Literal["auto"]
) -> None:
    async def story() -> None:
        async with Mine(period, slice_s=0) as mine:
            mine.offer(transfer(ALICE, 0))
            await mine.next_block()

            assert mine.at_work == {("head_update", "block")}
            assert mine.tags.source("head_update", "block").calls > 0
            assert mine.tags.source("head_update").calls == 0

    runner.run(story())


@pytest.mark.parametrize("period", [AUTO, 0.001])
def test_a_block_that_breaks_ends_the_task(runner: asyncio.Runner, period: float | Literal["auto"]) -> None:
    async def story() -> None:
        async with Mine(period) as mine:
            mine.broken = True
            mine.offer(transfer(ALICE, 0))
            with pytest.raises(RuntimeError, match="a bug"):
                await asyncio.wait_for(mine.task, PATIENCE_S)

    runner.run(story())
