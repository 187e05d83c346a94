"""Experiments as files, and the order of their runs."""

from pathlib import Path

import pytest

from loadtest.experiments.definition import (
    FOLDER,
    STORES,
    DefinitionError,
    Effort,
    read_experiment,
    read_experiments,
    scenario_for,
    top_rate,
)
from loadtest.experiments.lab import trials
from txpool.config.sections import StoreSettings

SMALL = """
name = "small"
about = "A small one."
[scenario.corpus]
senders = 10
[scenario.load]
warmup_seconds = 1
stages = [{ seconds = 4, rate = 100 }, { seconds = 6, rate = 0, rate_end = 300 }]
[[variants]]
name = "calm"
[[variants]]
name = "blocks"
stores = ["heap"]
set = { "gc.freeze" = true }
[variants.scenario.head]
block_seconds = 0.5
"""
QUICK_SECONDS = 300


def written(folder: Path, text: str) -> Path:
    path = folder / "small.toml"
    path.write_text(text)
    return path


def test_every_experiment_of_the_tree_can_be_read_and_is_named_after_its_file() -> None:
    found = read_experiments()

    asked_for = "headline lifecycle reuse regimes returning batch_sizes pages thresholds get_put"
    assert set(asked_for.split()) <= found.keys()
    assert {path.stem for path in FOLDER.glob("*.toml")} == found.keys()


def test_the_stores_are_those_of_the_daemon() -> None:
    kinds = StoreSettings.__annotations__["kind"]

    assert set(STORES) == set(kinds.__args__)


def test_the_quick_runs_of_all_are_planned_for_less_than_five_minutes() -> None:
    effort = Effort(quick=True)

    assert sum(effort.planned_seconds(one) for one in read_experiments().values()) < QUICK_SECONDS


def test_the_long_runs_of_the_headline_come_last_and_can_be_left_out() -> None:
    headline = read_experiments()["headline"]
    lengths = [(trial.seconds, trial.long) for trial in trials([headline], Effort(repeats=1), 1, 1000.0)]

    assert lengths == [(60.0, False)] * len(STORES) + [(300.0, True)] * len(STORES)
    assert not any(trial.long for trial in trials([headline], Effort(long_seconds=0.0), 1, 1000.0))
    assert not any(trial.long for trial in trials([headline], Effort(quick=True), 1, 1000.0))


def test_an_arm_is_a_variant_on_a_store(tmp_path: Path) -> None:
    small = read_experiment(written(tmp_path, SMALL))

    assert [arm.name for arm in Effort().arms_of(small)] == [*(f"{store}, calm" for store in STORES), "heap, blocks"]
    assert [arm.name for arm in Effort(stores=("mmap",)).arms_of(small)] == ["mmap, calm"]


def test_a_scenario_is_that_of_the_file_the_variant_and_the_store_as_long_and_fast_as_asked(tmp_path: Path) -> None:
    small = read_experiment(written(tmp_path, SMALL))
    blocks = Effort().arms_of(small)[-1]
    scenario = scenario_for(small, blocks, 5.0, share=0.5)

    assert [(stage.seconds, stage.rate, stage.last_rate) for stage in scenario.load.stages] == [
        (2.0, 50.0, 50.0),
        (3.0, 0.0, 150.0),
    ]
    assert scenario.load.warmup_seconds == 0.5
    assert scenario.head.block_seconds == 0.5
    assert scenario.server.store == "heap"
    assert scenario.server.set == {"gc.freeze": True}
    assert top_rate(small) == 300


def test_pages_of_a_variant_are_what_its_daemon_asks_for(tmp_path: Path) -> None:
    with_pages = 'name = "calm"\npages = "normal"\nset = { "store.limit_bytes" = 4194304 }'
    small = read_experiment(written(tmp_path, SMALL.replace('name = "calm"', with_pages)))
    scenario = scenario_for(small, Effort().arms_of(small)[0], 5.0, share=1.0)

    assert scenario.server.set == {"gc.freeze": False, "slab.pages": "normal", "store.limit_bytes": 4194304}


def test_arms_take_turns_in_an_order_that_the_seed_decides(tmp_path: Path) -> None:
    small = read_experiment(written(tmp_path, SMALL))
    names = [[trial.arm.name for trial in trials([small], Effort(repeats=4), seed, 100.0)] for seed in (1, 1, 2)]
    arms = len(Effort().arms_of(small))

    assert names[0] == names[1] != names[2]
    for start in range(0, 4 * arms, arms):
        assert len(set(names[0][start : start + arms])) == arms


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[scenario.corpus]", "[scenario.corpse]"), "corpse"),
        (('name = "blocks"', 'name = "calm"'), "two of one name"),
        (('stores = ["heap"]', 'stores = ["pile"]'), "no such store: pile"),
        (("block_seconds = 0.5", "block_seconds = -1"), "block_seconds"),
        (("[scenario.load]", "[bench]\nname = 'x'\n[scenario.load]"), "either a scenario or a bench"),
        (('about = "A small one."', ""), "about"),
        (('name = "calm"', 'name = "calm"\npages = "hugetlb"'), "pages are granted for store.limit_bytes"),
    ],
)
def test_a_mistake_in_a_file_is_told(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        read_experiment(written(tmp_path, SMALL.replace(*change)))
