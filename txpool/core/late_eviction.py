"""The order of prices of a large pool: the same question as geth's, without ever ranking everything anew.

The cheapest transaction at a base fee is the one with the least `min(tip cap, fee cap - base fee)`, and that least is
the lesser of the least tip cap and the least fee cap minus the base fee. So two heaps, one by tip cap and one by fee
cap, know it at every base fee, and a new head moves nothing. What geth does beyond that, to keep a fifth of the pool by
fee cap alone, is left out here: it would move a fifth of a million entries.

Nothing is ranked before the pool is three quarters full; from then on a few with each submission. Who goes first does
not hang on when that was, nor on who looked: a dry run and a replay come to the same. So of two that are otherwise
alike the hash decides.
"""

from array import array
from collections.abc import Container, Iterable
from struct import Struct
from typing import Final

from txpool.core.eviction import PriceOrder, effective_tip_word
from txpool.core.price_heap import PriceHeap
from txpool.core.record import U64_MAX, Resident, read_full_ranking, read_record, slots_of
from txpool.core.shards import SHARDS, Shards
from txpool.core.steps import Steps
from txpool.core.store import Store

# Up to this many slots everything is ranked at once, exactly as geth does it.
RANK_AT_ONCE_SLOTS: Final = 16_384
_WORDS: Final = 5
_ENTRY: Final = Struct(f">{_WORDS}Q")  # price, the other price, nonce upside down, how the hash begins, handle
_RANK_EACH_TIME: Final = 4
_SWEEP_EACH_TIME: Final = 8
_RANK_IN_ONE_GO: Final = 256  # a millisecond or two
_SLOTS_OF_ONE_MAX: Final = 4  # a transaction has up to 128 KiB
_SLACK: Final = 4096  # entries of those that have left, beyond a quarter of the pool, before they are swept out


