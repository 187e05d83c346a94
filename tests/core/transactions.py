"""Transactions made to measure: one with given fields, and Hypothesis strategies for all of them."""

from typing import Any, Final

from hypothesis import strategies as st

from txpool.core.blob_sidecar import BLOB_BYTES, POINT_BYTES, Sidecar
from txpool.core.signature import sign, sign_authorization
from txpool.core.tx import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE, Tx, decode
from txpool.core.unsigned import Unsigned

CHAIN_ID: Final = 1337
KEY: Final = b"\x11" * 32
RECIPIENT: Final = b"\x22" * 20
GWEI: Final = 10**9


def unsigned(tx_type: int = DYNAMIC_FEE, **fields: Any) -> Unsigned:  # noqa: ANN401 - any field of Unsigned
    """A plain transfer of that type, but for the fields given."""
    defaults: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "nonce": 0,
        "fee_cap": 2 * GWEI,
        "tip_cap": GWEI,
        "gas": 21_000 if tx_type < BLOB else 100_000,
        "to": RECIPIENT,
        "value": 1,
    }
    if tx_type == SET_CODE:
        defaults["authorizations"] = (sign_authorization(CHAIN_ID, RECIPIENT, 0, KEY),)
    if tx_type == BLOB:
        defaults |= {"blob_fee_cap": 1, "blob_hashes": (b"\x01" * 32,)}
    return Unsigned(type=tx_type, **(defaults | fields))


def signed(tx_type: int = DYNAMIC_FEE, key: bytes = KEY, **fields: Any) -> Tx:  # noqa: ANN401 - any field of Unsigned
    """The same, signed and read."""
    tx = decode(sign(unsigned(tx_type, **fields), key))
    assert isinstance(tx, Tx), tx
    return tx


def sidecar(version: int, blobs: int = 1) -> Sidecar:
    """A sidecar of the right sizes; what is in it proves nothing."""
    points = (b"\x5a" * POINT_BYTES,) * blobs
    return Sidecar(version, (b"\x11" * BLOB_BYTES,) * blobs, points, points * (128 if version else 1))


_UINT64: Final = st.integers(0, 2**64 - 1)
_UINT256: Final = st.integers(0, 2**256 - 1) | st.integers(0, 300)
_WIDE: Final = _UINT256 | st.integers(2**256, 2**400)  # the older types hold amounts of any width
_ADDRESS: Final = st.binary(min_size=20, max_size=20)
_WORDS: Final = st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple)
_KEYS: Final = st.integers(1, 2**255).map(lambda number: number.to_bytes(32, "big"))
_ACCESS_LISTS: Final = st.lists(st.tuples(_ADDRESS, _WORDS), max_size=3).map(tuple)
_AUTHORIZATIONS: Final = st.lists(st.builds(sign_authorization, _UINT256, _ADDRESS, _UINT64, _KEYS), max_size=3).map(
    tuple
)


@st.composite
def any_unsigned(draw: st.DrawFn) -> Unsigned:
    """A transaction of any type that decodes, within its type's widths."""
    tx_type = draw(st.sampled_from((LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE)))
    amount = _UINT256 if tx_type >= BLOB else _WIDE
    fee_cap = draw(amount)
    return Unsigned(
        type=tx_type,
        chain_id=draw(st.integers(1, 2**70) | st.none() if tx_type == LEGACY else _UINT256),
        nonce=draw(_UINT64),
        fee_cap=fee_cap,
        tip_cap=draw(amount) if tx_type > ACCESS_LIST else fee_cap,
        gas=draw(_UINT64),
        to=draw(_ADDRESS if tx_type >= BLOB else _ADDRESS | st.none()),
        value=draw(amount),
        data=draw(st.binary(max_size=80) | st.binary(min_size=250, max_size=300)),
        access_list=draw(_ACCESS_LISTS) if tx_type else (),
        authorizations=draw(_AUTHORIZATIONS) if tx_type == SET_CODE else (),
        blob_fee_cap=draw(_UINT256) if tx_type == BLOB else 0,
        blob_hashes=draw(_WORDS) if tx_type == BLOB else (),
    )


def signed_bytes() -> st.SearchStrategy[bytes]:
    """The binary form of any transaction."""
    return st.builds(sign, any_unsigned(), _KEYS)


_POINTS: Final = st.lists(st.binary(min_size=POINT_BYTES, max_size=POINT_BYTES), max_size=3).map(tuple)


def network_forms() -> st.SearchStrategy[bytes]:
    """A blob transaction beside a sidecar, which has no blobs, to be short."""
    sidecars = st.builds(Sidecar, st.integers(0, 1), st.just(()), _POINTS, _POINTS)
    return sidecars.map(lambda beside: sign(unsigned(BLOB, sidecar=beside), KEY))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A transaction with a few bytes changed, left out or put in; headers are hit more often than chance would."""
    raw = bytearray(draw(signed_bytes() | network_forms()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(
            st.integers(0, min(len(raw), 12)) | st.integers(0, len(raw)) | st.integers(max(0, len(raw) - 160), len(raw))
        )
        cut = draw(st.integers(0, 2))
        raw[at : at + cut] = draw(
            st.binary(max_size=2) | st.sampled_from((b"\x00", b"\x80", b"\xc0", b"\x81", b"\xb8"))
        )
    return bytes(raw)
