"""The command line as a user has it: a process of its own, against a real daemon."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.outside import ROOT
from tests.running import Daemon, running

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments]


@pytest.fixture
def holding() -> Iterator[Daemon]:
    """A daemon that mines on demand only."""
    with running("--dev", "--dev-period", "0") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def mining() -> Iterator[Daemon]:
    """A daemon that mines when something is pending."""
    with running("--dev") as daemon:
        yield daemon


@pytest.fixture
def shell() -> Shell:
    """Run one command to its end; `rpc` is the daemon to talk to."""

    def run(*arguments: str, rpc: str = "", text: str = "") -> "subprocess.CompletedProcess[str]":
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TXPOOL_")}
        if rpc:
            environment["TXPOOL_RPC"] = rpc
        return subprocess.run(
            command(*arguments), input=text, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
        )

    return run
