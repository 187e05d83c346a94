"""Getting a blob transaction ready for the pool: old sidecars converted, signer recovered, proofs looked at.

Milliseconds to seconds of work, so it runs on a thread of its own, and is done only for what passes every check that
costs little. The outcome is handed to the pool with the candidate.
"""

from typing import Final

from msgspec.structs import replace

from txpool.core.blob_sidecar import CELL_PROOFS_PER_BLOB, POINT_BYTES, Sidecar, network_bytes
from txpool.core.candidate import Candidate
from txpool.core.head import Head
from txpool.core.rejection import Reason, Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.sidecar_checks import NOT_CANONICAL, has_wide_scalar, sidecar_fault
from txpool.core.signature import sender_of
from txpool.core.stateless import fault_after_sender, fault_before_sender, stateless_fault
from txpool.core.tx import BLOB, Tx
from txpool.ingest.kzg import cell_proofs, proof_fault

_NO_PROOF: Final = bytes(POINT_BYTES)


def conversion_fault(tx: Tx, head: Head) -> Rejected | None:
    """Refuse a sidecar of version 0 whose blobs give no cell proofs; geth's server does so before all else."""
    if _needs_conversion(tx, head) and tx.sidecar and has_wide_scalar(tx.sidecar):
        return Rejected(Reason.SIDECAR_CONVERSION, {"cause": NOT_CANONICAL})
    return None


def prepared(tx: Tx, head: Head, settings: PoolSettings, chain_id: int, arrival: int) -> Candidate:
    """Do all that the pool needs to judge a blob transaction at this head; safe on any thread."""
    asked_to_convert = _needs_conversion(tx, head)
    tx = _of_version_1(tx) if asked_to_convert else tx
    if fault_before_sender(tx, head):
        return Candidate(tx, None, arrival)
    sender = sender_of(tx, chain_id)
    if isinstance(sender, Rejected) or fault_after_sender(tx, sender, head, settings) or sidecar_fault(tx):
        return Candidate(tx, sender, arrival)
    assert tx.sidecar is not None, "a check before sees to that"
    if asked_to_convert:
        proofs = tuple(proof for blob in tx.sidecar.blobs for proof in cell_proofs(blob))
        tx = replace(tx, sidecar=replace(tx.sidecar, proofs=proofs))
    cause = proof_fault(tx.sidecar) if tx.sidecar else None
    fault = Rejected(Reason.KZG_PROOF, {"cause": cause}) if cause else None
    return Candidate(tx, sender, arrival, proven=True, proof_fault=fault)


def is_unready(candidate: Candidate, head: Head, settings: PoolSettings) -> bool:
    """Whether a blob transaction that failed a cheap check passes it under this head, so that its proofs count now."""
    if candidate.tx.type != BLOB or candidate.proven:
        return False
    if candidate.sender is None:
        return fault_before_sender(candidate.tx, head) is None
    return stateless_fault(candidate, head, settings) is None


def _needs_conversion(tx: Tx, head: Head) -> bool:
    return tx.sidecar is not None and tx.sidecar.version == 0 and head.fork >= Fork.OSAKA


def _of_version_1(tx: Tx) -> Tx:
    """The transaction as it will be with cell proofs, which are zeros yet."""
    assert tx.sidecar is not None, "asked for before"
    blobs, commitments = tx.sidecar.blobs, tx.sidecar.commitments
    proofs = (_NO_PROOF,) * (len(blobs) * CELL_PROOFS_PER_BLOB)
    size = network_bytes(len(tx.raw), len(blobs), len(commitments), len(proofs))
    return replace(tx, sidecar=Sidecar(1, blobs, commitments, proofs), size=size)
