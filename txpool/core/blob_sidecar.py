"""The network form of blob transactions: the transaction and, beside it, its blobs, commitments and proofs.

    03 | [body, blobs, commitments, proofs]                 version 0: one proof a blob (EIP-4844)
    03 | [body, 1, blobs, commitments, cell proofs]         version 1: 128 proofs a blob (EIP-7594)

The transaction's hash is that of `03 | body`.
"""

from typing import Final

import msgspec

from txpool.core import rlp
from txpool.core.quick_rlp import Irregular, fixed_string, read_list

BLOB_BYTES: Final = 131_072
POINT_BYTES: Final = 48  # a commitment or a proof
CELL_PROOFS_PER_BLOB: Final = 128
CELL_BYTES: Final = 2_048

_CUSTODY_BYTES: Final = 16
# The files of geth's blob store: slots for 0, 1, .. blobs of data and their proofs, and 4 KiB for the rest.
_SLOT_STEP: Final = BLOB_BYTES + CELL_PROOFS_PER_BLOB * POINT_BYTES + 64
_SLOT_REST: Final = 4_096
_SLOT_HEADER: Final = 4

read_blob: Final = fixed_string(BLOB_BYTES)
read_point: Final = fixed_string(POINT_BYTES)


class Sidecar(msgspec.Struct, frozen=True, gc=False):
    """What travels beside a blob transaction and is not part of it."""

    version: int
    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    proofs: tuple[bytes, ...]


def read_sidecar(raw: bytes, pos: int) -> Sidecar:
    """Read the sidecar that starts at `pos`, after the transaction's body, and ends with the input."""
    version = 0
    if raw[pos] == 1:
        version = 1
        pos += 1
    blobs, pos = read_list(raw, pos, read_blob)
    commitments, pos = read_list(raw, pos, read_point)
    proofs, pos = read_list(raw, pos, read_point)
    if pos != len(raw):
        raise Irregular
    return Sidecar(version, blobs, commitments, proofs)


def network_bytes(canonical_size: int, blobs: int, commitments: int, proofs: int) -> int:
    """Bytes of a transaction in network form, version 1."""
    lists = (blobs, BLOB_BYTES), (commitments, POINT_BYTES), (proofs, POINT_BYTES)
    beside = 1 + sum(_list_bytes(count * _string_bytes(size)) for count, size in lists)
    return canonical_size + _list_bytes(beside)


def stored_bytes(canonical_size: int, blobs: int) -> int:
    """Bytes of the file slot that geth would keep such a transaction in: with cells, twice the bytes of its blobs."""
    cells, proofs = blobs * CELL_PROOFS_PER_BLOB, blobs * CELL_PROOFS_PER_BLOB
    lists = (cells, CELL_BYTES), (blobs, POINT_BYTES), (proofs, POINT_BYTES)
    beside = 1 + sum(_list_bytes(count * _string_bytes(size)) for count, size in lists) + 1 + _CUSTODY_BYTES
    needed = _SLOT_HEADER + _list_bytes(_string_bytes(canonical_size) + _list_bytes(beside))
    return _SLOT_REST + -(-max(needed - _SLOT_REST, 0) // _SLOT_STEP) * _SLOT_STEP


def _string_bytes(size: int) -> int:
    return len(rlp.header(0x80, size)) + size


def _list_bytes(size: int) -> int:
    return len(rlp.header(0xC0, size)) + size


def encode_network(canonical: bytes, sidecar: Sidecar) -> bytes:
    """Put the sidecar beside a blob transaction given in its canonical form."""
    version = [b"\x01"] if sidecar.version else []
    lists = [rlp.encode(list(part)) for part in (sidecar.blobs, sidecar.commitments, sidecar.proofs)]
    return canonical[:1] + rlp.encode_list([canonical[1:], *version, *lists])
