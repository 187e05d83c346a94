"""Benchmarks as runs of an experiment."""

import pytest
from msgspec.structs import replace

from loadtest.experiments.bench_run import BenchError, arms_of, flat, run_bench
from loadtest.experiments.daemon_run import Trial
from loadtest.experiments.definition import Arm, Bench, Effort, Experiment, Variant
from loadtest.experiments.lab import trials


def bench(name: str = "lifecycle", **options: object) -> Experiment:
    return Experiment(name="x", about="", repeats=1, bench=Bench(name, **options))  # type: ignore[arg-type]  # the test's own


def trial(experiment: Experiment) -> Trial:
    return next(trials([experiment], Effort(stores=("mmap",)), 1, 0.0))


def test_a_benchmark_of_the_tree_is_run_for_a_store_and_its_figures_are_read() -> None:
    experiment = bench(store_option="--store", arguments=("--transactions", "200", "--senders", "20"))
    (found,) = run_bench(trial(experiment), Effort())

    assert (found.experiment, found.arm, found.repeat) == ("x", "mmap", 0)
    assert {"received", "validating", "queued", "pending", "gone"} <= found.figures.keys()
    assert 0 < found.figures["received"] < found.figures["validating"]
    assert found.figures["gone"] < found.figures["pending"]


def test_a_benchmark_that_draws_by_chance_draws_anew_for_each_repeat() -> None:
    arguments = ("--slots", "20000", "--operations", "4096", "--rounds", "1")
    keys = ("pages", "way", "batch")
    experiment = bench("batch_sizes", arguments=arguments, seed_option="--seed", arms="rows", arm_keys=keys)
    repeats = [replace(trial(experiment), repeat=number) for number in (0, 0, 1)]
    first, again, second = (
        {one.arm: one.figures["fragmentation"] for one in run_bench(repeat, Effort())} for repeat in repeats
    )

    assert first == again != second


def test_a_benchmark_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises(BenchError, match="bench nothing ended with 1"):
        run_bench(trial(bench("nothing")), Effort())


def test_arms_are_tables_by_name_or_rows_that_name_themselves_once_or_repeated() -> None:
    rows = {"rows": [{"pages": "huge", "batch": 32, "us": 1.5}, {"pages": "huge", "batch": 256, "us": 1.25}]}

    assert arms_of({"heap": {"us": 1}, "mmap": [{"us": 2}, {"us": 3}]}, Bench("b")) == {
        "heap": [{"us": 1}],
        "mmap": [{"us": 2}, {"us": 3}],
    }
    assert arms_of(rows, Bench("b", arms="rows", arm_keys=("pages", "batch"))) == {
        "huge, 32": [{"us": 1.5}],
        "huge, 256": [{"us": 1.25}],
    }
    with pytest.raises(BenchError, match="no arms under 'cases'"):
        arms_of({"heap": 1}, Bench("b", arms="cases"))


def test_numbers_of_nested_tables_are_figures_and_nothing_else_is() -> None:
    told = {"pauses": {"all": {"longest": 1.5, "count": 3}}, "pages": "huge", "within": True, "hops": None, "rows": [1]}

    assert dict(flat(told)) == {"pauses.all.longest": 1.5, "pauses.all.count": 3.0}


def test_an_arm_without_a_store_is_named_after_its_variant() -> None:
    assert Arm("", Variant("calm")).name == "calm"
    assert Arm("heap", Variant()).name == "heap"
