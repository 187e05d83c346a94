"""Where a value of a stream ends."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpool.rpc.json_stream import JsonStream

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def cut(*pieces: bytes) -> list[Any]:
    stream = JsonStream()
    return [json.loads(value) for piece in pieces for value in stream.feed(piece)]


@given(values=st.lists(VALUES, max_size=6), data=st.data(), readable=st.booleans())
def test_values_come_out_whole_however_the_bytes_come_in(
    values: list[Any], data: st.DataObject, readable: bool
) -> None:
    octets = b"".join(json.dumps(value, ensure_ascii=readable).encode() + b" \n" for value in values)
    places = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    edges = [0, *places, len(octets)]

    assert cut(*(octets[start:end] for start, end in pairwise(edges))) == values


def test_calls_need_no_space_between_them() -> None:
    assert cut(b'{"id":1}{"id":2}[{"id":3}]7 ') == [{"id": 1}, {"id": 2}, [{"id": 3}], 7]


@pytest.mark.parametrize("early", [b'{"a":"}', b'{"a":"{}"', b'{"a":"\\"}', b'["]"', b'"x\\', b"{}"[:1]])
def test_a_bracket_inside_a_text_ends_nothing(early: bytes) -> None:
    assert cut(early) == []


def test_what_begins_no_value_is_garbled() -> None:
    stream = JsonStream()

    assert list(stream.feed(b'{"id":1} hello {"id":2}')) == [b'{"id":1}']
    assert stream.garbled


def test_what_waits_is_counted() -> None:
    stream = JsonStream()

    assert list(stream.feed(b"{" + b" " * 99)) == []
    assert stream.waiting == 100
