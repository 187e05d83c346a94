"""One node, one mode, once: a fresh node, a load, and what it cost."""

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec

from bench.versus.modes import Mode
from loadtest.corpus import Corpus
from loadtest.histogram import milliseconds
from loadtest.node import Node, anvil, geth, our_daemon, room
from loadtest.recorder import Recording, Second
from loadtest.result import CPU_SHARE_MAX, steady
from loadtest.rpc import call
from loadtest.scenario import Scenario
from loadtest.session import run
from loadtest.watch import cpu_seconds, look, resident_bytes

SETTLE_SECONDS: Final = 60
REST_SECONDS: Final = 1.5

Start = Callable[[Path, Path, int], AbstractContextManager[Node]]


class Contender(msgspec.Struct, frozen=True):
    """A node that takes part: its name, its version, and how it is started with room for so many."""

    name: str
    version: str
    start: Start


class Round(msgspec.Struct, frozen=True):
    """What one node did in one mode, once."""

    mode: str
    node: str
    generator_bound: bool  # its own lag or load decided the figures
    accepted: int
    refused: int
    tps: float
    cpu_us: float
    tps_per_cpu_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    resident_bytes: float
    lag_p99_ms: float
    generator_cpu_share: float
    late: int
    longest_pause_ms: float | None = None
    longest_turn_ms: float | None = None


def ours(options: tuple[str, ...] = ()) -> Start:
    """Our daemon."""
    return lambda genesis, folder, slots: our_daemon(genesis, folder, room(slots), options)


def theirs(binary: Path) -> Start:
    """The geth at a path."""
    return lambda genesis, folder, slots: geth(binary, genesis, folder, slots)


def anvil_at(binary: Path) -> Start:
    """The anvil at a path."""
    return lambda genesis, folder, _slots: anvil(binary, genesis, folder)


def play(contender: Contender, mode: Mode, corpus: Path) -> Round | None:
    """Start a node, load it, stop it. None where it has no listener for the mode.

    CPU counts until the pool holds everything as executable, so what a node does behind its answers is in it.
    """
    with Corpus(corpus) as opened:
        whole, genesis = len(opened), opened.genesis_path
    with (
        tempfile.TemporaryDirectory(prefix="versus-") as folder,
        contender.start(genesis, Path(folder), whole + 1000) as node,
    ):
        target = node.targets.get(mode.load.transport)
        if target is None:
            return None
        time.sleep(REST_SECONDS)  # a node that has just started still tidies up: that is no part of the load
        cpu, resident = cpu_seconds(node.pid) or 0.0, resident_bytes(node.pid) or 0
        recording = run(mode.load, corpus, target, seed=1)
        accepted = sum(second.accepted for second in recording.seconds)
        _settle(node, accepted)
        cpu = (cpu_seconds(node.pid) or 0.0) - cpu
        resident = (resident_bytes(node.pid) or 0) - resident
        return _measured(contender, mode, recording, cpu, resident, look(node.observed).metrics)


def _settle(node: Node, accepted: int) -> None:
    """Wait until the pool holds all that was accepted."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (status := call(node.control, "txpool_status")) and int(status["pending"], 16) != accepted:
        assert time.monotonic() < deadline, f"{node.name} accepted {accepted} and holds {status}"
        time.sleep(0.05)


def _measured(
    contender: Contender, mode: Mode, recording: Recording, cpu: float, resident: int, metrics: dict[str, float]
) -> Round:
    whole = Second()
    for second in recording.seconds:
        whole.merge(second)
    assert not whole.errors, f"{contender.name}, {mode.name}: {recording.reasons}"
    part = steady(recording, Scenario(mode.name, load=mode.load))
    middle = part.merged()
    latency, lag = milliseconds(middle.latency), milliseconds(middle.lag)
    return Round(
        mode=mode.name,
        node=contender.name,
        generator_bound=lag["p99"] > mode.load.lag_ms_max or recording.cpu_share > CPU_SHARE_MAX,
        accepted=whole.accepted,
        refused=whole.refused,
        tps=middle.accepted / part.length,
        cpu_us=cpu / whole.accepted * 1e6,
        tps_per_cpu_second=whole.accepted / cpu,
        p50_ms=latency["p50"],
        p99_ms=latency["p99"],
        p999_ms=latency["p999"],
        max_ms=latency["max"],
        resident_bytes=resident / whole.accepted,
        lag_p99_ms=lag["p99"],
        generator_cpu_share=recording.cpu_share,
        late=whole.late,
        longest_pause_ms=_ms(metrics.get("gc_longest_s")),
        longest_turn_ms=_ms(metrics.get("turn_longest_s")),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
