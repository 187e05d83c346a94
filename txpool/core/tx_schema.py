"""The shape of each transaction type under go-ethereum's names, for refusals that carry the path to the fault.

Widths differ by type: the older three hold their amounts in integers without bound, the newer two in 256 bits.
"""

from types import MappingProxyType
from typing import Final

from txpool.core.access_list import read_entry
from txpool.core.authorization import read_authorization
from txpool.core.blob_sidecar import read_blob, read_point
from txpool.core.go_rlp import (
    Decoder,
    Value,
    big_int,
    byte_array,
    byte_slice,
    list_of,
    optional,
    read_value,
    struct,
    uint,
    uint256,
)
from txpool.core.quick_rlp import fixed_string

_ADDRESS: Final = byte_array(20, "common.Address")
_HASHES: Final = list_of(byte_array(32, "common.Hash"), "[]common.Hash", fixed_string(32))
_UINT64: Final = uint(64)
_ACCESS_LIST: Final = list_of(
    struct("types.AccessTuple", [("Address", _ADDRESS), ("StorageKeys", _HASHES)]), "types.AccessList", read_entry
)
_AUTHORIZATIONS: Final = list_of(
    struct(
        "types.SetCodeAuthorization",
        [
            ("ChainID", uint256),
            ("Address", _ADDRESS),
            ("Nonce", _UINT64),
            ("V", uint(8)),
            ("R", uint256),
            ("S", uint256),
        ],
    ),
    "[]types.SetCodeAuthorization",
    read_authorization,
)


def _call(to: Decoder, amount: Decoder) -> list[tuple[str, Decoder]]:
    return [("Gas", _UINT64), ("To", to), ("Value", amount), ("Data", byte_slice)]


def _signature(amount: Decoder) -> list[tuple[str, Decoder]]:
    return [("V", amount), ("R", amount), ("S", amount)]


def _fee_market(to: Decoder, amount: Decoder) -> list[tuple[str, Decoder]]:
    head = [("ChainID", amount), ("Nonce", _UINT64), ("GasTipCap", amount), ("GasFeeCap", amount)]
    return [*head, *_call(to, amount), ("AccessList", _ACCESS_LIST)]


_TO: Final = optional(_ADDRESS, "*common.Address")
_CALL: Final = _call(_TO, big_int)
_LEGACY: Final = [("Nonce", _UINT64), ("GasPrice", big_int), *_CALL, *_signature(big_int)]
_WITH_ACCESS_LIST: Final = [
    ("ChainID", big_int),
    ("Nonce", _UINT64),
    ("GasPrice", big_int),
    *_CALL,
    ("AccessList", _ACCESS_LIST),
    *_signature(big_int),
]
_BLOB: Final = [
    *_fee_market(_ADDRESS, uint256),
    ("BlobFeeCap", uint256),
    ("BlobHashes", _HASHES),
    *_signature(uint256),
]
_SET_CODE: Final = [*_fee_market(_ADDRESS, uint256), ("AuthList", _AUTHORIZATIONS), *_signature(uint256)]

_FIELDS: Final = MappingProxyType(
    {
        "types.LegacyTx": _LEGACY,
        "types.AccessListTx": _WITH_ACCESS_LIST,
        "types.DynamicFeeTx": [*_fee_market(_TO, big_int), *_signature(big_int)],
        "types.BlobTx": _BLOB,
        "types.SetCodeTx": _SET_CODE,
    }
)
_TYPES: Final = tuple((name, struct(name, fields)) for name, fields in _FIELDS.items())

_SIDECAR: Final = [
    ("Blobs", list_of(byte_array(131_072, "kzg4844.Blob"), "[]kzg4844.Blob", read_blob)),
    ("Commitments", list_of(byte_array(48, "kzg4844.Commitment"), "[]kzg4844.Commitment", read_point)),
    ("Proofs", list_of(byte_array(48, "kzg4844.Proof"), "[]kzg4844.Proof", read_point)),
]
_BLOB_TX: Final = ("BlobTx", struct("types.BlobTx", _BLOB))
_NETWORK_V0: Final = struct("types.blobTxWithBlobsV0", [_BLOB_TX, *_SIDECAR])
_NETWORK_V1: Final = struct("types.blobTxWithBlobsV1", [_BLOB_TX, ("Version", uint(8)), *_SIDECAR])


def read_transaction(tx_type: int, payload: bytes) -> list[Value]:
    """Read the payload of a transaction: the values of its fields, in their order on the wire.

    Raises:
        DecodeError: it is none; its text is geth's.
    """
    name, decoder = _TYPES[tx_type]
    values = read_value(payload, name, decoder)
    assert isinstance(values, list)
    return values


def read_network_form(payload: bytes, *, versioned: bool) -> list[Value]:
    """Read a blob transaction with its sidecar: the values of the wrapper's fields, the first a transaction's.

    Raises:
        DecodeError: it is none; its text is geth's.
    """
    if versioned:
        values = read_value(payload, "types.blobTxWithBlobsV1", _NETWORK_V1)
    else:
        values = read_value(payload, "types.blobTxWithBlobsV0", _NETWORK_V0)
    assert isinstance(values, list)
    return values
