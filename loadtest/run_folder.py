"""A run on disk.

scenario.json    what was run, overrides and defaults included
env.json         on what
results.json     what it came to
series.csv       a row a second: load, latency, lag, and the server
latency.hgrm     percentiles of the steady part, as HdrHistogram's plotters read them
recording.json   every second's histogram: what report and compare read
reports.json     what the server itself reported of pauses and delays, where it does
report.html      made by `txpool load report`, and at the end of every run
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from loadtest.histogram import Histogram
from loadtest.recorder import Recording, Second
from loadtest.result import Result, latency_of
from loadtest.scenario import Scenario
from loadtest.watch import Sample

RESULTS: Final = "results.json"
REPORT: Final = "report.html"
REPORTS: Final = "reports.json"


class RunFolderError(Exception):
    """The folder holds no run."""


class ServerReport(msgspec.Struct, frozen=True):
    """One of `pool_gcReports`; a server that tells more is understood. `at` is seconds after the run began."""

    time: int
    trigger: str
    measured: float
    sentence: str
    alarms: Sequence[str] = ()
    repeats: int = 0
    at: float = 0.0


class Run(msgspec.Struct, frozen=True):
    """All that is known of a run."""

    scenario: Scenario
    environment: dict[str, Any]
    result: Result
    recording: Recording
    samples: Sequence[Sample]
    reports: Sequence[ServerReport] = ()


def write_run(run: Run, folder: Path) -> None:
    """Write everything but the report."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "scenario.json", run.scenario)
    _write_json(folder / "env.json", run.environment)
    _write_json(folder / RESULTS, run.result)
    _write_json(folder / REPORTS, run.reports)
    (folder / "recording.json").write_bytes(msgspec.json.encode((run.recording, run.samples)))
    (folder / "latency.hgrm").write_text(latency_of(run.recording, run.scenario).hgrm())
    with (folder / "series.csv").open("w", newline="") as file:
        rows = list(series(run.recording, run.samples))
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def read_run(folder: Path) -> Run:
    """Read it back.

    Raises:
        RunFolderError: there is none, or it is of another version.
    """
    try:
        recording, samples = msgspec.json.decode(
            (folder / "recording.json").read_bytes(), type=tuple[Recording, list[Sample]]
        )
        return Run(
            scenario=msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario),
            environment=json.loads((folder / "env.json").read_text()),
            result=read_result(folder),
            recording=recording,
            samples=samples,
            reports=_reports(folder / REPORTS),
        )
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{folder}: no run: {error}") from None


def _reports(path: Path) -> list[ServerReport]:
    """What was reported; runs of older versions have no such file."""
    return msgspec.json.decode(path.read_bytes(), type=list[ServerReport]) if path.exists() else []


def read_result(folder: Path) -> Result:
    """Read the figures alone."""
    try:
        return msgspec.json.decode((folder / RESULTS).read_bytes(), type=Result)
    except (OSError, msgspec.MsgspecError) as error:
        raise RunFolderError(f"{folder}: no run: {error}") from None


def runs_in(folder: Path) -> list[Path]:
    """The folder itself if it is a run, else the runs in it, in order of their names."""
    if (folder / RESULTS).exists():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{RESULTS}"))


def series(recording: Recording, samples: Sequence[Sample]) -> Iterator[Mapping[str, object]]:
    """A row for each second, with the last sample of the server taken in it."""
    by_second = {int(sample.at): sample for sample in samples}
    names = sorted({name for sample in samples for name in sample.metrics})
    for number, second in enumerate(recording.seconds):
        yield {"second": number, **_load(second), **_server(by_second.get(number), names)}


def _load(second: Second) -> Mapping[str, object]:
    return {
        "planned": second.planned,
        "sent": second.sent,
        "requests": second.requests,
        "accepted": second.accepted,
        "refused": second.refused,
        "errors": second.errors,
        "late": second.late,
        "p50_ms": _ms(second.latency, 0.5),
        "p99_ms": _ms(second.latency, 0.99),
        "max_ms": round(second.latency.highest / 1e6, 3),
        "lag_p99_ms": _ms(second.lag, 0.99),
    }


def _server(sample: Sample | None, names: Sequence[str]) -> Mapping[str, object]:
    if sample is None:
        sample = Sample(0)
    return {
        "server_cpu_seconds": sample.cpu_seconds,
        "server_resident_bytes": sample.resident_bytes,
        "pending": sample.pending,
        "queued": sample.queued,
        **{name: sample.metrics.get(name) for name in names},
    }


def _ms(histogram: Histogram, quantile: float) -> float:
    return round(histogram.at(quantile) / 1e6, 3)


def _write_json(path: Path, value: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
