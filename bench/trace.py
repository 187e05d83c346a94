"""What tracing allocations costs while it goes on: the daemon's CPU a transaction, with a trace and without.

    python -m bench trace [--rounds N] [--transactions N] [--batch N] [--store NAME] [--json [FILE]]

One daemon takes equal shares of transfers one after another, every second one while a trace of its allocations goes on,
so that what else the machine does falls on both. Asserts that every transaction was taken, and that each trace went on
to the end of its share and looked at more allocations than there were transactions in it.
"""

import argparse
import json
import math
import select
import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any, Final, Self

import msgspec

from bench.ingest import Node, running, send_all, sign_corpus
from bench.json_option import add_json, tell_json

SENDERS: Final = 200
MIN_BYTES: Final = 16_384
PATIENCE_S: Final = 240.0
SLACK_S: Final = 1.0


class Tracing:
    """A trace under way, on a connection of its own."""

    def __init__(self, ipc: str, seconds: float) -> None:
        """Begin it."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(ipc)
        self._answers = self._socket.makefile("rb")
        self._ask(1, "pool_traceAlloc", seconds, MIN_BYTES)
        self._ask(2, "txpool_status")
        assert self._read()["id"] == 2  # the first one waits

    def _ask(self, number: int, method: str, *params: object) -> None:
        call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._socket.sendall(json.dumps(call).encode())

    def _read(self) -> Any:  # noqa: ANN401 - JSON
        return msgspec.json.decode(self._answers.readline())

    def goes_on(self) -> bool:
        """Whether there is no answer yet."""
        return not select.select([self._socket], [], [], 0)[0]

    def result(self) -> Any:  # noqa: ANN401 - JSON
        """Wait for the answer."""
        answer = self._read()
        assert "error" not in answer, answer
        return answer["result"]

    def __enter__(self) -> Self:
        """For a `with` block."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()


class Shares:
    """The parts of a corpus, sent one after another; costs in seconds."""

    def __init__(self, node: Node, bodies: Sequence[bytes], parts: int, count: int) -> None:
        assert node.ipc is not None, "the daemon has no Unix socket"
        self._node = node
        self._ipc = node.ipc
        size = len(bodies) // parts
        self._parts = [bodies[start : start + size] for start in range(0, size * parts, size)]
        self._count = count // parts
        self.plain: list[float] = []
        self.traced: list[float] = []
        self.held_up: list[float] = []
        self.file_bytes: list[int] = []

    def run(self) -> None:
        """Send everything, every second part under a trace."""
        node = self._node
        with Tracing(self._ipc, 0.1) as first:
            first.result()  # from now on memray is loaded
        while self._parts:
            started = time.monotonic()
            self.plain.append(self._cost(node))
            with Tracing(self._ipc, 3 * (time.monotonic() - started) + SLACK_S) as tracing:
                self.traced.append(self._cost(node))
                assert tracing.goes_on(), "the trace ended before its share was sent"
                self._keep(tracing.result())

    def _cost(self, node: Node) -> float:
        before = node.cpu_seconds()
        accepted = send_all(node, self._parts.pop(0), 1)
        assert accepted == self._count, f"{accepted} of {self._count} accepted"
        return (node.cpu_seconds() - before) / accepted

    def _keep(self, traced: Any) -> None:  # noqa: ANN401 - JSON
        assert traced["ended"] == "time"
        assert traced["found"]["records"] > self._count
        self.held_up.append(traced["heldUpSeconds"])
        self.file_bytes.append(traced["fileBytes"])

    def figures(self) -> dict[str, float]:
        """Medians over the shares."""
        plain, traced = statistics.median(self.plain), statistics.median(self.traced)
        return {
            "CPU us a transaction, no trace": plain * 1e6,
            "CPU us a transaction, traced": traced * 1e6,
            "traced against not": statistics.median(b / a for a, b in zip(self.plain, self.traced, strict=True)),
            "begin and end hold up, ms": statistics.median(self.held_up) * 1e3,
            "at most, ms": max(self.held_up) * 1e3,
            "bytes recorded a transaction": statistics.median(self.file_bytes) / self._count,
        }


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Run once; the figures by name."""
    parts = 2 * options.rounds
    unit = math.lcm(parts * options.batch, SENDERS)  # shares of whole batches, senders with as many each
    corpus = sign_corpus(max(1, options.transactions // unit) * unit, SENDERS, options.batch)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(corpus.senders, corpus.count, options.store, ("--data", folder)) as node,
    ):
        shares = Shares(node, corpus.bodies, parts, corpus.count)
        shares.run()
        assert int(node.call("txpool_status")["pending"], 16) == corpus.count
        return {"transactions": corpus.count, **shares.figures()}


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench trace", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transactions", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--store", default="mmap")
    add_json(parser)
    options = parser.parse_args(arguments)
    figures = measure(options)
    if tell_json(options.json, figures):
        return
    print(f"batches of {options.batch}, {options.rounds} rounds, {options.store}")
    for name, value in figures.items():
        print(f"  {name:34} {value:14,.2f}")
