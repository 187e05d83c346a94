"""A run as one page: figures, thresholds, charts, what it ran on. Nothing in it is loaded from elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final

from loadtest.chart import Axis, Line, Point, bars, linear, lines, logarithmic, nines
from loadtest.histogram import Histogram
from loadtest.result import Result, latency_of
from loadtest.run_folder import Run, ServerReport
from loadtest.watch import Sample

MEGABYTE: Final = 1 << 20
LATENCY_MS_MIN: Final = 0.01

STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1f2937 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { padding: .15rem .9rem .15rem 0; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums } figure { margin: 1.5rem 0 } svg { width: 100% }
svg text { font-size: 11px; fill: #6b7280 } .grid { stroke: #e5e7eb } .stripe { fill: #fde68a; opacity: .6 }
.passed, .ok { color: #059669 } .failed, .generator_bound, .no { color: #dc2626 } figcaption span { margin-left: 1rem }
"""


def write_report(run: Run, path: Path) -> None:
    """Write the page."""
    path.write_text(render_report(run), encoding="utf-8")


def render_report(run: Run) -> str:
    """The page as text."""
    title = escape(f"{run.result.name}: {run.result.label}")
    body = "\n".join(_body(run))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _body(run: Run) -> Iterator[str]:
    found = run.result
    yield f"<h1>{escape(found.name)}</h1><p>{escape(run.scenario.about)}</p>"
    yield f'<p>{escape(found.label)} &mdash; <b class="{found.verdict}">{found.verdict.replace("_", " ")}</b></p>'
    for remark in found.remarks:
        yield f'<p class="no">{escape(remark)}</p>'
    yield _table(_figures(found))
    if found.checks:
        yield "<h2>Thresholds</h2>" + _table(_checks(found))
    yield "<h2>Latency</h2>"
    if found.loop == "closed":
        yield "<p>Closed loop: what a stall kept from being sent does not count. Read throughput here, not latency.</p>"
    yield _percentiles(latency_of(run.recording, run.scenario))
    yield _latency_over_time(run)
    yield "<h2>Throughput</h2>"
    yield _throughput(run)
    if found.reasons:
        yield bars("refused and failed, by reason", list(found.reasons.items()))
    if server := list(_server(run)):
        yield "<h2>Server</h2>"
        yield from server
    if run.reports:
        yield "<h2>What the server reported</h2>" + _table(_reports(run))
    yield "<h2>Environment</h2>" + _table([(name, str(value)) for name, value in run.environment.items()])


def _figures(found: Result) -> list[tuple[str, str]]:
    latency = ", ".join(f"{name} {value:.2f}" for name, value in found.latency_ms.items())
    server = found.server
    rows = [
        ("accepted a second, steady part", f"{found.tps:,.0f} over {found.steady_seconds:.1f} s"),
        ("transactions", f"{found.sent:,} sent, {found.accepted:,} accepted, {found.refused:,} refused"),
        ("expected to be accepted", f"{found.expected:,}"),
        ("failed, late, never sent", f"{found.errors:,}, {found.late:,}, {found.unsent:,}"),
        ("latency, ms", latency),
        ("generator's lag, ms", f"p99 {found.lag_ms['p99']:.3f}, max {found.lag_ms['max']:.3f}"),
        ("generator's share of a core", f"{found.generator_cpu_share:.0%}"),
        ("second half against first", f"{found.steadiness:.3f}"),
    ]
    if server.cpu_seconds is not None and server.tps_per_cpu_second is not None:
        rows.append(("server's CPU", f"{server.cpu_seconds:.1f} s, {server.tps_per_cpu_second:,.0f} TPS a CPU-second"))
    if server.gc_longest_ms is not None:
        rows.append(("longest collection, ms", f"{server.gc_longest_ms:.2f}"))
    if server.turn_longest_ms is not None:
        rows.append(("longest turn of the loop, CPU ms", f"{server.turn_longest_ms:.2f}"))
    return rows


def _checks(found: Result) -> list[tuple[str, str]]:
    return [
        (check.name, f"{check.limit:g}, measured {check.value}: {'ok' if check.holds else 'does not hold'}")
        for check in found.checks
    ]


