"""Transactions of all five types, and the hot path from bytes to a `Tx`: one pass, no tree.

The pass takes the regular forms only. Whatever looks odd goes to `tx_careful.py`, which reads it once more as geth does
and either finds it valid after all (a gas price of 33 bytes is) or says in geth's words what is wrong.
"""

from typing import Any, Final

import msgspec

from txpool.core import rlp
from txpool.core.access_list import count_entries, parse_access_list
from txpool.core.authorization import Authorization, read_authorization
from txpool.core.blob_sidecar import Sidecar, encode_network, read_sidecar
from txpool.core.fees import GAS_PER_BLOB, effective_tip
from txpool.core.go_rlp import DecodeError
from txpool.core.keccak import keccak
from txpool.core.quick_rlp import (
    Irregular,
    fixed_string,
    list_bounds,
    read_address,
    read_bytes,
    read_ints,
    read_list,
)
from txpool.core.rejection import Reason, Rejected
from txpool.core.tx_careful import Fields, read_carefully

__all__ = ["GAS_PER_BLOB", "Authorization", "Sidecar", "Tx", "decode", "encode_network", "parse_access_list"]

LEGACY: Final = 0
ACCESS_LIST: Final = 1
DYNAMIC_FEE: Final = 2
BLOB: Final = 3
SET_CODE: Final = 4

# The fields of each type in their order on the wire, under our names.
_CALL: Final = ("gas", "to", "value", "data")
_SIGNATURE: Final = ("v", "r", "s")
_FEE_MARKET: Final = ("chain_id", "nonce", "tip_cap", "fee_cap", *_CALL, "access_list")
_WIRE: Final = (
    ("nonce", "fee_cap", *_CALL, *_SIGNATURE),
    ("chain_id", "nonce", "fee_cap", *_CALL, "access_list", *_SIGNATURE),
    (*_FEE_MARKET, *_SIGNATURE),
    (*_FEE_MARKET, "blob_fee_cap", "blob_hashes", *_SIGNATURE),
    (*_FEE_MARKET, "authorizations", *_SIGNATURE),
)

_read_hash: Final = fixed_string(32)

_UNPROTECTED_V: Final = frozenset({0, 1, 27, 28})


class Tx(msgspec.Struct, frozen=True, gc=False):
    """One signed transaction of any type; wei, gas, bytes.

    Attributes:
        type: 0 legacy, 1 access list, 2 dynamic fee, 3 blob, 4 set code.
        chain_id: None for a legacy transaction without replay protection.
        tip_cap: the gas price, where there is but one fee.
        to: 20 bytes, or None for a creation.
        access_list: the RLP of the list, `b""` where the type has none; its counts beside it.
        v: parity of the signature's point; for legacy as EIP-155 has it.
        raw: the canonical binary form, for a blob transaction without its sidecar. `hash` is its Keccak-256.
        size: bytes of the binary form as it came, the sidecar included.
    """

    type: int
    chain_id: int | None
    nonce: int
    tip_cap: int
    fee_cap: int
    gas: int
    to: bytes | None
    value: int
    data: bytes
    access_addresses: int
    access_keys: int
    access_list: bytes
    authorizations: tuple[Authorization, ...]
    blob_fee_cap: int
    blob_hashes: tuple[bytes, ...]
    v: int
    r: int
    s: int
    hash: bytes
    raw: bytes
    size: int
    sidecar: Sidecar | None

    @property
    def cost(self) -> int:
        """The most that the sender may have to pay, in wei."""
        blob_cost = len(self.blob_hashes) * GAS_PER_BLOB * self.blob_fee_cap if self.blob_hashes else 0
        return self.gas * self.fee_cap + self.value + blob_cost

    def effective_tip(self, base_fee: int | None) -> int:
        """What a block at this base fee pays its builder, wei a gas; below zero where the fee cap is under it."""
        return effective_tip(self.tip_cap, self.fee_cap, base_fee)


def decode(raw: bytes) -> Tx | Rejected:
    """Read a transaction in binary form, a blob transaction also with its sidecar."""
    try:
        first = raw[0]
        if first > 0x7F:
            return _decode_legacy(raw)
        if 1 <= first <= SET_CODE:
            return _decode_typed(raw)
    except (Irregular, IndexError):
        pass
    return decode_carefully(raw)


def decode_carefully(raw: bytes) -> Tx | Rejected:
    """Do what `decode` does, without its short cuts."""
    try:
        return _from_fields(read_carefully(raw), len(raw))
    except DecodeError as fault:
        return Rejected(Reason.UNDECODABLE, {"cause": str(fault)})


