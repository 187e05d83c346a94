"""Recorded cases judged one by one, and counted: how many, how many as they should be, what was left open and why."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.outside import ROOT, shared

KEPT: Final = ROOT / "tests/data"

# One recorded case: JSON, so `Any` by nature.
Case = dict[str, Any]
# Asserts what the case says; returns why it leaves something open, or None.
Judge = Callable[[Case], str | None]


@dataclass
class Tally:
    """What came of one family of cases."""

    family: str
    source: str
    cases: int = 0
    failed: list[str] = field(default_factory=list)
    left_open: Counter[str] = field(default_factory=Counter)

    def judge(self, cases: Iterable[Case], judge: Judge) -> None:
        for case in cases:
            self.cases += 1
            try:
                reason = judge(case)
            except AssertionError as fault:
                self.failed.append(f"{case['id']}: {fault}")
            else:
                if reason:
                    self.left_open[reason] += 1

    def __str__(self) -> str:
        passed = self.cases - len(self.failed) - self.left_open.total()
        counts = f"{passed} passed, {len(self.failed)} failed, {self.left_open.total()} left open"
        reasons = "".join(f"; {count}: {reason}" for reason, count in self.left_open.items())
        return f"{self.family} ({self.source}): {self.cases} cases, {counts}{reasons}"


def kept_cases(family: str) -> list[Case]:
    """The cases that the repository holds a copy of."""
    return _load(KEPT / f"{family}.json.gz")


def shared_cases(family: str) -> list[Case]:
    """All cases, from beside the repository; skips the test without them."""
    return _load(shared(f"vectors/{family}.json.gz"))


def shared_values(family: str) -> dict[str, str]:
    """What the cases of a family name by `@`; skips the test without them."""
    values: dict[str, str] = _document(shared(f"vectors/{family}.json.gz"))["values"]
    return values


def shared_document(name: str) -> dict[str, Any]:
    """A file that is no list of cases, from beside the repository; skips the test without it."""
    return _document(shared(f"vectors/{name}.json.gz"))


def _load(path: Path) -> list[Case]:
    cases: list[Case] = _document(path)["cases"]
    return cases


def _document(path: Path) -> dict[str, Any]:
    with gzip.open(path) as text:
        document: dict[str, Any] = json.load(text)
    return document


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def number(text: str | None) -> int:
    return int(text or "0x0", 16)
