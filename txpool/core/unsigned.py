"""A transaction before it is signed, and its two encodings: what is signed, and the signed whole."""

from collections.abc import Sequence

import msgspec

from txpool.core import rlp
from txpool.core.blob_sidecar import Sidecar, encode_network
from txpool.core.tx import ACCESS_LIST, BLOB, LEGACY, SET_CODE, Authorization

AccessList = Sequence[tuple[bytes, Sequence[bytes]]]


class Unsigned(msgspec.Struct, frozen=True, gc=False):
    """The fields of a transaction of any type; see `Tx` for what they mean.

    For types 0 and 1 the gas price is `fee_cap`, and `tip_cap` does not count. Without `chain_id` a legacy transaction
    is signed without replay protection.
    """

    type: int
    chain_id: int | None
    nonce: int
    fee_cap: int
    gas: int
    to: bytes | None
    tip_cap: int = 0
    value: int = 0
    data: bytes = b""
    access_list: AccessList = ()
    authorizations: Sequence[Authorization] = ()
    blob_fee_cap: int = 0
    blob_hashes: Sequence[bytes] = ()
    sidecar: Sidecar | None = None


def signing_payload(unsigned: Unsigned) -> bytes:
    """Return the bytes whose hash is signed."""
    fields = _fields(unsigned)
    if unsigned.type == LEGACY and unsigned.chain_id is not None:
        fields += [rlp.encode_int(unsigned.chain_id), b"\x80", b"\x80"]
    return _envelope(unsigned, fields)


def seal(unsigned: Unsigned, y_parity: int, r: int, s: int) -> bytes:
    """Put the signature in: the binary form, for a blob transaction with a sidecar the network form."""
    v = y_parity
    if unsigned.type == LEGACY:
        v += 27 if unsigned.chain_id is None else 35 + 2 * unsigned.chain_id
    signed = _envelope(unsigned, _fields(unsigned) + [rlp.encode_int(number) for number in (v, r, s)])
    return encode_network(signed, unsigned.sidecar) if unsigned.sidecar else signed


def authorization_payload(chain_id: int, address: bytes, nonce: int) -> bytes:
    """Return the bytes whose hash an account signs to lend itself the code at `address` (EIP-7702)."""
    fields = [rlp.encode_int(chain_id), rlp.encode_bytes(address), rlp.encode_int(nonce)]
    return b"\x05" + rlp.encode_list(fields)


def _envelope(unsigned: Unsigned, fields: list[bytes]) -> bytes:
    prefix = bytes((unsigned.type,)) if unsigned.type else b""
    return prefix + rlp.encode_list(fields)


def _fields(unsigned: Unsigned) -> list[bytes]:
    """Encode the fields before the signature."""
    fields = [] if unsigned.type == LEGACY else [rlp.encode_int(unsigned.chain_id or 0)]
    fields.append(rlp.encode_int(unsigned.nonce))
    if unsigned.type > ACCESS_LIST:
        fields.append(rlp.encode_int(unsigned.tip_cap))
    fields += [
        rlp.encode_int(unsigned.fee_cap),
        rlp.encode_int(unsigned.gas),
        rlp.encode_bytes(unsigned.to or b""),
        rlp.encode_int(unsigned.value),
        rlp.encode_bytes(unsigned.data),
    ]
    if unsigned.type != LEGACY:
        fields.append(rlp.encode([(address, list(keys)) for address, keys in unsigned.access_list]))
    if unsigned.type == BLOB:
        fields += [rlp.encode_int(unsigned.blob_fee_cap), rlp.encode(list(unsigned.blob_hashes))]
    if unsigned.type == SET_CODE:
        fields.append(rlp.encode_list([_authorization(item) for item in unsigned.authorizations]))
    return fields


def _authorization(item: Authorization) -> bytes:
    numbers = (item.nonce, item.y_parity, item.r, item.s)
    head = [rlp.encode_int(item.chain_id), rlp.encode_bytes(item.address)]
    return rlp.encode_list(head + [rlp.encode_int(number) for number in numbers])
