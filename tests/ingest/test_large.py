"""Large transactions: their decoding holds up neither the loop nor, where they cannot be taken, anybody behind them."""

import asyncio
from collections.abc import Sequence
from threading import Event
from typing import Final

import pytest

from tests.ingest.test_ingest import Replies, transfers, word
from tests.rpc.loop import run, until
from tests.rpc.node import ALICE, BOB, Node, transfer
from txpool.core import rlp
from txpool.core.foresee import Forecast
from txpool.core.kernel import TWIN, Signers
from txpool.core.rejection import Rejected
from txpool.core.tx import BLOB, Tx
from txpool.ingest.dry_run import Checked
from txpool.ingest.ingest import LARGE_BYTES, TURN_BYTES_MAX
from txpool.ingest.settings import Busy, IngestSettings

GAS: Final = 10_000_000
KIB: Final = 1024


def of_size(size: int, nonce: int = 0, sender: bytes = ALICE) -> bytes:
    return transfer(sender, nonce, data=bytes(size), gas=GAS, fee_cap=10**9, tip_cap=1)


def test_a_large_transaction_is_decoded_and_recovered_on_a_thread_in_its_turn() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            replies.offer(transfer(nonce=0), of_size(100 * KIB, 1), transfer(nonce=2))
            assert await replies.judged() == ["accepted"] * 3
            events = [event.nonce for event in node.pool.events.since(0) if event.kind.name == "RECEIVED"]
            assert events == [0, 1, 2]
            counters = node.ingest.counters
            assert (counters.decoded_on_threads, counters.recovered_on_threads, counters.recovered_inline) == (1, 1, 2)

    run(scene())


def test_what_a_thread_decodes_is_refused_as_usual() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            broken = of_size(20 * KIB) + b"\0"
            unbearable = transfer(nonce=0, data=bytes(20 * KIB), gas=GAS, fee_cap=10**18)
            replies.offer(broken, unbearable, b"\x05" + bytes(20 * KIB), of_size(20 * KIB), of_size(20 * KIB))
            verdicts = sorted(await replies.judged())
            assert verdicts == ["accepted", "already_known", "tx_fee_cap", "undecodable", "undecodable"]
            assert node.ingest.counters.decoded_on_threads == 5

    run(scene())


def test_a_turn_decodes_no_more_than_it_may() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            raws = [of_size(LARGE_BYTES - 200, nonce) for nonce in range(12)]
            replies.offer(*raws)
            assert await replies.judged() == ["accepted"] * 12
            counters = node.ingest.counters
            assert counters.decoded_on_threads == 0
            assert counters.batches == -(-12 // (TURN_BYTES_MAX // len(raws[0])))

    run(scene())


def test_what_is_too_long_for_any_pool_holds_up_nobody() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            gate = Event()
            for _ in range(node.ingest.settings.threads):
                node.ingest._workers.do(gate.wait)
            replies.offer(of_size(140_000), *transfers(3, BOB))
            await until(lambda: len(replies.outcomes) == 3)
            gate.set()
            assert await replies.judged() == [*["accepted"] * 3, "oversized"]

    run(scene())


@pytest.mark.parametrize("prefix", [b"", bytes((BLOB,))])
def test_what_is_too_long_and_broken_is_told_what_is_wrong_with_it(prefix: bytes) -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            replies.offer(prefix + rlp.encode_list([b"\xc0"] * 200_000), transfer())
            assert sorted(await replies.judged()) == ["accepted", "undecodable"]
            assert node.ingest.depth == node.ingest.depth_bytes == 0

    run(scene())


def test_without_threads_all_is_decoded_in_the_loop() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(threads=0)) as node:
            replies = Replies(node.ingest)
            replies.offer(of_size(100 * KIB, 0), transfer(nonce=1))
            assert await replies.judged() == ["accepted"] * 2
            assert node.ingest.counters.decoded_on_threads == 0

    run(scene())


# --- dry runs


def words(found: Sequence[Checked] | Busy) -> list[str]:
    """Accepted, or the reason."""
    assert not isinstance(found, Busy)
    return [word(each.verdict if isinstance(each, Forecast) else each) for each in found]


def test_a_large_dry_run_is_decoded_on_threads_and_holds_up_nobody() -> None:
    async def scene() -> None:
        async with Node() as node:
            gate = Event()
            for _ in range(node.ingest.settings.threads):
                node.ingest._workers.do(gate.wait)
            broken = of_size(20 * KIB, 7) + b"\0"
            raws = [broken, *[of_size(20 * KIB, nonce) for nonce in range(4)], of_size(20 * KIB, 0)]
            checking = asyncio.ensure_future(node.ingest.check(raws))
            replies = Replies(node.ingest)
            replies.offer(*transfers(3, BOB))
            try:
                await until(lambda: len(replies.outcomes) == 3)
                assert not checking.done()
                assert node.ingest.depth_bytes == sum(map(len, raws))
                assert node.ingest.read_bytes == 0
            finally:
                gate.set()

            assert words(await checking) == ["undecodable", *["accepted"] * 4, "already_known"]
            assert (node.ingest.depth, node.ingest.depth_bytes) == (0, 0)

    run(scene())


class Noting:
    """Decodes, and notes in which turn of the loop how much."""

    name = "python"
    lanes = 1

    def __init__(self) -> None:
        self.turn = 0
        self.decoded: dict[int, int] = {}

    def decode(self, raws: list[bytes]) -> list[Tx | Rejected]:
        self.decoded[self.turn] = self.decoded.get(self.turn, 0) + sum(map(len, raws))
        return TWIN.decode(raws)

    def signers(self, txs: Sequence[Tx], chain_id: int) -> list[Signers]:
        return TWIN.signers(txs, chain_id)

    async def count_turns(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)


def test_a_dry_run_that_nobody_waits_for_any_more_is_let_go() -> None:
    async def scene() -> None:
        async with Node() as node:
            gate = Event()
            for _ in range(node.ingest.settings.threads):
                node.ingest._workers.do(gate.wait)
            checking = asyncio.ensure_future(node.ingest.check([of_size(20 * KIB, nonce) for nonce in range(4)]))
            await until(lambda: node.ingest.depth == 4)
            checking.cancel()
            await asyncio.wait([checking])
            gate.set()
            await until(lambda: not node.ingest.depth)
            counters = node.ingest.counters
            assert (counters.recovered_inline, counters.recovered_on_threads) == (0, 0)
            assert (node.ingest.depth_bytes, node.ingest.waiting) == (0, 0)

    run(scene())


def test_without_threads_a_large_dry_run_is_decoded_a_piece_in_a_turn() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(threads=0)) as node:
            node.ingest._senders.kernel = noting = Noting()
            turns = asyncio.create_task(noting.count_turns())
            raws = [of_size(10 * KIB, nonce) for nonce in range(8)]

            assert words(await node.ingest.check(raws)) == ["accepted"] * 8

            turns.cancel()
            assert sum(noting.decoded.values()) == sum(map(len, raws))
            assert max(noting.decoded.values()) <= TURN_BYTES_MAX
            assert len(noting.decoded) == 3

    run(scene())


def test_a_small_dry_run_is_decoded_at_once() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(threads=0)) as node:
            node.ingest._senders.kernel = noting = Noting()
            turns = asyncio.create_task(noting.count_turns())

            assert words(await node.ingest.check(transfers(5))) == ["accepted"] * 5

            turns.cancel()
            assert len(noting.decoded) == 1

    run(scene())
