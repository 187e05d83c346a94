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


def encode_network(canonical: bytes, sidecar: Sidecar) -> bytes:
    """Put the sidecar beside a blob transaction given in its canonical form."""
    version = [b"\x01"] if sidecar.version else []
    lists = [rlp.encode(list(part)) for part in (sidecar.blobs, sidecar.commitments, sidecar.proofs)]
    return canonical[:1] + rlp.encode_list([canonical[1:], *version, *lists])
