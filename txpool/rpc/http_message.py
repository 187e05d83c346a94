"""One request over HTTP and its answer."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from txpool.rpc import errors
from txpool.rpc.errands import Errands
from txpool.rpc.streaming import Answer, Gathered, Stream, gather

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"

_PHRASES: Final = {status.value: status.phrase.encode() for status in HTTPStatus}
_COME_AGAIN: Final = frozenset({429, 503})


class Answers(Protocol):
    """Where an answer goes: it leaves in the order in which the requests came."""

    stamp: "Stamp"
    takes_chunks: bool  # not so before HTTP/1.1
    errands: Errands  # what is under way for the connection

    def answer(self, number: int, head: bytes, body: Answer) -> None:
        """Take the answer to the request of that number."""


class Stamp:
    """What every answer of a server begins with, and the time that it bears, renewed by the server's sweep."""

    __slots__ = ("json_ok", "lines")

    def __init__(self) -> None:
        self.renew("Thu, 01 Jan 1970 00:00:00 GMT")

    def renew(self, date: str) -> None:
        """Set the time, in the form that HTTP asks for."""
        self.lines = b"Date: " + date.encode() + b"\r\n"
        self.json_ok = b"HTTP/1.1 200 OK\r\nContent-Type: " + JSON + b"\r\n" + self.lines + b"Content-Length: "

    def head(self, status: int, length: int, content_type: bytes, lines: bytes) -> bytes:
        """The status line and the headers; `lines` are further ones, each with its line end."""
        if status in _COME_AGAIN:
            lines += b"Retry-After: 1\r\n"
        return self._head(status, b"Content-Length: %d" % length, content_type, lines)

    def head_of_chunks(self, status: int, content_type: bytes, lines: bytes) -> bytes:
        """The same for a body whose length is not known yet."""
        return self._head(status, b"Transfer-Encoding: chunked", content_type, lines)

    def _head(self, status: int, framing: bytes, content_type: bytes, lines: bytes) -> bytes:
        return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%b%b%b\r\n\r\n" % (
            status,
            _PHRASES[status],
            content_type,
            self.lines,
            lines,
            framing,
        )


class Exchange:
    """A request that was read whole, and the one way to answer it: call `reply` once, at any time.

    Attributes:
        method: as `b"POST"`.
        target: path and query, as sent.
        headers: values by name in lower case; of a name sent twice, the last.
        body: as sent, without the chunks' frame.
        replied: whether the answer is given.
    """

    __slots__ = ("_answers", "_lines", "_number", "body", "headers", "method", "replied", "target")

    def __init__(
        self,
        answers: Answers,
        number: int,
        method: bytes,
        target: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
        lines: bytes,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.replied = False
        self._answers = answers
        self._number = number
        self._lines = lines

    @property
    def errands(self) -> Errands:
        """What is under way for the connection."""
        return self._answers.errands

    def reply(self, body: Answer, status: int = 200, content_type: bytes = JSON, lines: bytes = b"") -> None:
        """Answer; `lines` are header lines to add, each with its line end."""
        if isinstance(body, Stream):
            self._reply_in_pieces(body, status, content_type, self._lines + lines)
            return
        if status == 200 and content_type is JSON and not lines and not self._lines:
            head = b"%b%d\r\n\r\n" % (self._answers.stamp.json_ok, len(body))
        else:
            head = self._answers.stamp.head(status, len(body), content_type, self._lines + lines)
        self.replied = True
        self._answers.answer(self._number, head, body)

    def _reply_in_pieces(self, body: Stream, status: int, content_type: bytes, lines: bytes) -> None:
        """Send chunks while they are made; to who does not know them, when all is made."""
        self.replied = True
        answers, number = self._answers, self._number
        if answers.takes_chunks:
            head = answers.stamp.head_of_chunks(status, content_type, lines)
            answers.answer(number, head, Stream(_chunks(body.pieces), body.turns))
            return

        def made(whole: Gathered | None) -> None:
            if whole is None:
                self.refuse(500, "internal server error")
            elif whole.refused:
                self.refuse(503, errors.NO_ROOM.message)
            else:
                head = answers.stamp.head(status, whole.size, content_type, lines)
                answers.answer(number, head, Stream(whole, body.turns))

        gather(body, made, answers.errands)

    def refuse(self, status: int, text: str, lines: bytes = b"") -> None:
        """Answer with a line of text, as Go's `http.Error` does."""
        self.reply(text.encode() + b"\n", status, TEXT, b"X-Content-Type-Options: nosniff\r\n" + lines)


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """HTTP's frame around pieces of a body."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
    yield b"0\r\n\r\n"
