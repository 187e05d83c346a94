"""Scenarios say what they mean, and mistakes in them are found before anything runs."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtest.scenario import Calldata, Part, Scenario, ScenarioError, Stage, override, read_scenario, scenario_of
from tests.outside import ROOT

SHIPPED = sorted((ROOT / "configs/load").glob("*.toml"))


def written(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_scenario_that_is_shipped_can_be_read_and_says_what_it_shows(path: Path) -> None:
    scenario = read_scenario(path)

    assert scenario.name == path.stem
    assert scenario.about
    assert path.read_text().startswith("# ")


def keys_of(part: Part, before: str = "") -> Iterator[tuple[str, object]]:
    """Every key of a scenario with its value, by its name from the top."""
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Part):
            yield from keys_of(value, f"{before}{field.name}.")
        else:
            yield before + field.name, value


def at(document: dict[str, Any], key: str) -> Any:  # noqa: ANN401 - what TOML says
    for name in key.split("."):
        document = document[name]
    return document


def test_the_reference_shows_every_key_with_its_default() -> None:
    text = (ROOT / "configs/load/reference.toml").read_text()
    document = tomllib.loads(re.sub(r"^# (\w+ = |  \{|\]$)", r"\1", text, flags=re.MULTILINE))

    shown, defaults = dict(keys_of(scenario_of(document))), dict(keys_of(Scenario(name="reference")))

    assert all(at(document, key) is not None for key in shown), "each is written there"
    assert [key for key, value in shown.items() if value != defaults[key] and defaults[key] is not None] == [
        "about",
        "load.stages",
    ]
    for struct, key in ((Stage, "load.stages"), (Calldata, "corpus.calldata")):
        assert set(at(document, key)[0]) == set(struct.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('name = "x"\n[load]\nspeed = 3', "unknown field `speed`"),
        ('name = "x"\n[corpus.types]\nlegacy = -1', ">= 0"),
        ('name = "x"\n[load]\ntransport = "carrier pigeon"', "Invalid enum value"),
        ('name = "x"', "needs a stage"),
        ('name = "x"\n[load]\nloop = "closed"', "how many"),
        ('name = "x"\n[load]\nwarmup_seconds = 5\nstages = [{seconds = 5, rate = 1}]', "no time to measure"),
        ('name = "x"\n[load]\nprocesses = 3\nconnections = 2\nstages = [{seconds = 5, rate = 1}]', "fewer connections"),
        ("name = ", "no TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_it(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ScenarioError, match=fault):
        read_scenario(written(tmp_path, text))


def test_an_override_stands_above_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, 'name = "x"\n[load]\nbatch = 2\nstages = [{seconds = 5, rate = 1}]')

    scenario = read_scenario(path, dict([override("load.batch=100"), override("corpus.senders=7")]))

    assert (scenario.load.batch, scenario.corpus.senders) == (100, 7)


def test_an_override_without_a_value_is_an_error() -> None:
    with pytest.raises(ScenarioError, match="KEY=VALUE"):
        override("load.batch")


def test_a_corpus_has_enough_for_its_stages(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'name = "x"\n[load]\nstages = [{seconds = 10, rate = 100}, {seconds = 10, rate = 0, rate_end = 100}]'
    )

    assert 1500 < read_scenario(path).transactions < 2000
