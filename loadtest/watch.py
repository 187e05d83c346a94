"""The server from outside while a load runs: its process, its metrics page, its pool; one sample a second."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import psutil

from loadtest.rpc import RpcFailedError, call, post
from loadtest.target import Target

SAMPLE_SECONDS: Final = 1.0
STAGES: Final = ("received", "validating", "queued", "pending")
# Series that a run keeps, by the name in its results.
SERIES: Final[Mapping[str, str]] = {
    "gc_longest_s": "txpool_gc_pause_longest_seconds",
    "turn_longest_s": "txpool_loop_turn_longest_seconds",
    "heap_bytes": "txpool_heap_bytes",
    "slab_used": 'txpool_slab_bytes{state="used"}',
    "slab_wasted": 'txpool_slab_bytes{state="wasted"}',
    "slab_free": 'txpool_slab_bytes{state="free"}',
    **{f"stage_{stage}": f'txpool_stage_bytes{{stage="{stage}"}}' for stage in STAGES},
    "ingest_waiting": "txpool_ingest_waiting",
    "malloc_used": 'txpool_malloc_bytes{state="used"}',
    "malloc_mapped": 'txpool_malloc_bytes{state="mapped"}',
    "arena_bytes": "txpool_heap_arena_bytes",
    "allocated_blocks": "txpool_heap_allocated_blocks",
    "tracked_objects": "txpool_gc_tracked_objects",
    "reuse_ratio": "txpool_buffer_reuse_ratio",
    "buffers_used": 'txpool_buffers_taken_total{state="used"}',
    "buffers_fresh": 'txpool_buffers_taken_total{state="fresh"}',
    "fragmentation": "txpool_slab_fragmentation_ratio",
    "reinjected": "txpool_reinjected_total",
    "included": "txpool_included_total",
    "promoted": "txpool_promoted_total",
    "demoted": "txpool_demoted_total",
}
# Families whose series are added up.
SUMS: Final[Mapping[str, str]] = {
    "collections": "txpool_gc_pause_seconds_count",
    "gc_seconds": "txpool_gc_pause_seconds_sum",
    "lag_count": "txpool_loop_lag_seconds_count",
    "lag_seconds": "txpool_loop_lag_seconds_sum",
    "removed": "txpool_removed_total",
}


class Sample(msgspec.Struct, frozen=True):
    """The server at one moment; what it does not say is missing."""

    at: float
    cpu_seconds: float | None = None
    resident_bytes: int | None = None
    pending: int | None = None
    queued: int | None = None
    metrics: dict[str, float] = {}


class Observed(msgspec.Struct, frozen=True):
    """Where the server can be seen."""

    control: Target | None = None
    pid: int | None = None
    metrics_url: str | None = None


class Watch(threading.Thread):
    """Samples until it is stopped; `samples` holds what it saw."""

    def __init__(self, observed: Observed) -> None:
        super().__init__(name="watch", daemon=True)
        self.samples: list[Sample] = []
        self._observed = observed
        self._stopped = threading.Event()
        self._began = time.monotonic()

    def begin(self, at: float) -> None:
        """Start; `at` is when the run does, on the monotonic clock."""
        self._began = at
        self.start()

    def run(self) -> None:
        """Take a sample, wait, and so on."""
        while True:
            self.samples.append(look(self._observed, time.monotonic() - self._began))
            if self._stopped.wait(SAMPLE_SECONDS):
                return

    def stop(self) -> None:
        """Take a last sample, and end."""
        self._stopped.set()
        if self.is_alive():
            self.join()
        self.samples.append(look(self._observed, time.monotonic() - self._began))


def look(observed: Observed, at: float = 0.0) -> Sample:
    """Take one sample."""
    pending, queued = _pool(observed.control)
    return Sample(
        at=at,
        cpu_seconds=cpu_seconds(observed.pid),
        resident_bytes=resident_bytes(observed.pid),
        pending=pending,
        queued=queued,
        metrics=_metrics(observed.metrics_url),
    )


def family(pid: int) -> list[psutil.Process]:
    """A process and its children."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def cpu_seconds(pid: int | None) -> float | None:
    """User and system time of a process and its children so far, those that have ended included."""
    total = None
    for process in family(pid) if pid else ():
        with suppress(psutil.Error):
            times = process.cpu_times()
            total = (total or 0.0) + times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pid: int | None) -> int | None:
    """Proportional set size of a process and its children, and their huge pages."""
    total = None
    for process in family(pid) if pid else ():
        with suppress(OSError):
            rows = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
            found = {name: int(rest.split()[0]) for name, rest in (row.split(":", 1) for row in rows)}
            kilobytes = sum(found.get(name, 0) for name in ("Pss", "Private_Hugetlb", "Shared_Hugetlb"))
            total = (total or 0) + kilobytes * 1024
    return total


def _pool(control: Target | None) -> tuple[int | None, int | None]:
    if control is None or control.transport == "websocket":
        return None, None
    try:
        status = call(control, "txpool_status", timeout_s=5)
        return int(status["pending"], 16), int(status["queued"], 16)
    except (RpcFailedError, KeyError, TypeError, ValueError):
        return None, None


def _metrics(url: str | None) -> dict[str, float]:
    return read_page(scrape(url)) if url else {}


def scrape(url: str) -> str:
    """A metrics page as it is now; empty where there is none."""
    parts = urlsplit(url)
    try:
        return post(parts.hostname or "", parts.port or 80, parts.path or "/metrics", None, 5).decode()
    except OSError:
        return ""


def read_page(page: str) -> dict[str, float]:
    """Pick our series out of a metrics page; a page without them gives nothing."""
    rows = (line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("txpool_"))
    values = {name: float(value) for name, value in rows}
    found = {short: values[name] for short, name in SERIES.items() if name in values}
    for short, name in SUMS.items():
        parts = [value for series, value in values.items() if series.partition("{")[0] == name]
        if parts:
            found[short] = sum(parts)
    return found
