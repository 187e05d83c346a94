"""What is under way for a connection ends with it; what others asked for goes on."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import pytest

from bench.http import OpenDoor
from tests.rpc.loop import run, until
from tests.rpc.node import ALICE, BOB, Node, call, hexed, text, transfer
from tests.rpc.plain_ws import PlainWebSocket
from tests.running import Daemon, running
from txpool.rpc.errands import Errands
from txpool.rpc.method import Method, Methods
from txpool.rpc.service import HTTP_TOO_MANY, JsonRpc
from txpool.rpc.streaming import Answer, Gathered, Stream, Turns, gather

PATIENCE_S: Final = 15.0  # less than a transaction is waited for
BUSY: Final = -32005
GAP: Final = 7


class Work:
    """A method that waits until it is told, and notes what becomes of it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.ready = asyncio.Event()

    def methods(self) -> Methods:
        return {"wait": Method(self.wait, waits=True, waiting_max=2), "look": Method(self.look)}

    async def wait(self) -> str:
        self.log.append("begun")
        try:
            await self.ready.wait()
        finally:
            self.log.append("over")
        return "done"

    def look(self) -> str:
        self.log.append("looked")
        return "seen"


class Asker:
    """Asks a service for a connection that may go."""

    def __init__(self, methods: Methods) -> None:
        self.errands = Errands()
        self.told: list[tuple[Answer, int]] = []
        self.rpc = JsonRpc(methods, OpenDoor(), time.monotonic)

    def ask(self, *calls: object) -> None:
        body = json.dumps(calls[0]) if len(calls) == 1 else text(*calls)
        self.rpc.handle(body.encode(), self._hear, errands=self.errands)

    def _hear(self, answer: Answer, status: int = 200) -> None:
        self.told.append((answer, status))


async def some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_call_that_waits_is_given_up_with_its_connection() -> None:
    async def story() -> None:
        work = Work()
        gone, stays = Asker(work.methods()), Asker(work.methods())
        gone.ask(call("wait"))
        stays.ask(call("wait"))
        await until(lambda: work.log == ["begun", "begun"])
        gone.errands.abandon()
        await until(lambda: "over" in work.log)
        work.ready.set()
        await until(lambda: bool(stays.told))
        assert work.log == ["begun", "begun", "over", "over"]
        assert gone.told == []

    run(story())


def test_what_has_not_begun_leaves_nothing_behind() -> None:
    async def story() -> None:
        work = Work()
        asker = Asker(work.methods())
        asker.ask(call("wait"))
        asker.errands.abandon()
        asker.ask(call("wait"))
        asker.ask(call("look"), call("look"))
        await some_turns()
        assert (work.log, asker.told) == ([], [])

    run(story())


def test_a_batch_does_not_go_on_for_who_is_gone() -> None:
    async def story() -> None:
        work = Work()
        asker = Asker(work.methods())
        asker.ask(call("look"), call("wait"), call("look"))
        await until(lambda: work.log == ["looked", "begun"])
        asker.errands.abandon()
        await some_turns()
        assert work.log == ["looked", "begun", "over"]
        assert asker.told == []

    run(story())


def test_so_many_calls_of_a_method_wait_and_the_others_are_told_to_come_again() -> None:
    async def story() -> None:
        work = Work()
        asker = Asker(work.methods())
        for identity in range(3):
            asker.ask(call("wait", identity=identity))
        ((refusal, status),) = asker.told
        assert isinstance(refusal, bytes)
        assert json.loads(refusal)["error"]["code"] == BUSY
        assert (json.loads(refusal)["id"], status) == (2, HTTP_TOO_MANY)
        work.ready.set()
        await until(lambda: len(asker.told) == 3)
        await some_turns()
        asker.ask(call("wait"))
        await until(lambda: len(asker.told) == 4)
        assert asker.told[-1][1] == 200

    run(story())


def test_a_long_answer_of_a_batch_gives_its_place_up_with_its_connection() -> None:
    async def story() -> None:
        turns = Turns()

        def endless() -> Iterator[bytes]:
            while True:
                yield b"1"

        asker = Asker({"endless": Method(lambda: Stream(endless(), turns))})
        asker.ask(call("endless"), call("endless"))
        await until(lambda: turns.held > 10)
        whole: list[Gathered | None] = []
        gather(Stream([b"all"], turns), whole.append, Errands())
        asker.errands.abandon()
        await until(lambda: bool(whole))
        assert turns.held == len(b"all")
        gather(Stream(endless(), turns), whole.append, asker.errands)
        gather(Stream([b"all"], turns), whole.append, Errands())
        await until(lambda: len(whole) == 2)

    run(story())


def test_a_look_that_nobody_waits_for_is_not_taken() -> None:
    async def story() -> None:
        async with Node(slice_s=0.0) as node:
            client = await node.client()
            for nonce in range(20):
                await client.result("eth_sendRawTransaction", hexed(transfer(ALICE, nonce)))
            before = len(node.times)
            gone = await node.client()
            for _ in range(50):
                gone.post(json.dumps(call("pool_best")))
            await until(lambda: node.server.counters.requests >= 20 + 50)
            gone.abort()
            await until(lambda: node.server.connections == 1)
            assert (await client.result("pool_best"))["head"] == "0x1"
            assert len(node.times) - before <= 3  # one that was under way, the one asked for last

    run(story())


def test_who_ends_a_half_of_the_connection_is_answered_what_is_at_hand() -> None:
    async def story() -> None:
        async with Node() as node:
            client = await node.client()
            client.post(json.dumps(call("eth_sendRawTransaction", hexed(transfer()))))
            client._writer.write_eof()
            assert "result" in (await client.read()).json
            assert await client.ended()

    run(story())


# --- over the carriers


@contextmanager
def sending(daemon: Daemon, carrier: str, body: bytes) -> Iterator[None]:
    """A connection that has sent this, until it is closed without an answer."""
    if carrier == "ws":
        with PlainWebSocket(daemon.ws) as peer:
            peer.send_frame(body)
            yield
    else:
        host, port = daemon.address.split(":")
        with closing(socket.create_connection((host, int(port)))) as plain:
            head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            plain.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            yield


@pytest.mark.parametrize("carrier", ["http", "ws"])
def test_who_is_gone_does_not_wait_for_a_receipt(carrier: str) -> None:
    with running("--dev", "--dev-period", "0", "--set", "rpc.sync_waiting_max=1") as daemon:

        def full() -> bool:
            answer = daemon.ask("eth_sendRawTransactionSync", hexed(transfer(BOB, GAP)), 1)
            return bool(answer["error"]["code"] == BUSY)

        body = json.dumps(call("eth_sendRawTransactionSync", hexed(transfer(ALICE, GAP)))).encode()
        give_up = time.monotonic() + PATIENCE_S
        with sending(daemon, carrier, body):
            while daemon.call("txpool_status")["queued"] == "0x0":
                assert time.monotonic() < give_up, "it was not taken"
            assert full()
        while full():
            assert time.monotonic() < give_up, "it waits for nobody"
