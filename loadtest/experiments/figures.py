"""The figures of one run of the daemon, by name, and what each is called and measured in. Pure.

What the daemon does not report is left out: tables then say so.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from loadtest.experiments.page_reading import NO_BUCKETS, Page
from loadtest.result import Result
from loadtest.watch import STAGES, Sample

GENERATIONS: Final = ("0", "1", "2")
GETS: Final = ("private", "shared", "stolen", "victim", "miss")  # where a cache found a buffer
_MS: Final = 1e3
_HOUR: Final = 3600.0
_GIGABYTE: Final = 1e9

Figures = Mapping[str, float]


class Unit(msgspec.Struct, frozen=True):
    """What a figure is called, and how it is written."""

    about: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 1

    def written(self, value: float | None) -> str:
        """With its unit."""
        if value is None:
            return "not reported"
        shown = value * self.scale
        digits = self.digits if abs(shown) < 1000 else 0
        return f"{shown:,.{digits}f}{f' {self.unit}' if self.unit else ''}"


def _bytes(about: str) -> Unit:
    return Unit(about, "MB", 1e-6)


def _ms(about: str) -> Unit:
    return Unit(about, "ms", 1.0, 3)


UNITS: Final[Mapping[str, Unit]] = {
    "tps": Unit("accepted a second", "", 1.0, 0),
    "latency_p50_ms": _ms("latency, median"),
    "latency_p99_ms": _ms("latency, P99"),
    "latency_max_ms": _ms("latency, longest"),
    "cpu_us": Unit("CPU a transaction", "us"),
    "resident_peak_bytes": _bytes("resident, highest"),
    "resident_added_bytes": _bytes("resident, highest, above that at the start"),
    "resident_gb_per_hour": Unit("growth of resident bytes in the second half", "GB/h", 1.0, 2),
    "heap_peak_bytes": _bytes("heap (private memory), highest"),
    "heap_added_bytes": _bytes("heap, highest, above that at the start"),
    "malloc_peak_bytes": _bytes("malloc in use, its mappings included, highest"),
    "arena_peak_bytes": _bytes("arenas of the interpreter, highest"),
    "blocks_added": Unit("allocated blocks of the interpreter, added", "k", 1e-3, 0),
    "tracked_objects": Unit("objects that the collector tracks", "k", 1e-3),
    "collections": Unit("collections", "", 1.0, 0),
    **{f"collections_gen{one}": Unit(f"collections of generation {one}", "", 1.0, 0) for one in GENERATIONS},
    "pause_p50_ms": _ms("pause, median of all collections"),
    "pause_p99_ms": _ms("pause, P99 of all collections"),
    **{f"pause_p99_gen{one}_ms": _ms(f"pause, P99 of generation {one}") for one in GENERATIONS},
    "pause_longest_ms": _ms("pause, longest"),
    "pause_total_ms": _ms("pauses in all"),
    "lag_p99_ms": _ms("lag of the event loop, P99"),
    "turn_longest_ms": _ms("longest turn of the loop, CPU"),
    "faults_per_s": Unit("page faults a second", "", 1.0, 0),
    "reuse_ratio": Unit("buffers reused, in the second half", "%", 100.0),
    **{f"gets_{one}": Unit(f"of all buffers asked of the cache: {one}", "%", 100.0) for one in GETS},
    "fragmentation": Unit("fragmentation of the slab", "%", 100.0),
    "returned_bytes": _bytes("bytes returned to the system"),
    **{f"{one}_bytes": Unit(f"bytes a transaction, {one}", "B", 1.0, 0) for one in ("on_the_way", "queued", "pending")},
    **{
        f"pauses.{one}.{figure}": unit
        for one, name in (("all", "all collections"), *((number, f"generation {number}") for number in GENERATIONS))
        for figure, unit in (
            ("count", Unit(f"{name}: how many", "", 1.0, 0)),
            ("total", _ms(f"{name}: in all, CPU")),
            ("p99", _ms(f"{name}: P99, CPU")),
            ("longest", _ms(f"{name}: longest, CPU")),
        )
    },
    "full_ms": _ms("full collection asked for at the end, the first, CPU"),
    "full_again_ms": _ms("those after it, CPU"),
    "full_empty_ms": _ms("those of the empty pool, CPU"),
    "tracked": Unit("tracked objects added", "", 1.0, 0),
    "blocks": Unit("allocated blocks added", "k", 1e-3, 0),
    "heap_bytes": _bytes("heap in use, added"),
    "heap_bytes_all": _bytes("heap in use, whole process"),
    "resident_bytes": _bytes("resident, added"),
    "resident_bytes_all": _bytes("resident, whole process"),
    "hot": Unit("one place again and again, CPU", "ns"),
    "deep": Unit("all places first, then all back, CPU", "ns"),
    "replacement_us": Unit("CPU of a replacement", "us", 1.0, 2),
    "longest_batch_us": Unit("CPU of the longest batch", "us"),
    "hops": Unit("pages on another memory node", "%", 100.0),
    **{
        f"{call}_us.{quantile}": Unit(f"{call}, {quantile}, CPU", "us")
        for call in ("put", "free")
        for quantile in ("p50", "p99", "p99.9", "p99.99", "max", "mean")
    },
    **{
        f"{call}_us.spikes_per_million": Unit(f"{call}s of 50 us of CPU and more, of a million", "", 1.0, 0)
        for call in ("put", "free")
    },
    **{
        f"part_of_full.{step}.{what}": Unit(f"{name}, {step}, of full", "%", 100.0)
        for step in ("evicted", "scavenged", "trimmed", "replaced", "replaced, trimmed")
        for what, name in (
            ("resident_bytes", "resident"),
            ("file_bytes", "blocks of the slabs' file"),
            ("slab_resident_bytes", "resident slabs"),
        )
    },
    **{one: Unit(f"bytes a transaction, {one}", "B", 1.0, 0) for one in (*STAGES, "gone")},
}


def unit_of(name: str) -> Unit:
    """How a figure is written; one of a benchmark carries its unit at the end of its name."""
    known = UNITS.get(name)
    return known or Unit(name.replace("_", " "), "", 1.0, 2)


def figures_of(result: Result, samples: Sequence[Sample], before: Page, after: Page) -> Figures:
    """All that can be said of a run."""
    found: dict[str, float | None] = {
        "tps": result.tps,
        **{f"latency_{name}_ms": result.latency_ms[name] for name in ("p50", "p99", "p999", "max")},
        "cpu_us": _per_million(result.server.tps_per_cpu_second),
        **dict(_memory(samples)),
        **dict(_pauses(before, after, samples)),
        **dict(_counted(before, after, result.seconds)),
        **dict(_stages(samples)),
        "reuse_ratio": _reuse(samples),
    }
    return {name: value for name, value in found.items() if value is not None}


def _per_million(rate: float | None) -> float | None:
    return 1e6 / rate if rate else None


def _memory(samples: Sequence[Sample]) -> Iterator[tuple[str, float | None]]:
    resident = [(one.at, float(one.resident_bytes)) for one in samples if one.resident_bytes is not None]
    yield from _peak("resident", [value for _, value in resident])
    yield "resident_gb_per_hour", _slope(resident)
    yield from _peak("heap", _gauge(samples, "heap_bytes"))
    used, mapped = _gauge(samples, "malloc_used"), _gauge(samples, "malloc_mapped")
    yield "malloc_peak_bytes", max((sum(both) for both in zip(used, mapped, strict=False)), default=None)
    yield "arena_peak_bytes", max(_gauge(samples, "arena_bytes"), default=None)
    blocks = _gauge(samples, "allocated_blocks")
    yield "blocks_added", max(blocks) - blocks[0] if blocks else None
    yield "tracked_objects", max(_gauge(samples, "tracked_objects"), default=None)
    yield "fragmentation", max(_gauge(samples, "fragmentation"), default=None)


def _gauge(samples: Sequence[Sample], name: str) -> list[float]:
    return [one.metrics[name] for one in samples if name in one.metrics]


def _peak(name: str, values: Sequence[float]) -> Iterator[tuple[str, float | None]]:
    yield f"{name}_peak_bytes", max(values, default=None)
    yield f"{name}_added_bytes", max(values) - values[0] if values else None


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """The line of least squares through the second half, a second's growth as gigabytes an hour."""
    half = points[len(points) // 2 :]
    if len(half) < 3:
        return None
    middle_x = sum(x for x, _ in half) / len(half)
    middle_y = sum(y for _, y in half) / len(half)
    spread = sum((x - middle_x) ** 2 for x, _ in half)
    rise = sum((x - middle_x) * (y - middle_y) for x, y in half)
    return rise / spread * _HOUR / _GIGABYTE if spread else None


def _pauses(before: Page, after: Page, samples: Sequence[Sample]) -> Iterator[tuple[str, float | None]]:
    """Where there was no collection at all, the percentiles of its pauses are 0."""
    family, every = "txpool_gc_pause_seconds", NO_BUCKETS
    longest = max(_gauge(samples, "gc_longest_s"), default=None)
    most = math.inf if longest is None else longest  # a bucket reaches further than what is in it
    for one in GENERATIONS:
        here = after.buckets(family, generation=one).less(before.buckets(family, generation=one))
        every = every.plus(here)
        if here.bounds:
            yield f"collections_gen{one}", here.total
            yield f"pause_p99_gen{one}_ms", min(here.at(0.99) or 0.0, most) * _MS
    if every.bounds:
        yield "collections", every.total
        yield "pause_total_ms", every.sum * _MS
        yield "pause_p50_ms", min(every.at(0.5) or 0.0, most) * _MS
        yield "pause_p99_ms", min(every.at(0.99) or 0.0, most) * _MS
    yield "pause_longest_ms", _ms_of(longest)
    yield "turn_longest_ms", _ms_of(max(_gauge(samples, "turn_longest_s"), default=None))
    lag = after.buckets("txpool_loop_lag_seconds").less(before.buckets("txpool_loop_lag_seconds"))
    yield "lag_p99_ms", _ms_of(lag.at(0.99)) if lag.bounds else None


def _ms_of(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * _MS


def _counted(before: Page, after: Page, seconds: float) -> Iterator[tuple[str, float | None]]:
    faults = _grown(before, after, "txpool_page_faults_total")
    yield "faults_per_s", faults / seconds if faults is not None and seconds else None
    yield "returned_bytes", _grown(before, after, "txpool_slab_returned_bytes_total")
    name = "txpool_cache_gets_total"
    if gets := _grown(before, after, name):
        for one in GETS:
            yield f"gets_{one}", (_grown(before, after, name, result=one) or 0.0) / gets


def _reuse(samples: Sequence[Sample]) -> float | None:
    """The share of slots or buffers that had been used before, of those taken in the second half of the run.

    In the first half a pool is filled, with fresh ones whatever comes. None where none are used again.
    """
    taken = list(zip(_gauge(samples, "buffers_used"), _gauge(samples, "buffers_fresh"), strict=True))
    if not taken:
        return None
    used, fresh = (last - first for first, last in zip(taken[len(taken) // 2], taken[-1], strict=True))
    return used / (used + fresh) if used + fresh else None


def _grown(before: Page, after: Page, name: str, **labels: str) -> float | None:
    now = after.value(name, **labels)
    return None if now is None else now - (before.value(name, **labels) or 0.0)


def _stages(samples: Sequence[Sample]) -> Iterator[tuple[str, float | None]]:
    """Bytes a transaction at each stage: those of all samples by the transactions of all samples."""
    on_the_way = [
        (one.metrics["stage_received"] + one.metrics["stage_validating"], one.metrics.get("ingest_waiting"))
        for one in samples
        if {"stage_received", "stage_validating"} <= one.metrics.keys()
    ]
    yield "on_the_way_bytes", _each(on_the_way)
    yield "queued_bytes", _each([(one.metrics.get("stage_queued"), one.queued) for one in samples])
    yield "pending_bytes", _each([(one.metrics.get("stage_pending"), one.pending) for one in samples])


def _each(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    known = [(held, count) for held, count in pairs if held is not None and count]
    return sum(held for held, _ in known) / sum(count for _, count in known) if known else None
