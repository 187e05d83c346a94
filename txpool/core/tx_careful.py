"""The careful way from bytes to a transaction's fields, for all that the pass in `tx.py` does not take at once.

Slow, and exact about what go-ethereum refuses, in which order, and in which words.
"""

from typing import Final, cast

import msgspec

from txpool.core import rlp
from txpool.core.blob_sidecar import Sidecar
from txpool.core.go_rlp import SIZE_NOT_CANONICAL, VALUE_TOO_LARGE, DecodeError, Value
from txpool.core.tx_schema import read_network_form, read_transaction

_BLOB: Final = 3


class Fields(msgspec.Struct, frozen=True):
    """What a transaction's bytes say: its canonical form and the values in their order on the wire."""

    type: int
    canonical: bytes
    values: list[Value]
    sidecar: Sidecar | None = None


def read_carefully(raw: bytes) -> Fields:
    """Read a transaction as geth does.

    Raises:
        DecodeError: it is none; its text is geth's.
    """
    if raw and raw[0] > 0x7F:
        return Fields(0, raw, read_transaction(0, raw))
    if len(raw) <= 1:
        raise DecodeError("typed transaction too short")
    tx_type = raw[0]
    if not 1 <= tx_type <= 4:
        raise DecodeError("transaction type not supported")
    if tx_type == _BLOB:
        return _read_blob(raw)
    return Fields(tx_type, raw, read_transaction(tx_type, raw[1:]))


def _read_blob(raw: bytes) -> Fields:
    """Tell the canonical form from the two network forms by the kinds of the first elements, then read it."""
    is_list, start, end = _peek(raw, 1, len(raw))
    if not is_list:
        raise DecodeError("rlp: expected List")
    wrapped, _, body_end = _peek(raw, start, end)
    if not wrapped:
        return Fields(_BLOB, raw, read_transaction(_BLOB, raw[1:]))
    unversioned, _, _ = _peek(raw, body_end, end)
    body, *rest = read_network_form(raw[1:], versioned=not unversioned)
    version = 0 if unversioned else cast("int", rest.pop(0))
    if not unversioned and version != 1:
        raise DecodeError(f"unsupported blob tx version {version}")
    sidecar = Sidecar(version, *(tuple(cast("list[bytes]", part)) for part in rest))
    return Fields(_BLOB, raw[:1] + raw[start:body_end], cast("list[Value]", body), sidecar)


def _peek(raw: bytes, pos: int, limit: int) -> tuple[bool, int, int]:
    """Find one value without reading it, with the faults that geth has for that."""
    try:
        return rlp.span(raw, pos, limit)
    except rlp.CutShortError:
        raise DecodeError("unexpected EOF") from None
    except rlp.NotMinimalError:
        raise DecodeError(f"rlp: {SIZE_NOT_CANONICAL}") from None
    except rlp.RlpError:
        raise DecodeError(VALUE_TOO_LARGE) from None
