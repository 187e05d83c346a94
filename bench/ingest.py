"""From a socket to a block and back to an empty pool: 100 000 transfers through the real daemon.

    python -m bench ingest [--transactions N] [--senders N] [--batch N] [--connections N] [--store NAME]
                           [--kernel auto|python] [--json [FILE]]

Signs the transfers, starts the daemon on a dev chain whose genesis funds the senders, sends JSON-RPC batches over HTTP,
reads the whole content back, mines everything out, and asserts each time that the work was really done. Prints the
server's CPU and resident bytes a transaction, the longest collection and the longest turn of the loop. CPU is the
median of twenty parts of the run: what else the machine does comes and goes.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.json_option import add_json, tell_json
from bench.resident import proportional_bytes
from txpool.core.signature import address_of, sign
from txpool.core.unsigned import Unsigned

CHAIN_ID: Final = 1337
GAS_PER_TRANSFER: Final = 21_000
READY_TIMEOUT_S: Final = 30
PARTS: Final = 20
_HEAD: Final = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Corpus(msgspec.Struct, frozen=True):
    """Signed transfers in sending order: nonce by nonce over all senders."""

    senders: list[str]
    bodies: list[bytes]
    count: int
    per_sender: int


class Node:
    """A daemon of our own, and what it says about itself."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any]) -> None:
        self.pid = process.pid
        self.http: str = ready["http"]
        self.ipc: str | None = ready["ipc"]
        self._metrics: str = ready["metrics"]
        self._client = HTTPConnection(self.http, timeout=120)

    def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - JSON is whatever the method says
        """Make one call; an error of the server ends the benchmark."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._client.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = msgspec.json.decode(self._client.getresponse().read())
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def metrics(self) -> dict[str, float]:
        """Scrape: series with its labels to value."""
        client = HTTPConnection(self._metrics, timeout=30)
        client.request("GET", "/metrics")
        page = client.getresponse().read().decode()
        client.close()
        rows = (line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def cpu_seconds(self) -> float:
        """User and system time of the process so far, all threads that live; to the nanosecond, unlike its `stat`."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def key_of(number: int) -> bytes:
    """The private key of sender `number`."""
    return (0xBE7C4 << 64 | number + 1).to_bytes(32, "big")


def sign_corpus(count: int, senders: int, batch: int) -> Corpus:
    """Sign transfers and pack them into JSON-RPC batches; a batch of 1 is a single call."""
    keys = [key_of(number) for number in range(senders)]
    per_sender = count // senders
    raws = [_transfer(key, nonce) for nonce in range(per_sender) for key in keys]
    calls = [
        f'{{"jsonrpc":"2.0","id":{i},"method":"eth_sendRawTransaction","params":["0x{raw.hex()}"]}}'
        for i, raw in enumerate(raws)
    ]
    bodies = calls if batch == 1 else ["[" + ",".join(calls[i : i + batch]) + "]" for i in range(0, len(calls), batch)]
    addresses = ["0x" + address_of(key).hex() for key in keys]
    return Corpus(addresses, [body.encode() for body in bodies], len(raws), per_sender)


def _transfer(key: bytes, nonce: int) -> bytes:
    unsigned = Unsigned(
        type=2,
        chain_id=CHAIN_ID,
        nonce=nonce,
        tip_cap=10**9 + nonce,
        fee_cap=3 * 10**9 + nonce,
        gas=GAS_PER_TRANSFER,
        to=b"\x11" * 20,
        value=1,
    )
    return sign(unsigned, key)


