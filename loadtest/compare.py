"""Two groups of runs side by side. Runs should alternate, A B A B, so that what drifts in the machine hits both."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import msgspec

from loadtest.result import Result, Verdict
from loadtest.run_folder import RunFolderError, read_result, runs_in
from loadtest.statistics import bootstrap, mann_whitney, ratio, shift

SIGNIFICANT: Final = 0.05
RUNS_MIN: Final = 5  # with four a side no test says more than p = 0.03


class Figure(NamedTuple):
    """What is compared: how to read it, and whether more is better."""

    read: Callable[[Result], float | None]
    more_is_better: bool


def _latency(name: str) -> Figure:
    return Figure(lambda found: found.latency_ms[name], more_is_better=False)


FIGURES: Final[Mapping[str, Figure]] = {
    "tps": Figure(lambda found: found.tps, more_is_better=True),
    "tps per CPU second": Figure(lambda found: found.server.tps_per_cpu_second, more_is_better=True),
    **{f"latency {name} ms": _latency(name) for name in ("p50", "p90", "p99", "p999", "max")},
    "resident bytes added": Figure(
        lambda found: (
            None
            if found.server.resident_bytes_after is None or found.server.resident_bytes_before is None
            else found.server.resident_bytes_after - found.server.resident_bytes_before
        ),
        more_is_better=False,
    ),
    "longest collection ms": Figure(lambda found: found.server.gc_longest_ms, more_is_better=False),
}


class Row(msgspec.Struct, frozen=True):
    """One figure of both groups. `low` and `high` bound the ratio of medians, B over A, with 95 % confidence."""

    figure: str
    more_is_better: bool
    a: float
    b: float
    ratio: float
    low: float
    high: float
    shift: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether chance alone would rarely do that."""
        return self.p < SIGNIFICANT


class Comparison(msgspec.Struct, frozen=True):
    """Two groups of runs, figure by figure."""

    a: str
    b: str
    runs_a: int
    runs_b: int
    rows: Sequence[Row]
    remarks: Sequence[str]


Group = tuple[str, Sequence[Result]]


def grouped(folders: Sequence[Path]) -> tuple[Group, Group]:
    """Read runs and put them into two groups.

    Raises:
        RunFolderError: a folder holds no run.
        ValueError: there are not exactly two groups.
    """
    held = [[read_result(run) for run in runs_in(folder)] for folder in folders]
    for folder, runs in zip(folders, held, strict=True):
        if not runs:
            raise RunFolderError(f"{folder}: holds no run")
    if len(folders) == 2:
        return _named(folders[0], held[0]), _named(folders[1], held[1])
    by_label: dict[str, list[Result]] = {}
    for run in (run for runs in held for run in runs):
        by_label.setdefault(run.label, []).append(run)
    if len(by_label) != 2:
        raise ValueError(f"two groups are compared; these runs have {len(by_label)} labels: {', '.join(by_label)}")
    first, second = by_label.items()
    return first, second


def _named(folder: Path, runs: Sequence[Result]) -> Group:
    labels = {run.label for run in runs}
    return (f"{folder.name} ({labels.pop()})" if len(labels) == 1 else folder.name), runs


def compare(a: Group, b: Group) -> Comparison:
    """Compare every figure that all runs have."""
    rows = []
    for name, figure in FIGURES.items():
        of_a, of_b = ([figure.read(run) for run in group[1]] for group in (a, b))
        known_a, known_b = ([value for value in values if value is not None] for values in (of_a, of_b))
        if len(known_a) == len(of_a) and len(known_b) == len(of_b):
            rows.append(_row(name, known_a, known_b, more_is_better=figure.more_is_better))
    return Comparison(a[0], b[0], len(a[1]), len(b[1]), rows, _remarks(a, b))


def _row(name: str, a: Sequence[float], b: Sequence[float], *, more_is_better: bool) -> Row:
    low, high = bootstrap(ratio, a, b)
    _, p = mann_whitney(a, b)
    return Row(
        figure=name,
        more_is_better=more_is_better,
        a=median(a),
        b=median(b),
        ratio=ratio(a, b),
        low=low,
        high=high,
        shift=shift(a, b),
        p=p,
    )


def _remarks(a: Group, b: Group) -> list[str]:
    runs = [*a[1], *b[1]]
    remarks = []
    if min(len(a[1]), len(b[1])) < RUNS_MIN:
        remarks.append(f"fewer than {RUNS_MIN} runs a side: no difference can be told from chance with confidence")
    if len({run.name for run in runs}) > 1:
        remarks.append("the runs are of different scenarios")
    bound = sum(run.verdict is Verdict.GENERATOR_BOUND for run in runs)
    if bound:
        remarks.append(f"in {bound} run(s) the generator was the bottleneck: they say nothing of the server")
    if any(run.loop == "closed" for run in runs):
        remarks.append("closed loop: latencies do not count the requests that a stall kept from being sent")
    return remarks


def worse(comparison: Comparison, tolerance: float) -> list[str]:
    """The figures in which B is worse than A by more than a share, and not by chance."""
    found = []
    for row in comparison.rows:
        change = row.ratio - 1
        loss = -change if row.more_is_better else change
        if row.significant and not math.isnan(loss) and loss > tolerance:
            found.append(row.figure)
    return found


def describe_comparison(comparison: Comparison) -> str:
    """A table for people."""
    head = ("", "A", "B", "B/A", "95 % of B/A", "p")
    rows = [
        (
            row.figure,
            f"{row.a:,.2f}",
            f"{row.b:,.2f}",
            f"{row.ratio:.3f}",
            f"{row.low:.3f} to {row.high:.3f}",
            f"{row.p:.4f}{' *' if row.significant else ''}",
        )
        for row in comparison.rows
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    table = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in [head, *rows]
    ]
    names = [f"A: {comparison.a}, {comparison.runs_a} run(s)", f"B: {comparison.b}, {comparison.runs_b} run(s)"]
    return "\n".join([*names, *table, *(f"note: {remark}" for remark in comparison.remarks)])
