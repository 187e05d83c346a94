"""The governor at work: a daemon is sent more than it can bear for a while, steps down, recovers, and steps up again.

    python -m bench governor [--rate TPS] [--calm-rate TPS] [--calm S] [--overload S] [--recovery S] [--json FILE]

The load harness sends an open loop of batches: a calm time, an overload, a longer calm time, and then nothing. Half of
the transactions tip less than the floor of step 3. Prints a line a second (what the client saw, what the governor did)
and the governor's own moves; the run fails where it did not step down, or not come back up to full service.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from loadtest.corpus import Corpus, prepare
from loadtest.node import Node, our_daemon, room
from loadtest.rpc import RpcFailedError, call
from loadtest.scenario import Fees, Load, Recipe, Stage
from loadtest.session import Progress, run

SENDERS: Final = 100_000
CONNECTIONS: Final = 48
BATCH: Final = 25
SPARE: Final = 1.02  # of a corpus, beyond the mean of what is sent
SETTLE_SECONDS: Final = 120
_WAITS: Final = {"governor.hold_seconds": 3, "governor.recover_seconds": 6, "governor.recover_seconds_max": 60}


class Line(msgspec.Struct, frozen=True):
    """One second of the run, as the client and the governor saw it."""

    at: float
    answered: int
    accepted: int
    client_p99_ms: float
    governor_p99_ms: float | None
    step: int


class Timeline:
    """Looks at the governor once a second."""

    def __init__(self, node: Node) -> None:
        self.lines: list[Line] = []
        self._node = node
        self._last = (0, 0)

    def heard(self, progress: Progress) -> None:
        """Note a second of the load."""
        answered, accepted = progress.answered, progress.accepted
        self._note(progress.at, answered - self._last[0], accepted - self._last[1], progress.p99_ms)
        self._last = (answered, accepted)

    def await_full_service(self, since: float) -> dict[str, Any]:
        """Look on, with nothing sent, until all is as before."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (told := self._note(time.monotonic() - since, 0, 0, 0.0)) and int(told["step"], 16):
            assert time.monotonic() < deadline, f"still at step {told['step']}"
            time.sleep(1)
        return told

    def _note(self, at: float, answered: int, accepted: int, client_p99_ms: float) -> dict[str, Any]:
        try:
            told: dict[str, Any] = call(self._node.targets["unix"], "pool_governor", timeout_s=5)
        except RpcFailedError:
            told = {"step": hex(self.lines[-1].step if self.lines else 0), "latency": None}
        latency = told["latency"]
        p99_ms = None if latency is None else int(latency, 16) / 1e6
        line = Line(at, answered, accepted, client_p99_ms, p99_ms, int(told["step"], 16))
        self.lines.append(line)
        shown = "    -" if p99_ms is None else f"{p99_ms:5.0f}"
        print(f"{at:6.1f} {answered:9} {accepted:9} {client_p99_ms:11.1f} {shown:>13} {line.step:5}", flush=True)
        return told


def watched(node: Node, load: Load, corpus: Path) -> tuple[Timeline, list[dict[str, Any]]]:
    """Run the load, then wait for the governor; its moves with times in seconds from the start."""
    timeline = Timeline(node)
    print(f"{'s':>6} {'answered':>9} {'accepted':>9} {'client p99':>11} {'governor p99':>13} {'step':>5}")
    since, began = time.monotonic(), time.time()
    recording = run(load, corpus, node.targets["http"], seed=1, on_progress=timeline.heard)
    told = timeline.await_full_service(since)
    reasons = sorted(recording.reasons.items(), key=lambda each: -each[1])[:5]
    for reason, count in reasons:
        print(f"  {count:8} {reason}")
    moves = [{**each, "time": int(each["time"], 16) / 1e9 - began} for each in told["moves"]]
    return timeline, moves


def judged(moves: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with a run."""
    steps = [each["to"] for each in moves]
    if "hashes_only" not in steps:
        yield "the governor never stepped down: more --rate"
    elif steps[-1] != "full_service":
        yield f"the last step is {steps[-1]}"


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench governor", description=__doc__)
    parser.add_argument("--rate", type=float, default=24_500)
    parser.add_argument("--calm-rate", type=float, default=200)
    parser.add_argument("--calm", type=float, default=8)
    parser.add_argument("--overload", type=float, default=20)
    parser.add_argument("--recovery", type=float, default=40)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    stages = (
        Stage(options.calm, options.calm_rate),
        Stage(options.overload, options.rate),
        Stage(options.recovery, options.calm_rate),
    )
    load = Load(connections=CONNECTIONS, batch=BATCH, stages=stages, drain_seconds=30)
    count = round(sum(stage.transactions for stage in stages) * SPARE) + CONNECTIONS * BATCH
    with tempfile.TemporaryDirectory(prefix="governor-") as name:
        folder = Path(name)
        prepare(Recipe(senders=SENDERS, fees=Fees(tip_gwei=1.0)), count, folder / "corpus", processes=2)
        with Corpus(folder / "corpus") as corpus:
            genesis = corpus.genesis_path
        settings = {**room(count), "governor.enabled": True, **_WAITS}
        with our_daemon(genesis, folder, settings) as node:
            timeline, moves = watched(node, load, folder / "corpus")
    for each in moves:
        print(f"{each['time']:6.1f} s  {each['from']} -> {each['to']}: {each['why']}")
    if options.json:
        options.json.write_text(json.dumps({"moves": moves, "seconds": msgspec.to_builtins(timeline.lines)}, indent=1))
    if faults := list(judged(moves)):
        sys.exit("; ".join(faults))
