"""The HTTP server for itself: limits, deadlines, order, back-pressure, its end. A plain handler stands behind it."""

import asyncio

import pytest

from tests.rpc.loop import Client, Listening, echo, run, until
from txpool.rpc.http import Access, Exchange, HttpLimits


class Desk:
    """A handler that keeps requests until it is told to answer them."""

    def __init__(self) -> None:
        self.waiting: list[Exchange] = []
        self.arrived = asyncio.Condition()

    def __call__(self, exchange: Exchange) -> None:
        self.waiting.append(exchange)

    async def until(self, count: int) -> None:
        await until(lambda: len(self.waiting) >= count)

    def answer(self, body: bytes) -> None:
        found = next(each for each in self.waiting if each.body == body)
        self.waiting.remove(found)
        found.reply(b"to " + body)


def request(body: bytes = b"", *, headers: str = "", method: str = "POST", version: str = "1.1") -> bytes:
    return (
        f"{method} / HTTP/{version}\r\nHost: localhost\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )


def test_a_connection_is_kept_for_the_next_request() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            assert (await client.ask(b"one")).body == b"one"
            assert (await client.ask(b"two")).body == b"two"
            assert listening.server.counters.connections == 1

    run(scene())


def test_pipelined_requests_are_answered_in_their_order_whatever_the_order_of_the_answers() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            client = await listening.client()
            client.send(request(b"1") + request(b"2") + request(b"3"))
            await desk.until(3)
            for body in (b"3", b"1", b"2"):
                desk.answer(body)
            assert [(await client.read()).body for _ in range(3)] == [b"to 1", b"to 2", b"to 3"]

    run(scene())


def test_answers_of_one_turn_of_the_loop_leave_together() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            reader, writer = await asyncio.open_connection(*listening.address)
            writer.write(b"".join(request(b"%d" % number) for number in range(50)))
            first = await reader.read(65_536)
            assert first.count(b"HTTP/1.1 200 OK") == 50
            writer.close()

    run(scene())


def test_a_request_that_comes_byte_by_byte_is_read_like_any_other() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            for octet in request(b"slowly"):
                client.send(bytes([octet]))
                await asyncio.sleep(0)
            assert (await client.read()).body == b"slowly"

    run(scene())


def test_a_chunked_body_is_put_together() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.send(head + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
            assert (await client.read()).body == b"hello world"
            assert (await client.ask(b"again")).body == b"again"

    run(scene())


# --- limits


def test_a_declared_body_over_the_limit_is_refused_with_both_sizes_and_the_sender_can_read_why() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            client.post(bytes(6 * 1024 * 1024))
            answer = await client.read()
            assert (answer.status, answer.body) == (413, b"content length too large (6291456>5242880)\n")
            assert answer.headers["connection"] == "close"
            assert await client.ended()

    run(scene())


def test_a_body_of_just_the_limit_is_read() -> None:
    async def scene() -> None:
        async with Listening(echo, HttpLimits(body_bytes_max=1000)) as listening:
            client = await listening.client()
            assert len((await client.ask(bytes(1000))).body) == 1000
            assert (await client.ask(bytes(1001))).status == 413

    run(scene())


def test_a_chunked_body_is_cut_at_the_limit() -> None:
    async def scene() -> None:
        async with Listening(echo, HttpLimits(body_bytes_max=8)) as listening:
            client = await listening.client()
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.send(head + b"5\r\n01234\r\n5\r\n56789\r\n5\r\nabcde\r\n0\r\n\r\n")
            assert (await client.read()).body == b"01234567"
            assert await client.ended()

    run(scene())


def test_an_endless_head_is_refused() -> None:
    async def scene() -> None:
        async with Listening(echo, HttpLimits(head_bytes_max=1000)) as listening:
            client = await listening.client()
            client.send(b"POST / HTTP/1.1\r\nX: ")
            for _ in range(3):
                before = listening.server.counters.bytes_in
                client.send(b"x" * 1000)
                await until(lambda before=before: listening.server.counters.bytes_in > before)  # type: ignore[misc]
            assert (await client.read()).status == 431

    run(scene())


def test_half_read_bodies_are_bounded_in_sum() -> None:
    async def scene() -> None:
        limits = HttpLimits(bodies_bytes_max=150_000)
        async with Listening(echo, limits) as listening:
            first, second = await listening.client(), await listening.client()
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 110000\r\n\r\n"
            first.send(head + bytes(100_000))
            await until(lambda: listening.server.counters.bytes_in >= 100_000)
            second.send(head + bytes(100_000))
            refused = await second.read()
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            first.send(bytes(10_000))
            assert (await first.read()).status == 200
            third = await listening.client()
            third.send(head + bytes(110_000))
            assert (await third.read()).status == 200, "what was held is given back"

    run(scene())


def test_connections_beyond_the_limit_are_told_so() -> None:
    async def scene() -> None:
        async with Listening(echo, HttpLimits(connections_max=1)) as listening:
            first, second = await listening.client(), await listening.client()
            assert (await first.ask(b"here")).status == 200
            assert (await second.read()).status == 503
            assert listening.server.counters.connections_refused == 1

    run(scene())


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"HELLO\r\n\r\n", b"POST / HTTP/1.1\r\nno colon\r\n\r\n"]
)
def test_what_is_no_http_gets_a_400(garbage: bytes) -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            client.send(garbage)
            assert (await client.read()).status == 400
            assert await client.ended()
            assert (await (await listening.client()).ask(b"next")).status == 200

    run(scene())


