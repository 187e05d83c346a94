"""Long answers: made in pieces while the peer takes them, over every carrier, while the pool goes on."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench.http import OpenDoor
from tests.core.stand import pending_senders
from tests.rpc.loop import Client, Listening, run, until
from tests.rpc.node import ALICE, BOB, CAROL, GWEI, KEYS, Node, call, hexed, text, transfer
from tests.rpc.plain_ipc import PlainIpc
from tests.rpc.plain_ws import PlainWebSocket
from tests.rpc.test_subscriptions import connect, fill
from tests.running import Daemon, running
from txpool.core.pool import Pool
from txpool.core.tx import Tx, decode
from txpool.rpc.content import of_everyone, of_one, whole_transactions
from txpool.rpc.errands import Errands
from txpool.rpc.http import HttpLimits
from txpool.rpc.http_message import Exchange
from txpool.rpc.method import Method
from txpool.rpc.render import pooled_transaction
from txpool.rpc.service import JsonRpc, RpcLimits
from txpool.rpc.streaming import PIECE_CHARACTERS, STREAMED_MAX, Answer, Flow, Gathered, Stream, Turns, gather

COUNT = 24
ASKED = 100
BULK = 8_000  # bytes of call data; twice that in hex, so that all together are several pieces


def bulky(sender: bytes, nonce: int) -> bytes:
    return transfer(sender, nonce, data=bytes(BULK), gas=1_000_000, fee_cap=10 * GWEI)


async def filled(node: Node) -> Client:
    """Have large transactions of two senders in the pool, and a few that wait."""
    client = await node.client()
    for sender in (ALICE, BOB):
        for nonce in (*range(COUNT), COUNT + 5):
            await client.result("eth_sendRawTransaction", hexed(bulky(sender, nonce)))
    return client


def expected(pool: Pool) -> dict[str, dict[str, Any]]:
    """What the pool holds, by lower-case sender and nonce, rendered the long way."""
    told: dict[str, dict[str, Any]] = {"pending": {}, "queued": {}}
    for address in pending_senders(pool):
        for part, content in (("pending", pool.pending_of(address)), ("queued", pool.queued_of(address))):
            for each in content:
                tx = decode(each.payload)
                assert isinstance(tx, Tx), tx
                shown = pooled_transaction(tx, address)
                told[part].setdefault(hexed(address), {})[str(each.nonce)] = shown
    return told


def lowered(content: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {part: {name.lower(): of for name, of in senders.items()} for part, senders in content.items()}


# --- over HTTP


def test_a_long_answer_comes_in_chunks_and_is_whole() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await filled(node)

            answer = await client.ask(json.dumps(call("txpool_content", identity="a b")))

            assert answer.headers["transfer-encoding"] == "chunked"
            assert "content-length" not in answer.headers
            assert answer.json["id"] == "a b"
            assert len(answer.body) > 2 * PIECE_CHARACTERS
            assert lowered(answer.json["result"]) == expected(node.pool)
            own = await client.result("txpool_contentFrom", hexed(BOB))
            assert own == {part: of[hexed(BOB)] for part, of in expected(node.pool).items()}
            assert [method for method, _ in node.times[-2:]] == ["txpool_content", "txpool_contentFrom"]

    run(story())


def test_a_short_answer_comes_whole_with_its_length() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await node.client()
            await client.result("eth_sendRawTransaction", hexed(transfer()))

            answer = await client.ask(json.dumps(call("txpool_content")))

            assert int(answer.headers["content-length"]) == len(answer.body)
            assert lowered(answer.json["result"]) == expected(node.pool)

    run(story())


def test_answers_keep_the_order_of_the_requests() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await filled(node)

            asked = ["txpool_content", "txpool_status", "txpool_content", "eth_chainId"]
            for number, method in enumerate(asked):
                client.post(json.dumps(call(method, identity=number)))

            answers = [await client.read() for _ in asked]
            assert [each.json["id"] for each in answers] == list(range(len(asked)))
            assert answers[0].json["result"] == answers[2].json["result"]

    run(story())


def test_who_does_not_know_chunks_is_told_the_length() -> None:
    async def story() -> None:
        async with Node() as node:
            await filled(node)
            body = json.dumps(call("txpool_content"))
            for _ in range(2):  # the second time the head is known
                client = await node.client()
                head = "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                client.send(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())

                answer = await client.read()

                assert int(answer.headers["content-length"]) == len(answer.body)
                assert lowered(answer.json["result"]) == expected(node.pool)
                assert await client.ended()

    run(story())


def test_a_batch_with_a_long_answer_keeps_its_order_and_its_limit() -> None:
    async def story() -> None:
        async with Node(limits=RpcLimits(batch_response_bytes_max=BULK * COUNT)) as node:
            client = await filled(node)
            calls = ["txpool_status", "txpool_content", "txpool_status"]

            answer = await client.ask(text(*(call(each, identity=number) for number, each in enumerate(calls))))

            assert [each["id"] for each in answer.json] == [0, 1, 2]
            assert lowered(answer.json[1]["result"]) == expected(node.pool)
            assert answer.json[2]["error"] == {"code": -32003, "message": "response too large"}

    run(story())


def test_a_notification_gets_no_long_answer() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await filled(node)
            silent = {"jsonrpc": "2.0", "method": "txpool_content", "params": []}
            assert (await client.ask(json.dumps(silent))).body == b""
            (only,) = (await client.ask(text(silent, call("txpool_status")))).json
            assert only["result"]["pending"] == hex(2 * COUNT)

    run(story())


# --- the pool goes on


def test_what_leaves_meanwhile_is_left_out_and_what_comes_does_not_disturb() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await filled(node)
            texts = of_everyone(node.pool, whole_transactions(node.pool.store))
            told = [next(texts) for _ in range(3)]
            gone = [each.hash for each in node.pool.pending_of(BOB)[COUNT // 2 :]] + [
                each.hash for each in node.pool.pending_of(ALICE)[COUNT // 2 :]
            ]
            node.pool.remove(gone, now=node.clock())
            await client.result("eth_sendRawTransaction", hexed(transfer(CAROL)))

            content = lowered(json.loads("".join([*told, *texts])))

            assert all(len(content["pending"][hexed(each)]) >= COUNT // 2 for each in (ALICE, BOB))
            assert sum(map(len, content["pending"].values())) < 2 * COUNT
            assert set(content["queued"]) == {hexed(ALICE), hexed(BOB)}

    run(story())


def test_a_sender_that_leaves_whole_is_not_named() -> None:
    async def story() -> None:
        async with Node() as node:
            await filled(node)
            texts = of_one(node.pool, ALICE, whole_transactions(node.pool.store))
            everyone = of_everyone(node.pool, whole_transactions(node.pool.store))
            told, opening = [next(everyone)], [next(texts)]
            node.pool.remove(node.pool.hashes_of(ALICE) + node.pool.hashes_of(BOB), now=node.clock())

            assert json.loads("".join([*told, *everyone])) == {"pending": {}, "queued": {}}
            assert json.loads("".join([*opening, *texts])) == {"pending": {}, "queued": {}}

    run(story())


def test_thousands_of_nonces_come_in_the_order_of_text() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await node.client()
            count = 1_100
            for start in range(0, count, 100):
                raws = [transfer(ALICE, nonce) for nonce in range(start, start + 100)]
                sent = await client.ask(text(*(call("eth_sendRawTransaction", hexed(raw)) for raw in raws)))
                assert all("result" in each for each in sent.json)
            nonces = list((await client.result("txpool_contentFrom", hexed(ALICE)))["pending"])
            assert nonces == sorted(str(nonce) for nonce in range(count))

    run(story())


# --- who takes nothing


def endless(made: list[int]) -> Iterator[bytes]:
    while True:
        made.append(1)
        yield bytes(65_536)


def test_nothing_is_made_for_a_peer_that_takes_nothing_and_it_is_cut_in_the_end() -> None:
    async def story() -> None:
        made: list[int] = []
        turns = Turns()
        limits = HttpLimits(write_seconds=0.2, sweep_seconds=0.05)
        async with Listening(lambda exchange: exchange.reply(Stream(endless(made), turns)), limits) as listening:
            deaf = await listening.client()
            deaf.post("")
            await until(lambda: bool(made))
            await until(lambda: not listening.server.connections)
            assert len(made) < 1_000  # the sockets' buffers hold what was made, 64 MB would be far beyond them

    run(story())


def test_a_peer_that_goes_away_ends_the_making() -> None:
    async def story() -> None:
        made: list[int] = []
        turns = Turns()
        async with Listening(lambda exchange: exchange.reply(Stream(endless(made), turns))) as listening:
            client = await listening.client()
            client.post("")
            await until(lambda: bool(made))
            client.abort()
            await until(lambda: not listening.server.connections)
            seen = len(made)
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(made) == seen

    run(story())


def breaking() -> Iterator[bytes]:
    yield b"half"
    raise RuntimeError("a bug")


def test_an_answer_that_breaks_is_cut_off_and_not_ended(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        turns = Turns()

        def handle(exchange: Exchange) -> None:
            exchange.reply(Stream(breaking(), turns))

        async with Listening(handle) as listening:
            client = await listening.client()
            client.post("")
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
                await client.read()

    run(story())
    assert "a long answer broke" in caplog.text


def test_long_answers_take_turns() -> None:
    async def story() -> None:
        turns, told = Turns(), list[str]()
        ended: list[bool] = []
        for name in "ab":
            Flow(Stream(iter([name.encode()] * 3), turns), lambda piece: told.append(piece.decode()), ended.append).go()
        await until(lambda: len(ended) == 2)
        assert "".join(told) == "ababab"
        assert ended == [True, True]

    run(story())


def test_what_is_made_on_the_spot_in_one_turn_is_one_piece_however_many_ask() -> None:
    async def story() -> None:
        turns, made = Turns(), list[int]()

        def texts(number: int) -> Iterator[str]:
            made.append(number)
            yield "x" * PIECE_CHARACTERS
            yield "y"

        answers = [turns.answer(texts(number)) for number in range(300)]
        assert made == [0]
        assert all(isinstance(answer, Stream) for answer in answers)

        await asyncio.sleep(0)
        turns.answer(texts(300))
        assert made == [0, 300]

        whole = list[Gathered | None]()
        for answer in answers[:3]:
            assert isinstance(answer, Stream)
            gather(answer, whole.append, Errands())
        await until(lambda: len(whole) == 3)
        assert [b"".join(each or ()) for each in whole] == [b"x" * PIECE_CHARACTERS + b"y"] * 3

    run(story())


def test_what_is_short_is_told_on_the_spot() -> None:
    async def story() -> None:
        turns = Turns()
        assert [turns.answer(iter("ab")) for _ in range(2)] == [b"ab", b"ab"]

    run(story())


def test_so_many_are_under_way_and_the_next_begins_when_one_ends_or_its_peer_goes() -> None:
    async def story() -> None:
        turns, begun = Turns(), list[int]()

        def held(number: int) -> Iterator[bytes]:
            begun.append(number)
            yield b"all"

        flows = [
            Flow(Stream(held(number), turns), lambda _piece: None, lambda _whole: None)
            for number in range(STREAMED_MAX + 4)
        ]
        for flow in flows[:STREAMED_MAX]:
            flow.go()
            flow.pause()
        for flow in flows[STREAMED_MAX:]:
            flow.go()
        await asyncio.sleep(0)
        assert begun == []

        flows[STREAMED_MAX].stop()  # while it waits
        flows[0].stop()
        flows[1].go()
        await until(lambda: len(begun) == 4)
        assert sorted(begun) == [1, *range(STREAMED_MAX + 1, STREAMED_MAX + 4)]

    run(story())


def test_what_is_held_until_it_is_whole_is_made_one_after_the_other() -> None:
    async def story() -> None:
        turns, told, whole = Turns(), list[str](), list[Gathered | None]()

        def made(name: str) -> Iterator[bytes]:
            for _ in range(3):
                told.append(name)
                yield name.encode()

        for name in "ab":
            gather(Stream(made(name), turns), whole.append, Errands())
        await until(lambda: len(whole) == 2)
        assert "".join(told) == "aaabbb"
        assert [list(each or ()) for each in whole] == [[b"a"] * 3, [b"b"] * 3]

    run(story())


def test_what_is_held_for_batches_has_a_bound_and_counts_until_it_is_sent() -> None:
    async def story() -> None:
        turns, told = Turns(held_max=2_000), list[Answer]()
        long = Method(lambda: Stream(iter([b"1" * 900]), turns))
        rpc = JsonRpc({"long": long}, OpenDoor(), time.monotonic)
        body = text(*(call("long", identity=number) for number in range(3)))

        rpc.handle(body.encode(), lambda answer, _status=200: told.append(answer))
        await until(lambda: bool(told))

        (answer,) = told
        assert isinstance(answer, Stream)
        assert 1_800 < turns.held <= turns.held_max  # two of them, with their envelopes
        first, second, third = json.loads(b"".join(answer.pieces))
        assert first["result"] == second["result"] == int("1" * 900)
        assert third["error"] == {"code": -32005, "message": "too many bytes of long answers under way"}
        told.clear()
        del answer
        assert turns.held == 0

    run(story())


def test_a_step_that_breaks_holds_up_no_other_long_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        turns, whole = Turns(), list[Gathered | None]()

        def breaks(_piece: Gathered | None) -> None:
            raise RuntimeError("a bug")

        gather(Stream([b"a"], turns), breaks, Errands())
        await until(lambda: "a bug" in caplog.text)
        gather(Stream([b"b"], turns), whole.append, Errands())
        await until(lambda: bool(whole))

    run(story())


def test_a_reader_that_takes_too_long_loses_its_place_to_one_that_waits() -> None:
    async def story() -> None:
        turns = Turns(streamed_seconds=0.02)
        ended: list[bool] = []

        def reader(*pieces: bytes) -> Flow:
            return Flow(Stream(iter(pieces), turns), lambda _piece: None, ended.append)

        slow = [reader(b"half", b"and half") for _ in range(STREAMED_MAX)]
        for flow in slow:
            flow.go()
            flow.pause()
        waiting = [reader(b"all") for _ in range(STREAMED_MAX + 1)]
        for flow in waiting:
            flow.go()
        await until(lambda: ended.count(True) == len(waiting))
        assert 1 <= ended.count(False) <= STREAMED_MAX

    run(story())


def test_of_a_large_pool_some_senders_are_told_at_a_time_and_the_order_is_the_same() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await node.client()
            for number, sender in enumerate(KEYS):
                for nonce in (0, number + 2):
                    await client.result("eth_sendRawTransaction", hexed(transfer(sender, nonce)))
            telling = whole_transactions(node.pool.store)

            whole = "".join(of_everyone(node.pool, telling))

            assert "".join(of_everyone(node.pool, telling, held_max=0)) == whole
            assert lowered(json.loads(whole)) == expected(node.pool)
            names = list(json.loads(whole)["pending"])
            assert names == sorted(names)
            assert len(names) == len(KEYS)

    run(story())


def test_who_asks_for_many_long_answers_at_once_holds_up_nobody() -> None:
    async def story() -> None:
        async with Node() as node:
            greedy = await filled(node)
            other = await node.client()
            order: list[str] = []

            async def read_all() -> None:
                for _ in range(ASKED):
                    assert (await greedy.read()).status == 200
                    order.append("content")

            for _ in range(ASKED):
                greedy.post(json.dumps(call("txpool_content")))
            reading = asyncio.create_task(read_all())
            await until(lambda: node.server.counters.requests > 2 * COUNT + 2)
            await other.result("eth_sendRawTransaction", hexed(transfer(CAROL)))
            order.append("sent")
            await reading

            assert "sent" in order[:2]

    run(story())


# --- connections that stay


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running("--dev", "--dev-period", "0") as daemon:
        fill(daemon, COUNT)
        yield daemon


@pytest.fixture(params=["ws", "ipc"])
def client(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[PlainIpc | PlainWebSocket]:
    with PlainIpc(daemon.ipc) if request.param == "ipc" else PlainWebSocket(daemon.ws) as client:
        yield client


def post(client: PlainIpc | PlainWebSocket, *calls: object) -> None:
    body = json.dumps(calls if len(calls) > 1 else calls[0]).encode()
    client.send(body) if isinstance(client, PlainIpc) else client.send_frame(body)


def test_a_long_answer_is_one_message_and_others_wait_behind_it(
    daemon: Daemon, client: PlainIpc | PlainWebSocket
) -> None:
    for number, method in enumerate(["txpool_content", "txpool_status", "txpool_content", "eth_chainId"]):
        post(client, call(method, identity=number))

    answers = [client.read() for _ in range(4)]

    assert [each["id"] for each in answers] == [0, 1, 2, 3]
    assert answers[0]["result"] == answers[2]["result"] == daemon.call("txpool_content")
    assert len(json.dumps(answers[0])) > 2 * PIECE_CHARACTERS


@pytest.mark.parametrize("carrier", ["ws", "ipc"])
def test_what_a_subscription_tells_waits_behind_a_long_answer(carrier: str) -> None:
    with running("--dev", "--dev-period", "0") as own, connect(own, carrier) as client:
        fill(own, COUNT)
        client.call("eth_subscribe", "newHeads")
        for number, asked in enumerate([call("txpool_content"), call("dev_mine", 1)]):
            post(client, asked | {"id": number})

        first, *others = [client.read() for _ in range(3)]

        assert first["id"] == 0
        assert sum(map(len, first["result"]["pending"].values())) <= COUNT
        assert [each["id"] for each in others if "id" in each] == [1]
        assert [each["params"]["result"]["number"] for each in others if "params" in each] == ["0x1"]


def test_who_takes_nothing_and_then_all_gets_all(daemon: Daemon, client: PlainIpc | PlainWebSocket) -> None:
    for number in range(30):
        post(client, call("txpool_content", identity=number))

    answers = [client.read() for _ in range(30)]

    assert [each["id"] for each in answers] == list(range(30))
    assert len({json.dumps(each["result"]) for each in answers}) == 1
    assert daemon.call("txpool_status")["pending"] == hex(COUNT)
