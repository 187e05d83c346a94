"""What a run came to: figures of its steady part, and whether they may be believed and are good enough."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from loadtest.head_driver import HeadStep
from loadtest.histogram import Histogram, milliseconds
from loadtest.recorder import Recording, Second
from loadtest.scenario import Scenario, Thresholds
from loadtest.schedule import SECOND
from loadtest.watch import Sample

CPU_SHARE_MAX: Final = 0.95  # of a core: a generator that busy measures itself


class Verdict(StrEnum):
    """How a run ended."""

    PASSED = "passed"
    FAILED = "failed"  # a threshold does not hold
    GENERATOR_BOUND = "generator_bound"  # the generator was the bottleneck: the figures are its own, not the server's


IN_VAIN: Final = "nothing was accepted: does the chain start from the corpus's genesis, or was it sent before?"


class Check(msgspec.Struct, frozen=True):
    """A threshold, and what was measured."""

    name: str
    limit: float
    measured: float | None
    holds: bool

    @property
    def value(self) -> str:
        """What was measured, for people."""
        return "nothing" if self.measured is None else f"{self.measured:.6g}"


class ServerFigures(msgspec.Struct, frozen=True):
    """The server's process over the whole run; None for what could not be seen."""

    cpu_seconds: float | None = None
    tps_per_cpu_second: float | None = None
    resident_bytes_before: int | None = None
    resident_bytes_after: int | None = None
    gc_longest_ms: float | None = None
    turn_longest_ms: float | None = None
    collections: float | None = None


class Result(msgspec.Struct, frozen=True):
    """`results.json` of a run. Counts are transactions of the whole run, rates and latencies of its steady part."""

    name: str
    label: str
    verdict: Verdict
    loop: str
    seconds: float
    steady_seconds: float
    planned: int
    sent: int
    accepted: int
    refused: int
    errors: int
    late: int
    unsent: int
    expected: int
    tps: float
    latency_ms: Mapping[str, float]
    lag_ms: Mapping[str, float]
    generator_cpu_share: float
    steadiness: float
    reasons: Mapping[str, int]
    server: ServerFigures
    checks: Sequence[Check]
    remarks: Sequence[str]
    head: Sequence[HeadStep] = ()


class Steady(msgspec.Struct):
    """The seconds of a run that count: after the warm-up, before the cool-down."""

    seconds: list[Second]
    length: float

    def merged(self) -> Second:
        """All of them as one."""
        whole = Second()
        for second in self.seconds:
            whole.merge(second)
        return whole