def genesis_for(senders: Sequence[str]) -> dict[str, object]:
    """A geth genesis with every fork active and the senders funded."""
    blocks = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul")
    config: dict[str, object] = {"chainId": CHAIN_ID, "terminalTotalDifficulty": 0}
    config |= {f"{name}Block": 0 for name in (*blocks, "berlin", "london")}
    config |= {f"{name}Time": 0 for name in ("shanghai", "cancun", "prague", "osaka")}
    schedule = {"target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716}
    config["blobSchedule"] = dict.fromkeys(("cancun", "prague", "osaka"), schedule)
    return {
        "config": config,
        "timestamp": "0x0",
        "gasLimit": hex(36_000_000),
        "baseFeePerGas": hex(10**9),
        "difficulty": "0x0",
        "alloc": {address: {"balance": hex(10**20)} for address in senders},
    }


@contextmanager
def running(senders: Sequence[str], count: int, store: str, extra: Sequence[str] = ()) -> Iterator[Node]:
    """Start a daemon with limits above `count`, and stop it in order at the end."""
    limits = {
        "pool.global_slots": count + 1000,
        "pool.account_slots": count,
        "pool.global_queue": count,
        "pool.account_queue": count,
    }
    with tempfile.TemporaryDirectory() as folder:
        genesis = Path(folder) / "genesis.json"
        genesis.write_text(json.dumps(genesis_for(senders)))
        command = [sys.executable, "-m", "cli", "run", "--dev", "--dev-period", "0", "--genesis", str(genesis)]
        command += ["--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--log", "json", "--store", store]
        command += [word for name, value in limits.items() for word in ("--set", f"{name}={value}")]
        process = subprocess.Popen([*command, *extra], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            assert process.stdout is not None
            yield Node(process, json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(timeout=READY_TIMEOUT_S)
    assert process.returncode == 0, f"the daemon ended with {process.returncode}"


def send_all(node: Node, bodies: Sequence[bytes], connections: int) -> int:
    """Send every body, each connection with one request under way; how many transactions were accepted."""
    with ThreadPoolExecutor(connections) as threads:
        shares = [bodies[i::connections] for i in range(connections)]
        return sum(threads.map(lambda share: _send_share(node.http, share), shares))


def _send_share(address: str, bodies: Sequence[bytes]) -> int:
    host, _, port = address.rpartition(":")
    accepted = 0
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for body in bodies:
            connection.sendall(_HEAD % len(body) + body)  # in one piece, which `HTTPConnection` does not
            with HTTPResponse(connection) as answer:
                answer.begin()
                accepted += answer.read().count(b'"result":"0x')
    return accepted


def send_in_parts(node: Node, bodies: Sequence[bytes], connections: int) -> tuple[int, float]:
    """Send every body; how many transactions were accepted, and the CPU seconds of each, as the median of the parts."""
    size = -(-len(bodies) // PARTS)
    accepted, costs = 0, []
    for start in range(0, len(bodies), size):
        cpu = node.cpu_seconds()
        taken = send_all(node, bodies[start : start + size], connections)
        costs.append((node.cpu_seconds() - cpu) / taken)
        accepted += taken
    return accepted, statistics.median(costs)


def read_back(node: Node, corpus: Corpus) -> None:
    """Assert that `txpool_content` names every sender and nonce."""
    content = node.call("txpool_content")
    assert content["queued"] == {}
    assert {address.lower() for address in content["pending"]} == set(corpus.senders)
    nonces = {str(nonce) for nonce in range(corpus.per_sender)}
    assert all(set(by_nonce) == nonces for by_nonce in content["pending"].values())


def mine_out(node: Node, corpus: Corpus) -> int:
    """Mine until nothing is pending; the number of blocks. Asserts that pool and store are empty and clean."""
    blocks = 0
    while int(node.call("txpool_status")["pending"], 16):
        node.call("dev_mine", 1)
        blocks += 1
    assert node.call("dev_check") == {"transactions": "0x0", "slotsUsed": "0x0"}
    assert node.call("txpool_status") == {"pending": "0x0", "queued": "0x0"}
    for address in corpus.senders:
        assert int(node.call("eth_getTransactionCount", address, "pending"), 16) == corpus.per_sender
    return blocks


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Run once; the figures by name."""
    corpus = sign_corpus(options.transactions, options.senders, options.batch)
    with running(corpus.senders, corpus.count, options.store, ("--set", f"ingest.kernel={options.kernel}")) as node:
        empty, started = proportional_bytes(node.pid), time.monotonic()
        accepted, cpu = send_in_parts(node, corpus.bodies, options.connections)
        wall = time.monotonic() - started
        full = proportional_bytes(node.pid)
        assert accepted == corpus.count, f"{accepted} of {corpus.count} accepted"
        assert int(node.call("txpool_status")["pending"], 16) == corpus.count
        scraped = node.metrics()
        read_back(node, corpus)
        started = time.monotonic()
        blocks = mine_out(node, corpus)
        mined_in = time.monotonic() - started
        return {
            "accepted": accepted,
            "transactions a second": accepted / wall,
            "CPU us a transaction": cpu * 1e6,
            "resident bytes a transaction": (full - empty) / accepted,
            "longest collection, ms": scraped["txpool_gc_pause_longest_seconds"] * 1e3,
            "longest turn of the loop, CPU ms": scraped["txpool_loop_turn_longest_seconds"] * 1e3,
            "blocks to mine it out": blocks,
            "seconds to mine it out": mined_in,
        }


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench ingest", description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--store", default="mmap")
    parser.add_argument("--kernel", choices=("auto", "python"), default="auto")
    add_json(parser)
    options = parser.parse_args(arguments)
    figures = measure(options)
    if tell_json(options.json, figures):
        return
    print(
        f"{options.senders} senders, batches of {options.batch}, {options.connections} connection(s), {options.store}"
    )
    for name, value in figures.items():
        print(f"  {name:34} {value:14,.2f}")
