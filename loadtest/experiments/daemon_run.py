"""One run of the real daemon under load, and its figures."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from loadtest.conduct import carry_out, prepared, started
from loadtest.experiments.definition import Arm, Experiment, scenario_for
from loadtest.experiments.figures import figures_of
from loadtest.experiments.page_reading import Page
from loadtest.experiments.results import Point, RunFigures
from loadtest.result import Verdict
from loadtest.run_folder import read_run
from loadtest.scenario import Recipe, Scenario
from loadtest.session import Progress
from loadtest.system_pages import granted
from loadtest.watch import Sample, scrape

CALIBRATION_TRANSACTIONS: Final = 10_000
CALIBRATION_BATCH: Final = 100
HEADROOM: Final = 0.7  # of what a closed loop reaches: above it an open loop measures its own queue
RATE_STEP: Final = 500.0
LATENCY_MS_MAX: Final = 1000.0
POINTS_MAX: Final = 120  # of a curve: as many as a chart can show


def corpus_of(scenario: Scenario, parent: Path, on_progress: Callable[[int], None] = lambda _done: None) -> Path:
    """The folder of a scenario's corpus, made if need be; equal recipes share it."""
    recipe = msgspec.json.encode((scenario.corpus, scenario.transactions))
    folder = parent / sha256(recipe).hexdigest()[:16]
    prepared(scenario, folder, on_progress)
    return folder


class Trial(msgspec.Struct, frozen=True):
    """A run that is to be made."""

    experiment: Experiment
    arm: Arm
    seconds: float
    repeat: int = 0
    long: bool = False
    share: float = 1.0  # of the rates that the experiment asks for

    @property
    def name(self) -> str:
        """For people, and for a folder."""
        return f"{self.experiment.name}, {self.arm.name or 'all'}, {'long' if self.long else self.repeat + 1}"

    @property
    def scenario(self) -> Scenario:
        """What is sent."""
        return scenario_for(self.experiment, self.arm, self.seconds, share=self.share)


def run_daemon(
    trial: Trial, folder: Path, corpus: Path, on_progress: Callable[[Progress], None] = lambda _progress: None
) -> RunFigures:
    """Start a daemon, load it, stop it.

    Raises:
        NodeError: the daemon did not start.
        NoConnectionError: it cannot be reached.
    """
    experiment, arm, scenario = trial.experiment, trial.arm, trial.scenario
    variant = arm.variant
    with granted(variant.pages, int(variant.set.get("store.limit_bytes", 0))) as missing:
        if missing:
            return _skipped(trial, missing)
        with started(scenario, corpus) as bed:
            url = bed.observed.metrics_url or ""
            before = Page(scrape(url))
            found = carry_out(
                scenario, corpus, bed, folder, label=arm.name, repeat=trial.repeat, on_progress=on_progress
            )
            after = Page(scrape(url))
    if variant.pages and not after.value("txpool_slab_pages", kind=variant.pages):
        return _skipped(trial, f"the slabs did not get {variant.pages} pages")
    samples = read_run(folder).samples
    thinned = samples[:: max(1, len(samples) // POINTS_MAX)]
    doubts = [] if found.verdict is Verdict.PASSED else [f"a run was {found.verdict.value.replace('_', ' ')}"]
    if found.latency_ms["p99"] > LATENCY_MS_MAX:
        doubts.append("a run in which the machine did not hold the rate: a queue grew before the pool")
    return RunFigures(
        experiment=experiment.name,
        arm=arm.name,
        repeat=trial.repeat,
        seconds=found.seconds,
        figures=figures_of(found, samples, before, after),
        curves={name: points for name in experiment.curves if (points := curve(name, thinned))},
        remarks=[*doubts, *found.remarks, *(f"{one.name}: {one.value}" for one in found.checks if not one.holds)],
        long=trial.long,
    )


def _skipped(trial: Trial, why: str) -> RunFigures:
    """Nothing was measured."""
    remarks = [f"{trial.arm.name}: skipped: {why}"]
    return RunFigures(trial.experiment.name, trial.arm.name, trial.repeat, 0.0, {}, {}, remarks, trial.long)


def curve(name: str, samples: Sequence[Sample]) -> list[Point]:
    """A gauge over time."""
    if name == "resident_bytes":
        return [(one.at, float(one.resident_bytes)) for one in samples if one.resident_bytes is not None]
    return [(one.at, one.metrics[name]) for one in samples if name in one.metrics]


def rate_held(stores: Sequence[str], folder: Path, corpora: Path, wanted: float) -> float:
    """The rate that every store holds here with room to spare: what is wanted, or less, in round steps."""
    slowest = min(_closed_loop(store, folder / f"calibration-{store}", corpora) for store in stores)
    return min(wanted, max(RATE_STEP, slowest * HEADROOM // RATE_STEP * RATE_STEP))


def _closed_loop(store: str, folder: Path, corpora: Path) -> float:
    scenario = scenario_for(_CALIBRATION, Arm(store, _CALIBRATION.variants[0]), 1.0, share=1.0)
    corpus = corpus_of(scenario, corpora)
    with started(scenario, corpus) as bed:
        return carry_out(scenario, corpus, bed, folder, label=store).tps


_CALIBRATION: Final = Experiment(
    name="calibration",
    about="As fast as it goes, in batches.",
    scenario={
        "corpus": msgspec.to_builtins(Recipe(transactions=CALIBRATION_TRANSACTIONS, senders=1000)),
        "load": {"loop": "closed", "connections": 4, "batch": CALIBRATION_BATCH},
    },
)
