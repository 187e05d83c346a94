"""What is wrong with that which stands beside a blob transaction.

Everything but the KZG proofs themselves, whose verification takes milliseconds and reaches the pool as a candidate's
`proof_fault`. Source: geth's `validateBlobSidecar` and `ValidateCells`.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from txpool.core.blob_sidecar import CELL_PROOFS_PER_BLOB, Sidecar
from txpool.core.rejection import Reason, Rejected
from txpool.core.tx import Tx

BLOB_TX_BYTES_MAX: Final = 1_048_576
BLOBS_PER_TX_MAX: Final = 6  # also of a block that takes more
BLOB_FEE_CAP_MIN: Final = 1
SIDECAR_VERSION: Final = 1

NOT_CANONICAL: Final = "scalar is not canonical when interpreted as a big integer in big-endian"
SCALAR_BYTES: Final = 32
BLS_MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_MODULUS: Final = BLS_MODULUS.to_bytes(SCALAR_BYTES, "big")


def versioned_hash(commitment: bytes) -> bytes:
    """What a transaction calls a blob by, from the commitment to it."""
    return b"\x01" + sha256(commitment).digest()[1:]


def sidecar_fault(tx: Tx) -> Rejected | None:
    """The first fault of what stands beside a blob transaction, up to the proofs themselves."""
    if tx.blob_fee_cap < BLOB_FEE_CAP_MIN:
        return Rejected(Reason.BLOB_FEE_CAP_BELOW_MINIMUM, {"fee": tx.blob_fee_cap, "needed": BLOB_FEE_CAP_MIN})
    if tx.sidecar is None:
        return Rejected(Reason.SIDECAR_MISSING)
    if fault := _commitments_fault(tx.sidecar.commitments, tx.blob_hashes):
        return fault
    if len(tx.blob_hashes) > BLOBS_PER_TX_MAX:
        return Rejected(Reason.TOO_MANY_BLOBS, {"count": len(tx.blob_hashes), "limit": BLOBS_PER_TX_MAX})
    return _format_fault(tx.sidecar)


def _commitments_fault(commitments: Sequence[bytes], hashes: Sequence[bytes]) -> Rejected | None:
    if len(commitments) != len(hashes):
        return Rejected(Reason.COMMITMENT_COUNT, {"commitments": len(commitments), "hashes": len(hashes)})
    for index, (commitment, wanted) in enumerate(zip(commitments, hashes, strict=True)):
        computed = versioned_hash(commitment)
        if computed != wanted:
            named = {"computed": f"0x{computed.hex()}", "hash": f"0x{wanted.hex()}"}
            return Rejected(Reason.BLOB_HASH_MISMATCH, {"index": index, **named})
    return None


def _format_fault(sidecar: Sidecar) -> Rejected | None:
    if sidecar.version != SIDECAR_VERSION:
        return Rejected(Reason.SIDECAR_VERSION, {"wanted": SIDECAR_VERSION, "version": sidecar.version})
    blobs, commitments, proofs = len(sidecar.blobs), len(sidecar.commitments), len(sidecar.proofs)
    if proofs != commitments * CELL_PROOFS_PER_BLOB:
        return Rejected(Reason.PROOF_COUNT, {"proofs": proofs, "needed": commitments * CELL_PROOFS_PER_BLOB})
    if has_wide_scalar(sidecar):
        return Rejected(Reason.BLOB_NOT_CANONICAL, {"cause": NOT_CANONICAL})
    if not blobs:
        return Rejected(Reason.BLOBLESS)
    if blobs != commitments:
        return Rejected(Reason.BLOB_COUNT, {"blobs": blobs, "commitments": commitments})
    return None


def has_wide_scalar(sidecar: Sidecar) -> bool:
    """Whether a field element of a blob is not below the modulus of its field."""
    return any(_has_wide_scalar(blob) for blob in sidecar.blobs)


def _has_wide_scalar(blob: bytes) -> bool:
    first = blob[::SCALAR_BYTES]
    if not first or max(first) < _MODULUS[0]:
        return False
    starts = range(0, len(blob), SCALAR_BYTES)
    return any(blob[start : start + SCALAR_BYTES] >= _MODULUS for start in starts)
