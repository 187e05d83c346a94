"""A sender's transactions by nonce, beside a dict."""

from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpool.core.nonce_map import LoneEntry, NonceMap

TOP: Final = 2**64 - 1
NONCES: Final = st.integers(0, 20) | st.integers(TOP - 3, TOP)
CONTENT: Final = st.dictionaries(NONCES, st.integers(1, TOP), max_size=20)


def map_of(content: dict[int, int]) -> NonceMap | LoneEntry:
    """As the pool makes them: a lone entry, and a map from the second one on."""
    built: NonceMap | LoneEntry = LoneEntry(0, 0)
    for nonce, handle in content.items():
        if built:
            built = built.roomy()
            assert built.put(nonce, handle) == 0
        else:
            built = LoneEntry(nonce, handle)
    return built


@given(CONTENT, NONCES)
def test_get_is_that_of_a_dict(content: dict[int, int], nonce: int) -> None:
    assert map_of(content).get(nonce) == content.get(nonce, 0)


@given(CONTENT)
def test_entries_come_lowest_first(content: dict[int, int]) -> None:
    built = map_of(content)

    assert built.items() == sorted(content.items())
    assert len(built) == len(content)
    if content:
        assert (built.first(), built.last()) == (min(content), max(content))


@given(CONTENT, NONCES, st.integers(1, TOP))
def test_put_gives_back_what_was_there(content: dict[int, int], nonce: int, handle: int) -> None:
    built = map_of(content).roomy()

    assert built.put(nonce, handle) == content.get(nonce, 0)

    assert built.items() == sorted((content | {nonce: handle}).items())


@given(CONTENT, NONCES)
def test_pop_takes_one_out(content: dict[int, int], nonce: int) -> None:
    built = map_of(content)

    assert built.pop(nonce) == content.pop(nonce, 0)

    assert built.items() == sorted(content.items())


@given(CONTENT, st.integers(0, 21))
def test_take_below_and_above_cut_the_map_in_three(content: dict[int, int], nonce: int) -> None:
    built = map_of(content)
    entries = sorted(content.items())

    assert built.take_below(nonce) == [each for each in entries if each[0] < nonce]
    assert built.take_above(nonce) == [each for each in entries if each[0] > nonce]
    assert built.items() == [each for each in entries if each[0] == nonce]


@given(CONTENT, st.integers(0, 22))
def test_take_ready_takes_the_run_from_the_lowest(content: dict[int, int], start: int) -> None:
    built = map_of(content)
    run = []
    if content and min(content) <= start:
        nonce = min(content)
        while nonce in content:
            run.append((nonce, content[nonce]))
            nonce += 1

    assert built.take_ready(start) == run

    assert built.items() == sorted(content.items() - set(run))


@given(CONTENT, st.integers(0, 20), st.integers(0, 8))
def test_covers_asks_for_every_nonce_of_a_range(content: dict[int, int], start: int, count: int) -> None:
    covered = all(nonce in content for nonce in range(start, start + count))

    assert map_of(content).covers(start, start + count) == covered


@given(CONTENT.filter(bool))
def test_take_last_and_all_empty_it(content: dict[int, int]) -> None:
    built = map_of(content)
    entries = sorted(content.items())

    assert built.take_last() == entries[-1]
    assert built.take_all() == entries[:-1]
    assert not built
    assert built.take_all() == []


@given(NONCES, st.integers(1, TOP), st.integers(1, TOP))
def test_a_lone_entry_can_be_replaced(nonce: int, old: int, new: int) -> None:
    built = LoneEntry(nonce, old)

    assert built.put(nonce, new) == old

    assert built.items() == [(nonce, new)]


def test_a_lone_entry_has_no_room_for_another_nonce() -> None:
    with pytest.raises(AssertionError):
        LoneEntry(1, 1).put(2, 1)


def test_it_costs_sixteen_bytes_an_entry_and_no_object() -> None:
    built = map_of(dict.fromkeys(range(1000), 1))

    assert isinstance(built, NonceMap)
    assert len(built.packed) == 16_000
    assert msgspec.structs.fields(NonceMap)[0].type is bytearray


@given(CONTENT, NONCES, NONCES)
def test_entries_between_two_nonces_are_those_of_the_range(content: dict[int, int], start: int, end: int) -> None:
    chosen = {nonce: handle for nonce, handle in content.items() if start <= nonce < end}
    entries = NonceMap(bytearray())
    for nonce, handle in content.items():
        entries.put(nonce, handle)
    assert list(entries.between(start, end)) == (sorted(chosen.items()) if start <= end else [])
