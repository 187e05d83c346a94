"""One HTTP connection: bytes to requests, answers back in the order of the requests.

The hot path of the server, so it stands on `httptools` alone. Everything that a peer could let grow has a bound: the
head, the body, the time for each, the requests under way, the answers not yet taken: while those are many, requests
that are read wait to be begun.
"""

import asyncio
import logging
from collections import deque
from enum import IntEnum
from typing import Final, Protocol, cast

import msgspec
from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from txpool.rpc.access import Access
from txpool.rpc.errands import Errands
from txpool.rpc.http_message import TEXT, Exchange, Stamp
from txpool.rpc.streaming import Answer, Flow, Stream

LOG: Final = logging.getLogger(__name__)

NEVER: Final = float("inf")
JOINED_BYTES_MAX: Final = 16_384  # below, one copy is cheaper than a second piece
UNSENT_BYTES_MAX: Final = 1024 * 1024  # of answers that wait to be written; beyond, no further request is begun
CLOSE: Final = b"Connection: close\r\n"
_UPGRADE_HEADERS: Final = frozenset({b"connection", b"upgrade"})
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_GAP: Final = b"\r\n\r\n"
_SPECIAL_HEADERS: Final = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
HEADS_MAX: Final = 1024
HEAD_BYTES_KEPT_MAX: Final = 1024


class HttpLimits(msgspec.Struct, frozen=True):
    """Bounds of an HTTP server: bytes, seconds, counts.

    Attributes:
        head_bytes_max: of one request's line and headers, beyond what one read brought.
        body_bytes_max: of one body. Declared longer: refused; longer in chunks: cut, as go-ethereum does.
        bodies_bytes_max: of all half-read bodies of all connections.
        head_seconds: for a request's head, from its first byte; for the first byte of a connection as well.
        body_seconds: for the body.
        idle_seconds: between requests.
        write_seconds: for a peer that does not take its answers, and for the last of them once it is hung up on.
        linger_seconds: how long a peer that is hung up on may finish sending, so that it can read why.
        connections_max: at once.
        requests_max: under way on one connection; beyond, it is not read from.
        sweep_seconds: how often deadlines are looked at.
    """

    head_bytes_max: int = 65_536
    body_bytes_max: int = 5 * 1024 * 1024
    bodies_bytes_max: int = 256 * 1024 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    idle_seconds: float = 120.0
    write_seconds: float = 30.0
    linger_seconds: float = 5.0
    connections_max: int = 4096
    requests_max: int = 128
    sweep_seconds: float = 1.0


class HttpCounters:
    """What happened since the start, as plain ints."""

    __slots__ = ("bytes_in", "connections", "connections_refused", "requests", "timeouts")

    def __init__(self) -> None:
        self.connections = 0
        self.connections_refused = 0
        self.requests = 0
        self.bytes_in = 0
        self.timeouts = 0


class Head(msgspec.Struct, frozen=True, gc=False):
    """What the line and the headers of a request say, where nothing about them is special."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body_bytes: int
    takes_chunks: bool


class Heads:
    """Heads read before, by their bytes: clients send the same ones again and again, and the same bytes say the same.

    Bounded: when full, it begins anew.
    """

    __slots__ = ("_known", "get")

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self.get = self._known.get

    def keep(self, text: bytes, head: Head) -> None:
        """Remember one."""
        if len(text) <= HEAD_BYTES_KEPT_MAX:
            if len(self._known) >= HEADS_MAX:
                self._known.clear()
            self._known[text] = head


class House(Protocol):
    """What a connection needs of its server."""

    limits: HttpLimits
    access: Access
    counters: HttpCounters
    stamp: Stamp
    heads: Heads
    now: float
    idle_deadline: float
    stopping: bool
    farewell: bytes
    length_digits: int  # a shorter `Content-Length` is within the limit for sure

    def serve(self, exchange: Exchange) -> None:
        """Hand a request to the handler."""

    def admit(self, connection: "HttpConnection") -> bool:
        """Take a new connection in; False if there are too many."""

    def forget(self, connection: "HttpConnection") -> None:
        """A connection has ended."""

    def hold(self, size: int) -> bool:
        """Count bytes of half-read bodies (or give them back); False beyond the limit."""

    def flush_soon(self) -> None:
        """Have the answers of this turn written at its end."""

    def answered(self, connection: "HttpConnection") -> None:
        """A connection has something to write."""


class Phase(IntEnum):
    """How far the request that is being read has come."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


