"""Running coroutines as the daemon does, and talking HTTP without a library's help."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

import uvloop

from txpool.rpc.http import Access, Exchange, HttpLimits, HttpServer

Result = TypeVar("Result")

PATIENCE_S = 10


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on a fresh loop of the daemon's kind; a test that hangs fails."""

    async def bounded() -> Result:
        async with asyncio.timeout(PATIENCE_S):
            return await work

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


async def until(reached: Callable[[], bool]) -> None:
    """Let the loop turn until something shows from the outside; `run` bounds the wait."""
    while not reached():  # noqa: ASYNC110 - what is waited for announces itself to nobody
        await asyncio.sleep(0)


class Answer:
    """One HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the server said
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pushed_back = b""

    @classmethod
    async def to(cls, address: tuple[str, int]) -> "Client":
        return cls(*await asyncio.open_connection(*address))

    def send(self, octets: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(octets)

    def post(self, body: bytes | str, *, headers: str = "Content-Type: application/json\r\n") -> None:
        """Send a request; the answer is read with `read`."""
        octets = body.encode() if isinstance(body, str) else body
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(octets)}\r\n\r\n"
        self.send(head.encode() + octets)

    async def read(self) -> Answer:
        """Read the next answer."""
        status_line = self._pushed_back + await self._reader.readline()
        self._pushed_back = b""
        assert status_line.startswith(b"HTTP/1.1 "), status_line
        headers: dict[str, str] = {}
        while (line := await self._reader.readline()) not in {b"\r\n", b""}:
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answer(int(status_line.split()[1]), headers, await self._body(headers))

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" not in headers:
            return await self._reader.readexactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        assert await self._reader.readline() == b"\r\n"
        return body

    async def ask(self, body: bytes | str, *, headers: str = "Content-Type: application/json\r\n") -> Answer:
        """Send a request and read its answer."""
        self.post(body, headers=headers)
        return await self.read()

    async def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - whatever the method answers
        """Call a method; the whole answer."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.ask(json.dumps(request))).json

    async def result(self, method: str, *params: object) -> Any:  # noqa: ANN401 - whatever the method answers
        """Call a method that is expected to succeed."""
        answer = await self.call(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    async def ended(self) -> bool:
        """Whether the server has ended its side, nothing more being said."""
        return await self._reader.read(1) == b""

    async def at_end(self) -> bool:
        """Whether no further answer comes."""
        try:
            first = await self._reader.readexactly(1)
        except (asyncio.IncompleteReadError, ConnectionError):
            return True
        self._pushed_back = first
        return False

    def abort(self) -> None:
        """Be gone without a word: the server is told by a reset."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class Listening:
    """An HTTP server on a free port of the loopback, stopped at the end of the `async with` block."""

    def __init__(
        self, handler: Callable[[Exchange], None], limits: HttpLimits | None = None, access: Access | None = None
    ) -> None:
        self.server = HttpServer(handler, limits, access)
        self.address = ("", 0)
        self._clients: list[Client] = []

    async def __aenter__(self) -> Self:
        self.address = await self.server.listen("127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients:
            await client.close()
        await self.server.stop(seconds=1)

    async def client(self) -> Client:
        client = await Client.to(self.address)
        self._clients.append(client)
        return client


def echo(exchange: Exchange) -> None:
    """Answer with what was asked."""
    exchange.reply(exchange.body, content_type=b"text/plain")
