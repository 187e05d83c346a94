"""Two groups of runs: what differs, and whether that can be chance."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from loadtest.compare import compare, describe_comparison, grouped, worse
from loadtest.histogram import Histogram
from loadtest.recorder import Recording, Second
from loadtest.result import Result, Verdict, result
from loadtest.run_folder import RunFolderError
from loadtest.scenario import Load, Scenario, Stage
from loadtest.watch import Sample

SCENARIO = Scenario("x", load=Load(stages=(Stage(2, 1000),)))


def measured(label: str, tps: int, p99_ms: float = 2.0, verdict: Verdict = Verdict.PASSED) -> Result:
    """A run of two seconds in which so many were accepted in each."""
    second = Second(planned=tps, sent=tps, requests=tps, accepted=tps, latency=Histogram.of([round(p99_ms * 1e6)]))
    recording = Recording([second, msgspec.convert(msgspec.to_builtins(second), Second, strict=False)])
    samples = [Sample(0, cpu_seconds=1.0), Sample(2, cpu_seconds=2.0)]
    found = result(SCENARIO, label, recording, samples, expected=2 * tps)
    return msgspec.structs.replace(found, verdict=verdict)


def runs(label: str, *tps: int) -> tuple[str, Sequence[Result]]:
    return label, [measured(label, each) for each in tps]


def test_five_runs_that_are_all_faster_are_no_chance() -> None:
    found = compare(runs("a", 100, 101, 102, 103, 104), runs("b", 200, 201, 202, 203, 204))
    tps = next(row for row in found.rows if row.figure == "tps")

    assert (tps.a, tps.b, tps.shift) == (102, 202, 100)
    assert round(tps.p, 4) == 0.0079
    assert tps.significant
    assert 1.9 < tps.low <= tps.ratio <= tps.high < 2.1
    assert worse(found, 0.0) == []


def test_a_loss_beyond_the_tolerance_is_named_once_chance_is_ruled_out() -> None:
    lost = compare(runs("a", 100, 101, 102, 103, 104), runs("b", 90, 91, 92, 93, 94))

    assert set(worse(lost, 0.05)) == {"tps", "tps per CPU second"}
    assert worse(lost, 0.20) == []
    assert worse(compare(runs("a", 100, 100), runs("b", 50, 50)), 0.05) == []  # two runs say nothing


def test_figures_that_some_runs_lack_are_left_out() -> None:
    found = compare(runs("a", 100), runs("b", 100))

    assert "resident bytes added" not in [row.figure for row in found.rows]
    assert "resident bytes" not in describe_comparison(found)


def test_runs_that_say_nothing_of_the_server_are_remarked_upon() -> None:
    bound = ("b", [measured("b", 100, verdict=Verdict.GENERATOR_BOUND)])

    assert any("generator was the bottleneck" in remark for remark in compare(runs("a", 100), bound).remarks)


def stored(folder: Path, *found: Result) -> list[Path]:
    paths = []
    for number, one in enumerate(found):
        path = folder / str(number)
        path.mkdir(parents=True)
        (path / "results.json").write_bytes(msgspec.json.encode(one))
        paths.append(path)
    return paths


def test_two_folders_are_the_groups(tmp_path: Path) -> None:
    stored(tmp_path / "before", measured("x", 1), measured("x", 2))
    stored(tmp_path / "after", measured("x", 3))

    a, b = grouped([tmp_path / "before", tmp_path / "after"])

    assert ([run.tps for run in a[1]], [run.tps for run in b[1]]) == ([1, 2], [3])


def test_more_folders_are_grouped_by_label(tmp_path: Path) -> None:
    paths = stored(tmp_path, measured("a", 1), measured("b", 2), measured("a", 3), measured("b", 4))

    a, b = grouped(paths)

    assert (a[0], [run.tps for run in a[1]]) == ("a", [1, 3])
    assert (b[0], [run.tps for run in b[1]]) == ("b", [2, 4])


def test_three_labels_are_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 labels"):
        grouped(stored(tmp_path, measured("a", 1), measured("b", 2), measured("c", 3)))


def test_an_empty_folder_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds no run"):
        grouped([tmp_path, tmp_path])
