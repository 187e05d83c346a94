"""Who goes first when the pool is full: geth's two heaps of prices.

*Urgent* ranks by effective tip at the next base fee, *floating* by fee cap, so that neither a rising nor a falling
base fee makes the pool throw away what will pay best. New transactions enter urgent; at most four fifths stay there.
Removals only count as stale; above a quarter of both heaps everything is ranked anew (geth's `pricedList`).

A heap is one bytearray of 40 bytes an entry, cheapest first: 24 for the price, 8 for the nonce (of two equal prices the
higher nonce is worse), 8 for the handle, all big-endian, so that comparing bytes compares prices. Prices above 2**64-2
wei count as that.
"""

from array import array
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final

from txpool.core.record import U64_MAX, Resident
from txpool.core.shards import SHARDS, Shards

_ENTRY: Final = Struct(">QQQQQ")
_STRIDE: Final = _ENTRY.size
_RANK: Final = 32  # bytes of an entry that rank it
_PRICE: Final = 24  # of those, without the nonce
_TIP_BIAS: Final = 2**63  # effective tips may be negative
_URGENT_SHARE: Final = 4  # urgent to floating, as geth keeps them
_STALE_SHARE: Final = 4  # ranked anew when more than a quarter is stale

# Up to this many slots prices are ranked at once, exactly as geth's heaps move. A larger pool begins when it is three
# quarters full, and then does a few with each submission.
RANK_AT_ONCE_SLOTS: Final = 16_384
_RANK_EACH_TIME: Final = 4