class LatePriceOrder:
    """All pooled transactions by price, ranked when it matters; the same doors as `PriceOrder`.

    Args:
        store: where records are read.
        index: hash to handle of all that is pooled.
        room: the pool's slots.
        base_fee: of the next block, None before London.
    """

    def __init__(self, store: Store, index: Shards[int], room: int, base_fee: int | None) -> None:
        self._store = store
        self._index = index
        self._room = room
        self._base_fee = base_fee
        self._popped: list[tuple[PriceHeap, bytes]] = []
        self._by_tip, self._by_fee = PriceHeap(_WORDS), PriceHeap(_WORDS)
        self._swept_tip = self._swept_fee = 0
        self._fresh = array("Q")
        self._taken_up = 0  # shards of the index, so far

    def add(self, handle: int, tx_hash: bytes, slots: int) -> None:
        """Note a newcomer, which is in the index now; `slots` of the pool's room are taken."""
        if tx_hash[-1] < self._taken_up:
            self._fresh.append(handle)
        if slots * 4 > self._room * 3:
            if len(self._fresh) < _RANK_EACH_TIME:
                self._take_up()
            self._rank(_RANK_EACH_TIME)
            self._sweep()

    def put_back(self, _dropped: Iterable[Resident]) -> None:
        """Undo the last `discard`."""
        for heap, entry in self._popped:
            heap.push(entry)
        self._popped = []

    def removed(self, _count: int) -> None:
        """Entries of what has left are found when they come up, or swept out."""

    def stand_idle(self) -> None:
        """Nothing hangs on a head change."""

    def settle(self) -> None:
        """Nothing is ever overdue."""

    def settle_in_steps(self) -> Steps[None]:
        """Nothing is ever overdue."""
        yield from ()

    def get_ready(self, slots: int) -> None:
        """Where the next submission may find the pool full, rank now what it would have to rank."""
        if slots + _SLOTS_OF_ONE_MAX > self._room:
            self._rank_all()

    def set_room(self, room: int) -> None:
        """Take the pool to have so many slots from now on."""
        self._room = room

    def rank_some(self) -> bool:
        """Rank a bounded number; True when all are ranked."""
        if not self._fresh:
            self._take_up()
        self._rank(_RANK_IN_ONE_GO)
        return self._taken_up == SHARDS and not self._fresh

    def set_base_fee(self, base_fee: int | None, slots: int) -> None:
        """Rank at the base fee of the next block; forget all ranks if the pool is far from full."""
        self._base_fee = base_fee
        if slots * 4 <= self._room * 3 and self._taken_up:
            self._by_tip, self._by_fee = PriceHeap(_WORDS), PriceHeap(_WORDS)
            self._fresh = array("Q")
            self._taken_up = 0

    def underpriced(self, tip_cap: int, fee_cap: int) -> bool:
        """Whether a newcomer is no better than the cheapest."""
        self._rank_all()
        cheapest = self._cheapest()
        if cheapest is None:
            return False
        tip, fee = min(tip_cap, U64_MAX), min(fee_cap, U64_MAX)
        return self._worth(cheapest)[:3] >= (effective_tip_word(tip, fee, self._base_fee), fee, tip)

    def discard(self, slots: int) -> list[Resident] | None:
        """Choose whom to drop until this many slots are free; None (and nothing changed) when that cannot be."""
        self._rank_all()
        self._popped = []
        chosen: dict[int, Resident] = {}
        while slots > 0 and (heap := self._cheapest(chosen)):
            self._popped.append((heap, heap.top()))
            handle = heap.top_handle()
            heap.pop()
            chosen[handle] = read_record(self._store, handle)
            slots -= slots_of(chosen[handle].size)
        if slots > 0:
            self.put_back(chosen.values())
            return None
        return list(chosen.values())

    def check(self) -> None:
        """Assert that both heaps hold the same live ones, once each, and all when all are ranked. O(n)."""
        by_tip = [handle for handle in self._by_tip.handles() if self._store.holds(handle)]
        by_fee = [handle for handle in self._by_fee.handles() if self._store.holds(handle)]
        assert sorted(by_tip) == sorted(by_fee)
        assert len(by_tip) == len(set(by_tip)), "ranked twice"
        if self._taken_up == SHARDS:
            fresh = [handle for handle in self._fresh if self._store.holds(handle)]
            assert set(by_tip) | set(fresh) == set(self._index.values())

    def _take_up(self) -> None:
        """Note what the next shard of the index holds."""
        if self._taken_up < SHARDS:
            self._fresh.extend(self._index.shard(self._taken_up).values())
            self._taken_up += 1

    def _rank(self, count: int) -> None:
        """Rank up to this many of those noted."""
        for handle in self._fresh[-count:]:
            if self._store.holds(handle):
                nonce, tip, fee, lead = read_full_ranking(self._store, handle)
                self._by_tip.push(_ENTRY.pack(tip, fee, U64_MAX - nonce, lead, handle))
                self._by_fee.push(_ENTRY.pack(fee, tip, U64_MAX - nonce, lead, handle))
        del self._fresh[-count:]

    def _rank_all(self) -> None:
        while self._taken_up < SHARDS:
            self._take_up()
        self._rank(len(self._fresh))

    def _cheapest(self, chosen: Container[int] = ()) -> PriceHeap | None:
        """The heap that has the cheapest on top, of those that are here and not chosen yet."""
        for heap in (self._by_tip, self._by_fee):
            while heap and ((handle := heap.top_handle()) in chosen or not self._store.holds(handle)):
                entry = heap.pop()
                if handle in chosen:
                    self._popped.append((heap, entry))
        if not self._by_tip:
            return None
        if self._base_fee is None:
            return self._by_fee
        return min(self._by_fee, self._by_tip, key=self._worth)

    def _worth(self, heap: PriceHeap) -> tuple[int, int, int, int]:
        """What the top of a heap is ranked by among all: effective tip, fee cap, tip cap, nonce."""
        price, other, nonce, *_ = _ENTRY.unpack(heap.top())
        tip, fee = (price, other) if heap is self._by_tip else (other, price)
        return effective_tip_word(tip, fee, self._base_fee), fee, tip, nonce

    def _sweep(self) -> None:
        """Take out a few of those that have left, once they are many."""
        if len(self._by_tip) > len(self._index) * 5 // 4 + _SLACK:
            self._swept_tip = self._by_tip.sweep(self._swept_tip, _SWEEP_EACH_TIME, self._store.holds)
        if len(self._by_fee) > len(self._index) * 5 // 4 + _SLACK:
            self._swept_fee = self._by_fee.sweep(self._swept_fee, _SWEEP_EACH_TIME, self._store.holds)


def price_order(store: Store, index: Shards[int], room: int, base_fee: int | None) -> PriceOrder | LatePriceOrder:
    """The order for a pool of that many slots: to the letter of geth where that is quick."""
    if room <= RANK_AT_ONCE_SLOTS:
        return PriceOrder(store, index, base_fee)
    return LatePriceOrder(store, index, room, base_fee)
