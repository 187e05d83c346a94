"""What one call to a store costs, in CPU nanoseconds: `python -m bench slab`.

The least of several rounds; each round fills a store with as many plain transfers as `--count` says, reads them all and
frees them, and asserts that this is what happened. `record` reads in the order of the slots, `far` and all that follows
in a random one, where the processor's caches miss. The empty loop is not taken off.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bench.cpu import cpu_ns
from bench.standing import STORES
from mmap_pool import SLAB_BYTES, Arena, SlabPool
from txpool.core.store import Store

RECORD: Final = bytes(range(112))
PAYLOAD: Final = bytes(120)
ROUNDS: Final = 5
CALLS: Final = ("put", "record", "far", "payload", "holds", "view", "free")


def measure(store: Store, count: int) -> dict[str, float]:
    """Fill, read and empty a store once."""
    handles: list[int] = []

    def put_all() -> None:
        for _ in range(count):
            handle = store.put(RECORD, PAYLOAD)
            assert handle
            handles.append(handle)

    def lend_all(handles: Iterable[int]) -> None:
        for handle in handles:
            store.view(handle).release()

    taken = {"put": cpu_ns(put_all)}
    assert store.stats().slots_used == len(set(handles)) == count
    assert all(store.record(handle) == RECORD and store.payload(handle) == PAYLOAD for handle in handles)
    taken["record"] = cpu_ns(lambda: each(store.record, handles))
    random.Random(1).shuffle(handles)
    taken["far"] = cpu_ns(lambda: each(store.record, handles))
    taken["payload"] = cpu_ns(lambda: each(store.payload, handles))
    taken["holds"] = cpu_ns(lambda: each(store.holds, handles))
    taken["view"] = cpu_ns(lambda: lend_all(handles))
    taken["free"] = cpu_ns(lambda: each(store.free, handles))
    assert store.stats().slots_used == 0
    return {call: spent / count for call, spent in taken.items()}


def each(call: Callable[[int], object], handles: Iterable[int]) -> None:
    """Make one call for each handle."""
    for handle in handles:
        call(handle)


def slab_adding_us(slabs: int) -> list[float]:
    """How long a put takes that has to add a slab, ascending."""
    taken = []
    with Arena(slabs * SLAB_BYTES) as arena:
        pool = SlabPool(arena)
        for slab in range(slabs):
            started = time.perf_counter_ns()
            assert pool.put(PAYLOAD) is not None
            taken.append((time.perf_counter_ns() - started) / 1000)
            assert arena.slabs == slab + 1
            for _ in range(pool.stats().slots_free):
                pool.put(PAYLOAD)
    return sorted(taken)


def main(arguments: Sequence[str]) -> None:
    """Print a line for each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args(arguments).count
    print(f"CPU ns a call, {count} transactions of {len(RECORD)} + {len(PAYLOAD)} bytes, least of {ROUNDS} rounds")
    print("store    ", *(f"{call:>8}" for call in CALLS))
    for name, make in STORES.items():
        store = make()
        rounds = [measure(store, count) for _ in range(ROUNDS)]
        print(f"{name:9}", *(f"{min(each_round[call] for each_round in rounds):8.0f}" for call in CALLS))
        store.check()
        store.close()
    adding = slab_adding_us(20)
    print(
        f"a put that adds a slab of {SLAB_BYTES >> 10} KiB, wall us: median {adding[10]:.0f}, longest {adding[-1]:.0f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
