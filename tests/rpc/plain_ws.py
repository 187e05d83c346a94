"""A WebSocket client of a few lines on a plain socket: no library decides what is sent or when it is read."""

import json
import os
import socket
from typing import Any, Final, Self

CONTINUATION: Final = 0
TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
FINAL: Final = 0x80
PATIENCE_S: Final = 20


class PlainWebSocket:
    """One connection."""

    def __init__(self, address: str, *, path: str = "/", headers: str = "", receive_bytes: int | None = None) -> None:
        host, port = address.removeprefix("ws://").split(":")
        self._socket = socket.socket()
        if receive_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect((host, int(port)))
        self._received = b""
        self.final = True  # whether the frame read last ended its message
        self._early: list[dict[str, Any]] = []
        asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}"
        self._socket.sendall(
            f"{asked}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._received:
            self._received += self._socket.recv(65_536)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def send_frame(self, payload: bytes, *, opcode: int = TEXT, fin: bool = True) -> None:
        """Send one frame, masked as a client has to."""
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            length = bytes((0x80 | size,))
        elif size < 65_536:
            length = b"\xfe" + size.to_bytes(2)
        else:
            length = b"\xff" + size.to_bytes(8)
        key = int.from_bytes((mask * (size // 4 + 1))[:size])
        masked = (int.from_bytes(payload) ^ key).to_bytes(size)
        self._socket.sendall(bytes((0x80 * fin | opcode,)) + length + mask + masked)

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            came = self._socket.recv(1 << 20)
            if not came:
                raise EOFError
            self._received += came
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload. EOFError: the connection has ended."""
        first, second = self._exactly(2)
        size = second
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8))
        self.final = first >= FINAL
        return first & 15, self._exactly(size)

    def read(self) -> Any:  # noqa: ANN401 - JSON is whatever the server says
        """The next message."""
        message = b""
        while True:
            opcode, payload = self.read_frame()
            if opcode != PING:
                assert opcode == (CONTINUATION if message else TEXT)
                message += payload
                if self.final:
                    return json.loads(message)

    def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - whatever the method answers
        """Call a method; its whole answer. Notifications that come before it are kept for `told`."""
        self.send_frame(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        while "id" not in (message := self.read()):
            self._early.append(message)
        return message

    def told(self) -> Any:  # noqa: ANN401 - whatever the subscription tells
        """What the next notification tells."""
        message = self._early.pop(0) if self._early else self.read()
        assert message["method"] in {"eth_subscription", "pool_subscription"}, message
        return message["params"]["result"]

    def ended(self) -> int | None:
        """The close code with which the server ends the connection, what it sends before passed over."""
        try:
            while (frame := self.read_frame())[0] != CLOSE:
                pass
        except (EOFError, ConnectionError):
            return None
        return int.from_bytes(frame[1][:2])
