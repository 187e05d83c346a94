"""Who waits for a receipt: told by blocks, and not while the server stops."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from tests.rpc.loop import run, until
from tests.rpc.node import ALICE, BOB, Node, hexed, transfer
from txpool.chain.dev import DevChain
from txpool.core.block import Block, MinedTx
from txpool.ingest.batch import Reply
from txpool.ingest.settings import Busy
from txpool.rpc.errors import RpcError
from txpool.rpc.eth_sync import NOT_PROCESSED, WOKEN_AT_ONCE, SyncSends


def test_one_that_is_judged_when_the_server_stops_already_does_not_wait() -> None:
    async def story() -> None:
        async with Node() as node:
            late: list[tuple[bytes, Reply]] = []

            class Door:
                """Lets in when it is told to: the head is moving."""

                def offer(self, raw: bytes, reply: Reply) -> Busy | None:
                    late.append((raw, reply))
                    return None

            sends = SyncSends(Door(), node.pool, node.chain)
            sent = asyncio.ensure_future(sends.methods()["eth_sendRawTransactionSync"].run(transfer(), None))
            await asyncio.sleep(0)
            sends.close()
            node.ingest.offer(*late.pop())
            answer = await asyncio.wait_for(sent, timeout=5)

            assert isinstance(answer, RpcError)
            assert answer.code == NOT_PROCESSED

    run(story())


class Asked:
    """A chain that notes what it is asked for."""

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self.looked_up: list[bytes] = []

    def mined(self, tx_hash: bytes) -> MinedTx | None:
        self.looked_up.append(tx_hash)
        return self._chain.mined(tx_hash)

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        return self._chain.block_by_hash(block_hash)


class Waiting:
    """Transactions whose senders wait, on a node that mines when it is told to."""

    def __init__(self, node: Node, raws: Sequence[bytes]) -> None:
        self.chain = Asked(node.chain)
        sends = SyncSends(node.ingest, node.pool, self.chain)  # type: ignore[arg-type]  # as much as it asks for
        method = sends.methods()["eth_sendRawTransactionSync"]
        self.sent = [asyncio.ensure_future(method.run(raw, None)) for raw in raws]
        self._node = node
        self._sends = sends

    async def taken(self) -> None:
        """Until all of them wait for a block; each has looked for its receipt before."""
        await until(lambda: len(self.chain.looked_up) == len(self.sent))

    async def mine(self) -> None:
        await self._node.slices.run(self._node.chain.mine_in_steps())
        self._sends.notice()

    def answered(self) -> int:
        return sum(each.done() for each in self.sent)


def test_a_new_head_is_looked_through_for_those_who_wait_and_not_the_other_way_round() -> None:
    async def story() -> None:
        async with Node() as node:
            waiting = Waiting(node, [transfer(BOB, nonce) for nonce in range(5, 35)])
            await waiting.taken()
            waiting.chain.looked_up.clear()
            await (await node.client()).result("eth_sendRawTransaction", hexed(transfer(ALICE)))
            await waiting.mine()
            assert waiting.chain.looked_up == []
            for each in waiting.sent:
                each.cancel()
            await asyncio.wait(waiting.sent)

    run(story())


def test_those_whose_transactions_are_in_a_block_are_told_some_in_a_turn_of_the_loop() -> None:
    async def story() -> None:
        async with Node() as node:
            waiting = Waiting(node, [transfer(ALICE, nonce) for nonce in range(3 * WOKEN_AT_ONCE)])
            await waiting.taken()
            await waiting.mine()
            seen = [waiting.answered()]
            while seen[-1] < len(waiting.sent):
                await asyncio.sleep(0)
                seen.append(waiting.answered())
            assert max(later - earlier for earlier, later in pairwise(seen)) <= WOKEN_AT_ONCE
            receipts = [await each for each in waiting.sent]
            assert {each["blockNumber"] for each in receipts} == {"0x2"}

    run(story())


def test_who_waits_is_told_when_several_blocks_came_at_once() -> None:
    async def story() -> None:
        async with Node() as node:
            waiting = Waiting(node, [transfer(ALICE)])
            await waiting.taken()
            await node.slices.run(node.chain.mine_in_steps())
            await node.slices.run(node.chain.mine_in_steps())
            await waiting.mine()  # told of three blocks at once
            assert (await waiting.sent[0])["blockNumber"] == "0x2"

    run(story())


def test_after_a_reorg_all_who_wait_are_looked_up() -> None:
    async def story() -> None:
        async with Node() as node:
            waiting = Waiting(node, [transfer(BOB, 5), transfer(ALICE)])
            await waiting.taken()
            await node.slices.run(node.chain.reorg_in_steps(1))
            await waiting.mine()
            assert (await waiting.sent[1])["blockNumber"] == "0x3"
            assert not waiting.sent[0].done()
            waiting.sent[0].cancel()
            await asyncio.wait(waiting.sent)

    run(story())


def test_who_finds_the_block_gone_again_waits_for_the_next() -> None:
    async def story() -> None:
        async with Node() as node:
            waiting = Waiting(node, [transfer(ALICE, nonce) for nonce in range(2 * WOKEN_AT_ONCE)])
            await waiting.taken()
            await waiting.mine()
            await node.slices.run(node.chain.reorg_in_steps(1))  # before any of them is awake
            await until(lambda: len(waiting.chain.looked_up) == 2 * len(waiting.sent))
            assert waiting.answered() == 0
            await waiting.mine()
            assert {(await each)["blockNumber"] for each in waiting.sent} == {"0x4"}

    run(story())