def _decode_legacy(raw: bytes) -> Tx:
    pos, end = list_bounds(raw, 0)
    ints: list[int] = []
    pos = read_ints(raw, pos, 3, ints)
    to, pos = read_address(raw, pos)
    pos = read_ints(raw, pos, 1, ints)
    data, pos = read_bytes(raw, pos)
    pos = read_ints(raw, pos, 3, ints)
    nonce, price, gas, value, v, r, s = ints
    if not pos == end == len(raw) or (nonce | gas) >> 64:
        raise Irregular
    return Tx(
        LEGACY, protected_chain_id(v), nonce, price, price, gas, to, value, data,
        0, 0, b"", (), 0, (), v, r, s, keccak(raw), raw, len(raw), None,
    )  # fmt: skip


def _decode_typed(raw: bytes) -> Tx:
    """Read a transaction of types 1 to 4, whose fields differ in a few places only."""
    kind = raw[0]
    size = len(raw)
    sidecar = None
    pos, end = list_bounds(raw, 1)
    if end != size:
        raise Irregular
    if kind == BLOB and raw[pos] >= 0xC0:
        raw, sidecar = _split_network_form(raw, pos)
        pos, end = list_bounds(raw, 1)
    ints: list[int] = []
    pos = read_ints(raw, pos, 4 if kind == ACCESS_LIST else 5, ints)
    to, pos = read_address(raw, pos)
    pos = read_ints(raw, pos, 1, ints)
    data, pos = read_bytes(raw, pos)
    list_start = pos
    if raw[pos] == 0xC0:
        addresses = keys = 0
        pos += 1
    else:
        addresses, keys, pos = count_entries(raw, pos)
    access_list = raw[list_start:pos]
    authorizations: tuple[Authorization, ...] = ()
    blob_fee_cap = 0
    blob_hashes: tuple[bytes, ...] = ()
    if kind == BLOB:
        pos = read_ints(raw, pos, 1, ints)
        blob_fee_cap = ints.pop()
        blob_hashes, pos = read_list(raw, pos, _read_hash)
    elif kind == SET_CODE:
        authorizations, pos = read_list(raw, pos, read_authorization)
    pos = read_ints(raw, pos, 3, ints)
    if kind == ACCESS_LIST:
        chain_id, nonce, fee_cap, gas, value, v, r, s = ints
        tip_cap = fee_cap
    else:
        chain_id, nonce, tip_cap, fee_cap, gas, value, v, r, s = ints
        if kind > DYNAMIC_FEE and to is None:
            raise Irregular
    if pos != end or (nonce | gas) >> 64:
        raise Irregular
    return Tx(
        kind, chain_id, nonce, tip_cap, fee_cap, gas, to, value, data,
        addresses, keys, access_list, authorizations, blob_fee_cap, blob_hashes, v, r, s,
        keccak(raw), raw, size, sidecar,
    )  # fmt: skip


def _split_network_form(raw: bytes, pos: int) -> tuple[bytes, Sidecar]:
    _, body_end = list_bounds(raw, pos)
    return raw[:1] + raw[pos:body_end], read_sidecar(raw, body_end)


def protected_chain_id(v: int) -> int | None:
    """Say for which chain a legacy signature is (EIP-155); None without replay protection.

    A `v` under 35 that means neither wraps around in 64 bits, as in geth.
    """
    if v in _UNPROTECTED_V:
        return None
    if v < 35:
        return ((v - 35) & 0xFFFF_FFFF_FFFF_FFFF) // 2
    return (v - 35) // 2


def _from_fields(fields: Fields, size: int) -> Tx:
    """Make the transaction that the careful reader found."""
    values: dict[str, Any] = dict(zip(_WIRE[fields.type], fields.values, strict=True))
    if fields.type == LEGACY:
        values["chain_id"] = protected_chain_id(values["v"])
    entries = values.pop("access_list", [])
    return Tx(
        type=fields.type,
        tip_cap=values.pop("tip_cap", values["fee_cap"]),
        blob_fee_cap=values.pop("blob_fee_cap", 0),
        blob_hashes=tuple(values.pop("blob_hashes", ())),
        access_addresses=len(entries),
        access_keys=sum(len(keys) for _, keys in entries),
        access_list=b"" if fields.type == LEGACY else rlp.encode(entries),
        authorizations=tuple(values.pop("authorizations", ())),
        hash=keccak(fields.canonical),
        raw=fields.canonical,
        size=size,
        sidecar=fields.sidecar,
        **values,
    )
