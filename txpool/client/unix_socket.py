"""The way to a server through its Unix socket: one document there, one back, each on a line."""

import socket
from pathlib import Path
from typing import Final

READ_BYTES: Final = 65_536


def is_socket_path(url: str) -> bool:
    """Whether what stands in a URL's place is a path: `/run/txpool/txpool.ipc`, `./txpool.ipc`, `~/...`."""
    return "://" not in url and (url.startswith(("/", "./", "../", "~")) or url.endswith(".ipc"))


class UnixSocket:
    """One connection, made when it is needed first."""

    def __init__(self, path: str, timeout_s: float) -> None:
        """Connect to nothing yet."""
        self._path = str(Path(path).expanduser())
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Connect now.

        Raises:
            OSError: nobody listens there.
        """
        attempt = socket.socket(socket.AF_UNIX)
        try:
            attempt.settimeout(self._timeout_s)
            attempt.connect(self._path)
        except OSError:
            attempt.close()
            raise
        self._socket = attempt

    def exchange(self, document: bytes) -> bytes:
        """Send a document; the answer.

        Raises:
            OSError: nobody listens there, or nobody answers (TimeoutError).
        """
        if self._socket is None:
            self.connect()
        assert self._socket is not None
        self._socket.sendall(document + b"\n")
        answer = bytearray()
        while not answer.endswith(b"\n"):
            came = self._socket.recv(READ_BYTES)
            if not came:
                raise ConnectionResetError("the connection was closed")
            answer += came
        return bytes(answer)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
