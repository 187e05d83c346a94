"""What a one-shot command loads before it does anything: that is what its start costs."""

import json
import subprocess
import sys
from typing import Final

import pytest

from tests.outside import ROOT

# Runs a command line and prints, last, which modules it has loaded.
PROBE: Final = """
import json, sys
import cli
try:
    cli.main()
finally:
    sys.stderr.write(json.dumps(sorted(sys.modules)))
"""
FRIEND: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NOBODY: Final = ["--rpc", "http://127.0.0.1:1"]
HEAVY: Final = frozenset(
    {"asyncio", "coincurve", "dataclasses", "httptools", "logging", "mmap_pool", "msgspec", "prometheus_client"}
    | {"psutil", "sha3", "subprocess", "tomllib", "txpool.config", "txpool.core", "txpool.daemon", "uvloop"}
)


def loaded(*arguments: str) -> set[str]:
    """Which of the heavy modules a command has loaded when it ends."""
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return set(HEAVY) & set(json.loads(ended.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["load", "run", "--help"], ["status", *NOBODY], ["submit", "0x00", *NOBODY]],
)
def test_commands_without_cryptography_load_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(*arguments) == set()


@pytest.mark.parametrize("name", ["content", "inspect"])
def test_commands_that_show_addresses_load_the_hash_alone(name: str) -> None:
    assert loaded(name, *NOBODY) <= {"sha3", "txpool.core"}


def test_send_loads_what_signs_and_no_server() -> None:
    assert loaded("send", "--dev-account", "0", "--to", FRIEND, *NOBODY) == {
        "coincurve",
        "msgspec",
        "sha3",
        "txpool.core",
    }


def test_check_config_loads_no_server() -> None:
    assert loaded("check-config") == {"msgspec", "tomllib", "txpool.config", "txpool.core"}
