"""Signed transactions as they come in, a line each, and what a server says of them, batch by batch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, Protocol, TypeVar

from txpool.client.errors import INVALID_PARAMS, RpcError
from txpool.client.hexadecimal import fault_of, prefixed

BATCH_ITEMS: Final = 100  # in one request; a server of ours tries no more at a time, and takes 1000 calls
READ_BYTES: Final = 65_536

Line = tuple[int, str]  # its number from 1, and the transaction in it
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Source(Protocol):
    """What is read from: a file, a pipe."""

    def read1(self, size: int, /) -> bytes:
        """What is there, up to so much; waits only where nothing is; empty at the end."""


def arriving(source: Source) -> Iterator[list[str]]:
    """All whole lines that are there, then those that have come meanwhile: none waits for the ones after it.

    Raises:
        UnicodeDecodeError: it is no text.
    """
    begun: list[bytes] = []  # the pieces of a line whose end has not come
    while piece := source.read1(READ_BYTES):
        whole, newline, rest = piece.rpartition(b"\n")
        if newline:
            yield (b"".join(begun) + whole).decode().split("\n")
            begun.clear()
        begun.append(rest)
    if last := b"".join(begun):
        yield [last.decode()]


def transactions(groups: Iterable[Sequence[str]]) -> Iterator[list[Line]]:
    """Number the lines that hold one; empty ones and comments (`#`) do not."""
    seen = 0
    for lines in groups:
        texts = [(number, line.strip()) for number, line in enumerate(lines, start=seen + 1)]
        seen += len(lines)
        yield [(number, prefixed(text)) for number, text in texts if text and not text.startswith("#")]


def pieces(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut into batches."""
    return (items[start : start + BATCH_ITEMS] for start in range(0, len(items), BATCH_ITEMS))


def as_they_come(groups: Iterable[Sequence[Line]]) -> Iterator[Sequence[Line]]:
    """Batches of what came together."""
    return (piece for group in groups for piece in pieces(group))


def in_full(groups: Iterable[Sequence[Line]]) -> Iterator[Sequence[Line]]:
    """Full batches, whatever came together; the last one may be short."""
    rest = chain.from_iterable(groups)
    while batch := list(islice(rest, BATCH_ITEMS)):
        yield batch


def answered(
    batches: Iterable[Sequence[Line]], ask: Callable[[list[str]], Sequence[Answer]]
) -> Iterator[list[tuple[int, Answer | RpcError]]]:
    """What the server says of each line, batch by batch; one that is no hexadecimal it is not shown."""
    for batch in batches:
        faults = [fault_of(text) for _, text in batch]
        sound = [text for (_, text), fault in zip(batch, faults, strict=True) if fault is None]
        answers = iter(ask(sound) if sound else ())
        yield [
            (line, next(answers) if fault is None else RpcError(INVALID_PARAMS, fault))
            for (line, _), fault in zip(batch, faults, strict=True)
        ]
