"""Bytes to HTTP requests: `httptools` reads what is new, and what came just so before is not read again."""

import logging
from enum import IntEnum
from typing import Final, Protocol

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from txpool.rpc.access import Access
from txpool.rpc.http_heads import Head, Heads
from txpool.rpc.http_limits import HttpLimits

LOG: Final = logging.getLogger(__name__)

_GAP: Final = b"\r\n\r\n"
_SPECIAL_HEADERS: Final = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
_UPGRADE_HEADERS: Final = frozenset({b"connection", b"upgrade"})

Refusal = tuple[int, str]  # a status, and why


class Rules(Protocol):
    """What a server lets in."""

    limits: HttpLimits
    access: Access
    heads: Heads
    length_digits: int  # a shorter `Content-Length` is within the limit for sure


class Taker(Protocol):
    """Who takes the requests: the connection."""

    taken: int

    def take(self, head: Head, body: bytes, *, last: bool = False, refusal: Refusal | None = None) -> None:
        """Take a request that was read whole, perhaps the last one; perhaps one to refuse."""

    def hang_up(self, status: int, text: str) -> None:
        """Say what is wrong with what came, and have nothing further read."""

    def linger(self) -> None:
        """Have nothing further read, but let the peer finish sending."""

    def invite(self) -> None:
        """Have the peer send the body that it holds back."""

    def abort(self) -> None:
        """Close without waiting for the peer."""


class Phase(IntEnum):
    """How far the request that is being read has come."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


BETWEEN: Final = Phase.BETWEEN  # looked up once


class RequestReader:
    """Cuts what a peer sends into requests. The parser calls it directly, for each part of one.

    Attributes:
        phase: how far the request that is being read has come.
        deaf: nothing is read any more.
        body_bytes: those of its body that are here.
        head_bytes: those of its head, beyond what one read brought.
    """

    def __init__(self, rules: Rules, taker: Taker) -> None:
        self.phase = BETWEEN
        self.deaf = False
        self.body_bytes = 0
        self.head_bytes = 0
        self._rules = rules
        self._taker = taker
        self._parser = HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._refusal: Refusal | None = None
        self._counted = (-1, Phase.BETWEEN)  # the request, and its phase, whose bytes are counted

    def take_known(self, data: bytes) -> bool:
        """Take a request that came in one piece, if its head was read before; else remember its head for the next."""
        end = data.find(_GAP)
        if end < 1:
            return False
        body_at = end + len(_GAP)
        head = self._rules.heads.get(data[:end])
        if head is None:
            self._feed_and_keep(data, end)
        elif len(data) - body_at == head.body_bytes:
            self._taker.take(head, data[body_at:])
        else:
            return False
        return True

    def _feed_and_keep(self, data: bytes, end: int) -> None:
        """Parse what came; if that was one plain request, keep its head."""
        number = self._taker.taken
        self._headers = {}
        self.feed(data)
        headers, body_bytes = self._headers, len(data) - end - len(_GAP)
        if self._taker.taken != number + 1 or self.phase is not Phase.BETWEEN or self.deaf or self._refusal is not None:
            return
        if headers.get(b"content-length") == b"%d" % body_bytes and _SPECIAL_HEADERS.isdisjoint(headers):
            self._rules.heads.keep(data[:end], self._head())

    def feed(self, data: bytes) -> None:
        """Have the parser look at what came."""
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                if self._parser.get_method() == b"CONNECT":
                    self._taker.hang_up(405, "method not allowed")
                    return
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._parser = HttpRequestParser(self)
            except HttpParserCallbackError:
                LOG.exception("an HTTP connection broke")
                self._taker.abort()
                return
            except HttpParserError:
                if not self.deaf:
                    self._taker.hang_up(400, "malformed HTTP request")
                return
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        """The request's head without the offer to change the protocol, which is not taken."""
        kept = (name + b": " + value for name, value in self._headers.items() if name not in _UPGRADE_HEADERS)
        first = self._parser.get_method() + b" " + self._target + b" HTTP/1.1"
        return b"\r\n".join((first, *kept, b"", b""))

    def count(self, size: int) -> bool:
        """Count what was read last towards the request that is half read; whether that, or its phase, is new."""
        partial = (self._taker.taken, self.phase)
        if partial == self._counted:
            self.head_bytes += size
            return False
        self._counted = partial
        self.head_bytes = 0
        return True

    def stop(self) -> None:
        """Read nothing any more; what is half read is forgotten."""
        self.deaf = True
        self.phase = Phase.BETWEEN
        self._body = []

    # --- the parser's side

    def on_message_begin(self) -> None:
        """Start a request."""
        if not self.deaf:
            self.phase = Phase.HEAD
        self._target = b""
        self._headers = {}
        self._body = []
        self.body_bytes = 0
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
        if self.deaf:
            return
        self.phase = Phase.BODY
        headers, rules = self._headers, self._rules
        if b"upgrade" in headers and self._parser.should_upgrade():
            return
        host = headers.get(b"host", b"")
        if host not in rules.access.admitted and self._refusal is None and not rules.access.admits(host):
            self._refusal = (403, "invalid host specified")
        size = headers.get(b"content-length", b"")
        if len(size) >= rules.length_digits and int(size) > rules.limits.body_bytes_max:
            self._taker.hang_up(413, f"content length too large ({int(size)}>{rules.limits.body_bytes_max})")
        elif b"expect" in headers:
            self._taker.invite()

    def on_body(self, chunk: bytes) -> None:
        """Collect the body; what goes over the limit in chunks is cut there."""
        if self.deaf or self._refusal is not None:
            return
        self.body_bytes += len(chunk)
        excess = self.body_bytes - self._rules.limits.body_bytes_max
        if excess > 0:
            self._body.append(chunk[:-excess])
            self._take(last=True)
            self._taker.linger()
            return
        self._body.append(chunk)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        if b"upgrade" in self._headers and self._parser.should_upgrade():
            return  # the parser stops here: see `feed`
        if not self.deaf:
            self._take(last=not self._parser.should_keep_alive())
        self.phase = Phase.BETWEEN

    def _take(self, *, last: bool) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._taker.take(self._head(), body, last=last, refusal=self._refusal)

    def _head(self) -> Head:
        takes_chunks = self._parser.get_http_version() != "1.0"
        return Head(self._parser.get_method(), self._target, self._headers, self.body_bytes, takes_chunks)
