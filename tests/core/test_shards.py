"""Dicts in shards, beside one dict."""

import gc
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpool.core.shards import SHARDS, Shards

KEYS: Final = st.binary(min_size=2, max_size=2)


@given(st.lists(st.tuples(KEYS, st.integers(0, 9)), max_size=60))
def test_they_are_one_dict_to_who_asks(steps: list[tuple[bytes, int]]) -> None:
    shards: Shards[int] = Shards()
    model: dict[bytes, int] = {}
    for key, value in steps:
        if key in model:
            assert shards.remove(key) == model.pop(key)
        else:
            shards.insert(key, value)
            model[key] = value
        assert len(shards) == len(model)

    assert {key: shards[key] for key in shards} == model
    assert sorted(shards.values()) == sorted(model.values())
    assert all(key in shards and shards.get(key) == value for key, value in model.items())
    assert b"\x00absent" not in shards
    assert shards.get(b"\x00absent") is None


def test_a_key_is_inserted_once() -> None:
    shards: Shards[int] = Shards()
    shards.insert(b"k", 1)

    with pytest.raises(AssertionError):
        shards.insert(b"k", 2)


def test_a_key_that_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(KeyError):
        Shards[int]().remove(b"k")


def test_each_shard_holds_the_keys_of_one_last_byte() -> None:
    shards: Shards[int] = Shards()
    for number in range(1024):
        shards.insert(number.to_bytes(2, "big"), number)

    assert all(len(shards.shard(number)) == 4 for number in range(SHARDS))
    assert list(shards.shard(17).values()) == [17, 273, 529, 785]
    assert sorted(shards) == [number.to_bytes(2, "big") for number in range(1024)]


def test_a_shard_that_has_emptied_gives_its_table_back() -> None:
    shards: Shards[int] = Shards()
    keys = [number.to_bytes(4, "big") + b"\x05" for number in range(1000)]
    for key in keys:
        shards.insert(key, 1)
    full = shards.shard(5).__sizeof__()
    for key in keys[:-10]:
        shards.remove(key)

    assert shards.shard(5).__sizeof__() * 8 < full
    assert list(shards) == keys[-10:]


def test_no_shard_of_atoms_is_tracked_by_the_collector() -> None:
    shards: Shards[int] = Shards()
    for number in range(10_000):
        shards.insert(number.to_bytes(4, "big"), number)

    assert not any(gc.is_tracked(shards.shard(number)) for number in range(SHARDS))
