"""One HTTP connection: its transport, its deadlines, its end.

The hot path of the server. Everything that a peer could let grow has a bound: the head, the body, the time for each,
the requests under way, the answers not yet taken: while those are many, requests that are read wait to be begun.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Final, Protocol, cast

from txpool.rpc.access import Access
from txpool.rpc.http_answers import UNSENT_BYTES_MAX, AnswerQueue
from txpool.rpc.http_heads import Head, Heads
from txpool.rpc.http_limits import NEVER, HttpCounters, HttpLimits
from txpool.rpc.http_message import TEXT, Exchange, Stamp
from txpool.rpc.http_reading import BETWEEN, Phase, Refusal, RequestReader

CLOSE: Final = b"Connection: close\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


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
    flush_due: bool  # the answers of this turn are written at its end
    farewell: bytes
    length_digits: int  # a shorter `Content-Length` is within the limit for sure

    def serve(self, exchange: Exchange) -> None:
        """Hand a request to the handler."""

    def admit(self, connection: "HttpConnection") -> bool:
        """Take a new connection in; False if there are too many."""

    def forget(self, connection: "HttpConnection") -> None:
        """A connection has ended."""

    def hold(self, size: int) -> bool:
        """Count bytes of bodies that came in pieces (or give them back); False beyond the limit."""

    def flush_soon(self) -> None:
        """Have the answers of this turn written at its end."""

    def answered(self, connection: "HttpConnection") -> None:
        """A connection has something to write."""


class HttpConnection(asyncio.Protocol):
    """Reads requests, hands each to the server's handler, and writes the answers of one loop turn together.

    Requests are numbered as they come; `taken` is the next one's number. While many answers wait to be written,
    requests wait in `_parked`. Once `_last` is set no further request is taken, and the connection ends when all that
    were taken are answered.
    """

    def __init__(self, server: House) -> None:
        self.deadline = NEVER
        self.taken = 0
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(server, self)
        self._answers = AnswerQueue(server.stamp, partial(server.answered, self), self.abort, server.hold)
        self._parked: deque[Exchange] = deque()
        self._last = False  # no further request is taken
        self._lingers = False  # the peer may still be sending: let it, lest it miss the answer
        self._held = 0  # bytes of the half-read body that the server counts
        self._write_stalled = False
        self._reading = True

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or say that there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        if self._server.admit(self):
            self.deadline = self._server.now + self._server.limits.head_seconds
        else:
            self.hang_up(503, "too many connections")

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see to the limits."""
        server, reader = self._server, self._reader
        server.counters.bytes_in += len(data)
        if reader.deaf:
            return
        if reader.phase is not BETWEEN or not reader.take_known(data):
            reader.feed(data)
        if reader.phase is not BETWEEN and not reader.deaf:
            self._watch(len(data))
        under_way = self.taken - self._answers.answered
        if under_way:
            if not server.flush_due:
                server.flush_soon()
            if self._parked or under_way >= server.limits.requests_max:
                self._regulate()

    def eof_received(self) -> bool:
        """Go on answering a peer that has sent all it wanted; not what takes long: one that is gone looks the same."""
        if self._answers.errands.busy:
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
        self._answers.drop()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """Read no more from a peer that does not take its answers."""
        self._write_stalled = True
        self._answers.stall()
        self.deadline = self._server.now + self._server.limits.write_seconds
        self._regulate()

    def resume_writing(self) -> None:
        """The peer has taken its answers."""
        self._write_stalled = False
        if self._transport is None or self._transport.is_closing():
            return
        self._answers.flow()
        self.deadline = NEVER  # until reading goes on, or nothing is left to answer
        self._settle()

    # --- the reader's side

    def take(self, head: Head, body: bytes, *, last: bool = False, refusal: Refusal | None = None) -> None:
        """Answer a request, now or later."""
        server, answers = self._server, self._answers
        server.counters.requests += 1
        self.deadline = NEVER
        number = self.taken
        self.taken = number + 1
        if self._held:
            answers.note_body(number, self._held)
            self._held = 0
        access = server.access
        lines = access.share_with(head.headers) if access.shares else b""
        if last or server.stopping:
            self._last = self._reader.deaf = True
            lines += CLOSE
        answers.takes_chunks = head.takes_chunks
        exchange = Exchange(answers, number, head.method, head.target, head.headers, body, lines)
        if refusal is not None:
            exchange.refuse(*refusal)
        elif access.shares and (preflight := access.preflight(head.method, head.headers)) is not None:
            exchange.reply(b"", 204, lines=preflight)
        elif server.stopping:
            exchange.reply(server.farewell, 503)
        elif answers.unsent > UNSENT_BYTES_MAX or self._parked:
            self._parked.append(exchange)
        else:
            server.serve(exchange)

    def invite(self) -> None:
        """Have the peer send the body that it holds back, unless answers are to come first."""
        if not self.busy:
            self._write(CONTINUE)

    def hang_up(self, status: int, text: str) -> None:
        """Answer what cannot be served, after the answers before it, and take nothing further."""
        self.linger()
        number = self.taken
        self.taken += 1
        body = text.encode() + b"\n"
        self._answers.answer(number, self._server.stamp.head(status, len(body), TEXT, CLOSE), body)

    def linger(self) -> None:
        """Take nothing further, but let the peer finish sending."""
        self._go_deaf()
        self._lingers = True

    def _go_deaf(self) -> None:
        """Read nothing any more. A request that is half read is forgotten, and its deadline with it."""
        self._last = True
        self._reader.stop()
        self._release_body()
        if not self._write_stalled:
            self.deadline = NEVER

    def _watch(self, size: int) -> None:
        """See to the time and room that a half-read request takes."""
        reader, limits = self._reader, self._server.limits
        if reader.count(size):
            self._restart_deadline()
        if reader.phase is Phase.HEAD:
            if reader.head_bytes > limits.head_bytes_max:
                self.hang_up(431, "request header too large")
            return
        growth, self._held = reader.body_bytes - self._held, reader.body_bytes
        if not self._server.hold(growth):
            self.hang_up(503, "too many bytes under way")

    def _restart_deadline(self) -> None:
        """Give a half-read request its full time."""
        limits = self._server.limits
        seconds = (NEVER, limits.head_seconds, limits.body_seconds)[self._reader.phase]
        self.deadline = self._server.now + seconds

    def _release_body(self) -> None:
        self._server.hold(-self._held)
        self._held = 0

    # --- writing

    def flush(self) -> None:
        """Write what was answered in this turn."""
        answers = self._answers
        out, answers.out = answers.out, []
        answers.unsent = answers.early_bytes
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
        answers = self._answers
        if self._parked or answers.errands.crowded:
            self._go_on()
        if self.taken == answers.answered and not answers.out:
            if self._last:
                self._finish()
                return
            if self._reader.phase is BETWEEN:
                self.deadline = self._server.idle_deadline
        if not self._reading:
            self._regulate()

    def _go_on(self) -> None:
        """Begin what waits, in order, until there is much to write again."""
        self._answers.errands.crowded = False
        self._answers.errands.go_on()
        while self._parked and self._answers.unsent <= UNSENT_BYTES_MAX:
            self._server.serve(self._parked.popleft())
        self._server.flush_soon()  # also where none is answered yet: then this turn is over

    def _regulate(self) -> None:
        """Read only while the peer takes its answers and has not too much under way."""
        transport = self._transport
        under_way = self.taken - self._answers.answered
        busy = self._write_stalled or bool(self._parked) or under_way >= self._server.limits.requests_max
        if transport is None or transport.is_closing() or busy is not self._reading:
            return
        self._reading = not busy
        if not busy:
            if self._reader.phase is not BETWEEN:
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
        if self._reader.deaf or self._write_stalled:
            self.abort()
        elif self._reader.phase is BETWEEN:
            self.close()
        else:
            self.hang_up(408, "request timed out")
            self._server.flush_soon()

    def wind_down(self) -> None:
        """Take no further request; a half-read one is told why. End when all that was taken is answered."""
        if self._reader.phase is not BETWEEN:
            self.hang_up(503, "shutting down")
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
            self._reading = True
            transport.resume_reading()
            transport.write_eof()
        else:
            self.close()

    @property
    def busy(self) -> bool:
        """Whether a request that was read waits for its answer."""
        return self.taken != self._answers.answered or bool(self._answers.out)

    def close(self) -> None:
        """Close once what is written has been sent; who does not take it is cut in the end."""
        if self._transport is None or self._transport.is_closing():
            return
        self._reader.deaf = True
        self.deadline = self._server.now + self._server.limits.write_seconds
        self._transport.close()

    def abort(self) -> None:
        """Close without waiting for the peer."""
        if self._transport is not None:
            self._transport.abort()
