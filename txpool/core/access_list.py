"""EIP-2930 access lists: counted where they lie, parsed only to be shown."""

from typing import cast

from txpool.core import rlp
from txpool.core.irregular import Irregular


def count_entries(raw: bytes, pos: int) -> tuple[int, int, int]:
    """Count the addresses and storage keys of the list at `pos`, and check its shape.

    Returns:
        addresses, keys, and where the list ends.

    Raises:
        Irregular: it is no regular access list.
        IndexError: the input ends too early.
    """
    pos, end = list_bounds(raw, pos)
    addresses = keys = 0
    while pos < end:
        pos, entry_end = list_bounds(raw, pos)
        if raw[pos] != 0x94:  # a string of 20 bytes
            raise Irregular
        pos, keys_end = list_bounds(raw, pos + 21)
        if keys_end != entry_end:
            raise Irregular
        count, rest = divmod(keys_end - pos, 33)
        if rest or raw[pos:keys_end:33].strip(b"\xa0"):  # each a string of 32 bytes
            raise Irregular
        pos = entry_end
        addresses += 1
        keys += count
    if pos != end:
        raise Irregular
    return addresses, keys, end


def list_bounds(raw: bytes, pos: int) -> tuple[int, int]:
    """Find where the payload of the list at `pos` starts and ends.

    Raises:
        Irregular: it is no list, or its length is not minimal.
        IndexError: the input ends too early.
    """
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


def parse_access_list(encoded: bytes) -> list[tuple[bytes, list[bytes]]]:
    """Parse a valid access list, for rendering: each address with its storage keys."""
    if not encoded:
        return []
    entries = cast("list[tuple[bytes, list[bytes]]]", rlp.decode(encoded))
    return [(address, keys) for address, keys in entries]
