"""Answers are cut out of the stream wherever the network happened to split it."""

from collections.abc import Callable

import pytest

from loadtest.wire import Answer, HttpWire, LineWire, WebSocketWire, Wire, WireError

HELLO = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


def in_pieces(make: Callable[[], Wire], stream: bytes, size: int) -> list[Answer]:
    wire = make()
    return [answer for start in range(0, len(stream), size) for answer in wire.feed(stream[start : start + size])]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_http_answers_by_length_and_in_chunks(size: int) -> None:
    stream = (
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
        b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
    )

    assert in_pieces(lambda: HttpWire("h:1", "/"), stream, size) == [(200, b"hello"), (429, b""), (200, b"abcde")]


@pytest.mark.parametrize("stream", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_is_no_http_answer_is_an_error(stream: bytes) -> None:
    with pytest.raises(WireError):
        HttpWire("h:1", "/").feed(stream)


def test_an_http_request_says_how_long_it_is() -> None:
    head, body = HttpWire("node:8545", "/x").request(b"{}").split(b"\r\n\r\n")

    assert body == b"{}"
    assert head.startswith(b"POST /x HTTP/1.1\r\nHost: node:8545\r\n")
    assert head.endswith(b"Content-Length: 2")


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_end_where_the_line_feed_is(size: int) -> None:
    assert in_pieces(LineWire, b'{"a":1}\n\n{"b":2}\n{"c"', size) == [(200, b'{"a":1}'), (200, b'{"b":2}')]


def connected() -> WebSocketWire:
    wire = WebSocketWire("h:1", "/", nonce=b"the sample nonce")
    assert wire._key == b"dGhlIHNhbXBsZSBub25jZQ=="
    assert wire.feed(HELLO % b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == []
    return wire


@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_websocket_messages_of_all_sizes_whole_and_in_fragments(size: int) -> None:
    long, longer = b"x" * 300, b"y" * 70_000
    stream = (
        b"\x81\x02hi"
        b"\x81\x7e\x01\x2c" + long + b"\x01\x03abc\x80\x02de" + b"\x82\x7f" + len(longer).to_bytes(8, "big") + longer
    )

    assert in_pieces(connected, stream, size) == [(200, b"hi"), (200, long), (200, b"abcde"), (200, longer)]


def test_a_websocket_is_ready_once_the_server_has_agreed() -> None:
    assert not WebSocketWire("h:1", "/").ready
    assert connected().ready


def test_a_wrong_handshake_is_no_websocket() -> None:
    with pytest.raises(WireError, match="no WebSocket"):
        WebSocketWire("h:1", "/").feed(HELLO % b"wrong")


def test_a_ping_is_answered_with_its_own_bytes() -> None:
    wire = connected()

    assert wire.feed(b"\x89\x03abc") == []
    assert wire.owed() == b"\x8a\x83\0\0\0\0abc"
    assert wire.owed() == b""


def test_what_is_sent_is_masked_as_the_standard_demands() -> None:
    assert connected().request(b"hi") == b"\x81\x82\0\0\0\0hi"
    assert connected().request(b"x" * 200)[:8] == b"\x81\xfe\0\xc8\0\0\0\0"


def test_a_server_that_closes_is_an_error_with_its_reason() -> None:
    with pytest.raises(WireError, match="too big"):
        connected().feed(b"\x88\x09\x03\xf1too big")
