"""A transaction that asks to be let in: decoded, its sender recovered, unjudged."""

from enum import IntEnum

import msgspec

from txpool.core.rejection import Rejected
from txpool.core.signature import authority_of, sender_of
from txpool.core.tx import Tx


class Origin(IntEnum):
    """Which way a transaction came."""

    RPC = 0
    REORG = 1
    REMOTE = 2


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """One transaction at the door of the pool.

    Attributes:
        tx: the decoded transaction; `tx.raw` is its payload.
        sender: 20 bytes, or why the signature gives none. None only where a check before the signature fails
            already, so that nobody paid for a recovery.
        arrival: nanoseconds since the epoch; ties in the best order break on it.
        origin: which way it came.
        authorities: who signed the set-code authorizations, as far as their signatures give anybody.
        proven: the KZG proofs of a blob transaction have been looked at; only one that passes every check before that
            needs it.
        proof_fault: what is wrong with them.
    """

    tx: Tx
    sender: bytes | Rejected | None
    arrival: int
    origin: Origin = Origin.RPC
    authorities: tuple[bytes, ...] = ()
    proven: bool = False
    proof_fault: Rejected | None = None


def authorities_of(tx: Tx) -> tuple[bytes, ...]:
    """Recover the signers of a transaction's authorizations, without repeats, in order of first appearance.

    A tuple whose signature gives nobody is no fault of the transaction (EIP-7702).
    """
    found = (authority_of(authorization) for authorization in tx.authorizations)
    return tuple(dict.fromkeys(authority for authority in found if authority is not None))


def recovered(tx: Tx, chain_id: int, arrival: int, origin: Origin = Origin.RPC) -> Candidate:
    """Recover all signers of a transaction: some 50 us a signature."""
    return Candidate(tx, sender_of(tx, chain_id), arrival, origin, authorities_of(tx))