def test_requests_before_a_malformed_one_are_answered_first() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            client = await listening.client()
            client.send(request(b"good") + b"\x00\x01\x02\r\n")
            await desk.until(1)
            desk.answer(b"good")
            assert (await client.read()).body == b"to good"
            assert (await client.read()).status == 400

    run(scene())


def test_an_offer_to_upgrade_is_passed_over() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            upgrade = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
            client.send(request(b"one", headers=upgrade) + request(b"two"))
            assert [(await client.read()).body for _ in range(2)] == [b"one", b"two"]

    run(scene())


def test_expect_continue_is_answered_before_the_body_comes() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            reader, writer = await asyncio.open_connection(*listening.address)
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"body")
            assert (await reader.readuntil(b"body")).startswith(b"HTTP/1.1 200 OK")
            writer.close()

    run(scene())


# --- back-pressure


def test_a_connection_with_too_much_under_way_is_read_from_again_once_it_is_answered() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk, HttpLimits(requests_max=4)) as listening:
            client = await listening.client()
            for batch in range(10):
                client.send(b"".join(request(b"%d" % (batch * 4 + number)) for number in range(4)))
                await desk.until(min(4, batch * 4))
            assert len(desk.waiting) < 40, "reading was paused"
            for number in range(40):
                await desk.until(1)
                desk.answer(b"%d" % number)
                assert (await client.read()).body == b"to %d" % number

    run(scene())


def test_a_peer_that_takes_no_answers_is_not_read_from_and_cut_at_its_deadline() -> None:
    async def scene() -> None:
        big = bytes(1 << 20)
        async with Listening(lambda exchange: exchange.reply(big)) as listening:
            client = await listening.client()
            served = listening.server.counters
            for _ in range(200):
                client.send(request(b"more"))
                await asyncio.sleep(0)
            for _ in range(100):
                await asyncio.sleep(0)
            assert served.requests < 200, "the answers it does not take stop its requests"
            listening.server.sweep(listening.server.now + 31)
            await _until_empty(listening)
            assert served.timeouts == 1

    run(scene())


async def _until_empty(listening: Listening) -> None:
    await until(lambda: not listening.server.connections)


# --- deadlines; the sweep is called with a time of our choosing


async def _partial(listening: Listening, octets: bytes) -> Client:
    before = listening.server.counters.bytes_in
    client = await listening.client()
    client.send(octets)
    await until(lambda: listening.server.counters.bytes_in == before + len(octets))
    return client


def test_a_head_that_does_not_end_is_timed_out_however_it_trickles() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            server = listening.server
            start = server.now
            client = await _partial(listening, b"POST / HTTP/1.1\r\n")
            server.sweep(start + 9)
            client.send(b"X-Trickle: 1\r\n")
            await until(lambda: server.counters.bytes_in == 31)
            server.sweep(start + 10.5)
            answer = await client.read()
            assert (answer.status, answer.headers["connection"]) == (408, "close")

    run(scene())


