"""Whom the blob pool lets go first when its data outgrow their cap: accounts, the worst on top.

An account is as good as the worst of its transactions, for the later ones cannot run without the earlier. Moves the
same way as geth's `evictHeap` over Go's `container/heap`, so that equals leave in the same order.
"""

from collections.abc import Callable
from typing import Final

from txpool.core.blob_entry import BlobEntry
from txpool.core.blob_fees import base_fee_jumps, blob_fee_jumps, priority
from txpool.core.steps import Steps

_SAME_FEES: Final = 0.01  # steps: below this a new head's fees are the old ones


class BlobOrder:
    """A heap of addresses.

    Args:
        last: an account's pooled transaction with the highest nonce.
        base_fee: of the next block, wei a gas.
        blob_fee: of the head, wei a gas.
    """

    def __init__(self, last: Callable[[bytes], BlobEntry], base_fee: int, blob_fee: int) -> None:
        self._last = last
        self._base_fee_jumps = base_fee_jumps(base_fee)
        self._blob_fee_jumps = blob_fee_jumps(blob_fee)
        self._heap: list[bytes] = []
        self._places: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._heap)

    def __contains__(self, address: bytes) -> bool:
        return address in self._places

    def worst(self) -> bytes:
        """The account to take from. The heap must not be empty."""
        return self._heap[0]

    def push(self, address: bytes) -> None:
        """Add an account."""
        self._places[address] = len(self._heap)
        self._heap.append(address)
        self._up(len(self._heap) - 1)

    def remove(self, address: bytes) -> None:
        """Take an account out; its last transaction may be gone already, that of the others may not."""
        place = self._places[address]
        end = len(self._heap) - 1
        if place != end:
            self._swap(place, end)
        del self._places[self._heap.pop()]
        if place != end and not self._down(place):
            self._up(place)

    def fix(self, address: bytes) -> None:
        """Find an account whose transactions have changed its place."""
        place = self._places[address]
        if not self._down(place):
            self._up(place)

    def set_fees(self, base_fee: int, blob_fee: int) -> Steps[None]:
        """Rank at the fees of a new head, in steps between which nobody looks."""
        base_jumps, blob_jumps = base_fee_jumps(base_fee), blob_fee_jumps(blob_fee)
        moved = max(abs(base_jumps - self._base_fee_jumps), abs(blob_jumps - self._blob_fee_jumps))
        if moved < _SAME_FEES:
            return
        self._base_fee_jumps, self._blob_fee_jumps = base_jumps, blob_jumps
        for place in reversed(range(len(self._heap) // 2)):
            self._down(place)
            yield

    def check(self) -> None:
        """Assert that each address stands where its place says."""
        assert self._places == {address: place for place, address in enumerate(self._heap)}

    def _rank(self, place: int) -> tuple[int, int]:
        entry = self._last(self._heap[place])
        base_fee_gap = entry.worst_base_fee_jumps - self._base_fee_jumps
        blob_fee_gap = entry.worst_blob_fee_jumps - self._blob_fee_jumps
        return priority(base_fee_gap, blob_fee_gap), entry.worst_tip

    def _swap(self, one: int, other: int) -> None:
        heap = self._heap
        heap[one], heap[other] = heap[other], heap[one]
        self._places[heap[one]], self._places[heap[other]] = one, other

    def _up(self, place: int) -> None:
        while place:
            above = (place - 1) // 2
            if not self._rank(place) < self._rank(above):
                return
            self._swap(place, above)
            place = above

    def _down(self, start: int) -> bool:
        place = start
        while (child := 2 * place + 1) < len(self._heap):
            if child + 1 < len(self._heap) and self._rank(child + 1) < self._rank(child):
                child += 1
            if not self._rank(child) < self._rank(place):
                break
            self._swap(place, child)
            place = child
        return place > start
