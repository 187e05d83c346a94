"""RLP read in one pass by those who know what must come: slices of bytes, no tree, no explanation.

Each reader takes the input and a position and returns what is there and where it ends. What is not of the regular form
raises `Irregular`; a read beyond the end raises `IndexError` or ends beyond it, which callers check once, at the end.
"""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from txpool.core import rlp

T = TypeVar("T")
QuickReader: TypeAlias = Callable[[bytes, int], tuple[T, int]]

# The least value that an integer with this header byte may have: shorter ones are not minimal. Up to 32 bytes.
_LEAST: Final = (0,) * 0x81 + (0x80, *(256**width for width in range(1, 32)))


class Irregular(Exception):  # noqa: N818 - no error: the careful reader may find it valid
    """These bytes are not of the common form. It never leaves the readers of transactions."""


def list_bounds(raw: bytes, pos: int) -> tuple[int, int]:
    """Find where the payload of the list at `pos` starts and ends."""
    first = raw[pos]
    if first < 0xC0:
        raise Irregular
    if first < 0xF8:
        return pos + 1, pos + first - 0xBF
    width = first - 0xF7
    start = pos + 1 + width
    size = int.from_bytes(raw[pos + 1 : start], "big")
    if size < 56 or raw[pos + 1] == 0:
        raise Irregular
    return start, start + size


def read_ints(raw: bytes, pos: int, count: int, into: list[int]) -> int:
    """Read so many integers of at most 32 bytes, and return where they end."""
    from_bytes = int.from_bytes
    for _ in range(count):
        first = raw[pos]
        pos += 1
        if first < 0x80:
            if not first:
                raise Irregular
            into.append(first)
        else:
            end = pos + first - 0x80
            value = from_bytes(raw[pos:end], "big")
            if value < _LEAST[first]:
                raise Irregular
            into.append(value)
            pos = end
    return pos


def read_address(raw: bytes, pos: int) -> tuple[bytes | None, int]:
    """Read 20 bytes, or None for the empty string."""
    first = raw[pos]
    if first == 0x94:
        end = pos + 21
        return raw[pos + 1 : end], end
    if first == 0x80:
        return None, pos + 1
    raise Irregular


def read_bytes(raw: bytes, pos: int) -> tuple[bytes, int]:
    """Read a byte string of any length."""
    first = raw[pos]
    pos += 1
    if first < 0x80:
        return raw[pos - 1 : pos], pos
    if first >= 0xC0:
        raise Irregular
    size = first - 0x80
    if size > 55:
        width = size - 55
        size = int.from_bytes(raw[pos : pos + width], "big")
        if size < 56 or not raw[pos]:
            raise Irregular
        pos += width
    elif size == 1 and raw[pos] < 0x80:
        raise Irregular
    return raw[pos : pos + size], pos + size


def fixed_string(size: int) -> QuickReader[bytes]:
    """Make a reader of strings of that size, over one byte."""
    header = rlp.header(0x80, size)
    width = len(header)

    def read(raw: bytes, pos: int) -> tuple[bytes, int]:
        start = pos + width
        if raw[pos:start] != header:
            raise Irregular
        return raw[start : start + size], start + size

    return read


def read_list(raw: bytes, pos: int, element: QuickReader[T]) -> tuple[tuple[T, ...], int]:
    """Read a list of equal elements."""
    pos, end = list_bounds(raw, pos)
    found = []
    while pos < end:
        value, pos = element(raw, pos)
        found.append(value)
    if pos != end:
        raise Irregular
    return tuple(found), end
