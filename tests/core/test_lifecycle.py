"""The table of moves."""

from pathlib import Path
from typing import Final

import pytest

from txpool.core.lifecycle import AFTER, NEXT, REBORN_FROM, Kind, Stage, follow, mermaid, step

ARCHITECTURE: Final = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_diagram_in_the_docs_is_drawn_from_the_table() -> None:
    assert f"```mermaid\n{mermaid()}\n```" in ARCHITECTURE.read_text()


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("kind", Kind)
def test_a_move_that_is_not_in_the_table_is_our_bug(stage: Stage, kind: Kind) -> None:
    if (stage, kind) in NEXT:
        assert step(stage, kind) is NEXT[stage, kind]
    else:
        with pytest.raises(AssertionError, match=f"no {kind.name} from {stage.name}"):
            step(stage, kind)


def test_only_an_included_one_goes_on_after_its_end() -> None:
    ends = {Stage.INCLUDED, Stage.REPLACED, Stage.EVICTED, Stage.REJECTED}

    assert {(start, kind) for start, kind in NEXT if start in ends} == {(Stage.INCLUDED, Kind.REINJECTED)}
    assert ends == REBORN_FROM


def test_every_stage_can_be_reached_and_left() -> None:
    assert {*NEXT.values(), Stage.RECEIVED} == set(Stage)
    assert {start for start, _ in NEXT} | REBORN_FROM == set(Stage)


def test_where_an_event_leads_does_not_hang_on_what_was_before() -> None:
    assert set(AFTER) == set(Kind)
    assert all(AFTER[kind] is after for (_, kind), after in NEXT.items())


@pytest.mark.parametrize(
    ("kinds", "end"),
    [
        ((Kind.RECEIVED, Kind.REJECTED), Stage.REJECTED),
        ((Kind.RECEIVED, Kind.QUEUED, Kind.PROMOTED, Kind.DEMOTED), Stage.QUEUED),
        ((Kind.RECEIVED, Kind.PROMOTED, Kind.INCLUDED, Kind.REINJECTED, Kind.QUEUED), Stage.QUEUED),
        ((Kind.REINJECTED, Kind.QUEUED), Stage.QUEUED),
        ((Kind.RECEIVED, Kind.PROMOTED, Kind.EVICTED, Kind.RECEIVED, Kind.PROMOTED), Stage.PENDING),
        ((Kind.RECEIVED, Kind.PROMOTED, Kind.REPLACED, Kind.REINJECTED, Kind.REJECTED), Stage.REJECTED),
    ],
)
def test_a_life_is_its_events_one_after_the_other(kinds: tuple[Kind, ...], end: Stage) -> None:
    stage = None
    for kind in kinds:
        stage = follow(stage, kind)

    assert stage is end


@pytest.mark.parametrize(
    "kinds",
    [
        (Kind.PROMOTED,),
        (Kind.RECEIVED, Kind.INCLUDED),
        (Kind.RECEIVED, Kind.QUEUED, Kind.RECEIVED),
        (Kind.RECEIVED, Kind.REJECTED, Kind.QUEUED),
        (Kind.RECEIVED, Kind.QUEUED, Kind.REINJECTED),
        (Kind.RECEIVED, Kind.PROMOTED, Kind.EVICTED, Kind.EVICTED),
    ],
)
def test_a_life_that_contradicts_the_table_is_our_bug(kinds: tuple[Kind, ...]) -> None:
    stage = None
    for kind in kinds[:-1]:
        stage = follow(stage, kind)

    with pytest.raises(AssertionError):
        follow(stage, kinds[-1])
