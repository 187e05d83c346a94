"""A client of the Unix socket on a plain socket: a stream of JSON values each way."""

import json
import socket
from typing import Any, Self

PATIENCE_S = 20


class PlainIpc:
    """One connection."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rb")
        self._early: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._lines.close()
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def done_sending(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def read(self) -> Any:  # noqa: ANN401 - JSON is whatever the server says
        """The next message. EOFError: the connection has ended."""
        line = self._lines.readline()
        if not line:
            raise EOFError
        return json.loads(line)

    def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - whatever the method answers
        """Call a method; its whole answer. Notifications that come before it are kept for `told`."""
        self.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        while "id" not in (message := self.read()):
            self._early.append(message)
        return message

    def told(self) -> Any:  # noqa: ANN401 - whatever the subscription tells
        """What the next notification tells."""
        message = self._early.pop(0) if self._early else self.read()
        assert message["method"] == "eth_subscription", message
        return message["params"]["result"]
