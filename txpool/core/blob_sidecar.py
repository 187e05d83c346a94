"""The network form of blob transactions: the transaction and, beside it, its blobs, commitments and proofs.

    03 | [body, blobs, commitments, proofs]                 version 0: one proof a blob (EIP-4844)
    03 | [body, 1, blobs, commitments, cell proofs]         version 1: 128 proofs a blob (EIP-7594)

The transaction's hash is that of `03 | body`.
"""

from typing import Final

import msgspec

from txpool.core import rlp
from txpool.core.access_list import list_bounds
from txpool.core.irregular import Irregular

BLOB_BYTES: Final = 131_072
POINT_BYTES: Final = 48  # a commitment or a proof

_BLOB_HEADER: Final = rlp.header(0x80, BLOB_BYTES)
_POINT_HEADER: Final = rlp.header(0x80, POINT_BYTES)


class Sidecar(msgspec.Struct, frozen=True, gc=False):
    """What travels beside a blob transaction and is not part of it."""

    version: int
    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    proofs: tuple[bytes, ...]


def read_sidecar(raw: bytes, pos: int) -> Sidecar:
    """Read the sidecar that starts at `pos`, after the transaction's body, and ends with the input.

    Raises:
        Irregular: it is not of the regular form.
        IndexError: the input ends too early.
    """
    version = 0
    if raw[pos] == 1:
        version = 1
        pos += 1
    blobs, pos = _equal_strings(raw, pos, _BLOB_HEADER, BLOB_BYTES)
    commitments, pos = _equal_strings(raw, pos, _POINT_HEADER, POINT_BYTES)
    proofs, pos = _equal_strings(raw, pos, _POINT_HEADER, POINT_BYTES)
    if pos != len(raw):
        raise Irregular
    return Sidecar(version, blobs, commitments, proofs)


def _equal_strings(raw: bytes, pos: int, header: bytes, size: int) -> tuple[tuple[bytes, ...], int]:
    start, end = list_bounds(raw, pos)
    step = len(header) + size
    if (end - start) % step or end > len(raw):
        raise Irregular
    starts = range(start + len(header), end, step)
    if any(raw[text - len(header) : text] != header for text in starts):
        raise Irregular
    return tuple([raw[text : text + size] for text in starts]), end


def encode_network(canonical: bytes, sidecar: Sidecar) -> bytes:
    """Put the sidecar beside a blob transaction given in its canonical form."""
    version = [b"\x01"] if sidecar.version else []
    lists = [rlp.encode(list(part)) for part in (sidecar.blobs, sidecar.commitments, sidecar.proofs)]
    return canonical[:1] + rlp.encode_list([canonical[1:], *version, *lists])
