"""`results.json`: on what, how, every run's figures, what they come to, and the verdict on each claim."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from loadtest.experiments.judge import Judgement
from loadtest.statistics import bootstrap

RESULTS: Final = "results.json"
SUMMARY_RESAMPLES: Final = 1000  # there are thousands of them

Point = tuple[float, float]


class ResultsError(Exception):
    """The file holds no results."""


class RunFigures(msgspec.Struct, frozen=True):
    """One run of one arm. `remarks` say what makes its figures doubtful."""

    experiment: str
    arm: str
    repeat: int
    seconds: float
    figures: Mapping[str, float]
    curves: Mapping[str, Sequence[Point]] = {}
    remarks: Sequence[str] = ()
    long: bool = False


class Summary(msgspec.Struct, frozen=True):
    """A figure of an arm over its runs: median, and between which values it lies (equal to it where there is one)."""

    experiment: str
    arm: str
    figure: str
    runs: int
    median: float
    low: float
    high: float
    long: bool = False


class Told(msgspec.Struct, frozen=True):
    """An experiment as it was done: what its page says before its figures."""

    name: str
    about: str
    arms: Sequence[str]
    seconds: float
    repeats: int
    figures: Sequence[str]
    curves: Sequence[str]
    rate: float = 0.0  # transactions a second, at most; 0 for a benchmark
    commit: str = ""
    load: float | None = None  # average of a minute, before the first run


class Results(msgspec.Struct, frozen=True):
    """The whole file."""

    environment: Mapping[str, Any]
    settings: Mapping[str, Any]
    seed: int
    experiments: Sequence[Told]
    runs: Sequence[RunFigures]
    statistics: Sequence[Summary]
    judgements: Sequence[Judgement]

    def summary(self, experiment: str, arm: str, figure: str, *, long: bool = False) -> Summary | None:
        """A figure of an arm; None where it was not measured."""
        wanted = (experiment, arm, figure, long)
        rows = (one for one in self.statistics if (one.experiment, one.arm, one.figure, one.long) == wanted)
        return next(rows, None)

    def figures_of(self, experiment: str, *, long: bool = False) -> list[str]:
        """All figures that some run of an experiment has, in the order in which they came."""
        rows = [one for one in self.statistics if (one.experiment, one.long) == (experiment, long)]
        return list(dict.fromkeys(one.figure for one in rows))


def values(
    runs: Sequence[RunFigures], experiment: str, arm: str, figure: str, *, long: bool = False
) -> Sequence[float]:
    """A figure of an arm, run by run."""
    return [
        run.figures[figure]
        for run in runs
        if (run.experiment, run.arm, run.long) == (experiment, arm, long) and figure in run.figures
    ]


def summaries(runs: Sequence[RunFigures]) -> Iterator[Summary]:
    """Every figure of every arm over its runs."""
    groups = dict.fromkeys((run.experiment, run.arm, run.long) for run in runs)
    for experiment, arm, long in groups:
        mine = [run for run in runs if (run.experiment, run.arm, run.long) == (experiment, arm, long)]
        for figure in dict.fromkeys(name for run in mine for name in run.figures):
            known = [run.figures[figure] for run in mine if figure in run.figures]
            low, high = (
                bootstrap(median, known, resamples=SUMMARY_RESAMPLES) if len(set(known)) > 1 else (known[0], known[0])
            )
            yield Summary(experiment, arm, figure, len(known), median(known), low, high, long)


def write_results(results: Results, path: Path) -> None:
    """Write the file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def read_results(path: Path) -> Results:
    """Read it back; a folder means the file in it.

    Raises:
        ResultsError: there is none, or it is of another version.
    """
    try:
        return msgspec.json.decode((path / RESULTS if path.is_dir() else path).read_bytes(), type=Results)
    except (OSError, msgspec.MsgspecError) as error:
        raise ResultsError(f"{path}: no results: {error}") from None
