"""How a request and its answer lie on a connection: HTTP/1.1, WebSocket, lines on a Unix socket. No I/O here.

A client that is measured with its server on the same machine has to be cheap, so these read what JSON-RPC servers write
and nothing more: one answer to one request, no upgrades, no compression.
"""

import base64
import hashlib
from typing import Final, Protocol

CRLF2: Final = b"\r\n\r\n"
OK: Final = 200
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
_CHUNKED: Final = b"transfer-encoding: chunked"
_LENGTH: Final = b"content-length:"

Answer = tuple[int, bytes]  # HTTP status (200 elsewhere) and body


class WireError(Exception):
    """The server's bytes are not what the protocol allows here."""


class Wire(Protocol):
    """One connection's protocol."""

    ready: bool  # requests may be sent

    def greeting(self) -> bytes:
        """What is sent first; nothing where the connection is ready at once."""

    def request(self, body: bytes) -> bytes:
        """Wrap a request body."""

    def feed(self, data: bytes) -> list[Answer]:
        """Take bytes that came; the answers that are whole now.

        Raises:
            WireError: they make no sense.
        """

    def owed(self) -> bytes:
        """What has to be sent back for the bytes fed last: the answer to a ping."""


class HttpWire:
    """HTTP/1.1 with keep-alive. Bodies by length or in chunks."""

    ready = True

    def __init__(self, host: str, path: str) -> None:
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: ".encode()
        )
        self._buffer = b""

    def greeting(self) -> bytes:
        """Nothing."""
        return b""

    def request(self, body: bytes) -> bytes:
        """Put a head before the body."""
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def feed(self, data: bytes) -> list[Answer]:
        """Cut off whole answers."""
        buffer = self._buffer + data if self._buffer else data
        answers = []
        while buffer and (found := _http_answer(buffer)):
            status, body, end = found
            answers.append((status, body))
            buffer = buffer[end:]
        self._buffer = buffer
        return answers

    def owed(self) -> bytes:
        """Nothing."""
        return b""


def _http_answer(buffer: bytes) -> tuple[int, bytes, int] | None:
    """Status and body of the first answer, and where it ends; None while it is not whole."""
    end = buffer.find(CRLF2)
    if end < 0:
        return None
    head = buffer[:end].lower()
    if not head.startswith(b"http/1."):
        raise WireError(f"no HTTP answer: {buffer[:40]!r}")
    status, start = int(head[9:12]), end + 4
    place = head.find(_LENGTH)
    if place < 0:
        if _CHUNKED not in head:
            raise WireError("an answer of unknown length")
        found = _chunks(buffer, start)
        return (status, *found) if found else None
    stop = start + int(head[place + len(_LENGTH) :].split(b"\r", 1)[0])
    return (status, buffer[start:stop], stop) if len(buffer) >= stop else None


def _chunks(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    parts: list[bytes] = []
    while (line := buffer.find(b"\r\n", start)) >= 0:
        size = int(buffer[start:line].split(b";", 1)[0], 16)
        start = line + 2 + size + 2
        if len(buffer) < start:
            return None
        if not size:
            return b"".join(parts), start
        parts.append(buffer[line + 2 : start - 2])
    return None


class LineWire:
    """JSON values one after another, each ended by a line feed: what nodes speak on a Unix socket."""

    ready = True

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def greeting(self) -> bytes:
        """Nothing."""
        return b""

    def request(self, body: bytes) -> bytes:
        """End the line."""
        return body + b"\n"

    def feed(self, data: bytes) -> list[Answer]:
        """Cut off whole lines."""
        if b"\n" not in data:
            self._parts.append(data)
            return []
        *lines, rest = (b"".join(self._parts) + data).split(b"\n")
        self._parts = [rest] if rest else []
        return [(OK, line) for line in lines if line]

    def owed(self) -> bytes:
        """Nothing."""
        return b""


class WebSocketWire:
    """RFC 6455 as a client. The mask is zero, which is a mask like any other and costs nothing to apply."""

    def __init__(self, host: str, path: str, nonce: bytes = b"txpool load test") -> None:
        self.ready = False
        self._key = base64.b64encode(nonce[:16].ljust(16, b"\0"))
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {self._key.decode()}\r\n\r\n"
        ).encode()
        self._buffer = b""
        self._parts: list[bytes] = []
        self._owed: list[bytes] = []

    def greeting(self) -> bytes:
        """The request to upgrade."""
        return self._request

    def request(self, body: bytes) -> bytes:
        """One text frame."""
        return _frame(0x81, body)

    def feed(self, data: bytes) -> list[Answer]:
        """Cut off whole messages."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self.ready and not self._upgraded():
            return []
        answers = []
        while found := _unframed(self._buffer):
            opcode, final, payload, end = found
            self._buffer = self._buffer[end:]
            if opcode == 0x8:
                raise WireError(f"the server closed the WebSocket: {payload[2:].decode(errors='replace')}")
            if opcode == 0x9:
                self._owed.append(_frame(0x8A, payload))
            elif opcode < 0x8:
                self._parts.append(payload)
                if final:
                    answers.append((OK, b"".join(self._parts)))
                    self._parts = []
        return answers

    def owed(self) -> bytes:
        """Answers to pings."""
        owed, self._owed = b"".join(self._owed), []
        return owed

    def _upgraded(self) -> bool:
        end = self._buffer.find(CRLF2)
        if end < 0:
            return False
        head = self._buffer[:end]
        accept = base64.b64encode(hashlib.sha1(self._key + GUID, usedforsecurity=False).digest())
        if not head.startswith(b"HTTP/1.1 101") or accept not in head:
            raise WireError(f"no WebSocket here: {head[:60]!r}")
        self._buffer = self._buffer[end + 4 :]
        self.ready = True
        return True


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"%c%c\0\0\0\0%b" % (first, 0x80 | size, payload)
    if size < 1 << 16:
        return b"%c\xfe%b\0\0\0\0%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%c\xff%b\0\0\0\0%b" % (first, size.to_bytes(8, "big"), payload)


def _unframed(buffer: bytes) -> tuple[int, bool, bytes, int] | None:
    """Opcode, whether it is the last of its message, payload, and where the frame ends."""
    if len(buffer) < 2:
        return None
    size, start = buffer[1] & 0x7F, 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, start = int.from_bytes(buffer[2 : 2 + width], "big"), 2 + width
    stop = start + size
    if len(buffer) < stop:
        return None
    return buffer[0] & 0x0F, buffer[0] >= 0x80, buffer[start:stop], stop
