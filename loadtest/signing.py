"""From orders to signed bytes: keys from a seed, signatures by RFC 6979, so the same order is always the same bytes."""

import hashlib
import hmac
from functools import lru_cache
from typing import Final

import msgspec
from coincurve import PrivateKey

from loadtest.plan import BALANCE, BLOB_TYPE, SET_CODE_TYPE, Kind, Order
from txpool.core.blob_sidecar import BLOB_BYTES, POINT_BYTES, Sidecar
from txpool.core.keccak import keccak
from txpool.core.signature import CURVE_ORDER, sign_authorization
from txpool.core.tx import Authorization
from txpool.core.unsigned import Unsigned, seal, signing_payload

RECIPIENTS: Final = 5000
BLOB_FEE_CAP: Final = 10**9
CELL_PROOFS: Final = 128

# The commitment to a blob of zeros, and every proof about it, is the point at infinity: valid without any pairing here.
_INFINITY: Final = b"\xc0" + bytes(POINT_BYTES - 1)
_ZERO_BLOB: Final = Sidecar(1, (bytes(BLOB_BYTES),), (_INFINITY,), (_INFINITY,) * CELL_PROOFS)
_ZERO_BLOB_HASH: Final = b"\x01" + hashlib.sha256(_INFINITY).digest()[1:]

_orders: Final = msgspec.msgpack.Decoder(list[Order])


def secret_of(seed: int, number: int, use: str = "sender") -> bytes:
    """Derive the private key of an account."""
    material = hmac.digest(f"txpool load {seed}".encode(), f"{use} {number}".encode(), "sha512")
    return (int.from_bytes(material, "big") % (CURVE_ORDER - 1) + 1).to_bytes(32, "big")


def address_of(seed: int, number: int) -> bytes:
    """Derive the address of a sender."""
    return keccak(_key(seed, number).public_key.format(compressed=False)[1:])[12:]


@lru_cache(maxsize=1 << 17)  # making a key costs as much as signing with it
def _key(seed: int, number: int) -> PrivateKey:
    return PrivateKey(secret_of(seed, number))


def sign_orders(seed: int, chain_id: int, packed: bytes) -> list[bytes]:
    """Sign a list of orders, given as MessagePack so that it crosses to another process cheaply."""
    return [sign_order(seed, chain_id, order) for order in _orders.decode(packed)]


def sign_order(seed: int, chain_id: int, order: Order) -> bytes:
    """Sign one order: the bytes that go to the node."""
    unsigned = _unsigned(seed, chain_id + (order.kind == Kind.WRONG_CHAIN), order)
    signature = _key(seed, order.sender).sign_recoverable(keccak(signing_payload(unsigned)), hasher=None)
    r, s, parity = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    if order.kind == Kind.BAD_SIGNATURE:
        s = CURVE_ORDER - s  # the higher of the two values that fit: refused since EIP-2
    return seal(unsigned, parity, r, s)


def _unsigned(seed: int, chain_id: int, order: Order) -> Unsigned:
    legacy_priced = order.type < 2
    return Unsigned(
        type=order.type,
        chain_id=chain_id,
        nonce=order.nonce,
        tip_cap=order.fee_cap if legacy_priced else order.tip_cap,
        fee_cap=order.fee_cap,
        gas=order.gas,
        to=address_of(seed, order.sender) if order.kind == Kind.CANCEL else _recipient(order.salt % RECIPIENTS),
        value=2 * BALANCE if order.kind == Kind.OVERDRAFT else order.value,
        data=hashlib.shake_128(b"%d %d" % (seed, order.salt)).digest(order.data_size),
        access_list=((_recipient(0), (bytes(32),)),) if order.type == 1 else (),
        authorizations=[_authorization(seed, chain_id, order.salt)] if order.type == SET_CODE_TYPE else (),
        blob_fee_cap=BLOB_FEE_CAP if order.type == BLOB_TYPE else 0,
        blob_hashes=[_ZERO_BLOB_HASH] if order.type == BLOB_TYPE else (),
        sidecar=_ZERO_BLOB if order.type == BLOB_TYPE else None,
    )


@lru_cache(maxsize=RECIPIENTS)
def _recipient(number: int) -> bytes:
    return hashlib.sha256(b"recipient %d" % number).digest()[:20]


def _authorization(seed: int, chain_id: int, salt: int) -> Authorization:
    """An account that sends nothing lends itself some code; another one each time."""
    return sign_authorization(chain_id, _recipient(1), 0, secret_of(seed, salt, "authority"))
