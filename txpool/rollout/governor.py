"""When submissions take too long, what is done about it, in which order, and when it is undone.

A state machine of five steps that is told a latency now and then: no clock, no input or output. A step down needs the
latency to be high for as long as `hold_seconds`, a step up needs it to be low for as long as the wait; both count anew
after each move. High and low are two thresholds, and between them nothing moves. A step up that does not last doubles
the wait for the next one, so that a load that only fits with a measure in place does not make the pool swing.
"""

from enum import IntEnum
from typing import Final

import msgspec


class Step(IntEnum):
    """How far the service is reduced; each step has what all those before it have."""

    FULL_SERVICE = 0
    HASHES_ONLY = 1
    SMALL_BATCHES = 2
    HIGH_FLOOR = 3
    NO_GAPS = 4


LAST: Final = Step.NO_GAPS


class Rules(msgspec.Struct, frozen=True):
    """When to move; seconds.

    Attributes:
        latency_seconds: above this, submissions take too long.
        calm_seconds: up to this, they do not. Between the two nothing moves.
        hold_seconds: how long it must have been too long, and how long after the last move, to step down.
        recover_seconds: how long it must have been calm, and how long after the last move, to step up.
        recover_seconds_max: what that may grow to where steps up do not last.
    """

    latency_seconds: float = 0.05
    calm_seconds: float = 0.02
    hold_seconds: float = 5.0
    recover_seconds: float = 30.0
    recover_seconds_max: float = 600.0


class Move(msgspec.Struct, frozen=True):
    """From one step to the next, and the latency that decided; None where nothing was measured."""

    before: Step
    after: Step
    latency: float | None

    @property
    def is_down(self) -> bool:
        """Whether less is done from now on."""
        return self.after > self.before


class Governor:
    """Steps down while submissions take too long, and up again when they do not."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.step = Step.FULL_SERVICE
        self.wait = rules.recover_seconds  # for the next step up
        self._hot_since: float | None = None
        self._calm_since: float | None = None
        self._moved: float | None = None
        self._raised: float | None = None  # when the last move was one up

    def observe(self, now: float, latency: float | None) -> Move | None:
        """Take a latency in seconds, None where too little was asked to have one; what follows from it.

        Args:
            now: seconds of a clock that never goes back.
            latency: of submissions, end to end, over the last while.
        """
        rules = self.rules
        is_hot = latency is not None and latency > rules.latency_seconds
        is_calm = latency is None or latency <= rules.calm_seconds
        self._hot_since = _began(self._hot_since, now, holds=is_hot)
        self._calm_since = _began(self._calm_since, now, holds=is_calm)
        if self.step < LAST and self._has_lasted(self._hot_since, now, rules.hold_seconds):
            self._set_wait(now)
            self._raised = None
            return self._move(Step(self.step + 1), now, latency)
        if self.step > Step.FULL_SERVICE and self._has_lasted(self._calm_since, now, self.wait):
            self._raised = now
            return self._move(Step(self.step - 1), now, latency)
        return None

    def _has_lasted(self, since: float | None, now: float, seconds: float) -> bool:
        start = since if since is None or self._moved is None else max(since, self._moved)
        return start is not None and now - start >= seconds

    def _set_wait(self, now: float) -> None:
        """Wait longer for the next step up if the last one did not last; as at first if it did."""
        rules = self.rules
        if self._raised is not None and now - self._raised < rules.recover_seconds_max:
            self.wait = min(2 * self.wait, max(rules.recover_seconds_max, rules.recover_seconds))
        elif self.step is Step.FULL_SERVICE:
            self.wait = rules.recover_seconds

    def _move(self, step: Step, now: float, latency: float | None) -> Move:
        before, self.step, self._moved = self.step, step, now
        return Move(before, step, latency)


def _began(since: float | None, now: float, *, holds: bool) -> float | None:
    """Since when something holds without a break."""
    if not holds:
        return None
    return now if since is None else since
