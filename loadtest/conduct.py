"""A scenario carried out: corpus, server, run, folder, report."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from loadtest.corpus import Corpus, CorpusError, Manifest, prepare
from loadtest.environment import client_version, environment
from loadtest.head_driver import HeadDriver
from loadtest.node import Node, our_daemon, room
from loadtest.recorder import Recording
from loadtest.report import write_report
from loadtest.result import Result, result
from loadtest.rpc import RpcFailedError, call
from loadtest.run_folder import REPORT, Run, ServerReport, write_run
from loadtest.scenario import Scenario, ScenarioError
from loadtest.session import Progress, run
from loadtest.stress import stressed
from loadtest.target import Target
from loadtest.watch import Observed, Watch

REPORTS_MAX: Final = 64


class Bed(msgspec.Struct, frozen=True):
    """Where a run goes: the load's target, and where its server can be seen."""

    target: Target
    observed: Observed


def prepared(scenario: Scenario, folder: Path, on_progress: Callable[[int], None]) -> Manifest:
    """The corpus of a scenario in a folder: the one that is there if it is the same, else a new one."""
    try:
        with Corpus(folder) as corpus:
            manifest = corpus.manifest
            if manifest.source is not None:
                return _enough(manifest, scenario)
            if (manifest.recipe, manifest.transactions) == (scenario.corpus, scenario.transactions):
                return manifest
    except CorpusError:
        pass
    return prepare(
        scenario.corpus, scenario.transactions, folder, processes=os.cpu_count() or 1, on_progress=on_progress
    )


def _enough(manifest: Manifest, scenario: Scenario) -> Manifest:
    """A recorded corpus is what it is: an open loop may need more."""
    if scenario.load.loop == "open" and manifest.transactions < scenario.transactions:
        raise ScenarioError(
            f"the corpus has {manifest.transactions} transactions, recorded elsewhere,"
            f" and the stages may need {scenario.transactions}: lower their rate or time"
        )
    return manifest


@contextmanager
def started(scenario: Scenario, corpus: Path) -> Iterator[Bed]:
    """Start our daemon for a scenario: room for its corpus, and what its `[server]` says on top."""
    with Corpus(corpus) as opened:
        settings = {**room(len(opened) + 1000), **scenario.server.set}
    options = [] if scenario.server.store is None else ["--store", scenario.server.store]
    with (
        tempfile.TemporaryDirectory(prefix="txpool-load-") as folder,
        our_daemon(corpus / "genesis.json", Path(folder), settings, options) as node,
    ):
        yield Bed(_target(scenario, node), node.observed)


def _target(scenario: Scenario, node: Node) -> Target:
    target = node.targets.get(scenario.load.transport)
    if target is None:
        raise ScenarioError(f"load.transport: the daemon has no listener for {scenario.load.transport}")
    return target


def carry_out(
    scenario: Scenario,
    corpus: Path,
    bed: Bed,
    folder: Path,
    *,
    label: str | None = None,
    repeat: int = 0,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Result:
    """Run a scenario, write its folder and report; the figures. Each `repeat` has arrivals of its own."""
    control = bed.observed.control
    told = environment(control)
    watch = Watch(bed.observed)
    head = HeadDriver(scenario.head, control) if scenario.head.block_seconds and control else None
    seed, began = scenario.corpus.seed + repeat, time.time_ns()
    with stressed(scenario.stress):
        recording = run(scenario.load, corpus, bed.target, seed=seed, watch=watch, head=head, on_progress=on_progress)
    found = result(
        scenario,
        label or client_version(control) or bed.target.address,
        recording,
        watch.samples,
        expected=_expected(corpus, recording),
        head=head.done if head else (),
    )
    finished = Run(
        scenario=scenario,
        environment=told,
        result=found,
        recording=recording,
        samples=watch.samples,
        reports=reported(control, began),
    )
    write_run(finished, folder)
    write_report(finished, folder / REPORT)
    return found


def reported(control: Target | None, since: int) -> list[ServerReport]:
    """What the server itself has reported since that time, the oldest first; nothing from one that reports nothing."""
    if control is None or control.transport == "websocket":
        return []
    try:
        told = msgspec.convert(call(control, "pool_gcReports", REPORTS_MAX), list[ServerReport])
    except (RpcFailedError, msgspec.ValidationError):
        return []
    return [replace(each, at=(each.time - since) / 1e9) for each in reversed(told) if each.time >= since]


def _expected(corpus: Path, recording: Recording) -> int:
    """How many of the transactions sent a pool with room takes: requests leave in the corpus's order."""
    with Corpus(corpus) as opened:
        return opened.acceptable(0, sum(second.sent for second in recording.seconds))


def default_folder(scenario: Scenario, parent: Path) -> Path:
    """A new folder for a run, named after scenario and time."""
    return parent / f"{scenario.name}-{time.strftime('%Y%m%d-%H%M%S')}"
