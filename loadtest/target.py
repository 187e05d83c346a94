"""Which server, and by which road: an HTTP or WebSocket URL, or the path of a Unix socket."""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from loadtest.wire import HttpWire, LineWire, WebSocketWire, Wire

Transport = Literal["http", "websocket", "unix"]


class Target(msgspec.Struct, frozen=True):
    """Where requests go. `path` is that of the URL, or the socket's."""

    transport: Transport
    host: str
    port: int
    path: str

    @property
    def address(self) -> str:
        """As a URL, or the socket's path."""
        if self.transport == "unix":
            return self.path
        scheme = "http" if self.transport == "http" else "ws"
        return f"{scheme}://{self.host}:{self.port}{self.path}"

    def wire(self) -> Wire:
        """A new connection's protocol."""
        host = f"{self.host}:{self.port}"
        match self.transport:
            case "http":
                return HttpWire(host, self.path)
            case "websocket":
                return WebSocketWire(host, self.path)
            case "unix":
                return LineWire()


def parse_target(text: str) -> Target:
    """Read `http://HOST:PORT`, `ws://HOST:PORT` or a path.

    Raises:
        ValueError: it is none of these.
    """
    if "://" not in text and "/" in text:
        return Target("unix", "", 0, text)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "ws") or not parts.hostname:
        raise ValueError(f"{text!r} is no http:// or ws:// URL and no path of a socket")
    transport: Transport = "http" if parts.scheme == "http" else "websocket"
    return Target(transport, parts.hostname, parts.port or 80, parts.path or "/")
