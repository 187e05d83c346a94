"""The whole harness against a real daemon, as a user runs it: small, and judged by what it counted."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.node import anvil
from loadtest.target import Transport
from tests.outside import ROOT, tool

ROADS: tuple[Transport, ...] = ("websocket", "unix")

OPEN = """
name = "small"
about = "A small run of everything."
[corpus]
senders = 50
order = "random"
zipf = 1.0
[corpus.replacements]
share = 0.05
underpriced_share = 0.05
[corpus.invalid]
signature_share = 0.05
[load]
connections = 4
batch = 5
processes = 2
lag_ms_max = 10000
late_ms = 10000
stages = [{ seconds = 1, rate = 200, rate_end = 600 }]
[head]
block_seconds = 0.3
reorg_every = 2
[thresholds]
errors_max = 0
"""
CLOSED = """
name = "closed"
about = "As fast as it goes."
[corpus]
transactions = 300
senders = 30
[load]
loop = "closed"
connections = 4
[thresholds]
accepted_share_min = 1.0
"""

Load = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Run `txpool load` in a folder of its own."""

    def run(command: str, *words: object) -> "subprocess.CompletedProcess[str]":
        arguments = [sys.executable, "-m", "cli", "load", command, *map(str, words)]
        return subprocess.run(
            arguments, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False
        )

    return run


def scenario(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text)
    return path


def test_an_open_loop_over_two_processes_with_blocks_and_reorgs(tmp_path: Path, load: Load) -> None:
    ran = load("run", scenario(tmp_path, OPEN), "--start", "--out", "run", "--json")

    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["planned"] == found["sent"] == found["accepted"] + found["refused"]
    assert 250 < found["sent"] < 550
    assert found["verdict"] == "passed"
    assert any("invalid sender" in reason for reason in found["reasons"])
    assert {step["what"] for step in found["head"]} >= {"dev_mine", "dev_reorg"}
    assert all(step["fault"] is None for step in found["head"])
    assert found["server"]["cpu_seconds"] > 0


def test_a_closed_loop_hands_in_the_whole_corpus_and_leaves_a_folder(tmp_path: Path, load: Load) -> None:
    ran = load("run", scenario(tmp_path, CLOSED), "--start", "--out", "run")

    assert ran.returncode == 0, ran.stderr
    assert "accepted 300 of 300 sent, refused 0, failed 0" in ran.stdout
    page = (tmp_path / "run/report.html").read_text()
    assert page.count("<svg") >= 4
    assert not re.search(r"(?:src|href)=|https?://|<script|@import|url\(", page)
    rows = (tmp_path / "run/series.csv").read_text().splitlines()
    assert {"accepted", "p99_ms", "server_cpu_seconds", "pending", "collections"} <= set(rows[0].split(","))
    assert "#[Max" in (tmp_path / "run/latency.hgrm").read_text()
    assert json.loads((tmp_path / "run/env.json").read_text())["server"].startswith("txpool/")
    assert isinstance(json.loads((tmp_path / "run/reports.json").read_text()), list)

    (tmp_path / "run/report.html").unlink()
    again = load("report", "run")
    assert (again.returncode, again.stdout) == (0, "run/report.html\n")
    assert (tmp_path / "run/report.html").read_text() == page

    (tmp_path / "empty").mkdir()
    none = load("report", "run", "empty")
    assert (none.returncode, none.stdout) == (2, "")
    assert "empty: holds no run" in none.stderr

    compared = load("compare", "run", "run")
    assert compared.returncode == 0, compared.stderr
    assert "tps" in compared.stdout
    assert "fewer than 5 runs a side" in compared.stdout


@pytest.mark.parametrize("road", ROADS)
def test_our_daemon_is_loaded_over_every_listener_that_it_has(tmp_path: Path, load: Load, road: str) -> None:
    words = ["--set", f"load.transport={road}", "--set", "load.batch=10"]

    ran = load("run", scenario(tmp_path, CLOSED), "--start", *words)

    assert ran.returncode == 0, ran.stderr
    assert "accepted 300 of 300" in ran.stdout


def test_a_threshold_that_does_not_hold_is_exit_code_1(tmp_path: Path, load: Load) -> None:
    ran = load("run", scenario(tmp_path, CLOSED), "--start", "--set", "thresholds.tps_min=1e9")

    assert ran.returncode == 1, ran.stderr
    assert "FAIL  tps_min" in ran.stdout


def test_a_run_whose_generator_was_too_slow_says_so_and_is_exit_code_6(tmp_path: Path, load: Load) -> None:
    # No generator is a nanosecond on time.
    ran = load("run", scenario(tmp_path, OPEN), "--start", "--set", "load.lag_ms_max=0.000001")

    assert ran.returncode == 6, ran.stderr
    assert "generator_bound" in ran.stdout
    assert "late at the 99th percentile" in ran.stdout


def test_a_second_node_of_another_make_takes_the_same_corpus(tmp_path: Path, load: Load) -> None:
    path = scenario(tmp_path, CLOSED)
    assert load("prepare", path, "--out", "corpus").returncode == 0
    with anvil(tool("anvil"), tmp_path / "corpus/genesis.json", tmp_path) as node:
        over_http = node.targets["http"].address
        ran = load("run", path, "--corpus", "corpus", "--rpc", over_http, "--pid", node.pid, "--out", "run")
        others = [
            load("run", path, "--corpus", "corpus", "--rpc", node.targets[road].address, "--control", over_http)
            for road in ROADS
        ]

    assert ran.returncode == 0, ran.stderr
    assert "accepted 300 of 300" in ran.stdout
    assert [other.returncode for other in others] == [1, 1]  # all of them are there already
    assert all("refused 300" in other.stdout for other in others)


def test_a_plan_is_shown_without_running(tmp_path: Path, load: Load) -> None:
    ran = load("run", scenario(tmp_path, OPEN), "--dry-run")

    assert ran.returncode == 0
    assert "1 s at 200 to 600 a second" in ran.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", [[], ["--rpc", "ftp://x"], ["--start", "--rpc", "http://127.0.0.1:1"]])
def test_a_run_needs_one_node(tmp_path: Path, load: Load, words: list[str]) -> None:
    assert load("run", scenario(tmp_path, CLOSED), *words).returncode == 2


def test_no_node_is_exit_code_3(tmp_path: Path, load: Load) -> None:
    ran = load("run", scenario(tmp_path, CLOSED), "--rpc", "http://127.0.0.1:1")

    assert ran.returncode == 3
    assert "cannot connect" in ran.stderr


def test_a_mistake_in_a_scenario_is_exit_code_2(tmp_path: Path, load: Load) -> None:
    ran = load("prepare", scenario(tmp_path, CLOSED + "\nlatency = 1"), "--out", "corpus")

    assert ran.returncode == 2
    assert "unknown field `latency`" in ran.stderr
