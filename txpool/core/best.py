"""The order in which a block builder wants transactions.

Each sender's next one, the highest effective tip first; of equal tips the one that carries no blobs, then the one that
arrived first, then the one that was stored first. Source: geth's `newTransactionsByPriceAndNonce` and
`commitTransactions`.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace
from typing import TypeAlias

import msgspec

from txpool.core.blob_residents import BlobResidents
from txpool.core.blob_sender import BlobSender
from txpool.core.record import Resident
from txpool.core.residents import Residents
from txpool.core.tx import BLOB

# Negative tip, whether it carries blobs, arrival, handle: what ranks a sender's next one.
_Entry: TypeAlias = tuple[int, bool, int, int, Resident]


class BestTx(msgspec.Struct, frozen=True, gc=False):
    """A candidate for the next block; `tip` is what it pays the builder, wei a gas."""

    handle: int
    hash: bytes
    sender: bytes
    nonce: int
    gas: int
    tip: int
    cost: int


class Best:
    """An iterator over a pool that holds still: a submission or a new head ends it with an error.

    A sender's transactions come in nonce order, and end at the first whose fee cap is under the base fee.
    """

    def __init__(
        self, residents: Residents, base_fee: int | None, blobs: BlobResidents | None = None, blob_base_fee: int = 0
    ) -> None:
        """Look at each sender's first pending transaction: O(senders); each one that is taken costs O(log senders).

        Args:
            residents: the pool's content.
            base_fee: of the block to build, None before London.
            blobs: the blob pool's content, where blob transactions are wanted.
            blob_base_fee: what blob gas costs in that block; an account's come up to the first that pays less.
        """
        self._residents = residents
        self._blobs = blobs
        self._base_fee = base_fee
        self._blob_base_fee = blob_base_fee
        self._last_event = residents.events.next_seq
        self._heap: list[_Entry] = []
        for sender in residents.senders.values():
            if sender.pending and (entry := self._entry(sender.pending.get(sender.nonce))):
                self._heap.append(entry)
        if blobs:
            firsts = (self._blob_entry(blobs, sender, 0) for sender in blobs.senders.values())
            self._heap += [entry for entry in firsts if entry]
        heapify(self._heap)
        self._held: Resident | None = None

    def __iter__(self) -> Iterator[BestTx]:
        return self

    def __next__(self) -> BestTx:
        """The next best.

        Raises:
            StopIteration: there is none.
            RuntimeError: the pool has changed since this iterator was made.
        """
        if self._residents.events.next_seq != self._last_event:
            raise RuntimeError("the pool changed during the iteration")
        self._advance()
        if not self._heap:
            raise StopIteration
        negative_tip, *_, tx = self._heap[0]
        self._held = tx
        return BestTx(tx.handle, tx.hash, tx.sender, tx.nonce, tx.gas, -negative_tip, tx.cost)

    def skip_sender(self) -> None:
        """Leave out all that the sender of the last one still has."""
        if self._held:
            heappop(self._heap)
            self._held = None

    def _advance(self) -> None:
        """Put the successor of the last one in its place."""
        if self._held is None:
            return
        entry = self._successor(self._held)
        self._held = None
        if entry:
            heapreplace(self._heap, entry)
        else:
            heappop(self._heap)

    def _successor(self, tx: Resident) -> _Entry | None:
        if tx.type == BLOB and self._blobs:
            sender = self._blobs.senders[tx.sender]
            return self._blob_entry(self._blobs, sender, tx.nonce + 1 - sender.nonce)
        sender_of_it = self._residents.senders[tx.sender]
        return self._entry(sender_of_it.pending.get(tx.nonce + 1))

    def _blob_entry(self, blobs: BlobResidents, sender: BlobSender, place: int) -> _Entry | None:
        if place >= sender.count:
            return None
        blob = blobs.of(sender)[place]
        return self._entry(blob.handle) if blob.blob_fee_cap >= self._blob_base_fee else None

    def _entry(self, handle: int) -> _Entry | None:
        if not handle:
            return None
        tx = self._residents.read(handle)
        if self._base_fee is None:
            return (-tx.tip_cap, tx.type == BLOB, tx.arrival, handle, tx)
        tip = min(tx.tip_cap, tx.fee_cap - self._base_fee)
        return (-tip, tx.type == BLOB, tx.arrival, handle, tx) if tx.fee_cap >= self._base_fee else None
