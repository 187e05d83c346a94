"""Heads that were read before are not parsed again; nobody outside can tell, but by the clock."""

from typing import Final

import pytest

from tests.rpc.loop import Listening, run, until
from txpool.rpc.access import Access
from txpool.rpc.http_heads import HEAD_BYTES_KEPT_MAX, HEADS_MAX, Head, Heads
from txpool.rpc.http_message import Exchange

HEAD: Final = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Mark: a\r\nContent-Length: 5\r\n\r\n"


class Book:
    """Answers with the body, and notes every request as it was read."""

    def __init__(self) -> None:
        self.read: list[tuple[bytes, bytes, dict[bytes, bytes], bytes]] = []

    def __call__(self, exchange: Exchange) -> None:
        self.read.append((exchange.method, exchange.target, dict(exchange.headers), exchange.body))
        exchange.reply(exchange.body)


def seen(body: bytes) -> tuple[bytes, bytes, dict[bytes, bytes], bytes]:
    return (b"POST", b"/", {b"host": b"localhost", b"x-mark": b"a", b"content-length": b"5"}, body)


async def known_of(listening: Listening) -> Head | None:
    """What the server knows of `HEAD` after it was sent once."""
    client = await listening.client()
    client.send(HEAD + b"first")
    await client.read()
    return listening.server.heads.get(HEAD[:-4])


def test_a_request_whose_head_is_known_is_read_as_the_first_one_was() -> None:
    async def scene() -> None:
        book = Book()
        async with Listening(book) as listening:
            assert await known_of(listening) is not None
            client = await listening.client()
            for body in (b"other", b"again"):
                client.send(HEAD + body)
                assert (await client.read()).body == body
            assert book.read == [seen(b"first"), seen(b"other"), seen(b"again")]
            assert listening.server.counters.requests == 3

    run(scene())


@pytest.mark.parametrize("cut", [1, 20, len(HEAD) - 2, len(HEAD), len(HEAD) + 3])
def test_a_known_head_may_come_in_pieces(cut: int) -> None:
    async def scene() -> None:
        book = Book()
        async with Listening(book) as listening:
            await known_of(listening)
            client = await listening.client()
            received = listening.server.counters.bytes_in
            client.send((HEAD + b"other")[:cut])
            await until(lambda: listening.server.counters.bytes_in == received + cut)
            client.send((HEAD + b"other")[cut:])
            assert (await client.read()).body == b"other"
            assert book.read[1:] == [seen(b"other")]

    run(scene())


def test_what_comes_behind_a_known_request_in_the_same_piece_is_read_too() -> None:
    async def scene() -> None:
        book = Book()
        async with Listening(book) as listening:
            await known_of(listening)
            client = await listening.client()
            client.send(HEAD + b"other" + HEAD + b"third" + HEAD[:10])
            assert [(await client.read()).body for _ in range(2)] == [b"other", b"third"]
            client.send(HEAD[10:] + b"fifth")
            assert (await client.read()).body == b"fifth"
            assert book.read[1:] == [seen(b"other"), seen(b"third"), seen(b"fifth")]

    run(scene())


def test_a_known_request_behind_a_refused_one_is_served() -> None:
    async def scene() -> None:
        async with Listening(Book()) as listening:
            await known_of(listening)
            client = await listening.client()
            client.send(HEAD.replace(b"localhost", b"elsewhere.example") + b"wrong")
            assert (await client.read()).status == 403
            client.send(HEAD + b"other")
            assert ((answer := await client.read()).status, answer.body) == (200, b"other")

    run(scene())


@pytest.mark.parametrize(
    "special",
    [
        HEAD.replace(b"X-Mark: a", b"Connection: close"),
        HEAD.replace(b"1.1", b"1.0"),
        HEAD.replace(b"X-Mark: a", b"Expect: 100-continue"),
        HEAD.replace(b"Length: 5", b"Length: 05"),
        HEAD.replace(b"localhost", b"elsewhere.example"),
        HEAD.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        HEAD.replace(b"X-Mark: a", b"X-Mark: " + b"a" * HEAD_BYTES_KEPT_MAX),
    ],
)
def test_a_head_with_something_special_about_it_is_not_kept(special: bytes) -> None:
    async def scene() -> None:
        async with Listening(Book()) as listening:
            for _ in range(2):
                client = await listening.client()
                client.send(special + (b"5\r\nfirst\r\n0\r\n\r\n" if b"chunked" in special else b"first"))
                await client.read()
                assert listening.server.heads.get(special[:-4]) is None

    run(scene())


def test_a_known_head_is_still_asked_for_its_origin() -> None:
    async def scene() -> None:
        async with Listening(Book(), access=Access(origins=("https://one.example",))) as listening:
            client = await listening.client()
            for origin, shared in (("https://one.example", True), ("https://two.example", False)) * 2:
                answer = await client.ask(b"first", headers=f"Origin: {origin}\r\n")
                assert ("access-control-allow-origin" in answer.headers) is shared

    run(scene())


def test_what_is_kept_is_bounded() -> None:
    heads, head = Heads(), Head(b"POST", b"/", {}, 0, takes_chunks=True)

    for number in range(HEADS_MAX + 1):
        heads.keep(b"%d" % number, head)

    assert heads.get(b"0") is None
    assert heads.get(b"%d" % HEADS_MAX) is head
