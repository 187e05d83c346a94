"""One benchmark in a process of its own, and the figures of its JSON."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtest.experiments.daemon_run import Trial
from loadtest.experiments.definition import ROOT, Bench, Effort
from loadtest.experiments.results import RunFigures

SECONDS_MAX: Final = 1800
LINES_TOLD: Final = 5


class BenchError(Exception):
    """A benchmark did not run, or told nothing."""


def run_bench(trial: Trial, effort: Effort) -> list[RunFigures]:
    """Run it; the figures of its arms: of one, or of each that its JSON names.

    Raises:
        BenchError: it is not there, it failed, or it took too long.
    """
    bench = trial.experiment.bench
    assert bench is not None
    if not (ROOT / "bench").is_dir():
        raise BenchError("benchmarks come with the source tree, not with what is installed")
    words = [bench.name, *bench.arguments, *trial.arm.variant.arguments, *(bench.quick if effort.quick else ())]
    if bench.seed_option:
        words += [bench.seed_option, str(trial.repeat)]
    if bench.store_option:
        words += [bench.store_option, trial.arm.store]
    told = _ran(words, prints=bench.prints)
    arms = {"": [told]} if bench.store_option else arms_of(told, bench)
    runs = [(name, number, one) for name, repeats in arms.items() for number, one in enumerate(repeats)]
    return [
        RunFigures(
            experiment=trial.experiment.name,
            arm=", ".join(part for part in (name, trial.arm.name) if part),
            repeat=trial.repeat + number,
            seconds=trial.seconds,
            figures=dict(flat(one)),
            remarks=[f"{name}: skipped: {one['skipped']}"] if "skipped" in one else [],
        )
        for name, number, one in runs
    ]


def _ran(words: list[str], *, prints: bool) -> Mapping[str, object]:
    with tempfile.TemporaryDirectory(prefix="txpool-bench-") as folder:
        path = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "bench", *words, "--json", *(() if prints else (str(path),))]
        try:
            ended = subprocess.run(  # noqa: S603 - our own words
                command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"bench {' '.join(words)} took more than {SECONDS_MAX} s") from None
        if ended.returncode:
            end = "\n".join(ended.stderr.splitlines()[-LINES_TOLD:])
            raise BenchError(f"bench {' '.join(words)} ended with {ended.returncode}:\n{end}")
        try:
            told = json.loads(ended.stdout if prints else path.read_text())
        except (OSError, ValueError) as error:
            raise BenchError(f"bench {' '.join(words)} left no figures: {error}") from None
    if not isinstance(told, dict):
        raise BenchError(f"bench {' '.join(words)}: its JSON is no object")
    return told


def arms_of(told: Mapping[str, object], bench: Bench) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """What is told of each arm, once or repeatedly: tables by name, or rows that name themselves.

    Raises:
        BenchError: there is nothing of the kind.
    """
    found = told.get(bench.arms) if bench.arms else told
    if isinstance(found, list):
        return {", ".join(str(row.pop(key)) for key in bench.arm_keys): [row] for row in found}
    if not isinstance(found, dict):
        raise BenchError(f"bench {bench.name}: its JSON has no arms{f' under {bench.arms!r}' if bench.arms else ''}")
    return {name: _repeats(held) for name, held in found.items()}


def _repeats(held: object) -> Sequence[Mapping[str, object]]:
    return [one for one in (held if isinstance(held, list) else [held]) if isinstance(one, dict)]


def flat(told: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Numbers of nested tables, their keys joined by dots; what is no number is left out."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield name, float(told)
