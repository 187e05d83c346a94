"""Who was it? Facts in, verdict out: no clock, no process, nothing but arithmetic.

Each source of work has its share of what is evidence: time it was at work, private memory that came while it was, new
containers (sampled by the collections that it set off), and calls where they are many enough for an alarm. What set the
report off decides what weighs how much. Whoever has most is named, if anybody has evidence that counts. In a lag the
time that nobody was at work in stands beside the sources: where it is more than that of each of them, nobody is named.
Where the calls of one source set the report off, no other calls count.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import fsum
from typing import Final

import msgspec

HEAP_BYTES_MIN: Final = 1 << 20  # less memory is no evidence
BLOCK_BYTES: Final = 64  # of a block of the interpreter's allocator, roughly
TIME_SHARE_MIN: Final = 0.1  # nor is less of the time in question
NOBODY: Final = "none"


class Trigger(StrEnum):
    """What makes a report."""

    PAUSE = "pause"  # one collection took too long
    LAG = "lag"  # the loop was held up for too long
    HEAP_GROWTH = "heap_growth"  # private memory grows too fast
    CALL_RATE = "call_rate"  # a source is called too often


class Weights(msgspec.Struct, frozen=True, gc=False):
    """How much each kind of evidence weighs."""

    time: int
    heap: int
    containers: int
    calls: int
    inside: int = 0


WEIGHTS: Final = {
    Trigger.PAUSE: Weights(time=1, heap=2, containers=4, calls=1, inside=2),
    Trigger.LAG: Weights(time=4, heap=2, containers=1, calls=1),
    Trigger.HEAP_GROWTH: Weights(time=1, heap=4, containers=2, calls=2),
    Trigger.CALL_RATE: Weights(time=1, heap=1, containers=1, calls=4),
}


class Activity(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What one source did in the time in question.

    Attributes:
        kind: submit, head_update, query, snapshot, eviction, cache or other; none for time that nobody was at work in.
        name: which of that kind, as a query's method; empty where there is one only.
        calls_per_second: over the last five seconds.
        alarming: calls a second where they are as many as the alarm; else 0, and for a source that has no alarm.
        seconds: at work.
        longest_seconds: at work in one go.
        heap_bytes: by how much private memory grew while it was at work for long.
        blocks: the same in blocks of the interpreter's allocator.
        collections: collections that began while it was at work, one for every so many new containers.
        inside: whether the pause in question began while it was at work.
    """

    kind: str
    name: str = ""
    calls_per_second: float = 0.0
    alarming: float = 0.0
    seconds: float = 0.0
    longest_seconds: float = 0.0
    heap_bytes: int = 0
    blocks: int = 0
    collections: int = 0
    inside: bool = False


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What is known.

    Attributes:
        trigger: what set the report off.
        seconds: how long the time in question was.
        activities: who did what in it.
        alarm: whose calls set the report off, one of the activities; None where not calls did.
    """

    trigger: Trigger
    seconds: float
    activities: Sequence[Activity]
    alarm: Activity | None = None


class Suspect(msgspec.Struct, frozen=True, gc=False):
    """A source, and its part of all the evidence that there is, from 0 to 1."""

    activity: Activity
    score: float


def suspects(facts: Facts) -> list[Suspect]:
    """Everybody with evidence that counts, the likeliest first; one is `NOBODY`, where time passed for nobody."""
    weights, nobody = WEIGHTS[facts.trigger], _nobody(facts)
    activities = [*facts.activities, nobody]
    kinds = (
        (weights.time, [_time(each, facts.seconds) for each in activities]),
        (weights.heap, [_heap(each) for each in activities]),
        (weights.containers, [float(each.collections) for each in activities]),
        (weights.calls, [_calls(each, facts.alarm) for each in activities]),
        (weights.inside, [float(each.inside) for each in activities]),
    )
    seen = [(weight, values, fsum(values)) for weight, values in kinds if weight and any(values)]
    whole = sum(weight for weight, _, _ in seen)
    scores = [
        sum(weight * values[place] / total for weight, values, total in seen) / whole if whole else 0.0
        for place in range(len(activities))
    ]
    found = [Suspect(each, score) for each, score in zip(activities, scores, strict=True) if score > 0]
    absent = nobody.seconds > max((each.seconds for each in facts.activities), default=0.0)

    def place_of(suspect: Suspect) -> tuple[bool, float, str, str]:
        activity = suspect.activity
        return absent and activity is not nobody, -suspect.score, activity.kind, activity.name

    return sorted(found, key=place_of)


def _nobody(facts: Facts) -> Activity:
    """Who was at work in the rest of a lag."""
    rest = facts.seconds - fsum(each.seconds for each in facts.activities)
    return Activity(NOBODY, seconds=max(rest, 0.0) if facts.trigger is Trigger.LAG else 0.0)


def _calls(activity: Activity, alarm: Activity | None) -> float:
    return activity.alarming if alarm is None or activity is alarm else 0.0


def _time(activity: Activity, seconds: float) -> float:
    return activity.seconds if activity.seconds >= TIME_SHARE_MIN * seconds else 0.0


def _heap(activity: Activity) -> float:
    """Memory that came, or that the interpreter had kept for it from before."""
    size = max(activity.heap_bytes, activity.blocks * BLOCK_BYTES)
    return float(size) if size >= HEAP_BYTES_MIN else 0.0


def accusation(suspect: Suspect | None) -> str:
    """The verdict in a sentence."""
    if suspect is None or suspect.activity.kind == NOBODY:
        return "nothing that is tagged: another thread, what no tag covers, or a machine that was busy otherwise"
    found = suspect.activity
    grounds = [f"{found.seconds:.3g} s at work"]
    if found.longest_seconds:
        grounds.append(f"{found.longest_seconds:.3g} s of it in one go")
    if found.heap_bytes >= HEAP_BYTES_MIN:
        grounds.append(f"{found.heap_bytes / 1e6:.0f} MB of heap")
    if found.blocks > 0:
        grounds.append(f"{found.blocks:,} blocks")
    if found.collections:
        grounds.append(f"{found.collections:,} collections set off")
    if found.calls_per_second >= 1:
        grounds.append(f"{found.calls_per_second:,.0f} calls a second")
    return f"{' '.join(filter(None, (found.kind, found.name)))}: {', '.join(grounds)}"
