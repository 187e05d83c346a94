"""Large transactions: their decoding holds up neither the loop nor, where they cannot be taken, anybody behind them."""

from threading import Event
from typing import Final

import pytest

from tests.ingest.test_ingest import Replies, transfers
from tests.rpc.loop import run, until
from tests.rpc.node import ALICE, BOB, Node, transfer
from txpool.core import rlp
from txpool.core.tx import BLOB
from txpool.ingest.ingest import LARGE_BYTES, TURN_BYTES_MAX, IngestSettings

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
                node.ingest._workers().submit(gate.wait)
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
