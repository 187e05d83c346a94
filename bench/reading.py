"""What it costs to read all that is in the pool: `txpool_content`, `txpool_inspect`, `txpool_contentFrom`, the status.

    python -m bench reading [--transactions N] [--senders N] [--rounds N] [--json [FILE]]

A server of its own process holds transfers of types 0, 1 and 2, all pending, in an mmap store; they are asked for over
HTTP. Prints for each method the median wall time of the answer, the server's CPU, the bytes, and the longest turn of
the server's loop meanwhile, in CPU time of its thread (measured in a further round, as looking costs CPU itself). The
number of transactions in each answer is asserted.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from http.client import HTTPConnection
from multiprocessing.connection import Connection as Pipe
from statistics import median
from typing import Any, Final

import uvloop

from bench.http import OpenDoor
from bench.json_option import add_json, tell_json
from bench.offers import GWEI, address
from bench.standing import STORES, StandingPool
from txpool.core import rlp
from txpool.core.candidate import Candidate
from txpool.core.settings import PoolSettings
from txpool.core.tx import Tx, decode
from txpool.rpc.http import Exchange, HttpServer
from txpool.rpc.http_service import JsonRpcOverHttp
from txpool.rpc.service import JsonRpc
from txpool.rpc.txpool import TxpoolNamespace

CHAIN_ID: Final = 1337
_STATUS_CALLS: Final = 200
_PATIENCE_S: Final = 120


def transfer(serial: int, sender: int, nonce: int) -> Candidate:
    """Transfer `serial`, of the three types in turn; its signature is one in its looks only."""
    unique = blake2b(serial.to_bytes(8, "big"), digest_size=64).digest()
    r, s = unique[:32].lstrip(b"\0"), unique[32:].lstrip(b"\0")
    numbers = [_octets(number) for number in (CHAIN_ID, nonce, GWEI, 2 * GWEI, 21_000, 10**15 + serial)]
    chain, count, tip, fee, gas, value = numbers
    call = [gas, unique[:20], value, b""]
    kind = serial % 3
    if kind == 0:
        raw = rlp.encode([count, fee, *call, _octets(2 * CHAIN_ID + 35), r, s])
    elif kind == 1:
        raw = b"\x01" + rlp.encode([chain, count, fee, *call, [], b"\x01", r, s])
    else:
        raw = b"\x02" + rlp.encode([chain, count, tip, fee, *call, [], b"", r, s])
    tx = decode(raw)
    assert isinstance(tx, Tx), tx
    return Candidate(tx, address(sender), serial)


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


class LoopWatch:
    """Looks at every turn of a loop, idle ones too."""

    def __init__(self) -> None:
        self._on = False
        self._last = self.worst_s = 0.0

    def start(self) -> None:
        """Begin anew."""
        self.worst_s, self._on, self._last = 0.0, True, time.thread_time()
        asyncio.get_running_loop().call_soon(self._look)

    def stop(self) -> None:
        """Look no more."""
        self._on = False

    def _look(self) -> None:
        now = time.thread_time()
        self.worst_s, self._last = max(self.worst_s, now - self._last), now
        if self._on:
            asyncio.get_running_loop().call_soon(self._look)


def serve(pipe: Pipe, transactions: int, senders: int) -> None:
    """Run the server until killed."""
    settings = PoolSettings(global_slots=transactions, account_slots=transactions)
    standing = StandingPool(settings, STORES["mmap"]())
    standing.submit([transfer(n, n % senders, n // senders) for n in range(transactions)])
    assert standing.pool.counts().pending == transactions
    uvloop.run(_serve(pipe, TxpoolNamespace(standing.pool)))


async def _serve(pipe: Pipe, namespace: TxpoolNamespace) -> None:
    rpc = JsonRpcOverHttp(JsonRpc(namespace.methods(), OpenDoor(), time.perf_counter))
    watch = LoopWatch()

    def handle(exchange: Exchange) -> None:
        if exchange.target == b"/":
            rpc(exchange)
            return
        if exchange.target == b"/watch":
            watch.start()
        elif exchange.target == b"/worst":
            watch.stop()
        exchange.reply(json.dumps({"cpu_s": time.process_time(), "worst_s": watch.worst_s}).encode())

    server = HttpServer(handle)
    pipe.send(await server.listen("127.0.0.1", 0))
    await asyncio.Event().wait()


class Reader:
    """Asks that server."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = HTTPConnection(host, port, timeout=_PATIENCE_S)

    def fetch(self, method: str, *params: object) -> bytes:
        """Call a method; the whole answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return self._connection.getresponse().read()

    def told(self, path: str) -> dict[str, float]:
        """What the server says about itself."""
        self._connection.request("GET", path)
        told: dict[str, float] = json.loads(self._connection.getresponse().read())
        return told

    def measure(self, rounds: int, method: str, *params: object) -> dict[str, float]:
        """Milliseconds and bytes, for calls one after another."""
        walls, cpus, size = [], [], 0
        for _ in range(rounds):
            cpu, before = self.told("/cpu")["cpu_s"], time.perf_counter()
            size = len(self.fetch(method, *params))
            walls.append(time.perf_counter() - before)
            cpus.append(self.told("/cpu")["cpu_s"] - cpu)
        self.told("/watch")
        self.fetch(method, *params)
        worst = self.told("/worst")["worst_s"]
        return {"wall": median(walls) * 1e3, "cpu": median(cpus) * 1e3, "turn": worst * 1e3, "bytes": size}


def read_all(reader: Reader, transactions: int, senders: int, rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Every method once to see that nothing is missing, then measured."""
    owner = f"0x{address(0).hex()}"
    status: Any = json.loads(reader.fetch("txpool_status"))["result"]
    assert int(status["pending"], 16) == transactions
    for method in ("txpool_content", "txpool_inspect"):
        pending = json.loads(reader.fetch(method))["result"]["pending"]
        assert sum(map(len, pending.values())) == transactions
    own = json.loads(reader.fetch("txpool_contentFrom", owner))["result"]["pending"]
    assert len(own) == len(range(0, transactions, senders))
    return {
        "content": reader.measure(rounds, "txpool_content"),
        "inspect": reader.measure(rounds, "txpool_inspect"),
        "contentFrom": reader.measure(rounds * 10, "txpool_contentFrom", owner),
        "status": reader.measure(_STATUS_CALLS, "txpool_status"),
    }


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench reading", description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    add_json(parser)
    options = parser.parse_args(arguments)
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(theirs, options.transactions, options.senders), daemon=True)
    server.start()
    try:
        figures = read_all(Reader(*ours.recv()), options.transactions, options.senders, options.rounds)
    finally:
        server.terminate()
        server.join()
    if tell_json(options.json, figures):
        return
    print(f"{options.transactions:,} pending of {options.senders:,} senders: milliseconds, longest turn of the loop")
    for name, each in figures.items():
        print(
            f"  txpool_{name:12} wall {each['wall']:9.2f}  CPU {each['cpu']:9.2f}  turn {each['turn']:6.2f}"
            f"  {each['bytes']:12,} bytes"
        )


if __name__ == "__main__":
    main([])
