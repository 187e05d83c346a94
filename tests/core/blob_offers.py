"""Blob transactions for the test stand: small ones, whose proofs somebody has looked at already."""

from hashlib import sha256
from typing import Any, Final

import msgspec

from tests.core.stand import offer
from txpool.core.blob_sidecar import CELL_PROOFS_PER_BLOB, POINT_BYTES, Sidecar
from txpool.core.candidate import Candidate
from txpool.core.head import Account
from txpool.core.rejection import Rejected
from txpool.core.sidecar_checks import versioned_hash
from txpool.core.tx import BLOB

ONE_BLOB_STORED: Final = 278_656  # what geth's file slot for one blob takes


def beside(count: int = 1, **fields: Any) -> Sidecar:  # noqa: ANN401 - any field of Sidecar
    """A sidecar in order but for the size of what is in it."""
    commitments = tuple(sha256(bytes([number])).digest() + bytes(16) for number in range(count))
    values: dict[str, Any] = {
        "version": 1,
        "blobs": (b"\x11" * 32,) * count,
        "commitments": commitments,
        "proofs": (b"p",) * (CELL_PROOFS_PER_BLOB * count),
    }
    assert all(len(each) == POINT_BYTES for each in commitments)
    return Sidecar(**(values | fields))


def blob(
    sender: bytes,
    nonce: int = 0,
    *,
    fees: int = 100,
    blobs: int = 1,
    sidecar: Sidecar | None = None,
    proof_fault: Rejected | None = None,
    **fields: Any,  # noqa: ANN401 - any of Tx
) -> Candidate:
    """A blob transaction of that sender at the pool's door; `fees` are all three but where one is given."""
    sidecar = sidecar or beside(blobs)
    values: dict[str, Any] = {
        "type": BLOB,
        "tip_cap": fees,
        "fee_cap": fees,
        "blob_fee_cap": fees,
        "blob_hashes": tuple(versioned_hash(each) for each in sidecar.commitments),
        "sidecar": sidecar,
    }
    plain = offer(sender, nonce, **(values | fields))
    return msgspec.structs.replace(plain, proven=True, proof_fault=proof_fault)


def at_nonce(nonce: int, balance: int = 10**24) -> Account:
    """A rich account that has sent so many."""
    return Account(nonce, balance)
