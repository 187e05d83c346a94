"""What an HTTP server lets a peer take, and what it counts."""

from typing import Final

import msgspec

NEVER: Final = float("inf")  # a deadline that does not pass


class HttpLimits(msgspec.Struct, frozen=True):
    """Bounds of an HTTP server: bytes, seconds, counts.

    Attributes:
        head_bytes_max: of one request's line and headers, beyond what one read brought.
        body_bytes_max: of one body. Declared longer: refused; longer in chunks: cut, as go-ethereum does.
        bodies_bytes_max: of all bodies of all connections that are half read, or came in pieces and are under way.
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