def test_a_body_that_does_not_end_is_timed_out() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            server = listening.server
            start = server.now
            client = await _partial(listening, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123")
            server.sweep(start + 29)
            assert server.counters.timeouts == 0
            server.sweep(start + 31)
            assert (await client.read()).status == 408

    run(scene())


def test_an_idle_connection_is_closed_without_a_word() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            await client.ask(b"something")
            listening.server.sweep(listening.server.now + 121)
            assert await client.ended()

    run(scene())


def test_a_connection_that_never_says_anything_is_closed_without_a_word() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            await until(lambda: listening.server.connections == 1)
            listening.server.sweep(listening.server.now + 11)
            assert await client.ended()

    run(scene())


def test_a_request_under_way_has_no_deadline_of_its_peers() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            client = await listening.client()
            client.post(b"long")
            await desk.until(1)
            listening.server.sweep(listening.server.now + 10_000)
            desk.answer(b"long")
            assert (await client.read()).body == b"to long"

    run(scene())


def test_who_is_hung_up_on_and_goes_on_sending_is_cut_in_the_end() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            client.send(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
            assert (await client.read()).status == 413
            listening.server.sweep(listening.server.now + 6)
            await _until_empty(listening)

    run(scene())


# --- the end


def test_a_client_that_asks_to_close_is_answered_and_closed() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            client.send(request(b"last", headers="Connection: close\r\n"))
            answer = await client.read()
            assert (answer.body, answer.headers["connection"]) == (b"last", "close")
            assert await client.ended()

    run(scene())


def test_a_client_of_http_1_0_is_closed_after_its_answer() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            client.send(request(b"old", version="1.0"))
            assert (await client.read()).body == b"old"
            assert await client.ended()

    run(scene())


def test_a_client_that_has_closed_its_half_still_gets_its_answer() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            reader, writer = await asyncio.open_connection(*listening.address)
            writer.write(request(b"last words"))
            writer.write_eof()
            await desk.until(1)
            desk.answer(b"last words")
            assert (await reader.read()).endswith(b"to last words")
            writer.close()

    run(scene())


def test_stopping_answers_every_request_that_was_read_and_refuses_what_comes_later() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            busy, idle, late = [await listening.client() for _ in range(3)]
            await _partial(listening, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
            busy.send(request(b"1") + request(b"2"))
            late.post(b"3")
            await desk.until(3)
            stopping = asyncio.ensure_future(listening.server.stop(seconds=5))
            assert await idle.ended()
            late.post(b"too late")
            await until(lambda: listening.server.counters.requests == 4)
            for body in (b"3", b"2", b"1"):
                desk.answer(body)
            await stopping
            assert [(await busy.read()).body for _ in range(2)] == [b"to 1", b"to 2"]
            assert (await late.read()).body == b"to 3"
            refused = await late.read()
            assert (refused.status, refused.json) == (503, {"error": "shutting down"})
            with pytest.raises(ConnectionError):
                await Client.to(listening.address)

    run(scene())


def test_stopping_does_not_wait_for_ever() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            client = await listening.client()
            client.post(b"never answered")
            await desk.until(1)
            await listening.server.stop(seconds=0.01)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError, AssertionError)):
                await client.read()

    run(scene())


def test_an_answer_for_a_peer_that_has_gone_is_dropped() -> None:
    async def scene() -> None:
        desk = Desk()
        async with Listening(desk) as listening:
            gone, other = await listening.client(), await listening.client()
            gone.post(b"impatient")
            other.post(b"patient")
            await desk.until(2)
            gone.abort()
            await until(lambda: listening.server.connections == 1)
            desk.answer(b"impatient")
            desk.answer(b"patient")
            assert (await other.read()).body == b"to patient"

    run(scene())


def test_a_handler_that_breaks_costs_its_own_request_only(caplog: pytest.LogCaptureFixture) -> None:
    def breaks(exchange: Exchange) -> None:
        if exchange.body == b"bad":
            raise RuntimeError("a bug")
        exchange.reply(b"fine")

    async def scene() -> None:
        async with Listening(breaks) as listening:
            client = await listening.client()
            client.send(request(b"bad") + request(b"good"))
            assert (await client.read()).status == 500
            assert (await client.read()).body == b"fine"

    run(scene())
    assert "a bug" in caplog.text


# --- browsers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8545", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8545", 200),
        ("[::1]:8545", 200),
        ("10.0.0.7", 200),
        ("attacker.example:8545", 403),
        ("localhost.attacker.example", 403),
    ],
)
def test_only_known_host_names_are_served(host: str, status: int) -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            for _ in range(2):
                client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode())
                answer = await client.read()
                assert answer.status == status
                assert status == 200 or answer.body == b"invalid host specified\n"

    run(scene())


def test_host_names_can_be_configured() -> None:
    access = Access(vhosts=("pool.example",))
    assert access.admits(b"pool.example:80")
    assert not access.admits(b"localhost")
    assert Access(vhosts=("*",)).admits(b"anything.example")


def test_two_host_headers_are_refused() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n")
            assert (await client.read()).status == 400

    run(scene())


def test_configured_origins_may_read_answers_and_ask_in_advance() -> None:
    async def scene() -> None:
        access = Access(origins=("https://*.example.org",))
        async with Listening(echo, access=access) as listening:
            client = await listening.client()
            answer = await client.ask(b"x", headers="Origin: https://app.example.org\r\n")
            assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
            stranger = await client.ask(b"x", headers="Origin: https://app.example.com\r\n")
            assert "access-control-allow-origin" not in stranger.headers
            question = "Origin: https://app.example.org\r\nAccess-Control-Request-Method: POST\r\n"
            client.send(
                request(method="OPTIONS", headers=question + "Access-Control-Request-Headers: content-type\r\n")
            )
            preflight = await client.read()
            assert preflight.status == 204
            assert preflight.headers["access-control-allow-methods"] == "POST"
            assert preflight.headers["access-control-allow-headers"] == "content-type"

    run(scene())


def test_without_configured_origins_nothing_is_shared() -> None:
    async def scene() -> None:
        async with Listening(echo) as listening:
            client = await listening.client()
            answer = await client.ask(b"x", headers="Origin: https://app.example.org\r\n")
            assert not [name for name in answer.headers if name.startswith("access-control")]

    run(scene())
