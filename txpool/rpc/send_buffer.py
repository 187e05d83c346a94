"""What the kernel keeps of answers that a peer has not taken: else it takes megabytes for one that reads nothing."""

import socket
from typing import Final, Protocol

SEND_BUFFER_BYTES: Final = 256 * 1024


class Socket(Protocol):
    """One that takes options: a socket, or what a transport has for it."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """Set an option."""


def bound_send_buffer(of: Socket) -> None:
    """Bound what the kernel holds for a peer; on a socket that listens over TCP, for each peer to come."""
    of.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
