"""The order of prices of large pools, beside a list that is sorted anew for each question."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.core.stand import BOB, heap_store, offer
from txpool.core.candidate import Candidate
from txpool.core.eviction import PriceOrder
from txpool.core.late_eviction import RANK_AT_ONCE_SLOTS, LatePriceOrder, price_order
from txpool.core.record import pack_record
from txpool.core.shards import Shards

ROOM: Final = 40
FEES: Final = st.integers(1, 12)


class LateOrderBesideAList(RuleBasedStateMachine):
    @initialize(base_fee=st.none() | st.integers(0, 8))
    def start(self, base_fee: int | None) -> None:
        self.store, self.index = heap_store(), Shards[int]()
        self.order = LatePriceOrder(self.store, self.index, ROOM, base_fee)
        self.base_fee = base_fee
        self.held: dict[int, Candidate] = {}
        self.count = 0

    @rule(fee=FEES, tip=FEES, nonce=st.integers(0, 3), size=st.sampled_from((110, 110, 40_000)))
    def add(self, fee: int, tip: int, nonce: int, size: int) -> None:
        self.count += 1
        tx_hash = self.count.to_bytes(31) + bytes([self.count * 37 % 256])
        one = offer(BOB, nonce, tip_cap=min(tip, fee), fee_cap=fee, size=size, hash=tx_hash)
        handle = self.store.put(pack_record(one, BOB, 1), one.tx.raw)
        assert handle
        self.index.insert(tx_hash, handle)
        self.held[handle] = one
        self.order.add(handle, tx_hash, len(self.held))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.held:
            self._drop(data.draw(st.sampled_from(sorted(self.held))))
            self.order.removed(1)

    @rule(base_fee=st.integers(0, 8))
    def new_head(self, base_fee: int) -> None:
        if self.base_fee is not None:
            self.base_fee = base_fee
            self.order.set_base_fee(base_fee, len(self.held))

    @rule(slots=st.integers(1, 4), kept=st.booleans())
    def discard(self, slots: int, kept: bool) -> None:
        ranks = sorted(map(self._rank, self.held))
        victims = self.order.discard(slots)
        if victims is None:
            assert sum(-(-one.tx.size // 32768) for one in self.held.values()) < slots
            return
        assert sorted(self._rank(tx.handle) for tx in victims) == ranks[: len(victims)]
        if kept:
            self.order.put_back(victims)
            return
        for tx in victims:
            self._drop(tx.handle)

    @rule(fee=FEES, tip=FEES)
    def ask(self, fee: int, tip: int) -> None:
        newcomer = self._price(min(tip, fee), fee)
        cheapest = min((self._rank(handle)[:3] for handle in self.held), default=None)
        assert self.order.underpriced(min(tip, fee), fee) == (cheapest is not None and newcomer <= cheapest)

    @invariant()
    def heaps_agree(self) -> None:
        self.order.check()

    def _drop(self, handle: int) -> None:
        self.index.remove(self.held.pop(handle).tx.hash)
        self.store.free(handle)

    def _rank(self, handle: int) -> tuple[int, ...]:
        tx = self.held[handle].tx
        return (*self._price(tx.tip_cap, tx.fee_cap), -tx.nonce)

    def _price(self, tip: int, fee: int) -> tuple[int, int, int]:
        return (0 if self.base_fee is None else min(tip, fee - self.base_fee), fee, tip)


TestLateOrder: Any = LateOrderBesideAList.TestCase


def test_a_pool_of_geths_usual_size_is_ranked_to_the_letter() -> None:
    assert isinstance(price_order(heap_store(), Shards(), RANK_AT_ONCE_SLOTS, 1), PriceOrder)
    assert isinstance(price_order(heap_store(), Shards(), RANK_AT_ONCE_SLOTS + 1, 1), LatePriceOrder)


def test_what_has_left_is_swept_out_of_a_full_pool() -> None:
    store, index = heap_store(), Shards[int]()
    order = LatePriceOrder(store, index, 1, 0)
    for number in range(20_000):
        one = offer(BOB, number)
        handle = store.put(pack_record(one, BOB, 1), one.tx.raw)
        assert handle
        index.insert(one.tx.hash, handle)
        order.add(handle, one.tx.hash, 1)
        index.remove(one.tx.hash)
        store.free(handle)
    assert len(order._by_tip) < 6_000
    assert len(order._by_fee) < 6_000
