"""Connections that stay, at their bounds: what is owed is answered, what is half read has its time and its room."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psutil
import pytest

from tests.rpc.loop import Listening, run, until
from tests.rpc.node import call
from tests.rpc.plain_ipc import PlainIpc
from tests.rpc.plain_ws import CLOSE, PlainWebSocket
from tests.running import running
from txpool.core.pool import Accepted
from txpool.ingest.batch import Reply
from txpool.rpc.arguments import Parameters
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.http_service import JsonRpcOverHttp
from txpool.rpc.ipc import IpcConnection, IpcServer
from txpool.rpc.method import Method
from txpool.rpc.service import JsonRpc
from txpool.rpc.session import HELD_BYTES_FREE, SessionLimits
from txpool.rpc.session_server import SessionServer
from txpool.rpc.ws import WsConnection, WsServer
from txpool.rpc.ws_intake import give_back

Client = PlainWebSocket | PlainIpc

SEND: Final = json.dumps(call("eth_sendRawTransaction", "0x02")).encode()
BIG: Final = "x" * 300_000  # less than is taken at once
PIECE: Final = "x" * 16_384


class Door:
    """Keeps transactions until it is told to judge them."""

    def __init__(self) -> None:
        self.waiting: list[Reply] = []

    def offer(self, _raw: bytes, reply: Reply) -> None:
        self.waiting.append(reply)

    def judge(self) -> None:
        for reply in self.waiting:
            reply(Accepted(bytes(32)))
        self.waiting.clear()


def one_a_turn() -> HeldCalls:
    """A door that lets one call through in a turn of the loop."""
    ticks = count()
    return HeldCalls(lambda: False, lambda: float(next(ticks)))


class Served:
    """A server on a free place, and what stands behind it."""

    def __init__(self, carrier: str, folder: Path, limits: SessionLimits, ping_seconds: float) -> None:
        self.door = Door()
        self.made = 0
        methods = {
            "long": Method(lambda: self._make(BIG), Parameters()),
            "piece": Method(lambda: self._make(PIECE), Parameters()),
        }
        self.rpc = rpc = JsonRpc(methods, self.door, perf_counter, held=one_a_turn())
        self.server: SessionServer
        self._listen: Callable[[], Any]
        self.connect: Callable[..., Client]
        if carrier == "ipc":
            ipc = self.server = IpcServer(rpc, {}, limits)
            self._listen = lambda: ipc.listen(str(folder / "socket"))
            self.connect = lambda **_: PlainIpc(str(folder / "socket"))
        else:
            ws = self.server = WsServer(rpc, {}, limits, ping_seconds=ping_seconds, pong_seconds=ping_seconds)
            self._listen = lambda: ws.listen("127.0.0.1", 0)
            self.connect = lambda **options: PlainWebSocket(f"{self._address[0]}:{self._address[1]}", **options)

    def _make(self, text: str) -> str:
        self.made += 1
        return text

    async def listen(self) -> None:
        self._address = await self._listen()

    @property
    def connection(self) -> WsConnection | IpcConnection:
        (found,) = self.server._connections
        assert isinstance(found, WsConnection | IpcConnection)
        return found


@asynccontextmanager
async def serving(
    carrier: str, folder: Path, limits: SessionLimits | None = None, ping_seconds: float = 30.0
) -> AsyncIterator[Served]:
    served = Served(carrier, folder, limits or SessionLimits(), ping_seconds)
    await served.listen()
    try:
        yield served
    finally:
        await served.server.stop(seconds=0.1)


async def aside(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the work gives
    """Run what a client does, in a thread: it waits for what the server does in the loop."""
    return await asyncio.to_thread(work)


def sends(client: Client, octets: bytes) -> None:
    if isinstance(client, PlainIpc):
        client.send(octets)
    else:
        client.send_frame(octets)


def frame_begun(size: int, here: int) -> bytes:
    """The first bytes of a frame of that size."""
    return b"\x81\xff" + size.to_bytes(8) + os.urandom(4) + b" " * here


def half(client: Client, way: str, size: int) -> None:
    """Send so many bytes of a message, and not its end."""
    if isinstance(client, PlainIpc):
        client.send(b"[" + b" " * size)
    elif way == "fragment":
        client.send_frame(b"[" + b" " * size, fin=False)
    else:
        client._socket.sendall(frame_begun(2 * size + 70_000, size))


WAYS: Final = ["ipc", "fragment", "frame"]


@pytest.fixture(params=["ws", "ipc"])
def carrier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def carrier_of(way: str) -> str:
    return "ipc" if way == "ipc" else "ws"


# --- what is owed


def test_whoever_sends_nonsense_gets_the_answers_first_that_it_is_owed(carrier: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with serving(carrier, tmp_path) as served:
            client = await aside(served.connect)
            with client:
                for _ in range(10):
                    sends(client, SEND)
                sends(client, b"}")
                await until(lambda: len(served.door.waiting) == 10 and served.connection.session.ending)
                served.door.judge()
                answers = await aside(lambda: [client.read() for _ in range(11)])
                assert ["result" in answer for answer in answers] == [True] * 10 + [False]
                assert answers[10]["error"]["message"] == "parse error"
                await until(lambda: not served.server.connections)

    run(scene())


def test_calls_wait_while_there_are_answers_to_take(carrier: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with serving(carrier, tmp_path) as served:
            client = await aside(served.connect)
            with client:
                asked = json.dumps(call("long")).encode()
                if isinstance(client, PlainIpc):
                    client.send(asked * 100)
                for _ in range(100 if isinstance(client, PlainWebSocket) else 0):
                    sends(client, asked)
                await until(lambda: served.made > 0)
                for _ in range(300):
                    await asyncio.sleep(0)
                assert served.made < 50, "nobody takes what is made"
                answers = await aside(lambda: [client.read()["result"] for _ in range(100)])
                assert answers == [BIG] * 100

    run(scene())


def test_calls_over_http_wait_while_there_are_answers_to_take(tmp_path: Path) -> None:
    async def scene() -> None:
        served = Served("ipc", tmp_path, SessionLimits(), 30.0)
        async with Listening(JsonRpcOverHttp(served.rpc)) as listening:
            client = await listening.client()
            for _ in range(100):
                client.post(json.dumps(call("long")))
            await until(lambda: served.made > 0)
            for _ in range(300):
                await asyncio.sleep(0)
            assert served.made < 50, "nobody takes what is made"
            assert [(await client.read()).json["result"] for _ in range(100)] == [BIG] * 100

    run(scene())


def test_a_peer_that_has_as_much_under_way_as_it_may_is_not_taken_for_dead(tmp_path: Path) -> None:
    async def scene() -> None:
        limits = SessionLimits(requests_max=1)
        async with serving("ws", tmp_path, limits, ping_seconds=0.1) as served:
            with await aside(served.connect) as busy:
                busy.send_frame(SEND)
                await until(lambda: bool(served.door.waiting))
                with await aside(served.connect) as mute:
                    assert await aside(mute.ended) == 1001, "who is read from gives a sign of life"
                served.door.judge()
                assert "result" in await aside(busy.read)

    run(scene())


# --- what is half read


@pytest.mark.parametrize("way", WAYS)
def test_a_message_that_does_not_end_is_timed_out(way: str, tmp_path: Path) -> None:
    async def scene() -> None:
        limits = SessionLimits(message_seconds=0.05)
        async with serving(carrier_of(way), tmp_path, limits) as served:
            with await aside(served.connect) as client:
                await aside(lambda: half(client, way, 1000))
                answer = await aside(client.read)
                assert answer["error"] == {"code": -32002, "message": "message timed out"}
                await until(lambda: not served.server.connections)
                assert served.server.held == 0

    run(scene())


@pytest.mark.parametrize("way", WAYS)
def test_half_read_messages_are_bounded_in_sum(way: str, tmp_path: Path) -> None:
    async def scene() -> None:
        limits = SessionLimits(held_bytes_max=300_000)
        async with serving(carrier_of(way), tmp_path, limits) as served:
            with await aside(served.connect) as first, await aside(served.connect) as second:
                await aside(lambda: half(first, way, 200_000))
                await until(lambda: served.server.held >= 200_000)
                await aside(lambda: half(second, way, 200_000))
                answer = await aside(second.read)
                assert answer["error"] == {"code": -32005, "message": "too many bytes under way"}
                if isinstance(second, PlainWebSocket):
                    assert await aside(second.ended) == 1013
                await until(lambda: served.server.connections == 1)
                assert served.server.held < 300_000, "what was held is given back"
                with await aside(served.connect) as small:
                    sends(small, json.dumps(call("piece")).encode())
                    assert (await aside(small.read))["result"] == PIECE, "who has little held is always served"

    run(scene())


def test_messages_under_way_count_among_what_is_held(carrier: str, tmp_path: Path) -> None:
    async def scene() -> None:
        limits = SessionLimits(held_bytes_max=300_000)
        async with serving(carrier, tmp_path, limits) as served:
            with await aside(served.connect) as client:
                await aside(lambda: sends(client, SEND + b" " * (0 if carrier == "ipc" else 2 * HELD_BYTES_FREE)))
                await until(lambda: len(served.door.waiting) == 1)
                assert served.server.held >= len(SEND)
                served.door.judge()
                assert "result" in await aside(client.read)
                assert served.server.held == 0

    run(scene())


def test_the_time_of_a_message_is_its_own(tmp_path: Path) -> None:
    """A connection with one message half read after the other, each in time, is not timed out."""

    async def scene() -> None:
        async with serving("ipc", tmp_path) as served:
            with await aside(served.connect) as client:
                timers = []
                for _ in range(3):
                    client.send(SEND[:20])
                    await until(lambda: served.connection.session._overdue is not None)
                    timers.append(served.connection.session._overdue)
                    client.send(SEND[20:] + SEND[:20])
                    await until(lambda: served.connection.session._overdue is not timers[-1])
                    client.send(SEND[20:])
                    await until(lambda: served.connection.session.half_read == 0)
                assert all(timer is not None and timer.cancelled() for timer in timers)
                assert served.connection.session._overdue is None

    run(scene())


# --- who takes nothing, and is closed on


@pytest.mark.parametrize("end", ["close", "nonsense", "end of stream"])
def test_a_websocket_that_is_closed_on_is_cut_if_it_does_not_take_the_rest(end: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with serving("ws", tmp_path, SessionLimits(write_seconds=0.1)) as served:
            with await aside(lambda: served.connect(receive_bytes=4096)) as client:
                transport = served.connection._transport
                assert transport is not None
                unsent = transport.underlying_transport.get_write_buffer_size  # type: ignore[union-attr]
                while not unsent():
                    made = served.made
                    client.send_frame(json.dumps(call("piece")).encode())
                    await until(lambda made=made: served.made > made)  # type: ignore[misc]
                assert unsent() < 65_536, "too little to be told that it takes nothing"
                if end == "close":
                    client.send_frame((1000).to_bytes(2), opcode=CLOSE)
                elif end == "nonsense":
                    client.send_frame(b"", opcode=7)
                else:
                    client._socket.shutdown(socket.SHUT_WR)
                await until(lambda: not served.server.connections)

    run(scene())


# --- what picows keeps of long frames


def test_whole_pages_that_nobody_needs_are_given_back() -> None:
    memory = bytearray(b"x" * (1 << 20))

    give_back(memoryview(memory)[100:-100])

    kept = memory.count(b"x")
    assert 200 <= kept <= 200 + 2 * 4096
    assert bytes(memory[:100] + memory[-100:]) == b"x" * 200


def test_a_connection_keeps_little_of_a_long_message_it_once_sent() -> None:
    long = json.dumps(call("eth_chainId")).encode() + b" " * (24 << 20)
    with running("--dev", "--dev-period", "0", "--set", "rpc.body_bytes_max=33554432") as daemon:
        process = psutil.Process(daemon.process.pid)
        clients = []
        for _ in range(12):
            client = PlainWebSocket(daemon.ws)
            client.send_frame(long)
            assert client.read()["result"] == "0x539"
            clients.append(client)
        kept = process.memory_info().rss
        for client in clients:
            client.__exit__()

    # Without that the buffers alone would take 12 times 24 MB.
    assert kept < 250_000_000, kept
