"""The life of a transaction: one table of moves, and one door through it.

An event is a move. `received` and what the pool makes of it happen in one call, so the move from received to validating
has no event of its own: whatever follows `received` has passed it.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Stage(IntEnum):
    """Where a transaction is. The last four are ends; only an included one may come back."""

    RECEIVED = 0
    VALIDATING = 1
    QUEUED = 2
    PENDING = 3
    INCLUDED = 4
    REPLACED = 5
    EVICTED = 6
    REJECTED = 7


class Kind(IntEnum):
    """What happened: the moves of the table, as events name them."""

    RECEIVED = 0
    VALIDATED = 1
    QUEUED = 2
    PROMOTED = 3
    DEMOTED = 4
    REPLACED = 5
    EVICTED = 6
    INCLUDED = 7
    REJECTED = 8
    REINJECTED = 9


NEXT: Final[Mapping[tuple[Stage, Kind], Stage]] = MappingProxyType(
    {
        (Stage.RECEIVED, Kind.VALIDATED): Stage.VALIDATING,
        (Stage.RECEIVED, Kind.REJECTED): Stage.REJECTED,
        (Stage.VALIDATING, Kind.REJECTED): Stage.REJECTED,
        (Stage.VALIDATING, Kind.QUEUED): Stage.QUEUED,
        (Stage.VALIDATING, Kind.PROMOTED): Stage.PENDING,
        (Stage.QUEUED, Kind.PROMOTED): Stage.PENDING,
        (Stage.PENDING, Kind.DEMOTED): Stage.QUEUED,
        (Stage.QUEUED, Kind.REPLACED): Stage.REPLACED,
        (Stage.PENDING, Kind.REPLACED): Stage.REPLACED,
        (Stage.QUEUED, Kind.EVICTED): Stage.EVICTED,
        (Stage.PENDING, Kind.EVICTED): Stage.EVICTED,
        (Stage.PENDING, Kind.INCLUDED): Stage.INCLUDED,
        (Stage.QUEUED, Kind.INCLUDED): Stage.INCLUDED,
        (Stage.INCLUDED, Kind.REINJECTED): Stage.VALIDATING,
    }
)

# Where each kind of event leaves a transaction, whatever came before.
AFTER: Final[Mapping[Kind, Stage]] = MappingProxyType(
    {Kind.RECEIVED: Stage.RECEIVED} | {kind: after for (_, kind), after in NEXT.items()}
)

# A transaction that has left may be sent again: its next life starts like the first.
REBORN_FROM: Final = frozenset({Stage.REPLACED, Stage.EVICTED, Stage.REJECTED, Stage.INCLUDED})


def step(stage: Stage, kind: Kind) -> Stage:
    """Move one stage on.

    Raises:
        AssertionError: the table has no such move; our bug, never the sender's.
    """
    try:
        return NEXT[stage, kind]
    except KeyError:
        raise AssertionError(f"no {kind.name} from {stage.name}") from None


def follow(stage: Stage | None, kind: Kind) -> Stage:
    """Fold one event of a transaction's stream into its stage.

    Args:
        stage: where the events before left it; None before the first (or where the ring has forgotten them).
        kind: the event.

    Raises:
        AssertionError: the events contradict the table.
    """
    if kind is Kind.RECEIVED:
        assert stage is None or stage in REBORN_FROM, f"received again while {stage}"
        return Stage.RECEIVED
    if kind is Kind.REINJECTED and (stage is None or stage in REBORN_FROM):
        stage = Stage.INCLUDED  # a block held it, be it that this pool never saw it or had let it go
    assert stage is not None, f"{kind.name} before anything was received"
    if stage is Stage.RECEIVED and kind is not Kind.REJECTED:
        stage = step(stage, Kind.VALIDATED)
    return step(stage, kind)


def mermaid() -> str:
    """Draw the table as a state diagram; `docs/architecture.md` holds the result, and a test compares them."""
    lines = ["stateDiagram-v2", "    [*] --> received"]
    lines += [
        f"    {start.name.lower()} --> {end.name.lower()}: {kind.name.lower()}" for (start, kind), end in NEXT.items()
    ]
    lines += [f"    {end.name.lower()} --> [*]" for end in Stage if end >= Stage.INCLUDED]
    return "\n".join(lines)
