"""The parts of the differential fuzzer, and a short run of it where there is a geth; long runs: `make fuzz-geth`."""

from pathlib import Path
from random import Random

import pytest

from tests.differential import scenario
from tests.differential.duel import Step, View, first_difference
from tests.differential.generator import Generator
from tests.differential.geth_node import find_geth
from tests.differential.search import run_seed
from tests.differential.setting import draw_setting
from tests.differential.shrink import shrink

SEEDS = (0, 1, 2, 3)


def live_geth() -> Path:
    geth = find_geth()
    if geth is None:
        pytest.skip("no geth: GETH=path names one, docs/fuzzing.md says where it is from")
    return geth


@pytest.mark.parametrize("seed", SEEDS)
def test_a_live_geth_and_we_agree_step_by_step(seed: int) -> None:
    found = run_seed(live_geth(), seed, steps=100)

    assert found is None, str(found.difference)


def test_what_is_not_needed_is_left_out() -> None:
    needed = {3, 17, 18, 39}
    asked = []

    def fails(items: list[int]) -> bool:
        asked.append(items)
        return needed <= set(items)

    assert shrink(range(40), fails) == sorted(needed)
    assert len(asked) < 80


def test_a_part_that_can_go_only_after_another_goes_too() -> None:
    def fails(items: list[str]) -> bool:
        return ("a" in items) >= ("b" in items) and items[-1] == "end"  # b needs a before it

    assert shrink(["a", "b", "x", "end"], fails) == ["end"]


def test_a_list_without_fault_in_its_parts_stays() -> None:
    assert shrink([1, 2, 3], lambda items: len(items) == 3) == [1, 2, 3]


def draw(seed: int, count: int) -> list[Step]:
    random = Random(seed)
    setting = draw_setting(random, chain=False)
    view = View([owner.name for owner in setting.owners])
    view.state_nonce = {owner.name: owner.nonce for owner in setting.owners}
    view.balance = {owner.name: owner.balance for owner in setting.owners}
    generator = Generator(random, setting, view, chain=False)
    return [generator.next() for _ in range(count)]


def test_a_seed_tells_the_whole_scenario() -> None:
    assert draw(5, 60) == draw(5, 60)
    assert draw(5, 60) != draw(6, 60)


def test_a_scenario_is_read_as_it_was_written(tmp_path: Path) -> None:
    setting = draw_setting(Random(9), chain=True)
    steps = [{"i": 0, "result": "0x1", **step} for step in draw(9, 3)]
    path = tmp_path / "found.jsonl"

    scenario.write(path, "a title", "a client", setting, steps)
    read = scenario.read(path)

    assert read.steps == steps
    assert read.setting.limits == setting.limits
    assert read.setting.genesis() == setting.genesis()


def test_a_difference_is_told_where_it_is() -> None:
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == (".a[1].b", 2, 3)
    assert first_difference([1], [1, 2]) == ("", [1], [1, 2])
    assert first_difference({"a": 1}, {}) == (".a", 1, "(absent)")
