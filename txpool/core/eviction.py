"""Who goes first when the pool is full: geth's two heaps of prices.

*Urgent* ranks by effective tip at the next base fee, *floating* by fee cap, so that neither a rising nor a falling
base fee makes the pool throw away what will pay best. New transactions enter urgent; at most four fifths stay there.
Removals only count as stale; above a quarter of both heaps everything is ranked anew (geth's `pricedList`).

A heap is one `array('Q')` of five words an entry, cheapest first: three for the price, one for the nonce (of two equal
prices the higher nonce is worse), one for the handle. Prices above 2**64-2 wei count as that.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Final

from txpool.core.record import U64_MAX, Resident

_STRIDE: Final = 5
_RANK: Final = 4  # words of an entry that rank it
_TIP_BIAS: Final = 2**63  # effective tips may be negative
_URGENT_SHARE: Final = 4  # urgent to floating, as geth keeps them
_STALE_SHARE: Final = 4  # ranked anew when more than a quarter is stale


class PriceHeap:
    """A binary heap of packed entries, the cheapest on top; moves them exactly as Go's `container/heap` does."""

    def __init__(self) -> None:
        self._words = array("Q")

    def __len__(self) -> int:
        return len(self._words) // _STRIDE

    def top(self) -> int:
        """The handle of the cheapest. The heap must not be empty."""
        return self._words[_RANK]

    def top_rank(self) -> array[int]:
        """What ranks the cheapest, without its nonce."""
        return self._words[: _RANK - 1]

    def handles(self) -> list[int]:
        """All handles, stale ones too, in no order to rely on."""
        return self._words[_RANK::_STRIDE].tolist()

    def push(self, entry: array[int]) -> None:
        """Add an entry."""
        words = self._words
        at = len(words)
        words.extend(entry)
        rank = entry[:_RANK]
        while at:
            above = (at // _STRIDE - 1) // 2 * _STRIDE
            if not rank < words[above : above + _RANK]:
                break
            words[at : at + _STRIDE] = words[above : above + _STRIDE]
            at = above
        words[at : at + _STRIDE] = entry

    def pop(self) -> int:
        """Take the cheapest out; its handle."""
        words = self._words
        handle = words[_RANK]
        last = words[-_STRIDE:]
        del words[-_STRIDE:]
        if words:
            self._sink(last)
        return handle

    def fill(self, entries: Iterable[array[int]]) -> None:
        """Replace the content by entries that come cheapest first."""
        words = array("Q")
        for entry in entries:
            words.extend(entry)
        self._words = words

    def _sink(self, entry: array[int]) -> None:
        words = self._words
        end = len(words)
        rank = entry[:_RANK]
        at = 0
        while (child := 2 * at + _STRIDE) < end:
            other = child + _STRIDE
            if other < end and words[other : other + _RANK] < words[child : child + _RANK]:
                child = other
            if not words[child : child + _RANK] < rank:
                break
            words[at : at + _STRIDE] = words[child : child + _STRIDE]
            at = child
        words[at : at + _STRIDE] = entry


class PriceOrder:
    """All pooled transactions by price.

    Args:
        read: the record behind a handle, None when the transaction has left.
        resident: handles of all that is pooled, for ranking anew.
        base_fee: of the next block, None before London.
    """

    def __init__(
        self, read: Callable[[int], Resident | None], resident: Callable[[], Iterable[int]], base_fee: int | None
    ) -> None:
        self._read = read
        self._resident = resident
        self._base_fee = base_fee
        self._urgent = PriceHeap()
        self._floating = PriceHeap()
        self._stale = 0
        self._fresh = array("Q")

    def add(self, handle: int) -> None:
        """Note a newcomer. It is ranked when prices are asked for: a pool that never fills pays nothing."""
        self._fresh.append(handle)

    def settle(self, count: int) -> None:
        """Rank up to this many newcomers, the oldest first."""
        if self._fresh:
            for handle in self._fresh[:count]:
                self._rank(handle)
            del self._fresh[:count]

    def put_back(self, dropped: Iterable[Resident]) -> None:
        """Undo a `discard`."""
        for tx in dropped:
            self._urgent.push(self._urgent_entry(tx))

    def removed(self, count: int) -> None:
        """Say that this many transactions have left some other way than by `discard`."""
        self._stale += count
        if self._stale > (len(self._urgent) + len(self._floating) + len(self._fresh)) // _STALE_SHARE:
            self.rank_anew()

    def set_base_fee(self, base_fee: int | None) -> None:
        """Rank everything anew at the base fee of the next block."""
        self._base_fee = base_fee
        self.rank_anew()

    def underpriced(self, tip_cap: int, fee_cap: int) -> bool:
        """Whether a newcomer is no better than the cheapest of each heap that is not empty."""
        self.settle(len(self._fresh))
        self._drop_stale(self._urgent)
        self._drop_stale(self._floating)
        urgent, floating = self._urgent, self._floating
        fee, tip = min(fee_cap, U64_MAX), min(tip_cap, U64_MAX)
        no_better = True
        if urgent:
            no_better = urgent.top_rank() >= array("Q", (self._effective(tip_cap, fee_cap), fee, tip))
        if floating:
            no_better = no_better and floating.top_rank() >= array("Q", (fee, tip, 0))
        return no_better and bool(urgent or floating)

    def discard(self, slots: int) -> list[Resident] | None:
        """Choose whom to drop until this many slots are free; None (and nothing changed) when that cannot be."""
        self.settle(len(self._fresh))
        dropped: list[Resident] = []
        while slots > 0:
            if len(self._urgent) > len(self._floating) * _URGENT_SHARE:
                if tx := self._pop(self._urgent):
                    self._floating.push(self._floating_entry(tx))
            elif not self._floating:
                break
            elif tx := self._pop(self._floating):
                dropped.append(tx)
                slots -= slots_of(tx.size)
        if slots > 0:
            self.put_back(dropped)
            return None
        return dropped

    def rank_anew(self) -> None:
        """Forget the stale; all into urgent, then the worst fifth into floating."""
        self._stale = 0
        self._fresh = array("Q")
        live = [tx for handle in self._resident() if (tx := self._read(handle))]
        live.sort(key=lambda tx: self._urgent_entry(tx)[:_RANK].tolist())
        cheap = len(live) // (_URGENT_SHARE + 1)
        self._urgent.fill(self._urgent_entry(tx) for tx in live[cheap:])
        floating = sorted((self._floating_entry(tx) for tx in live[:cheap]), key=lambda entry: entry[:_RANK].tolist())
        self._floating.fill(floating)

    def check(self, live: int) -> None:
        """Assert that the heaps hold exactly what is pooled, beside the stale. O(n)."""
        handles = self._urgent.handles() + self._floating.handles()
        handles.extend(self._fresh)
        held = [handle for handle in handles if self._read(handle)]
        assert len(held) == len(set(held)) == live, (len(held), live)
        assert len(handles) - live == self._stale, (len(handles), live, self._stale)

    def _rank(self, handle: int) -> None:
        if tx := self._read(handle):
            self._urgent.push(self._urgent_entry(tx))
        else:
            self._stale -= 1

    def _pop(self, heap: PriceHeap) -> Resident | None:
        tx = self._read(heap.pop())
        if tx is None:
            self._stale -= 1
        return tx

    def _drop_stale(self, heap: PriceHeap) -> None:
        while heap and self._read(heap.top()) is None:
            heap.pop()
            self._stale -= 1

    def _effective(self, tip_cap: int, fee_cap: int) -> int:
        if self._base_fee is None:
            return 0
        return max(0, min(min(tip_cap, fee_cap - self._base_fee) + _TIP_BIAS, U64_MAX))

    def _urgent_entry(self, tx: Resident) -> array[int]:
        fee, tip = min(tx.fee_cap, U64_MAX), min(tx.tip_cap, U64_MAX)
        return array("Q", (self._effective(tx.tip_cap, tx.fee_cap), fee, tip, U64_MAX - tx.nonce, tx.handle))

    def _floating_entry(self, tx: Resident) -> array[int]:
        fee, tip = min(tx.fee_cap, U64_MAX), min(tx.tip_cap, U64_MAX)
        return array("Q", (fee, tip, 0, U64_MAX - tx.nonce, tx.handle))


def slots_of(size: int) -> int:
    """How many slots of 32 KiB a transaction of this many bytes takes of the pool's room."""
    return (size + 32767) // 32768