class HttpConnection(asyncio.Protocol):
    """Reads requests, hands each to the server's handler, and writes the answers of one loop turn together.

    Requests are numbered as they come. `_taken` is the next request's number, `_answered` that of the next answer to
    go out; an answer that comes early waits in `_early`, and a long one is written while it is made, by `_flow`. Once
    `_last` is set no further request is taken, and the connection ends when all that were taken are answered.
    `_unsent` is the bytes of `_out` and `_early` together; while they are many, requests wait in `_parked`.
    """

    def __init__(self, server: House) -> None:
        self.deadline = NEVER
        self.errands = Errands()
        self.stamp = server.stamp
        self.takes_chunks = True
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = HttpRequestParser(self)
        self._phase = Phase.BETWEEN
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._refusal: tuple[int, str] | None = None
        self._taken = 0
        self._answered = 0
        self._early: dict[int, tuple[bytes, Answer]] = {}
        self._early_bytes = 0
        self._flow: Flow | None = None
        self._out: list[bytes] = []
        self._unsent = 0
        self._parked: deque[Exchange] = deque()
        self._last = False  # no further request is taken
        self._deaf = False  # nothing is read any more
        self._lingers = False  # the peer may still be sending: let it, lest it miss the answer
        self._watched = (-1, Phase.BETWEEN)  # the partial request whose deadline runs
        self._head_bytes = 0
        self._held = 0  # bytes of a half-read body that the server counts
        self._write_stalled = False
        self._reading = True

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or say that there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        if self._server.admit(self):
            self.deadline = self._server.now + self._server.limits.head_seconds
        else:
            self._hang_up(503, "too many connections")

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see to the limits."""
        server = self._server
        server.counters.bytes_in += len(data)
        if self._deaf:
            return
        if self._phase is not Phase.BETWEEN or not self._take_known(data):
            self._feed(data)
        if self._phase is not Phase.BETWEEN and not self._deaf:
            self._watch(len(data))
        if self._taken != self._answered:
            server.flush_soon()
            if self._parked or self._taken - self._answered >= server.limits.requests_max:
                self._regulate()

    def _take_known(self, data: bytes) -> bool:
        """Take a request that came in one piece, if its head was read before; else remember its head for the next."""
        end = data.find(_GAP)
        if end < 1:
            return False
        body_at = end + len(_GAP)
        head = self._server.heads.get(data[:end])
        if head is None:
            self._feed_and_keep(data, end)
        elif len(data) - body_at == head.body_bytes:
            self._refusal = None
            self.takes_chunks = head.takes_chunks
            self._take(head.method, head.target, head.headers, data[body_at:], last=False)
            self._deaf = self._last
        else:
            return False
        return True

    def _feed_and_keep(self, data: bytes, end: int) -> None:
        """Parse what came; if that was one plain request, keep its head."""
        number = self._taken
        self._headers = {}
        self._feed(data)
        headers, body_bytes = self._headers, len(data) - end - len(_GAP)
        if self._taken != number + 1 or self._phase is not Phase.BETWEEN or self._deaf or self._refusal is not None:
            return
        if headers.get(b"content-length") == b"%d" % body_bytes and _SPECIAL_HEADERS.isdisjoint(headers):
            head = Head(self._parser.get_method(), self._target, headers, body_bytes, self.takes_chunks)
            self._server.heads.keep(data[:end], head)

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                if self._parser.get_method() == b"CONNECT":
                    self._hang_up(405, "method not allowed")
                    return
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._parser = HttpRequestParser(self)
            except HttpParserCallbackError:
                LOG.exception("an HTTP connection broke")
                self.abort()
                return
            except HttpParserError:
                if not self._deaf:
                    self._hang_up(400, "malformed HTTP request")
                return
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        """The request's head without the offer to change the protocol, which is not taken."""
        kept = (name + b": " + value for name, value in self._headers.items() if name not in _UPGRADE_HEADERS)
        first = self._parser.get_method() + b" " + self._target + b" HTTP/1.1"
        return b"\r\n".join((first, *kept, b"", b""))

    def eof_received(self) -> bool:
        """Go on answering a peer that has sent all it wanted; not what takes long: one that is gone looks the same."""
        if self.errands.busy:
            self.abort()
        self._go_deaf()
        self._lingers = False
        if not self.busy:
            self.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; requests not begun are dropped, and answers that come later."""
        self._transport = None
        self.deadline = NEVER
        self._release_body()
        self._parked.clear()
        self._early.clear()
        self._out.clear()
        if self._flow is not None:
            self._flow.stop()
        self.errands.abandon()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """Read no more from a peer that does not take its answers."""
        self._write_stalled = True
        if self._flow is not None:
            self._flow.pause()
        self.deadline = self._server.now + self._server.limits.write_seconds
        self._regulate()

    def resume_writing(self) -> None:
        """The peer has taken its answers."""
        self._write_stalled = False
        if self._transport is None or self._transport.is_closing():
            return
        if self._flow is not None:
            self._flow.go()
        self._restart_deadline()
        self._settle()

    # --- the parser's side

    def on_message_begin(self) -> None:
        """Start a request."""
        if not self._deaf:
            self._phase = Phase.HEAD
        self._target = b""
        self._headers = {}
        self._body = []
        self._body_bytes = 0
        self._refusal = None

    def on_url(self, url: bytes) -> None:
        """Collect the target, which may come in pieces."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        name = name.lower()
        if name == b"host" and name in self._headers:
            self._refusal = (400, "too many Host headers")
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Refuse what need not be read."""
        if self._deaf:
            return
        self._phase = Phase.BODY
        headers, server = self._headers, self._server
        if b"upgrade" in headers and self._parser.should_upgrade():
            return
        host = headers.get(b"host", b"")
        if host not in server.access.admitted and self._refusal is None and not server.access.admits(host):
            self._refusal = (403, "invalid host specified")
        size = headers.get(b"content-length", b"")
        if len(size) >= server.length_digits and int(size) > server.limits.body_bytes_max:
            self._hang_up(413, f"content length too large ({int(size)}>{server.limits.body_bytes_max})")
        elif b"expect" in headers and self._taken == self._answered and not self._out:
            self._write(CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        """Collect the body; what goes over the limit in chunks is cut there."""
        if self._deaf or self._refusal is not None:
            return
        self._body_bytes += len(chunk)
        excess = self._body_bytes - self._server.limits.body_bytes_max
        if excess > 0:
            self._body.append(chunk[:-excess])
            self._take_parsed(last=True)
            self._go_deaf()
            self._lingers = True
            return
        self._body.append(chunk)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        if b"upgrade" in self._headers and self._parser.should_upgrade():
            return  # the parser stops here: see `_feed`
        if not self._deaf:
            self._take_parsed(last=not self._parser.should_keep_alive())
        self._phase = Phase.BETWEEN
        if self._last:
            self._deaf = True

    # --- requests

    def _take_parsed(self, *, last: bool) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self.takes_chunks = self._parser.get_http_version() != "1.0"
        self._take(self._parser.get_method(), self._target, self._headers, body, last=last)

    def _take(self, method: bytes, target: bytes, headers: dict[bytes, bytes], body: bytes, *, last: bool) -> None:
        server = self._server
        server.counters.requests += 1
        self.deadline = NEVER
        if self._held:
            self._release_body()
        number = self._taken
        self._taken = number + 1
        lines = server.access.share_with(headers) if server.access.shares else b""
        if last or server.stopping:
            self._last = True
            lines += CLOSE
        exchange = Exchange(self, number, method, target, headers, body, lines)
        if self._refusal is not None:
            exchange.refuse(*self._refusal)
        elif server.access.shares and (preflight := server.access.preflight(exchange.method, headers)) is not None:
            exchange.reply(b"", 204, lines=preflight)
        elif server.stopping:
            exchange.reply(server.farewell, 503)
        elif self._unsent > UNSENT_BYTES_MAX or self._parked:
            self._parked.append(exchange)
        else:
            server.serve(exchange)

    def _watch(self, size: int) -> None:
        """See to the time and room that a half-read request takes."""
        limits = self._server.limits
        partial = (self._taken, self._phase)
        if partial != self._watched:
            self._watched = partial
            self._head_bytes = 0
            self._restart_deadline()
        else:
            self._head_bytes += size
        if self._phase is Phase.HEAD:
            if self._head_bytes > limits.head_bytes_max:
                self._hang_up(431, "request header too large")
            return
        growth, self._held = self._body_bytes - self._held, self._body_bytes
        if not self._server.hold(growth):
            self._hang_up(503, "too many bytes under way")

    def _restart_deadline(self) -> None:
        """Give a half-read request its full time."""
        limits = self._server.limits
        seconds = (NEVER, limits.head_seconds, limits.body_seconds)[self._phase]
        self.deadline = self._server.now + seconds

    def _release_body(self) -> None:
        self._server.hold(-self._held)
        self._held = 0

    def _go_deaf(self) -> None:
        """Read nothing any more. A request that is half read is forgotten, and its deadline with it."""
        self._last = self._deaf = True
        self._phase = Phase.BETWEEN
        self._release_body()
        self._body = []
        if not self._write_stalled:
            self.deadline = NEVER

    def _hang_up(self, status: int, text: str) -> None:
        """Answer what cannot be served, after the answers before it, and take nothing further."""
        self._go_deaf()
        self._lingers = True
        number = self._taken
        self._taken += 1
        body = text.encode() + b"\n"
        self.answer(number, self._server.stamp.head(status, len(body), TEXT, CLOSE), body)

    # --- answers

    def answer(self, number: int, head: bytes, body: Answer) -> None:
        """Put an answer in its place; it leaves at the end of a turn of the loop, once those before it are there."""
        if self._transport is None:
            return
        if number != self._answered:
            assert number > self._answered, "answered twice"
            assert number not in self._early, "answered twice"
            self._early[number] = (head, body)
            self._count_early(body, 1)
            return
        self._push(head, body)
        self._push_early()

    def _push_early(self) -> None:
        while self._early and (early := self._early.pop(self._answered, None)):
            self._count_early(early[1], -1)
            self._push(*early)

    def _count_early(self, body: Answer, sign: int) -> None:
        size = 0 if isinstance(body, Stream) else sign * len(body)
        self._early_bytes += size
        self._unsent += size

    def _push(self, head: bytes, body: Answer) -> None:
        if not self._out:
            self._server.answered(self)
        if isinstance(body, Stream):
            self._out.append(head)
            self._flow = Flow(body, self._push_piece, self._flowed)
            if not self._write_stalled:
                self._flow.go()
            return
        if len(body) < JOINED_BYTES_MAX:
            self._out.append(head + body)
        else:
            self._out += (head, body)
        self._unsent += len(body)
        self._answered += 1

    def _push_piece(self, piece: bytes) -> None:
        if not self._out:
            self._server.answered(self)
        self._out.append(piece)
        self._unsent += len(piece)

    def _flowed(self, whole: bool) -> None:  # noqa: FBT001 - the flow's callback
        """A long answer is written, or broke: then the peer sees that it is not whole."""
        self._flow = None
        if not whole:
            self.abort()
            return
        self._answered += 1
        self._push_early()
        if not self._out:
            self._server.answered(self)

    def flush(self) -> None:
        """Write what was answered in this turn."""
        out, self._out = self._out, []
        self._unsent = self._early_bytes
        if out and not self._write(*out):
            return
        self._settle()

    def _write(self, *pieces: bytes) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if len(pieces) == 1:
            transport.write(pieces[0])
        else:
            transport.writelines(pieces)
        return True

    def _settle(self) -> None:
        """Decide what follows once answers are written."""
        if self._write_stalled:
            return
        if self._parked:
            self._begin_parked()
        if not self.busy:
            if self._last:
                self._finish()
                return
            if self._phase is Phase.BETWEEN:
                self.deadline = self._server.idle_deadline
        if not self._reading:
            self._regulate()

    def _begin_parked(self) -> None:
        """Begin requests that wait, in order, until there is much to write again."""
        while self._parked and self._unsent <= UNSENT_BYTES_MAX:
            self._server.serve(self._parked.popleft())

    def _regulate(self) -> None:
        """Read only while the peer takes its answers and has not too much under way."""
        transport = self._transport
        under_way = self._taken - self._answered
        busy = self._write_stalled or bool(self._parked) or under_way >= self._server.limits.requests_max
        if transport is None or transport.is_closing() or busy is not self._reading:
            return
        self._reading = not busy
        if not busy:
            if self._phase is not Phase.BETWEEN:
                self._restart_deadline()
            transport.resume_reading()
            return
        if not self._write_stalled:
            self.deadline = NEVER  # that a request is half read is now our doing
        transport.pause_reading()

    # --- the end

    def expire(self) -> None:
        """The deadline has passed: say so where a request was begun, else just close."""
        self.deadline = NEVER
        self._server.counters.timeouts += 1
        if self._deaf or self._write_stalled:
            self.abort()
        elif self._phase is Phase.BETWEEN:
            self.close()
        else:
            self._hang_up(408, "request timed out")
            self._server.flush_soon()

    def wind_down(self) -> None:
        """Take no further request; a half-read one is told why. End when all that was taken is answered."""
        if self._phase is not Phase.BETWEEN:
            self._hang_up(503, "shutting down")
            self._server.flush_soon()
        self._last = True
        if not self.busy:
            self._finish()

    def _finish(self) -> None:
        """All is answered: close, and let a peer that still sends finish, lest it miss the answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._lingers:
            self.deadline = self._server.now + self._server.limits.linger_seconds
            transport.write_eof()
        else:
            self.close()

    @property
    def busy(self) -> bool:
        """Whether a request that was read waits for its answer."""
        return self._taken != self._answered or bool(self._out)

    def close(self) -> None:
        """Close once what is written has been sent; who does not take it is cut in the end."""
        if self._transport is None or self._transport.is_closing():
            return
        self._deaf = True
        self.deadline = self._server.now + self._server.limits.write_seconds
        self._transport.close()

    def abort(self) -> None:
        """Close without waiting for the peer."""
        if self._transport is not None:
            self._transport.abort()
