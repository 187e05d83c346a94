"""EIP-2930 access lists: counted where they lie, parsed only to be shown."""

from typing import Final

from txpool.core.quick_rlp import Irregular, fixed_string, list_bounds, read_list

_read_address: Final = fixed_string(20)
_read_key: Final = fixed_string(32)


def count_entries(raw: bytes, pos: int) -> tuple[int, int, int]:
    """Count the addresses and storage keys of the list at `pos`, and check its shape; then tell where it ends."""
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


def read_entry(raw: bytes, pos: int) -> tuple[tuple[bytes, tuple[bytes, ...]], int]:
    """Read one address with its storage keys."""
    pos, end = list_bounds(raw, pos)
    address, pos = _read_address(raw, pos)
    keys, pos = read_list(raw, pos, _read_key)
    if pos != end:
        raise Irregular
    return (address, keys), end


def parse_access_list(encoded: bytes) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """Parse a transaction's access list, for rendering: each address with its storage keys."""
    return list(read_list(encoded, 0, read_entry)[0]) if encoded else []
