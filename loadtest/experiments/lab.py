"""Carries experiments out: which runs there are and in what order, and what their figures come to."""

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from loadtest.environment import environment
from loadtest.experiments.bench_run import BenchError, run_bench
from loadtest.experiments.claims import CLAIMS
from loadtest.experiments.daemon_run import Trial, corpus_of, rate_held, run_daemon
from loadtest.experiments.definition import STORES, Effort, Experiment, top_rate
from loadtest.experiments.judge import Judgement, Values, judge
from loadtest.experiments.results import Results, RunFigures, Told, summaries, values
from loadtest.node import NodeError
from loadtest.scenario import ScenarioError
from loadtest.session import NoConnectionError, Progress

RUNS: Final = "runs.jsonl"
FAILED: Final = "failed: "


class Watcher(Protocol):
    """Who is told how far it is."""

    def begins(self, text: str, done: int, total: int) -> None:
        """Something begins, after so many of all runs."""

    def signs(self, done: int, total: int) -> None:
        """So many of the transactions to come are signed."""

    def progress(self, progress: Progress) -> None:
        """A run under way tells of itself."""


def trials(experiments: Sequence[Experiment], effort: Effort, seed: int, rate: float) -> Iterator[Trial]:
    """Every run, in order: arms take turns, in another order each time; the long runs of an experiment come last."""
    for experiment in experiments:
        arms, highest = effort.arms_of(experiment), top_rate(experiment)
        share = min(1.0, rate / highest) if highest else 1.0
        chance = random.Random(f"{seed} {experiment.name}")
        for repeat in range(effort.repeats_of(experiment)):
            for arm in chance.sample(arms, len(arms)):
                yield Trial(experiment, arm, effort.seconds_of(experiment), repeat, share=share)
        if long := effort.long_seconds_of(experiment):
            for arm in chance.sample(arms, len(arms)):
                yield Trial(experiment, arm, long, long=True, share=share)


class Lab:
    """A folder in which experiments are carried out. What they leave is written as it comes."""

    def __init__(self, folder: Path, corpora: Path, effort: Effort, seed: int, watcher: Watcher) -> None:
        self._folder = folder
        self._corpora = corpora
        self._effort = effort
        self._seed = seed
        self._watcher = watcher

    def carry_out(self, experiments: Sequence[Experiment], settings: Mapping[str, Any]) -> Results:
        """Run everything, and judge the claims."""
        self._folder.mkdir(parents=True, exist_ok=True)
        told = environment(None)
        rate = self._rate(experiments)
        planned = list(trials(experiments, self._effort, self._seed, rate))
        runs: list[RunFigures] = []
        for number, trial in enumerate(planned):
            self._watcher.begins(trial.name, number, len(planned))
            found = self._run(trial)
            runs += found
            with (self._folder / RUNS).open("ab") as file:
                file.write(msgspec.json.Encoder().encode_lines(found))
        self._watcher.begins("judging", len(planned), len(planned))
        return results(experiments, self._effort, runs, told, {**settings, "rate": rate}, self._seed)

    def _rate(self, experiments: Sequence[Experiment]) -> float:
        """The highest rate that is asked for, if the machine holds it on every store."""
        wanted = max((top_rate(experiment) for experiment in experiments), default=0.0)
        if not wanted or self._effort.rate:
            return min(wanted, self._effort.rate or 0.0)
        arms = [arm for one in experiments if one.scenario for arm in self._effort.arms_of(one)]
        stores = [store for store in STORES if any(arm.store == store for arm in arms)]
        self._watcher.begins("which rate the machine holds", 0, 0)
        return rate_held(stores, self._folder, self._corpora, wanted) if stores else wanted

    def _run(self, trial: Trial) -> list[RunFigures]:
        try:
            if trial.experiment.bench:
                return run_bench(trial, self._effort)
            scenario = trial.scenario
            signs = partial(self._watcher.signs, total=scenario.transactions)
            corpus = corpus_of(scenario, self._corpora, signs)
            return [run_daemon(trial, self._folder / "runs" / _slug(trial.name), corpus, self._watcher.progress)]
        except (BenchError, NodeError, NoConnectionError, ScenarioError) as error:
            failed = f"{FAILED}{error}"
            return [
                RunFigures(trial.experiment.name, trial.arm.name, trial.repeat, 0.0, {}, {}, [failed], trial.long),
            ]


def results(
    experiments: Sequence[Experiment],
    effort: Effort,
    runs: Sequence[RunFigures],
    told: Mapping[str, Any],
    settings: Mapping[str, Any],
    seed: int,
) -> Results:
    """What the runs come to."""
    return Results(
        environment=told,
        settings=settings,
        seed=seed,
        experiments=[_told(experiment, effort, runs, settings.get("rate", 0.0), told) for experiment in experiments],
        runs=runs,
        statistics=list(summaries(runs)),
        judgements=list(judgements(runs)),
    )


def judgements(runs: Sequence[RunFigures]) -> Iterator[Judgement]:
    """Judge every claim that some run says something of."""
    look: Values = partial(values, runs)
    named = {run.experiment for run in runs}
    return (judge(claim, look) for claim in CLAIMS if claim.readings[0].experiment in named)


def together(parts: Sequence[Results]) -> Results:
    """Several results as one, judged anew; of an experiment that two of them have, the later counts."""
    latest = {told.name: part for part in parts for told in part.experiments}
    told = [told for part in parts for told in part.experiments if latest[told.name] is part]
    runs = [run for part in parts for run in part.runs if latest[run.experiment] is part]
    return msgspec.structs.replace(
        parts[-1],
        experiments=sorted(told, key=lambda one: one.name),
        runs=runs,
        statistics=[row for part in parts for row in part.statistics if latest[row.experiment] is part],
        judgements=list(judgements(runs)),
    )


def _told(
    experiment: Experiment, effort: Effort, runs: Sequence[RunFigures], rate: float, machine: Mapping[str, Any]
) -> Told:
    averages = machine.get("load_average") or [None]
    return Told(
        name=experiment.name,
        about=experiment.about,
        arms=_arms_in_order(experiment, effort, runs),
        seconds=effort.seconds_of(experiment),
        repeats=effort.repeats_of(experiment),
        figures=experiment.figures,
        curves=experiment.curves,
        rate=min(rate, top_rate(experiment)),
        commit=machine.get("commit") or "",
        load=averages[0],
    )


def _arms_in_order(experiment: Experiment, effort: Effort, runs: Sequence[RunFigures]) -> list[str]:
    """Arms as the file has them; those that a benchmark names itself, as it names them."""
    planned = [arm.name for arm in effort.arms_of(experiment)]
    seen = [run.arm for run in runs if run.experiment == experiment.name and run.figures]
    return list(dict.fromkeys([*(name for name in planned if name in seen), *seen]))


def _slug(name: str) -> str:
    return "-".join(name.replace(",", " ").split())
