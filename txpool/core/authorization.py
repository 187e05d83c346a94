"""EIP-7702 authorizations: by such a tuple an account lends itself the code at an address."""

import msgspec

from txpool.core.quick_rlp import Irregular, list_bounds, read_address, read_ints


class Authorization(msgspec.Struct, frozen=True, gc=False):
    """One tuple, its signature unchecked."""

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int
    r: int
    s: int


def read_authorization(raw: bytes, pos: int) -> tuple[Authorization, int]:
    """Read one tuple."""
    pos, end = list_bounds(raw, pos)
    ints: list[int] = []
    pos = read_ints(raw, pos, 1, ints)
    address, pos = read_address(raw, pos)
    pos = read_ints(raw, pos, 4, ints)
    chain_id, nonce, y_parity, r, s = ints
    if pos != end or address is None or nonce >> 64 or y_parity > 0xFF:
        raise Irregular
    return Authorization(chain_id, address, nonce, y_parity, r, s), end
