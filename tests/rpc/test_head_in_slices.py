"""A head that moves in slices: who calls meanwhile sees the old one or the new one, and nothing is lost."""

import asyncio
import json

import pytest

from tests.rpc.loop import Client, run, until
from tests.rpc.node import ALICE, BOB, Node, call, hexed, send, text, transfer
from txpool.core.events import Event
from txpool.core.pool import Accepted
from txpool.ingest.batch import Outcome

COUNT = 24
ONE_STEP = 0.0  # a slice is over when a clock has moved at all


async def filled(node: Node, count: int = COUNT) -> Client:
    client = await node.client()
    answer = await client.ask(text(*(send(transfer(ALICE, nonce)) for nonce in range(count))))
    assert all("result" in each for each in answer.json)
    return client


LOOK = text(
    call("eth_blockNumber"),
    call("txpool_status"),
    call("eth_getTransactionCount", hexed(ALICE), "latest"),
    call("eth_getTransactionCount", hexed(ALICE), "pending"),
    call("eth_getTransactionReceipt", hexed(bytes(32))),
    call("pool_best"),
)


def seen(answers: list[dict[str, object]]) -> list[object]:
    *results, best = (each["result"] for each in answers)
    assert isinstance(best, dict)
    return [*results, best["head"], len(best["transactions"])]


def test_who_looks_while_a_block_is_mined_sees_the_old_head_or_the_new_one() -> None:
    async def story() -> list[list[object]]:
        async with Node(slice_s=ONE_STEP) as node:
            reader, miner = await filled(node), await node.client()
            looks = [seen((await reader.ask(LOOK)).json)]
            mined = node.slices.run(node.chain.mine_in_steps())
            while not mined.done():
                looks.append(seen((await reader.ask(LOOK)).json))
            looks.append(seen((await miner.ask(LOOK)).json))
            return looks

    looks = run(story())

    n = hex(COUNT)
    old = ["0x1", {"pending": n, "queued": "0x0"}, "0x0", n, None, "0x1", COUNT]
    new = ["0x2", {"pending": "0x0", "queued": "0x0"}, n, n, None, "0x2", 0]
    assert looks[0] == old
    assert looks[-1] == new
    between = [[*old[:5], *new[5:]], old, new]  # a builder's question waits for the block before it
    assert all(look in between for look in looks), looks


def test_calls_wait_while_the_head_is_moving_and_transactions_are_judged_when_it_stands() -> None:
    async def story() -> None:
        async with Node(slice_s=ONE_STEP) as node:
            await filled(node)
            told: list[object] = []
            mined = node.slices.run(node.chain.mine_in_steps())
            await until(lambda: node.chain.moving)
            for each in (call("eth_blockNumber"), send(transfer(ALICE, COUNT)), call("txpool_status")):
                node.rpc.handle(json.dumps(each).encode(), lambda answer, _status=200: told.append(answer))
            while node.chain.moving:
                assert told == []
                await asyncio.sleep(0)
            await until(lambda: len(told) == 3 and mined.done())
            assert b'"0x2"' in b"".join(each for each in told if isinstance(each, bytes))
            assert node.pool.counts().pending == 1
            assert len(node.held) == 0

    run(story())


def test_what_comes_while_a_block_is_built_is_judged_at_once() -> None:
    async def story() -> None:
        async with Node(slice_s=ONE_STEP) as node:
            await filled(node)
            outcomes: list[Outcome] = []
            mined = node.slices.run(node.chain.mine_in_steps())
            for _ in range(COUNT // 2):  # turns of the loop: by then the block has its first transactions
                await asyncio.sleep(0)
            for raw in (transfer(BOB), transfer(ALICE, COUNT - 1, tip_cap=2 * 10**9, fee_cap=200 * 10**9)):
                node.ingest.offer(raw, outcomes.append)
            await until(lambda: len(outcomes) == 2)
            assert not node.chain.moving
            assert not mined.done()
            assert all(isinstance(each, Accepted) for each in outcomes)
            assert node.chain.head().number == 1
            await mined
            node.pool.check()
            assert [each.sender for each in node.pool.pending_of(BOB)] == [BOB]
            assert node.pool.pending_of(ALICE) == []

    run(story())


def history(node: Node) -> list[tuple[object, ...]]:
    return [told(each) for each in node.pool.events.since(0)]


def told(event: Event) -> tuple[object, ...]:
    return event.seq, event.kind, event.reason, event.hash, event.nonce, event.head, event.counterpart


async def lived(slice_s: float) -> list[tuple[object, ...]]:
    async with Node(slice_s=slice_s) as node:
        client = await filled(node)
        assert await client.result("dev_mine", 2) == "0x3"
        assert await client.result("dev_reorg", 2) == "0x4"
        assert await client.result("txpool_status") == {"pending": hex(COUNT), "queued": "0x0"}
        assert (await client.call("dev_reorg", 100))["error"]["message"].startswith("reorg depth 100")
        answers = (await client.ask(text(call("dev_mine"), call("txpool_status"), call("eth_blockNumber")))).json
        assert [each["result"] for each in answers] == ["0x5", {"pending": "0x0", "queued": "0x0"}, "0x5"]
        node.pool.check()
        return history(node)


@pytest.mark.parametrize("slice_s", [ONE_STEP, 20e-6])
def test_what_happens_does_not_hang_on_the_slices(slice_s: float) -> None:
    assert run(lived(slice_s)) == run(lived(1.0))
