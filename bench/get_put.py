"""What it costs to get a place for a transaction and to give it back, in CPU nanoseconds.

    python -m bench get_put [--count N] [--rounds N] [--json [FILE]]

A study of a pool in Go gives 28 ns for a buffer from the heap and 3.1 ns for one from a slab. The same question to
CPython, of each store and of the parts that stores are made of. A pair is a get and a put. *Hot* pairs follow each
other, so that one place is used again and again; *deep* gets all places first and puts all back then, as a pool that
fills and empties. Before the clock runs, all places are got and seen to be different ones; after each round all must be
back. Least of several rounds, collector off; a turn of the empty loop stands first and is part of the hot figures.
"""

import argparse
import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any, Final

import msgspec

from bench.cpu import cpu_ns
from bench.json_option import add_json, tell_json
from bench.standing import STORES
from mmap_pool import Arena, SlabPool
from mmap_pool.free_list import FreeList
from mmap_pool.object_cache import ObjectCache
from txpool.daemon.store import OwnStore

RECORD: Final = bytes(range(112))
PAYLOAD: Final = bytes(range(120))
PLACE_BYTES: Final = 240  # the size class of those two together
ARENA_BYTES: Final = 1 << 30
CLAIMED_HEAP_NS: Final = 28.0
CLAIMED_SLAB_NS: Final = 3.1
EMPTY: Final = "empty loop"
ALLOCATION: Final = "allocation: bytearray"
FREE_LIST: Final = "slab free list"
SO: Final = "confirmed"
IN_PART: Final = "faster, but not by as much"
REFUTED: Final = "refuted for CPython: an allocation is one call into C, a free list many steps of the interpreter"


class Plain:
    """A transaction as one writes it."""

    def __init__(self, record: bytes, payload: bytes) -> None:
        self.record = record
        self.payload = payload


class Untracked(msgspec.Struct, frozen=True, gc=False):
    """The same, and the collector does not know of it."""

    record: bytes
    payload: bytes


class Piece(msgspec.Struct, frozen=True):
    """Something that gives places and takes them back.

    Attributes:
        get: gives one.
        put: takes it back; None where letting go of it is all there is to do.
        at_rest: whether all are back.
    """

    get: Callable[[], Any]
    put: Callable[[Any], object] | None = None
    at_rest: Callable[[], bool] = lambda: True

    def hot(self, count: int) -> None:
        """One place, again and again."""
        get, put = self.get, self.put
        if put is None:
            for _ in repeat(None, count):
                get()
        else:
            for _ in repeat(None, count):
                put(get())

    def deep(self, count: int) -> None:
        """All places, then all back."""
        get, put = self.get, self.put
        held = [get() for _ in repeat(None, count)]
        assert len(held) == count
        if put is not None:
            for place in held:
                put(place)

    def verify(self, count: int) -> None:
        """All places, seen to be different ones, then all back."""
        held = [self.get() for _ in range(count)]
        names = {place if isinstance(place, int) else id(place) for place in held}
        assert len(names) == count, "one place for two"
        if self.put is not None:
            assert not self.at_rest(), "nothing was taken"
            for place in held:
                self.put(place)
        assert self.at_rest(), "not all came back"


def pieces(count: int) -> Iterator[tuple[str, Piece]]:
    """What there is to compare."""
    yield ALLOCATION, Piece(partial(bytearray, PLACE_BYTES))
    yield "allocation: plain object", Piece(partial(Plain, RECORD, PAYLOAD))
    yield "allocation: untracked struct", Piece(partial(Untracked, RECORD, PAYLOAD))
    stack = [bytearray(PLACE_BYTES) for _ in range(count)]
    yield "list, push and pop", Piece(stack.pop, stack.append, lambda: len(stack) == count)
    queue = deque(bytearray(PLACE_BYTES) for _ in range(count))
    yield "deque, push and pop", Piece(queue.pop, queue.append, lambda: len(queue) == count)
    cache = ObjectCache(partial(bytearray, PLACE_BYTES))
    yield "object cache", Piece(cache.get, cache.put, lambda: cache.idle == cache.gets().miss)
    free = FreeList(count)
    yield FREE_LIST, Piece(free.take, free.add, lambda: free.count == count)
    with Arena(ARENA_BYTES) as arena:
        pool = SlabPool(arena)
        yield (
            "slab pool, with the copy",
            Piece(partial(pool.put, RECORD, PAYLOAD), pool.free, lambda: pool.stats().slots_used == 0),
        )
    for kind, make in STORES.items():
        store = make()
        yield f"store: {kind}", _of_store(store)
        store.close()


def _of_store(store: OwnStore) -> Piece:
    return Piece(partial(store.put, RECORD, PAYLOAD), store.free, lambda: store.stats().slots_used == 0)


def _pair_ns(work: Callable[[int], None], count: int) -> float:
    """CPU time of a pair, of so many."""
    gc.collect()
    return cpu_ns(partial(work, count)) / count


def empty_loop(count: int) -> None:
    """What every hot figure has in it."""
    for _ in repeat(None, count):
        pass


def measure(count: int, rounds: int) -> dict[str, dict[str, float]]:
    """CPU nanoseconds a pair, hot and deep, by name."""
    taken = {EMPTY: {"hot": min(_pair_ns(empty_loop, count) for _ in range(rounds))}}
    for name, piece in pieces(count):
        piece.verify(count)
        least: dict[str, float] = {}
        for _ in range(rounds):
            for way, work in (("hot", piece.hot), ("deep", piece.deep)):
                spent = _pair_ns(work, count)
                assert piece.at_rest(), name
                least[way] = min(spent, least.get(way, spent))
        taken[name] = least
    return taken


def verdict(taken: dict[str, dict[str, float]]) -> str:
    """What becomes of the claim."""
    turn, heap, slab = taken[EMPTY]["hot"], taken[ALLOCATION]["hot"], taken[FREE_LIST]["hot"]
    claimed, ratio = CLAIMED_HEAP_NS / CLAIMED_SLAB_NS, (heap - turn) / (slab - turn)
    return "\n".join(
        (
            f"claimed: {CLAIMED_HEAP_NS:g} -> {CLAIMED_SLAB_NS:g} ns, {claimed:.1f} times faster",
            f"measured: {heap:.0f} -> {slab:.0f} ns, {ratio:.2f} times, the loop taken off (a turn: {turn:.1f} ns)",
            "verdict: " + (SO if ratio >= claimed else IN_PART if ratio > 1 else REFUTED),
        )
    )


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench get_put", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    add_json(parser)
    options = parser.parse_args(arguments)
    taken = measure(options.count, options.rounds)
    if tell_json(options.json, taken):
        return
    print(f"CPU ns a pair, {options.count:,} pairs, least of {options.rounds} rounds")
    print(f"  {'':30} {'hot':>8} {'deep':>8}")
    for name, spent in taken.items():
        print(f"  {name:30} " + " ".join(f"{spent[way]:8.1f}" for way in ("hot", "deep") if way in spent))
    print(verdict(taken))
