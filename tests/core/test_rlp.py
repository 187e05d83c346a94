import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpool.core import rlp

items = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=30)


@given(items)
def test_what_is_written_reads_back(item: rlp.Item) -> None:
    assert rlp.decode(rlp.encode(item)) == item


@given(st.binary(max_size=80))
def test_what_reads_was_written_in_the_only_way_there_is(raw: bytes) -> None:
    try:
        item = rlp.decode(raw)
    except rlp.RlpError:
        return
    assert rlp.encode(item) == raw


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("", rlp.CutShortError),
        ("b8", rlp.CutShortError),
        ("8100", rlp.NotMinimalError),
        ("b801ff", rlp.NotMinimalError),
        ("b90038" + "ff" * 56, rlp.NotMinimalError),
        ("c2820102", rlp.RlpError),
        ("c28301", rlp.RlpError),
        ("0000", rlp.RlpError),
        ("bfffffffffffffffff", rlp.RlpError),
    ],
)
def test_bytes_that_are_not_one_minimal_value_are_refused(raw: str, error: type[rlp.RlpError]) -> None:
    with pytest.raises(error):
        rlp.decode(bytes.fromhex(raw))


def test_lists_may_nest_as_deep_as_the_input_is_long() -> None:
    deep = b"\xc0"
    for _ in range(5_000):
        deep = rlp.header(0xC0, len(deep)) + deep

    assert _depth(rlp.decode(deep)) == 5_000


def _depth(item: rlp.Item) -> int:
    depth = 0
    while isinstance(item, list) and item:
        item = item[0]
        depth += 1
    return depth
