"""What of the results is drawn: ranges of the arms beside each other, gauges over time. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from loadtest.chart import Chart, Line, Range, line_chart, linear, ranges
from loadtest.experiments.figures import unit_of
from loadtest.experiments.results import Results, RunFigures, Told

# Gauges over time, by the name of their curve: what they are called, and by what they are divided.
CURVES: Final[Mapping[str, tuple[str, float]]] = {
    "heap_bytes": ("heap (private memory), MB", 1e6),
    "resident_bytes": ("resident, MB", 1e6),
    "collections": ("collections so far", 1.0),
    "gc_seconds": ("seconds in collections so far", 1.0),
    "stage_pending": ("bytes of pending transactions, MB", 1e6),
    "stage_queued": ("bytes of queued transactions, MB", 1e6),
    "reuse_ratio": ("buffers reused, share", 1.0),
}
# Figures that are drawn as well as told: those that claims are about.
DRAWN: Final = (
    "pause_longest_ms",
    "pause_p99_ms",
    "pause_total_ms",
    "heap_peak_bytes",
    "resident_peak_bytes",
    "latency_p99_ms",
    "collections",
    "reuse_ratio",
    "faults_per_s",
    "pauses.all.longest",
    "pauses.all.total",
    "full_ms",
    "heap_bytes",
    "resident_bytes",
    "part_of_full.replaced.resident_bytes",
    "free_us.p99",
    "free_us.p99.9",
    "fragmentation",
    "replacement_us",
    "hot",
    "deep",
    "validating",
    "pending",
)


def charts(results: Results, told: Told) -> Iterator[tuple[str, Chart]]:
    """The charts of an experiment, each with a name for its file."""
    shown = told.figures or results.figures_of(told.name)
    for figure in shown if not told.figures else [name for name in DRAWN if name in shown]:
        if chart := compared(results, told, figure):
            yield f"{told.name}-{_slug(figure)}", chart
    for name in told.curves:
        if chart := over_time(results, told, name):
            yield f"{told.name}-{_slug(name)}-over-time", chart


def compared(results: Results, told: Told, figure: str) -> Chart | None:
    """A figure of every arm; None where fewer than two arms have it."""
    unit, rows = unit_of(figure), []
    for arm in told.arms:
        found = results.summary(told.name, arm, figure)
        if found is not None:
            shown = unit.written(found.median)
            rows.append(Range(arm, found.median * unit.scale, found.low * unit.scale, found.high * unit.scale, shown))
    return ranges(f"{told.name}: {unit.about}", rows) if len(rows) > 1 else None


def over_time(results: Results, told: Told, name: str) -> Chart | None:
    """A gauge of every arm over its longest run, the first of equal ones; None where nobody reported it."""
    about, divisor = CURVES.get(name, (name.replace("_", " "), 1.0))
    drawn = []
    for arm in told.arms:
        run = drawn_run(results.runs, told.name, arm)
        if run and name in run.curves:
            drawn.append(Line(arm, [(at, value / divisor) for at, value in run.curves[name]]))
    points = [point for line in drawn for point in line.points]
    if not points:
        return None
    across = linear(0, max(at for at, _ in points) or 1.0, " s")
    return line_chart(f"{told.name}: {about}", drawn, across, linear(0, max(value for _, value in points) or 1.0))


def drawn_run(runs: Sequence[RunFigures], experiment: str, arm: str) -> RunFigures | None:
    """The run whose curves are shown: the longest, the first of equal ones."""
    mine = [run for run in runs if (run.experiment, run.arm) == (experiment, arm) and run.curves]
    return max(mine, key=lambda run: run.long, default=None)


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)
