"""The load harness beside wrk on a server of fixed speed: both have to say the same.

    python -m bench harness [--seconds S] [--connections N] [--rounds N] [--service-us N]

The server works for a fixed time on every POST and answers with the same JSON, so it is the bottleneck for either
client (wrk alone would send more), and what is compared is how they measure. wrk comes from Debian
(`apt-get install wrk`). Prints requests a second and latencies of both, by how much they differ
within a round, and how many of the requests that the server has counted each has.
"""

import argparse
import asyncio
import ctypes
import multiprocessing
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import Final, cast

import uvloop

from loadtest.corpus import Corpus, prepare
from loadtest.histogram import milliseconds
from loadtest.recorder import Second
from loadtest.request import requests
from loadtest.scenario import Calldata, Load, Recipe, Stage
from loadtest.session import run
from loadtest.target import Target, parse_target

ANSWER_BODY: Final = b'{"jsonrpc":"2.0","id":1,"result":"0x' + b"11" * 32 + b'"}\n'
ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER_BODY) + ANSWER_BODY
)
Served = ctypes.c_uint64
_UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class Stub(asyncio.Protocol):
    """Counts bytes, not requests: each client sends requests of one length, whose end it can see."""

    _transport: asyncio.Transport
    _waiting = b""

    def __init__(self, service_ns: int, served: Served) -> None:
        """Work so long on each request, and count it."""
        self._service_ns = service_ns
        self._served = served

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer a request that is whole."""
        self._waiting += data
        if self._waiting.endswith(b"}"):
            self._waiting = b""
            until = time.perf_counter_ns() + self._service_ns
            while time.perf_counter_ns() < until:
                pass
            self._transport.write(ANSWER)
            self._served.value += 1


def serve(pipe: Pipe, service_ns: int, served: Served) -> None:
    """Be the stub, until killed."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Stub(service_ns, served), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


def by_harness(corpus: Path, target: Target, connections: int, seconds: float) -> dict[str, float]:
    """Ours: closed loop, as wrk's."""
    load = Load(loop="closed", connections=connections, stages=(Stage(seconds),))
    recording = run(load, corpus, target, seed=1)
    whole = Second()
    for second in recording.seconds:
        whole.merge(second)
    latency = milliseconds(whole.latency)
    rate = whole.accepted / recording.last_answer * 1e9
    return {
        "requests": whole.accepted,
        "requests a second": rate,
        **{name: latency[name] for name in ("p50", "p90", "p99")},
    }


def by_wrk(body: bytes, target: Target, connections: int, seconds: float, folder: Path) -> dict[str, float]:
    """Ask wrk."""
    script = folder / "post.lua"
    text = body.decode().replace("'", "\\'")
    script.write_text(f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{text}'\n")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(script), target.address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {
        "requests": float(re.findall(r"(\d+) requests in", told)[0]),
        "requests a second": float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0]),
    }
    for percent, number, unit in re.findall(r"^\s+(50|90|99)%\s+([\d.]+)(us|ms|s)$", told, re.MULTILINE):
        found[f"p{percent}"] = float(number) * _UNITS[unit]
    return found


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench harness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--service-us", type=float, default=150.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian: apt-get install wrk")
    context = multiprocessing.get_context("spawn")
    pipe, far = context.Pipe()
    served: Served = context.Value("Q", lock=False)
    stub = context.Process(target=serve, args=(far, round(options.service_us * 1e3), served), daemon=True)
    stub.start()
    target = parse_target(f"http://127.0.0.1:{pipe.recv()}/")
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        folder = Path(name)
        # Transfers all of the same size would compress well and tell nothing: these are what a pool is sent.
        count = round(1e6 / options.service_us * options.seconds)
        prepare(Recipe(senders=100, calldata=(Calldata(1),)), count, folder / "corpus", processes=2)
        with Corpus(folder / "corpus") as corpus:
            body = next(requests(corpus, 1)).body
        mine: list[dict[str, float]] = []
        its: list[dict[str, float]] = []

        def ours() -> None:
            mine.append(by_harness(folder / "corpus", target, options.connections, options.seconds))

        def theirs() -> None:
            its.append(by_wrk(body, target, options.connections, options.seconds, folder))

        for number in range(options.rounds):
            for measure, told in ((theirs, its), (ours, mine)) if number % 2 else ((ours, mine), (theirs, its)):
                before = served.value
                measure()
                told[-1]["of those served"] = told[-1].pop("requests") / (served.value - before)
    stub.kill()
    print(f"{options.connections} connections, {options.rounds} rounds of {options.seconds:g} s, medians")
    for figure in mine[0]:
        pairs = [(one[figure], other[figure]) for one, other in zip(mine, its, strict=True)]
        first, second = (median(column) for column in zip(*pairs, strict=True))
        ratio = median(one / other for one, other in pairs)  # within a round, so that what drifts hits both
        print(f"  {figure:18} {first:10,.3f}   wrk {second:10,.3f}   {100 * (ratio - 1):+.1f} %")
