"""RLP, Ethereum's encoding of nested lists of byte strings: the general codec, for headers, vectors and signing.

Transactions on their way in are read by `tx.py`, which builds no tree.
"""

from collections.abc import Sequence
from typing import TypeAlias

Item: TypeAlias = "bytes | Sequence[Item]"


class RlpError(ValueError):
    """The bytes are not one canonical RLP value."""


class CutShortError(RlpError):
    """A value is missing, or its length is cut short."""


class NotMinimalError(RlpError):
    """A length, or a byte under 0x80, has a shorter form."""


def encode(item: Item) -> bytes:
    """Encode a byte string, or a list of such items, however nested."""
    if isinstance(item, bytes):
        return encode_bytes(item)
    return encode_list([encode(element) for element in item])


def encode_bytes(text: bytes) -> bytes:
    """Encode one byte string; a single byte under 0x80 stands for itself."""
    if len(text) == 1 and text[0] < 0x80:
        return text
    return header(0x80, len(text)) + text


def encode_int(number: int) -> bytes:
    """Encode a number as its minimal big-endian bytes; zero is the empty string."""
    return encode_bytes(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def encode_list(encoded: Sequence[bytes]) -> bytes:
    """Join elements that are encoded already into a list."""
    payload = b"".join(encoded)
    return header(0xC0, len(payload)) + payload


def header(base: int, size: int) -> bytes:
    """Return the bytes before a payload of that size; base is 0x80 for a string, 0xc0 for a list."""
    if size < 56:
        return bytes((base + size,))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((base + 55 + len(length),)) + length


def decode(raw: bytes) -> Item:
    """Decode exactly one value.

    Raises:
        RlpError: the bytes are cut short, not minimal, or followed by others.
    """
    is_list, start, end = span(raw, 0, len(raw))
    if end != len(raw):
        raise RlpError(f"{len(raw) - end} bytes after the value")
    return _decode_list(raw, start, end) if is_list else raw[start:end]


def _decode_list(raw: bytes, pos: int, end: int) -> list[Item]:
    """Decode a list's payload, without recursion: input may nest as deep as it is long."""
    items: list[Item] = []
    outer: list[tuple[list[Item], int]] = []
    while True:
        while pos == end and outer:
            items, end = outer.pop()
        if pos == end:
            return items
        is_list, start, pos_after = span(raw, pos, end)
        if is_list:
            inner: list[Item] = []
            items.append(inner)
            outer.append((items, end))
            items, pos, end = inner, start, pos_after
        else:
            items.append(raw[start:pos_after])
            pos = pos_after


def span(raw: bytes, pos: int, limit: int) -> tuple[bool, int, int]:
    """Find the value at `pos`: is it a list, where its payload starts, where it ends.

    Raises:
        RlpError: the value's header is not minimal, or the value reaches beyond `limit`.
    """
    if pos >= limit:
        raise CutShortError("a value is missing")
    first = raw[pos]
    if first < 0x80:
        return False, pos, pos + 1
    base = 0x80 if first < 0xC0 else 0xC0
    start, size = pos + 1, first - base
    if first == 0x81 and start < limit and raw[start] < 0x80:
        raise NotMinimalError("a single byte under 0x80 needs no header")
    if size > 55:
        start, size = _long_size(raw, start, size - 55, limit)
    if start + size > limit:
        raise RlpError("a value reaches beyond its list or the input")
    return base == 0xC0, start, start + size


def _long_size(raw: bytes, pos: int, width: int, limit: int) -> tuple[int, int]:
    start = pos + width
    if start > limit:
        raise CutShortError("a length is cut short")
    size = int.from_bytes(raw[pos:start], "big")
    if size < 56 or raw[pos] == 0:
        raise NotMinimalError("a length is not minimal")
    return start, size