def _reports(run: Run) -> list[tuple[str, str]]:
    """When, what, who it was."""
    return [
        (
            f"{each.at:.1f} s: {each.trigger.replace('_', ' ')} {_measured(each)}",
            each.sentence
            + (f" (alarms: {', '.join(each.alarms)})" if each.alarms else "")
            + (f", {each.repeats} times more" if each.repeats else ""),
        )
        for each in run.reports
    ]


def _measured(report: ServerReport) -> str:
    if report.trigger == "heap_growth":
        return f"{report.measured / MEGABYTE:.0f} MiB/s"
    return f"{report.measured:,.0f}/s" if report.trigger == "call_rate" else f"{report.measured * 1e3:.0f} ms"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


def _percentiles(latency: Histogram) -> str:
    points = [(quantile, value / 1e6) for quantile, value, _ in latency.ladder()]
    if not points:
        return "<p>Nothing was answered in the steady part.</p>"
    up = logarithmic(max(points[0][1], LATENCY_MS_MIN), max(points[-1][1], LATENCY_MS_MIN), " ms")
    return lines("latency by percentile", [Line("latency", points)], nines(latency.total), up)


def _latency_over_time(run: Run) -> str:
    seconds = [(number, second.latency) for number, second in enumerate(run.recording.seconds) if second.latency.counts]
    drawn = [
        Line(name, [(at + 0.5, max(latency.at(quantile) / 1e6, LATENCY_MS_MIN)) for at, latency in seconds])
        for name, quantile in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    ]
    values = [y for line in drawn for _, y in line.points] or [1.0]
    stripes = [(a.at, b.at) for a, b in pairwise(run.samples) if _grew("collections", a, b)]
    title = "latency by second of the plan" + (" (yellow: the server's collector ran)" if stripes else "")
    return lines(title, drawn, _time(run), logarithmic(min(values), max(values), " ms"), stripes)


def _throughput(run: Run) -> str:
    seconds = run.recording.seconds
    drawn = [
        Line("planned", [(at + 0.5, second.planned) for at, second in enumerate(seconds)]),
        Line("accepted", [(at + 0.5, second.accepted) for at, second in enumerate(seconds)]),
        Line("refused or failed", [(at + 0.5, second.refused + second.errors) for at, second in enumerate(seconds)]),
    ]
    if run.result.head:
        drawn.append(Line("blocks and reorgs", [(step.at, 0.0) for step in run.result.head], dots=True))
    most = max((y for line in drawn for _, y in line.points), default=1.0)
    return lines("transactions a second", drawn, _time(run), linear(0, most or 1.0))


def _server(run: Run) -> Iterator[str]:
    gauge: Callable[[str], Callable[[Sample], float | None]] = lambda name: lambda each: each.metrics.get(name)  # noqa: E731 - one line, used eight times
    charts: dict[str, dict[str, Callable[[Sample], float | None]]] = {
        "transactions in the pool": {"pending": lambda each: each.pending, "queued": lambda each: each.queued},
        "memory, MiB": {
            "resident": lambda each: None if each.resident_bytes is None else each.resident_bytes / MEGABYTE,
            "heap": lambda each: each.metrics["heap_bytes"] / MEGABYTE if "heap_bytes" in each.metrics else None,
        },
        "slab, bytes": {name: gauge(name) for name in ("slab_used", "slab_wasted", "slab_free")},
        "collections so far": {"collections": gauge("collections")},
        "CPU seconds so far": {"server": lambda each: each.cpu_seconds},
    }
    for title, read in charts.items():
        drawn = [Line(name, _points(run.samples, value)) for name, value in read.items()]
        drawn = [line for line in drawn if len(line.points) > 1]
        most = max((y for line in drawn for _, y in line.points), default=0.0)
        if drawn:
            yield lines(title, drawn, _time(run), linear(0, most or 1.0))


def _points(samples: Sequence[Sample], read: Callable[[Sample], float | None]) -> list[Point]:
    return [(sample.at, value) for sample in samples if (value := read(sample)) is not None]


def _grew(name: str, before: Sample, after: Sample) -> bool:
    return after.metrics.get(name, 0) > before.metrics.get(name, 0)


def _time(run: Run) -> Axis:
    last = max([len(run.recording.seconds), *(sample.at for sample in run.samples)], default=1)
    return linear(0, last, " s")
