"""The heap of packed entries, beside a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from txpool.core.price_heap import PriceHeap

PRICES = st.lists(st.integers(0, 2**64 - 1), max_size=60)


def entry(price: int, handle: int) -> bytes:
    return price.to_bytes(8, "big") + handle.to_bytes(8, "big")


def heap_of(prices: list[int]) -> PriceHeap:
    heap = PriceHeap(words=2)
    for handle, price in enumerate(prices):
        heap.push(entry(price, handle))
    return heap


def drained(heap: PriceHeap) -> list[bytes]:
    return [heap.pop() for _ in range(len(heap))]


@given(PRICES)
def test_a_heap_gives_the_cheapest_first(prices: list[int]) -> None:
    assert [each[:8] for each in drained(heap_of(prices))] == [price.to_bytes(8, "big") for price in sorted(prices)]


@given(PRICES, st.sets(st.integers(0, 59)), st.integers(1, 7))
def test_sweeps_leave_a_heap_of_what_is_live(prices: list[int], live: set[int], step: int) -> None:
    heap = heap_of(prices)
    while set(heap.handles()) - live:
        at = heap.sweep(0, step, live.__contains__)
        while at:
            at = heap.sweep(at, step, live.__contains__)

    kept = sorted(entry(price, handle) for handle, price in enumerate(prices) if handle in live)
    assert sorted(drained(heap)) == kept
