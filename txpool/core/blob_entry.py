"""What the blob pool keeps in memory of one transaction; the blobs themselves are in the store."""

import msgspec

from txpool.core.blob_fees import base_fee_jumps, blob_fee_jumps
from txpool.core.blob_sidecar import stored_bytes
from txpool.core.candidate import Candidate


class BlobEntry(msgspec.Struct, gc=False):
    """One blob transaction; wei, wei a gas, bytes.

    Attributes:
        handle: where record and network form lie; 0 while it is only judged.
        size: bytes of its network form.
        stored: bytes that it counts against the data cap: those of the file slot that geth would use.
        base_fee_jumps: how many steps of the base fee away from 1 wei its fee cap is.
        blob_fee_jumps: the same of the blob fee.
        worst_tip: the lowest tip cap of its account's transactions up to this one; the next two likewise.
    """

    handle: int
    hash: bytes
    sender: bytes
    nonce: int
    tip_cap: int
    fee_cap: int
    blob_fee_cap: int
    cost: int
    arrival: int
    size: int
    stored: int
    base_fee_jumps: float
    blob_fee_jumps: float
    worst_tip: int
    worst_base_fee_jumps: float
    worst_blob_fee_jumps: float

    @property
    def key(self) -> tuple[bytes, bytes, int]:
        """What events name a transaction by: hash, sender, nonce."""
        return (self.hash, self.sender, self.nonce)

    def follow(self, before: "BlobEntry | None") -> None:
        """Set the running minima, given the account's transaction before this one."""
        self.worst_tip = self.tip_cap
        self.worst_base_fee_jumps = self.base_fee_jumps
        self.worst_blob_fee_jumps = self.blob_fee_jumps
        if before:
            self.worst_tip = min(self.tip_cap, before.worst_tip)
            self.worst_base_fee_jumps = min(self.base_fee_jumps, before.worst_base_fee_jumps)
            self.worst_blob_fee_jumps = min(self.blob_fee_jumps, before.worst_blob_fee_jumps)


def entry_of(candidate: Candidate, sender: bytes) -> BlobEntry:
    """A newcomer as the pool looks at it; nothing is stored yet."""
    tx = candidate.tx
    base_jumps, blob_jumps = base_fee_jumps(tx.fee_cap), blob_fee_jumps(tx.blob_fee_cap)
    return BlobEntry(
        handle=0,
        hash=tx.hash,
        sender=sender,
        nonce=tx.nonce,
        tip_cap=tx.tip_cap,
        fee_cap=tx.fee_cap,
        blob_fee_cap=tx.blob_fee_cap,
        cost=tx.cost,
        arrival=candidate.arrival,
        size=tx.size,
        stored=stored_bytes(len(tx.raw), len(tx.blob_hashes)),
        base_fee_jumps=base_jumps,
        blob_fee_jumps=blob_jumps,
        worst_tip=tx.tip_cap,
        worst_base_fee_jumps=base_jumps,
        worst_blob_fee_jumps=blob_jumps,
    )
