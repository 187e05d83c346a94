"""Runs a family of recorded cases from both places and prints the counts at the end."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.vectors.tally import Judge, Tally, kept_cases, shared_cases

TALLIES: Final = pytest.StashKey[list[Tally]]()

JudgeAll = Callable[[str, Judge], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLIES] = []


@pytest.fixture(params=["tests/data", "shared"])
def judge_all(request: pytest.FixtureRequest) -> JudgeAll:
    """Judge each case of a family: once the repository's own, once all of them."""
    load = {"tests/data": kept_cases, "shared": shared_cases}[request.param]

    def run(family: str, judge: Judge) -> None:
        tally = Tally(family, request.param)
        tally.judge(load(family), judge)
        conclude(request.config, tally)

    return run


@pytest.fixture
def judge_shared(request: pytest.FixtureRequest) -> JudgeAll:
    """Judge each case of a family that the repository may not hold a copy of."""

    def run(family: str, judge: Judge) -> None:
        tally = Tally(family, "shared")
        tally.judge(shared_cases(family), judge)
        conclude(request.config, tally)

    return run


def conclude(config: pytest.Config, tally: Tally) -> None:
    config.stash[TALLIES].append(tally)
    assert tally.cases, "no cases"
    assert not tally.failed, "\n".join([str(tally), *tally.failed[:10]])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[TALLIES]:
        terminalreporter.section("recorded cases")
    for tally in config.stash[TALLIES]:
        terminalreporter.write_line(str(tally))
