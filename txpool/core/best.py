"""The order in which a block builder wants transactions.

Each sender's next one, the highest effective tip first; of equal tips the one that arrived first; of equal arrivals the
one that was stored first. Source: geth's `newTransactionsByPriceAndNonce`.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace

import msgspec

from txpool.core.record import Resident
from txpool.core.residents import Residents


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

    def __init__(self, residents: Residents, base_fee: int | None) -> None:
        """Look at each sender's first pending transaction: O(senders); each one that is taken costs O(log senders)."""
        self._residents = residents
        self._base_fee = base_fee
        self._last_event = residents.events.next_seq
        self._heap: list[tuple[int, int, int, Resident]] = []
        for sender in residents.senders.values():
            if sender.pending and (entry := self._entry(sender.pending.get(sender.nonce))):
                self._heap.append(entry)
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
        negative_tip, _, _, tx = self._heap[0]
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
        sender = self._residents.senders[self._held.sender]
        entry = self._entry(sender.pending.get(self._held.nonce + 1))
        self._held = None
        if entry:
            heapreplace(self._heap, entry)
        else:
            heappop(self._heap)

    def _entry(self, handle: int) -> tuple[int, int, int, Resident] | None:
        if not handle:
            return None
        tx = self._residents.read(handle)
        if self._base_fee is None:
            return (-tx.tip_cap, tx.arrival, handle, tx)
        tip = min(tx.tip_cap, tx.fee_cap - self._base_fee)
        return (-tip, tx.arrival, handle, tx) if tx.fee_cap >= self._base_fee else None
