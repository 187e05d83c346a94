"""What the way from the socket to the pool's door costs: python -m bench http.

Sends `eth_sendRawTransaction` over HTTP to a JSON-RPC server of its own process, behind which nobody decodes, recovers
or judges: every transaction is taken at once. So what is left is HTTP, the envelope, the hex and the answer. Prints the
server's CPU time (user and system) a transaction, one by one and in batches.
"""

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final, cast

import uvloop

from txpool.core.pool import Accepted
from txpool.ingest.batch import Reply
from txpool.rpc.http import Exchange, HttpServer
from txpool.rpc.http_service import JsonRpcOverHttp
from txpool.rpc.service import JsonRpc

TRANSACTION: Final = "ab" * 118  # the mean size of a mixed corpus
ROUNDS: Final = 3
PATIENCE_S: Final = 120


class OpenDoor:
    """Takes everything, and says so in the next turn of the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Reply] = []

    def offer(self, _raw: bytes, reply: Reply) -> None:
        """Take one."""
        if not self._waiting:
            self._loop.call_soon(self._answer)
        self._waiting.append(reply)

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        verdict = Accepted(bytes(32))
        for reply in waiting:
            reply(verdict)


def serve(pipe: Connection) -> None:
    """Run the server until killed; tell where it listens, and its CPU time on `GET /cpu`."""
    uvloop.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    rpc = JsonRpcOverHttp(JsonRpc({}, OpenDoor(), time.perf_counter))

    def handle(exchange: Exchange) -> None:
        if exchange.target == b"/cpu":
            exchange.reply(str(time.process_time_ns()).encode())
        else:
            rpc(exchange)

    server = HttpServer(handle)
    pipe.send(await server.listen("127.0.0.1", 0))
    await asyncio.Event().wait()


class Asker(asyncio.Protocol):
    """Asks, and when it has its answer asks again, so many times."""

    def __init__(self, request: bytes, times: int, answered: asyncio.Future[bytes]) -> None:
        self._request = request
        self._left = times
        self._answered = answered
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count an answer that is there whole."""
        self._read += data
        head, gap, body = self._read.partition(b"\r\n\r\n")
        length = int(head.rpartition(b"Content-Length: ")[2].split(b"\r\n")[0]) if gap else -1
        if len(body) != length:
            return
        self._read = b""
        self._left -= 1
        if self._left:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self._answered.set_result(body)


async def ask(address: tuple[str, int], request: bytes, connections: int, times: int) -> bytes:
    """Ask on so many connections at once, so many times on each."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[bytes]] = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: Asker(request, times, end), *address)  # type: ignore[misc]
    async with asyncio.timeout(PATIENCE_S):
        return (await asyncio.gather(*ends))[0]


def request_of(batch: int) -> bytes:
    """The request, one call or a batch of them."""
    calls = [
        f'{{"jsonrpc":"2.0","id":{number},"method":"eth_sendRawTransaction","params":["0x{TRANSACTION}"]}}'
        for number in range(batch)
    ]
    body = calls[0] if batch == 1 else f"[{','.join(calls)}]"
    return (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        f"{body}"
    ).encode()


async def measure(address: tuple[str, int], *, batch: int, connections: int, requests: int) -> float:
    """CPU microseconds of the server for each transaction."""
    cpu = b"GET /cpu HTTP/1.1\r\nHost: localhost\r\n\r\n"
    before = int(await ask(address, cpu, 1, 1))
    answer = await ask(address, request_of(batch), connections, requests // connections)
    assert answer.count(b'"result":"0x') == batch, answer[:200]
    after = int(await ask(address, cpu, 1, 1))
    return (after - before) / 1000 / (requests // connections * connections * batch)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench http", description=__doc__)
    parser.add_argument("--requests", type=int, default=40_000)
    options = parser.parse_args(arguments)
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    address = ours.recv()
    try:
        for batch, connections in ((1, 1), (1, 32), (1, 256), (100, 4)):
            requests = max(400, options.requests // batch)
            rounds = [
                uvloop.run(measure(address, batch=batch, connections=connections, requests=requests))
                for _ in range(ROUNDS)
            ]
            print(f"batch {batch:4}, {connections:4} connections: {min(rounds):6.2f} us of CPU a transaction")
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
