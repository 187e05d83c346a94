"""What measurements say of a claim. Pure.

A claim of an effect (so much less, so many times more) is confirmed where the whole interval of the measured ratio is
at least as far as was claimed, and refuted where none of it is. A claim of a value is confirmed where the whole
interval lies within what was claimed. What lies across is inconclusive. Few runs make any verdict tentative.
"""

from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Final, Protocol

import msgspec

from loadtest.statistics import bootstrap, ratio

RUNS_MIN: Final = 5  # a side: from the least to the most of five covers the median in 94 of 100 cases, of four in 88


class Values(Protocol):
    """Gives a figure of an arm, run by run, or that of its one long run."""

    def __call__(self, experiment: str, arm: str, figure: str, /, *, long: bool = False) -> Sequence[float]:
        """Look it up."""


class Verdict(StrEnum):
    """What is to be said of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NOT_TRANSFERABLE = "not transferable"
    NOT_MEASURED = "not measured"


class Effect(msgspec.Struct, frozen=True, tag="effect"):
    """A figure of one arm over that of another is at most (below 1) or at least (above 1) `ratio`."""

    experiment: str
    figure: str
    before: str
    after: str
    ratio: float
    long: bool = False  # of the long runs


class Amount(msgspec.Struct, frozen=True, tag="amount"):
    """A figure of an arm lies between two values."""

    experiment: str
    figure: str
    arm: str
    low: float
    high: float


Reading = Effect | Amount


class Claim(msgspec.Struct, frozen=True):
    """A sentence of the study, and how it is tested here: the first reading decides, others stand beside it.

    `elsewhere` says why it cannot be tested here; then what is measured stands beside it and decides nothing.
    """

    id: str
    sentence: str
    told: str
    readings: Sequence[Reading]
    why: str = ""
    elsewhere: str = ""


class Finding(msgspec.Struct, frozen=True):
    """What one reading came to: a ratio, or a value."""

    about: str
    expected: str
    verdict: Verdict
    words: str
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    runs: int = 0
    figure: str = ""
    before: float | None = None
    after: float | None = None

    @property
    def tentative(self) -> bool:
        """Whether there were too few runs to tell chance."""
        return 0 < self.runs < RUNS_MIN


class Judgement(msgspec.Struct, frozen=True):
    """The verdict on a claim."""

    id: str
    sentence: str
    told: str
    verdict: Verdict
    why: str
    findings: Sequence[Finding]

    @property
    def tentative(self) -> bool:
        """Whether the reading that decides had too few runs."""
        decided = self.verdict in (Verdict.CONFIRMED, Verdict.REFUTED)
        return decided and bool(self.findings) and self.findings[0].tentative


def judge(claim: Claim, values: Values) -> Judgement:
    """Judge a claim by what was measured."""
    findings = [_finding(reading, values) for reading in claim.readings]
    verdict = Verdict.NOT_TRANSFERABLE if claim.elsewhere else findings[0].verdict
    why = " ".join(part for part in (claim.elsewhere, findings[0].words if findings else "", claim.why) if part)
    return Judgement(claim.id, claim.sentence, claim.told, verdict, why, findings)


def _finding(reading: Reading, values: Values) -> Finding:
    return _effect(reading, values) if isinstance(reading, Effect) else _amount(reading, values)


def _effect(claimed: Effect, values: Values) -> Finding:
    long = ", long run" if claimed.long else ""
    about = f"{claimed.experiment}{long}: {claimed.after} over {claimed.before}"
    expected = f"{'at most' if claimed.ratio < 1 else 'at least'} {claimed.ratio:.3g}"
    before, after = (
        values(claimed.experiment, arm, claimed.figure, long=claimed.long) for arm in (claimed.before, claimed.after)
    )
    missing = [name for name, found in ((claimed.before, before), (claimed.after, after)) if not found]
    if missing:
        words = f"Not reported for {' and '.join(missing)}."
        return Finding(about, expected, Verdict.NOT_MEASURED, words, figure=claimed.figure)
    if median(before) <= 0:
        return _without_base(claimed, about, expected, before, after)
    found = ratio(before, after)
    low, high = bootstrap(ratio, before, after)
    runs = min(len(before), len(after))
    verdict = _verdict_on_ratio(claimed.ratio, low, high)
    return Finding(
        about=about,
        expected=expected,
        verdict=verdict,
        words=_by_few(runs) + _effect_in_words(claimed.ratio, found, low, high, verdict),
        measured=found,
        low=low,
        high=high,
        runs=runs,
        figure=claimed.figure,
        before=median(before),
        after=median(after),
    )


def _without_base(
    claimed: Effect, about: str, expected: str, before: Sequence[float], after: Sequence[float]
) -> Finding:
    """What it is to fall from is nothing already."""
    return Finding(
        about=about,
        expected=expected,
        verdict=Verdict.INCONCLUSIVE,
        words=f"With {claimed.before} it is nothing to begin with, or falls: there is nothing to compare with.",
        runs=min(len(before), len(after)),
        figure=claimed.figure,
        before=median(before),
        after=median(after),
    )


def _verdict_on_ratio(claimed: float, low: float, high: float) -> Verdict:
    reached, missed = (high <= claimed, low > claimed) if claimed < 1 else (low >= claimed, high < claimed)
    if reached:
        return Verdict.CONFIRMED
    return Verdict.REFUTED if missed else Verdict.INCONCLUSIVE


def _by_few(runs: int) -> str:
    return "" if runs >= RUNS_MIN else "By few runs: "


def _effect_in_words(claimed: float, found: float, low: float, high: float, verdict: Verdict) -> str:
    if verdict is Verdict.CONFIRMED:
        return "The effect is at least as large as claimed."
    if verdict is Verdict.INCONCLUSIVE:
        return "The interval reaches across what is claimed."
    if low <= 1 <= high:
        return "There is no effect that could be told from chance."
    if (claimed < 1) == (found < 1):
        return "The direction holds, the size does not."
    return "The effect is the opposite one."


def _amount(claimed: Amount, values: Values) -> Finding:
    about, expected = f"{claimed.experiment}: {claimed.arm}", f"{claimed.low:.4g} to {claimed.high:.4g}"
    found = values(claimed.experiment, claimed.arm, claimed.figure)
    if not found:
        words = f"Not reported for {claimed.arm}."
        return Finding(about, expected, Verdict.NOT_MEASURED, words, figure=claimed.figure)
    low, high = bootstrap(median, found)
    verdict, words = _verdict_on_amount(claimed, low, high)
    return Finding(
        about=about,
        expected=expected,
        verdict=verdict,
        words=_by_few(len(found)) + words,
        measured=median(found),
        low=low,
        high=high,
        runs=len(found),
        figure=claimed.figure,
        after=median(found),
    )


def _verdict_on_amount(claimed: Amount, low: float, high: float) -> tuple[Verdict, str]:
    if claimed.low <= low and high <= claimed.high:
        return Verdict.CONFIRMED, "It lies within what is claimed."
    if high < claimed.low:
        return Verdict.REFUTED, "It is less than claimed."
    if low > claimed.high:
        return Verdict.REFUTED, "It is more than claimed."
    return Verdict.INCONCLUSIVE, "The interval reaches across what is claimed."
