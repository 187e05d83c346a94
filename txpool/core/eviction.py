"""Who goes first when the pool is full: geth's two heaps of prices.

*Urgent* ranks by effective tip at the next base fee, *floating* by fee cap, so that neither a rising nor a falling
base fee makes the pool throw away what will pay best. New transactions enter urgent; at most four fifths stay there.
Removals only count as stale; above a quarter of both heaps everything is ranked anew (geth's `pricedList`).

An entry has 24 bytes for the price, 8 for the nonce (of two equal prices the higher nonce is worse), 8 for the handle.
Prices above 2**64-2 wei count as that.
"""

from collections.abc import Iterable
from itertools import chain
from struct import Struct
from typing import Final

from txpool.core.price_heap import HANDLE_BYTES, PriceHeap
from txpool.core.record import U64_MAX, Resident, read_ranking, read_record, slots_of
from txpool.core.shards import Shards
from txpool.core.steps import Steps, finish, portions
from txpool.core.store import Store

_WORDS: Final = 5
_ENTRY: Final = Struct(f">{_WORDS}Q")
_PRICE: Final = 24  # bytes of an entry that are its price
_TIP_BIAS: Final = 2**63  # effective tips may be negative
_URGENT_SHARE: Final = 4  # urgent to floating, as geth keeps them
_STALE_SHARE: Final = 4  # ranked anew when more than a quarter is stale
_RUN: Final = 512  # entries that are sorted in one go


