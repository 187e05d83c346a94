"""Blocks in their RLP form: header hashes, the roots over a block's lists, its size."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from txpool.chain.trie import ordered_root
from txpool.core import rlp
from txpool.core.block import Header, Receipt
from txpool.core.keccak import keccak
from txpool.core.steps import Steps, portions

NO_UNCLES_HASH: Final = keccak(b"\xc0")
NO_REQUESTS_HASH: Final = hashlib.sha256(b"").digest()  # EIP-7685
NO_LOGS_BLOOM: Final = bytes(256)
ZERO_HASH: Final = bytes(32)
# What is hashed of a header, in the order in which forks added it; a fork has none of the later ones.
HEADER_FIELDS: Final = tuple(name for name in Header.__struct_fields__ if name != "hash")

_NO_LOGS: Final = rlp.encode_bytes(NO_LOGS_BLOOM) + b"\xc0"


def sealed(header: Header) -> Header:
    """The header with its hash."""
    return msgspec.structs.replace(header, hash=keccak(encode_header(header)))


def encode_header(header: Header) -> bytes:
    """Encode what is hashed: the fields that the header's fork has, in the order they came to be."""
    fields = (getattr(header, name) for name in HEADER_FIELDS)
    return rlp.encode_list([_encode(field) for field in fields if field is not None])


def transactions_root(payloads: Sequence[bytes]) -> Steps[bytes]:
    """Commit to transactions in canonical binary form."""
    return ordered_root(payloads)


def receipts_root(payloads: Sequence[bytes], receipts: Sequence[Receipt]) -> Steps[bytes]:
    """Commit to receipts, each typed as its transaction."""
    encoded: list[bytes] = []
    for some in portions(zip(payloads, receipts, strict=True)):
        encoded += [_encode_receipt(*pair) for pair in some]
        yield
    return (yield from ordered_root(encoded))


def block_size(header: Header, payloads: Sequence[bytes]) -> int:
    """Bytes of the block's RLP: header, transactions, no uncles, no withdrawals."""
    listed = rlp.encode_list([payload if payload[0] > 0x7F else rlp.encode_bytes(payload) for payload in payloads])
    withdrawals = [] if header.withdrawals_root is None else [b"\xc0"]
    return len(rlp.encode_list([encode_header(header), listed, b"\xc0", *withdrawals]))


def _encode_receipt(payload: bytes, receipt: Receipt) -> bytes:
    """Encode as after Byzantium: status, gas so far, bloom, logs."""
    kind = payload[:1] if payload[0] <= 0x7F else b""
    body = rlp.encode_int(receipt.status) + rlp.encode_int(receipt.cumulative_gas_used) + _NO_LOGS
    return kind + rlp.header(0xC0, len(body)) + body


def _encode(field: bytes | int) -> bytes:
    return rlp.encode_int(field) if isinstance(field, int) else rlp.encode_bytes(field)