class PriceHeap:
    """A binary heap of packed entries, the cheapest on top; moves them exactly as Go's `container/heap` does."""

    def __init__(self) -> None:
        self._packed = bytearray()

    def __len__(self) -> int:
        return len(self._packed) // _STRIDE

    def top(self) -> int:
        """The handle of the cheapest. The heap must not be empty."""
        return int.from_bytes(self._packed[_RANK:_STRIDE], "big")

    def top_price(self) -> bytearray:
        """What ranks the cheapest, without its nonce."""
        return self._packed[:_PRICE]

    def handles(self) -> list[int]:
        """All handles, stale ones too, in no order to rely on."""
        return [entry[-1] for entry in _ENTRY.iter_unpack(self._packed)]

    def push(self, entry: bytes) -> None:
        """Add an entry."""
        packed = self._packed
        at = len(packed)
        packed += entry
        rank = entry[:_RANK]
        while at:
            above = (at // _STRIDE - 1) // 2 * _STRIDE
            if not rank < packed[above : above + _RANK]:
                break
            packed[at : at + _STRIDE] = packed[above : above + _STRIDE]
            at = above
        packed[at : at + _STRIDE] = entry

    def pop(self) -> int:
        """Take the cheapest out; its handle."""
        packed = self._packed
        handle = self.top()
        last = bytes(packed[-_STRIDE:])
        del packed[-_STRIDE:]
        if packed:
            self._sink(last)
        return handle

    def fill(self, entries: Iterable[bytes]) -> None:
        """Replace the content by entries that come cheapest first."""
        self._packed = bytearray(b"".join(entries))

    def _sink(self, entry: bytes) -> None:
        packed = self._packed
        end = len(packed)
        rank = entry[:_RANK]
        at = 0
        while (child := 2 * at + _STRIDE) < end:
            other = child + _STRIDE
            if other < end and packed[other : other + _RANK] < packed[child : child + _RANK]:
                child = other
            if not packed[child : child + _RANK] < rank:
                break
            packed[at : at + _STRIDE] = packed[child : child + _STRIDE]
            at = child
        packed[at : at + _STRIDE] = entry


class PriceOrder:
    """All pooled transactions by price.

    In a pool that is large and far from full nothing is ranked at all. When it fills up, the shards of its hash index
    are taken up one after the other (`_taken_up` of them so far), and what they hold is ranked a few at a time.

    Args:
        read: the record behind a handle, None when the transaction has left.
        index: hash to handle of all that is pooled.
        room: the pool's slots.
        base_fee: of the next block, None before London.
    """

    def __init__(
        self, read: Callable[[int], Resident | None], index: Shards[int], room: int, base_fee: int | None
    ) -> None:
        self._read = read
        self._index = index
        self._room = room
        self._base_fee = base_fee
        self._urgent = PriceHeap()
        self._floating = PriceHeap()
        self._stale = 0
        self._fresh = array("Q")
        self._exact = room <= RANK_AT_ONCE_SLOTS
        self._taken_up = SHARDS if self._exact else 0

    def add(self, handle: int, tx_hash: bytes, slots: int) -> None:
        """Note a newcomer; `slots` of the pool's room are taken now."""
        if tx_hash[-1] < self._taken_up:
            self._fresh.append(handle)
        if self._exact:
            self._rank(len(self._fresh))
        elif self._presses(slots):
            if len(self._fresh) < _RANK_EACH_TIME:
                self._take_up()
            self._rank(_RANK_EACH_TIME)

    def put_back(self, dropped: Iterable[Resident]) -> None:
        """Undo a `discard`."""
        for tx in dropped:
            self._urgent.push(self._urgent_entry(tx))

    def removed(self, count: int) -> None:
        """Say that this many transactions have left some other way than by `discard`."""
        if self._taken_up < SHARDS:
            return
        self._stale += count
        if self._stale > (len(self._urgent) + len(self._floating) + len(self._fresh)) // _STALE_SHARE:
            self.rank_anew()

    def set_base_fee(self, base_fee: int | None, slots: int) -> None:
        """Rank everything anew at the base fee of the next block: now, or when prices are asked for."""
        self._base_fee = base_fee
        if self._exact or self._presses(slots):
            self.rank_anew()
            return
        self._urgent, self._floating = PriceHeap(), PriceHeap()
        self._fresh = array("Q")
        self._stale = self._taken_up = 0

    def underpriced(self, tip_cap: int, fee_cap: int) -> bool:
        """Whether a newcomer is no better than the cheapest of each heap that is not empty."""
        self._rank_all()
        self._drop_stale(self._urgent)
        self._drop_stale(self._floating)
        urgent, floating = self._urgent, self._floating
        fee, tip = min(fee_cap, U64_MAX), min(tip_cap, U64_MAX)
        no_better = True
        if urgent:
            entry = _ENTRY.pack(self._effective(tip_cap, fee_cap), fee, tip, 0, 0)
            no_better = urgent.top_price() >= entry[:_PRICE]
        if floating:
            no_better = no_better and floating.top_price() >= _ENTRY.pack(fee, tip, 0, 0, 0)[:_PRICE]
        return no_better and bool(urgent or floating)

    def discard(self, slots: int) -> list[Resident] | None:
        """Choose whom to drop until this many slots are free; None (and nothing changed) when that cannot be."""
        self._rank_all()
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
        self._taken_up = SHARDS
        entries = [self._urgent_entry(tx) for handle in self._index.values() if (tx := self._read(handle))]
        entries.sort()
        cheap = len(entries) // (_URGENT_SHARE + 1)
        self._urgent.fill(entries[cheap:])
        self._floating.fill(sorted(_floating_form(entry) for entry in entries[:cheap]))

    def check(self) -> None:
        """Assert that the heaps hold what is pooled, once each, beside the stale. O(n)."""
        handles = self._urgent.handles() + self._floating.handles() + self._fresh.tolist()
        held = [handle for handle in handles if self._read(handle)]
        assert len(held) == len(set(held)), "ranked twice"
        if self._taken_up == SHARDS:
            assert set(held) == set(self._index.values()), (len(held), len(self._index))
        if self._exact:
            assert len(handles) - len(held) == self._stale, (len(handles), len(held), self._stale)

    def _presses(self, slots: int) -> bool:
        return slots * 4 > self._room * 3

    def _take_up(self) -> None:
        """Note what the next shard of the index holds."""
        if self._taken_up < SHARDS:
            self._fresh.extend(self._index.shard(self._taken_up).values())
            self._taken_up += 1

    def _rank(self, count: int) -> None:
        """Rank up to this many newcomers, the oldest first."""
        for handle in self._fresh[:count]:
            tx = self._read(handle)
            if tx:
                self._urgent.push(self._urgent_entry(tx))
            else:
                self._forget_stale()
        del self._fresh[:count]

    def _rank_all(self) -> None:
        if self._taken_up == 0:
            self.rank_anew()
            return
        while self._taken_up < SHARDS:
            self._take_up()
        self._rank(len(self._fresh))

    def _pop(self, heap: PriceHeap) -> Resident | None:
        tx = self._read(heap.pop())
        if tx is None:
            self._forget_stale()
        return tx

    def _drop_stale(self, heap: PriceHeap) -> None:
        while heap and self._read(heap.top()) is None:
            heap.pop()
            self._forget_stale()

    def _forget_stale(self) -> None:
        """One stale entry less; those that left before all shards were taken up have not been counted."""
        self._stale = max(0, self._stale - 1)

    def _effective(self, tip_cap: int, fee_cap: int) -> int:
        if self._base_fee is None:
            return 0
        return max(0, min(min(tip_cap, fee_cap - self._base_fee) + _TIP_BIAS, U64_MAX))

    def _urgent_entry(self, tx: Resident) -> bytes:
        fee, tip = min(tx.fee_cap, U64_MAX), min(tx.tip_cap, U64_MAX)
        return _ENTRY.pack(self._effective(tx.tip_cap, tx.fee_cap), fee, tip, U64_MAX - tx.nonce, tx.handle)

    def _floating_entry(self, tx: Resident) -> bytes:
        return _floating_form(self._urgent_entry(tx))


def _floating_form(urgent: bytes) -> bytes:
    """An urgent entry without its effective tip: fee cap, tip cap, nonce, handle."""
    return urgent[8:24] + bytes(8) + urgent[24:]


def slots_of(size: int) -> int:
    """How many slots of 32 KiB a transaction of this many bytes takes of the pool's room."""
    return (size + 32767) // 32768