class PriceOrder:
    """All pooled transactions by price, to the letter of geth.

    A new head ranks all of them anew. That waits until something wants to change the pool next (`settle`), so that it
    does not lengthen the head update; the outcome is the same.

    Args:
        store: where records are read.
        index: hash to handle of all that is pooled.
        base_fee: of the next block, None before London.
    """

    def __init__(self, store: Store, index: Shards[int], base_fee: int | None) -> None:
        self._store = store
        self._index = index
        self._base_fee = base_fee
        self._urgent = PriceHeap(_WORDS)
        self._floating = PriceHeap(_WORDS)
        self._stale = 0
        self._idle = False  # a head change is under way, which ends in ranking anew
        self._overdue = False  # the base fee has changed, and nothing else since

    def add(self, handle: int, _tx_hash: bytes, _slots: int) -> None:
        """Rank a newcomer, which is in the index now."""
        self._urgent.push(self._urgent_entry(handle))

    def put_back(self, dropped: Iterable[Resident]) -> None:
        """Undo a `discard`."""
        for tx in dropped:
            self._urgent.push(self._urgent_entry(tx.handle))

    def removed(self, count: int) -> None:
        """Say that this many transactions have left some other way than by `discard`.

        That may be none: heaps that have lost others meanwhile may have too large a share of stale ones by now.
        """
        if self._idle or (self._overdue and not count):
            return
        assert not self._overdue, "settle before the content changes"
        self._stale += count
        if self._stale > (len(self._urgent) + len(self._floating)) // _STALE_SHARE:
            finish(self._rank_anew())

    def stand_idle(self) -> None:
        """Begin the part of a head change that only removes; `set_base_fee` ends it."""
        self._idle = True

    def set_base_fee(self, base_fee: int | None, _slots: int) -> None:
        """Rank everything anew at the base fee of the next block."""
        self._base_fee = base_fee
        self._idle = False
        self._overdue = True

    def settle(self) -> None:
        """Rank anew if that is overdue: before anything is added or removed."""
        if self._overdue:
            finish(self._rank_anew())

    def settle_in_steps(self) -> Steps[None]:
        """The same in steps, between which nothing is added or removed."""
        if self._overdue:
            yield from self._rank_anew()

    def get_ready(self, _slots: int) -> None:
        """Do now what the next submission would have to do first; nothing comes of it."""
        self.settle()

    def set_room(self, _room: int) -> None:
        """Nothing hangs on the pool's room."""

    def rank_some(self) -> bool:
        """Everything is ranked, or is when something changes next."""
        return True

    def underpriced(self, tip_cap: int, fee_cap: int) -> bool:
        """Whether a newcomer is no better than the cheapest of each heap that is not empty."""
        urgent, floating = self._urgent, self._floating
        fee, tip = min(fee_cap, U64_MAX), min(tip_cap, U64_MAX)
        self._drop_stale(urgent)
        if urgent:
            entry = _ENTRY.pack(effective_tip_word(tip_cap, fee_cap, self._base_fee), fee, tip, 0, 0)
            if urgent.top()[:_PRICE] < entry[:_PRICE]:
                return False  # geth does not look at the other heap any more: its stale ones stay and count
        self._drop_stale(floating)
        if floating and floating.top()[:_PRICE] < _ENTRY.pack(fee, tip, 0, 0, 0)[:_PRICE]:
            return False
        return bool(urgent or floating)

    def discard(self, slots: int) -> list[Resident] | None:
        """Choose whom to drop until this many slots are free; None (and nothing changed) when that cannot be."""
        dropped: list[Resident] = []
        while slots > 0:
            if len(self._urgent) > len(self._floating) * _URGENT_SHARE:
                if tx := self._pop(self._urgent):
                    self._floating.push(_floating_form(self._urgent_entry(tx.handle)))
            elif not self._floating:
                break
            elif tx := self._pop(self._floating):
                dropped.append(tx)
                slots -= slots_of(tx.size)
        if slots > 0:
            self.put_back(dropped)
            return None
        return dropped

    def check(self) -> None:
        """Assert that the heaps hold what is pooled, once each, beside the stale. O(n)."""
        if self._overdue:
            return
        handles = self._urgent.handles() + self._floating.handles()
        held = [handle for handle in handles if self._store.holds(handle)]
        assert len(held) == len(set(held)), "ranked twice"
        assert set(held) == set(self._index.values()), (len(held), len(self._index))
        assert len(handles) - len(held) == self._stale, (len(handles), len(held), self._stale)

    def _rank_anew(self) -> Steps[None]:
        """Forget the stale; all into urgent, then the worst fifth into floating."""
        entries: list[bytes] = []
        for some in portions(self._index.values()):
            entries += map(self._urgent_entry, some)
            yield
        entries = yield from _sorted(entries)
        self._overdue = False
        self._stale = 0
        cheap = len(entries) // (_URGENT_SHARE + 1)
        self._urgent.fill(entries[cheap:])
        self._floating.fill(sorted(map(_floating_form, entries[:cheap]), key=_rank))

    def _pop(self, heap: PriceHeap) -> Resident | None:
        handle = heap.top_handle()
        heap.pop()
        if self._store.holds(handle):
            return read_record(self._store, handle)
        self._stale -= 1
        return None

    def _drop_stale(self, heap: PriceHeap) -> None:
        while heap and not self._store.holds(heap.top_handle()):
            heap.pop()
            self._stale -= 1

    def _urgent_entry(self, handle: int) -> bytes:
        nonce, tip, fee = read_ranking(self._store, handle)
        return _ENTRY.pack(effective_tip_word(tip, fee, self._base_fee), fee, tip, U64_MAX - nonce, handle)


def _rank(entry: bytes) -> bytes:
    """What an entry is ranked by; not its handle, which is the store's and would make events hang on the store."""
    return entry[:-HANDLE_BYTES]


def _sorted(entries: list[bytes]) -> Steps[list[bytes]]:
    """Sort by sorting parts and joining them two by two."""
    runs = []
    for some in portions(entries, _RUN):
        runs.append(sorted(some, key=_rank))
        yield
    while len(runs) > 1:
        pairs = list(portions(runs, 2))
        runs = []
        for pair in pairs:
            runs.append(sorted(chain.from_iterable(pair), key=_rank))  # quick: it finds the runs
            yield
    return runs[0] if runs else []


def effective_tip_word(tip_cap: int, fee_cap: int, base_fee: int | None) -> int:
    """What is paid to the builder at a base fee, wei a gas, as an unsigned word that ranks; before London all alike."""
    if base_fee is None:
        return 0
    return max(0, min(min(tip_cap, fee_cap - base_fee) + _TIP_BIAS, U64_MAX))  # as `fees.effective_tip`; a call costs


def _floating_form(urgent: bytes) -> bytes:
    """An urgent entry without its effective tip: fee cap, tip cap, nonce, handle."""
    return urgent[8:24] + bytes(8) + urgent[24:]
