"""Peers over HTTP that take no answers, or end half a request: what they cost is bounded, and so is their time."""

import asyncio
import socket

import pytest

from tests.rpc.loop import Client, Listening, run, until
from tests.rpc.test_http import Desk, request
from txpool.rpc.http import Exchange, HttpLimits
from txpool.rpc.http_connection import HttpConnection

BIG = bytes(1 << 20)
PIECE = bytes(16_384)
MANY = 120


class Press:
    """Answers each request at once, at length."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, exchange: Exchange) -> None:
        self.made += 1
        exchange.reply(exchange.body + BIG)


async def turns(count: int = 50) -> None:
    """Let the loop turn, for what must not happen."""
    for _ in range(count):
        await asyncio.sleep(0)


def pipelined(count: int) -> bytes:
    return b"".join(request(b"%d" % number) for number in range(count))


async def quiet(listening: Listening) -> tuple[asyncio.Transport, socket.socket]:
    """A peer that reads nothing of what it is sent, and the server's end of its connection."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    before = listening.server.connections
    await asyncio.get_running_loop().sock_connect(client, listening.address)
    await until(lambda: listening.server.connections > before)
    return end_of(listening), client


def connection_of(listening: Listening) -> HttpConnection:
    (connection,) = listening.server._connections
    return connection


def end_of(listening: Listening) -> asyncio.Transport:
    transport = connection_of(listening)._transport
    assert transport is not None
    return transport


# --- answers that are not taken


def test_requests_wait_while_there_are_many_answers_to_take() -> None:
    async def scene() -> None:
        press = Press()
        async with Listening(press) as listening:
            client = await listening.client()
            client.send(pipelined(MANY))
            await until(lambda: listening.server.counters.requests == MANY)
            assert press.made <= 3, "they arrived together"
            await turns()
            assert press.made < MANY / 2, "nobody takes what is made"
            for number in range(MANY):
                answer = await client.read()
                assert (answer.status, answer.body) == (200, b"%d" % number + BIG)
            assert (await client.ask(b"next")).body == b"next" + BIG

    run(scene())


def test_answers_that_wait_for_an_earlier_one_are_bounded_too() -> None:
    async def scene() -> None:
        desk, press = Desk(), Press()

        def either(exchange: Exchange) -> None:
            (desk if exchange.body == b"slow" else press)(exchange)

        async with Listening(either) as listening:
            client = await listening.client()
            client.send(request(b"slow") + pipelined(20))
            await until(lambda: listening.server.counters.requests == 21)
            await turns()
            assert press.made <= 3
            desk.answer(b"slow")
            assert (await client.read()).body == b"to slow"
            for number in range(20):
                assert (await client.read()).body == b"%d" % number + BIG

    run(scene())


def test_requests_that_waited_are_not_begun_for_a_peer_that_is_gone() -> None:
    async def scene() -> None:
        press = Press()
        async with Listening(press) as listening:
            client = await listening.client()
            client.send(pipelined(MANY))
            await until(lambda: listening.server.counters.requests == MANY)
            client.abort()
            await until(lambda: not listening.server.connections)
            made = press.made
            await turns()
            assert press.made == made < MANY

    run(scene())


def test_stopping_answers_requests_that_had_to_wait() -> None:
    async def scene() -> None:
        async with Listening(Press()) as listening:
            client = await listening.client()
            client.send(pipelined(20))
            await until(lambda: listening.server.counters.requests == 20)
            stopping = asyncio.ensure_future(listening.server.stop(seconds=9))
            assert [(await client.read()).status for _ in range(20)] == [200] * 20
            await stopping

    run(scene())


# --- an end that the peer does not wait for


@pytest.mark.parametrize("last", [b"", request(headers="Connection: close\r\n")], ids=["idle", "close"])
def test_who_does_not_take_the_last_of_its_answers_is_cut_in_the_end(last: bytes) -> None:
    async def scene() -> None:
        async with Listening(lambda exchange: exchange.reply(PIECE)) as listening:
            server = listening.server
            transport, client = await quiet(listening)
            with client:
                while not transport.get_write_buffer_size():
                    served = server.counters.requests
                    client.send(request())
                    await until(lambda served=served: server.counters.requests > served)  # type: ignore[misc]
                    await until(lambda: not connection_of(listening).busy)
                assert transport.get_write_buffer_size() <= len(PIECE), "too little to be told that it takes nothing"
                client.send(last)
                server.sweep(server.now + (1 if last else 121))
                await until(transport.is_closing)
                await turns()
                assert server.connections == 1, "it has time to take what is written"
                server.sweep(server.now + 31)
                await until(lambda: not server.connections)

    run(scene())


def test_what_the_kernel_keeps_for_a_peer_is_bounded() -> None:
    async def scene() -> None:
        async with Listening(Desk()) as listening:
            transport, client = await quiet(listening)
            with client:
                kept = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
                assert kept == 2 * 256 * 1024, "which counts twice what it is told"

    run(scene())


def test_a_connection_that_was_not_read_from_for_a_while_is_closed_when_it_is_idle() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk, HttpLimits(requests_max=1)) as listening:
            client = await listening.client()
            client.post(b"one")
            await desk.until(1)
            await until(lambda: not end_of(listening).is_reading())
            desk.answer(b"one")
            await client.read()
            listening.server.sweep(listening.server.now + 121)
            assert await client.ended()

    run(scene())


# --- a half-read request behind one under way


async def with_half_a_request(listening: Listening, desk: Desk) -> Client:
    client = await listening.client()
    client.send(request(b"good") + b"POST / HTTP/1.1\r\nHost: loc")
    await desk.until(1)
    await until(lambda: listening.server.counters.bytes_in > len(request(b"good")))
    return client


def test_a_second_request_that_is_malformed_does_not_cost_the_first_its_answer() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            client = await with_half_a_request(listening, desk)
            client.send(b"alhost\r\nno colon\r\n\r\n")
            await until(lambda: connection_of(listening)._reader.deaf)
            listening.server.sweep(listening.server.now + 11)
            desk.answer(b"good")
            assert [(await client.read()).status for _ in range(2)] == [200, 400]

    run(scene())


def test_a_peer_that_ends_its_half_within_a_request_gets_the_answers_before_it() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            client = await with_half_a_request(listening, desk)
            client._writer.write_eof()
            await until(lambda: connection_of(listening)._reader.deaf)
            listening.server.sweep(listening.server.now + 11)
            desk.answer(b"good")
            assert (await client.read()).body == b"to good"
            assert await client.ended()

    run(scene())


# --- bodies under way


def test_bodies_under_way_are_bounded_with_those_half_read() -> None:
    async def scene() -> None:
        desk = Desk()
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100001\r\n\r\n"
        async with Listening(desk, HttpLimits(bodies_bytes_max=150_000)) as listening:
            server = listening.server
            for end in ("answered", "gone"):
                first, second = await listening.client(), await listening.client()
                before = server.counters.bytes_in
                first.send(head + bytes(100_000))
                await until(lambda before=before: server.counters.bytes_in >= before + 100_000)  # type: ignore[misc]
                first.send(b"!")
                await desk.until(1)
                second.send(head + bytes(100_000))
                assert (await second.read()).status == 503
                if end == "answered":
                    desk.answer(bytes(100_000) + b"!")
                    assert (await first.read()).status == 200
                else:
                    first.abort()
                    desk.waiting.clear()
                await until(lambda: server._held == 0)

    run(scene())