def steady(recording: Recording, scenario: Scenario) -> Steady:
    """Cut off warm-up and cool-down.

    A closed loop ends when its last answer comes, an open one with its schedule: what is answered later was still
    planned inside, and its latency counts. Counts are kept by the second: one that would be cut is left out, but
    for the last of a closed loop, which ends where its answers do.
    """
    load = scenario.load
    start = int(-(-load.warmup_seconds // 1))
    end = recording.last_answer / SECOND
    if load.loop == "open" and load.seconds is not None:
        end = load.seconds
    end = max(end - load.cooldown_seconds, start)
    last = int(end)
    if last == start or (load.loop == "closed" and not load.cooldown_seconds):
        return Steady(recording.seconds[start : math.ceil(end)], end - start)
    return Steady(recording.seconds[start:last], float(last - start))


def result(
    scenario: Scenario,
    label: str,
    recording: Recording,
    samples: Sequence[Sample],
    *,
    expected: int,
    head: Sequence[HeadStep] = (),
) -> Result:
    """Work out the figures and the verdict. `expected` is how many of what was sent a pool with room takes."""
    whole = Second()
    for second in recording.seconds:
        whole.merge(second)
    part = steady(recording, scenario)
    middle = part.merged()
    tps = middle.accepted / part.length if part.length else 0.0
    latency, lag = milliseconds(middle.latency), milliseconds(middle.lag)
    server = _server(samples, whole.accepted)
    checks = list(_checks(scenario.thresholds, _measured(recording, whole, tps, latency, server, expected)))
    bound = list(_generator_faults(scenario, recording, lag))
    in_vain = bool(expected and whole.sent and not whole.accepted)
    verdict = Verdict.FAILED if in_vain or not all(check.holds for check in checks) else Verdict.PASSED
    return Result(
        name=scenario.name,
        label=label,
        verdict=Verdict.GENERATOR_BOUND if bound else verdict,
        loop=scenario.load.loop,
        seconds=recording.last_answer / SECOND,
        steady_seconds=part.length,
        planned=whole.planned,
        sent=whole.sent,
        accepted=whole.accepted,
        refused=whole.refused,
        errors=whole.errors,
        late=whole.late,
        unsent=recording.unsent,
        expected=expected,
        tps=tps,
        latency_ms=latency,
        lag_ms=lag,
        generator_cpu_share=recording.cpu_share,
        steadiness=_steadiness(part.seconds),
        reasons=dict(sorted(recording.reasons.items(), key=lambda item: -item[1])),
        server=server,
        checks=checks,
        remarks=[*bound, *([IN_VAIN] if in_vain else []), *_remarks(recording, head)],
        head=head,
    )


def _measured(
    recording: Recording,
    whole: Second,
    tps: float,
    latency: Mapping[str, float],
    server: ServerFigures,
    expected: int,
) -> dict[str, float | None]:
    """What each threshold is held against, by its name; None where it could not be measured."""
    return {
        "accepted_share_min": whole.accepted / whole.sent if whole.sent else 0.0,
        "tps_min": tps,
        "p50_ms_max": latency["p50"],
        "p99_ms_max": latency["p99"],
        "p999_ms_max": latency["p999"],
        "late_max": whole.late,
        "errors_max": whole.errors + recording.unsent,
        "gc_pause_ms_max": server.gc_longest_ms,
        "unexpected_share_max": abs(whole.accepted - expected) / whole.sent if whole.sent else 0.0,
    }


def _server(samples: Sequence[Sample], accepted: int) -> ServerFigures:
    if not samples:
        return ServerFigures()
    first, last = samples[0], samples[-1]
    cpu = None
    if first.cpu_seconds is not None and last.cpu_seconds is not None:
        cpu = last.cpu_seconds - first.cpu_seconds
    scale: Callable[[str], float | None] = lambda name: (  # noqa: E731 - three uses, one line
        last.metrics[name] * 1e3 if name in last.metrics else None
    )
    collections = None
    if "collections" in last.metrics:
        collections = last.metrics["collections"] - first.metrics.get("collections", 0)
    return ServerFigures(
        cpu_seconds=cpu,
        tps_per_cpu_second=accepted / cpu if cpu else None,
        resident_bytes_before=first.resident_bytes,
        resident_bytes_after=last.resident_bytes,
        gc_longest_ms=scale("gc_longest_s"),
        turn_longest_ms=scale("turn_longest_s"),
        collections=collections,
    )


def _checks(thresholds: Thresholds, measured: Mapping[str, float | None]) -> Iterator[Check]:
    for name, value in measured.items():
        limit = getattr(thresholds, name)
        if limit is not None:
            holds = value is not None and (value >= limit if name.endswith("_min") else value <= limit)
            yield Check(name, limit, value, holds)


def _generator_faults(scenario: Scenario, recording: Recording, lag: Mapping[str, float]) -> Iterator[str]:
    """Why the figures would be the generator's own."""
    if lag["p99"] > scenario.load.lag_ms_max:
        limit = scenario.load.lag_ms_max
        yield f"the generator got to a request {lag['p99']:.2f} ms late at the 99th percentile; {limit:g} ms may be"
    if recording.cpu_share > CPU_SHARE_MAX:
        yield f"the generator used {recording.cpu_share:.0%} of its core; set load.processes higher"


def _remarks(recording: Recording, head: Sequence[HeadStep]) -> Iterator[str]:
    if recording.exhausted:
        yield "the corpus ended before the schedule: prepare one with more transactions"
    faults = [step.fault for step in head if step.fault]
    if faults:
        yield f"{len(faults)} of {len(head)} blocks and reorgs failed: {faults[0]}"


def _steadiness(seconds: Sequence[Second]) -> float:
    """How throughput of the second half compares with the first: 1 where it is steady."""
    half = len(seconds) // 2
    first = sum(second.answered for second in seconds[:half])
    second = sum(second.answered for second in seconds[half : 2 * half])
    return second / first if first else 1.0


def latency_of(recording: Recording, scenario: Scenario) -> Histogram:
    """All latencies of the steady part."""
    return steady(recording, scenario).merged().latency
