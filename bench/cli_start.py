"""What a one-shot command costs: CPU of the whole process, user and system, against a daemon that answers at once.

python -m bench cli_start [--rounds N]
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from bench.ingest import running
from txpool.core.address import checksum_address

RECIPIENT: Final = checksum_address(bytes(20))
COMMANDS: Final = (
    ("--version",),
    ("--help",),
    ("completion", "bash"),
    ("check-config",),
    ("status",),
    ("content",),
    ("inspect",),
    ("explain", "0x" + "00" * 32),
    ("events",),
    ("check", "0x00"),
    ("remove", "0x" + "00" * 32),
    ("submit", "0x00"),
    ("send", "--dev-account", "0", "--to", RECIPIENT),
)
BUDGET_MS: Final = 150


def cost_ms(command: Sequence[str], environment: dict[str, str]) -> float:
    """CPU of one run; whether it succeeds does not matter."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    usage = os.wait4(process.pid, 0)[2]
    process.returncode = 0  # reaped by hand
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main(arguments: Sequence[str]) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="bench cli_start")
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args(arguments).rounds
    with running([], 1, "mmap") as node:
        environment = {**os.environ, "TXPOOL_RPC": f"http://{node.http}"}
        programs = {"(bare interpreter)": [sys.executable, "-c", "pass"]}
        programs |= {" ".join(words[:1]): [sys.executable, "-m", "cli", *words] for words in COMMANDS}
        print(f"CPU ms a run, median and longest of {rounds} (budget: {BUDGET_MS})")
        for name, command in programs.items():
            costs = [cost_ms(command, environment) for _ in range(rounds)]
            print(f"  {name:<20} {statistics.median(costs):6.1f} {max(costs):6.1f}")
