"""`txpool experiment` as a user runs it: two stores, a second each, and what it leaves."""

import json
import subprocess
import sys
from pathlib import Path

from tests.outside import ROOT


def experiment(folder: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", "experiment", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_a_small_headline_leaves_results_a_page_and_verdicts(tmp_path: Path) -> None:
    ran = experiment(
        tmp_path,
        "headline",
        "--stores",
        "heap,mmap",
        "--repeats",
        1,
        "--seconds",
        2,
        "--long",
        0,
        "--rate",
        500,
        "--out",
        "found",
    )

    assert ran.returncode == 0, ran.stderr
    assert "takes the P99 pause from 42 to 1.3 ms" in ran.stdout
    found = json.loads((tmp_path / "found/results.json").read_text())
    assert sorted(run["arm"] for run in found["runs"]) == ["heap", "mmap"]
    told = {"tps", "collections", "pause_longest_ms", "heap_peak_bytes", "resident_peak_bytes"}
    assert all(told <= run["figures"].keys() for run in found["runs"])
    assert found["settings"]["rate"] == 500
    assert {"python", "cores", "commit"} <= found["environment"].keys()
    assert {one["id"] for one in found["judgements"]} >= {"pause", "heap"}
    assert "<svg" in (tmp_path / "found/index.html").read_text()
    assert len(list(tmp_path.glob("found/runs/*/report.html"))) == 2


def test_the_list_says_how_long_each_takes(tmp_path: Path) -> None:
    ran = experiment(tmp_path, "list")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].startswith("all")
    assert "headline" in ran.stdout


def test_what_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    assert experiment(tmp_path, "headlines").returncode == 2
    refused = experiment(tmp_path, "headline", "--stores", "pile")

    assert refused.returncode == 2
    assert "pile: no such store" in refused.stderr
