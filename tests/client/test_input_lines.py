"""Lines of input on their way into batches."""

from collections.abc import Sequence

import pytest

from txpool.client.errors import RpcError
from txpool.client.input_lines import BATCH_ITEMS, answered, arriving, as_they_come, in_full, transactions


class Pipe:
    """What a writer has written, a piece at each reading."""

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)

    def read1(self, _size: int, /) -> bytes:
        return self.left.pop(0) if self.left else b""


def test_lines_are_told_as_soon_as_they_are_whole() -> None:
    pipe = Pipe(b"one\ntw", b"o\n", b"thr", b"ee", b"\nfo", b"ur")
    lines = arriving(pipe)

    assert next(lines) == ["one"]
    assert len(pipe.left) == 5, "nothing is read ahead"
    assert list(lines) == [["two"], ["three"], ["four"]]


def test_what_is_no_text_is_an_error_after_what_was() -> None:
    lines = arriving(Pipe(b"one\n", b"\xff"))

    assert next(lines) == ["one"]
    with pytest.raises(UnicodeDecodeError):
        next(lines)


def test_lines_keep_their_numbers_through_comments_and_groups() -> None:
    groups = [["0x01", "", "# nothing"], [" 02 \r"], [], ["0X03"]]

    assert list(transactions(groups)) == [[(1, "0x01")], [(4, "0x02")], [], [(5, "0x03")]]


def test_batches_hold_what_came_together_or_as_much_as_they_can() -> None:
    groups = [[(number, "0x") for number in range(size)] for size in (1, BATCH_ITEMS + 1, 0, 2)]

    assert [len(batch) for batch in as_they_come(groups)] == [1, BATCH_ITEMS, 1, 2]
    assert [len(batch) for batch in in_full(groups)] == [BATCH_ITEMS, 4]


def test_what_is_no_hexadecimal_is_told_in_its_place_and_not_asked_about() -> None:
    asked: list[Sequence[str]] = []

    def ask(texts: list[str]) -> list[str]:
        asked.append(texts)
        return [text.upper() for text in texts]

    (first, second) = answered([[(1, "0xaa"), (2, "0xzz"), (3, "0xbb")], [(4, "0x1")]], ask)

    assert [(line, str(told)) for line, told in first] == [
        (1, "0XAA"),
        (2, "no hexadecimal: 'z' at digit 1 of '0xzz'"),
        (3, "0XBB"),
    ]
    ((line, fault),) = second
    assert (line, isinstance(fault, RpcError)) == (4, True)
    assert asked == [["0xaa", "0xbb"]]
