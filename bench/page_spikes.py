"""What it costs to return pages where payloads come and go, against doing it elsewhere: `python -m bench page_spikes`.

    python -m bench page_spikes [--slots N] [--turns N] [--json [FILE]]

A slab pool swings: as many payloads as a block takes leave in the order they came, then as many come, again and again.
What becomes of the pages that fall empty: `never` returned; `inline`, returned in the very call that empties each, a
variant of this file alone; `deferred`, all returned by the scavenger between the swings; `kept`, the same as
the daemon has it, where the scavenger leaves some for what comes next. CPU time of each free and each put, the clock's
own cost included; and what one call costs that returns so many pages side by side.
"""

import argparse
import random
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from bench.json_option import add_json, tell_json
from bench.quantiles import quantiles_us
from mmap_pool import Arena, Pages, Scavenger, SlabPool
from mmap_pool.handle import unpack

PAYLOAD: Final = bytes(232)
SWING: Final = 5_000
SPIKE_NS: Final = 50_000  # where the claim's spikes begin
WAYS: Final = ("never", "inline", "deferred", "kept")
ROWS: Final = (1, 16, 64, 512)


class InlinePool(SlabPool):
    """Gives a page back in the `free` that empties it."""

    def free(self, handle: int) -> None:
        """Free, and return those pages of the slot's that hold nothing any more."""
        super().free(handle)
        _, number, slot = unpack(handle)
        slab = self.slab(number)
        assert slab
        start = slot * slab.slot_bytes
        pages = range(start // self.arena.page_bytes, (start + slab.slot_bytes - 1) // self.arena.page_bytes + 1)
        present, free = self.arena.present(number), slab.free_list
        for page in pages:
            first = page * self.arena.page_bytes // slab.slot_bytes
            end = min(-(-(page + 1) * self.arena.page_bytes // slab.slot_bytes), slab.slot_count)
            if present >> page & 1 and all(each in free for each in range(first, end)):
                slab.give_back_pages(1 << page)


def run_way(way: str, slots: int, turns: int) -> dict[str, Any]:
    """Swing `turns` times."""
    with Arena(slots * 512, ask=Pages.NORMAL) as arena:
        pool = InlinePool(arena) if way == "inline" else SlabPool(arena)
        scavenger = Scavenger(pool) if way == "kept" else Scavenger(pool, keep_share=0.0, keep_bytes=0)
        live: deque[int] = deque()
        for _ in range(slots):
            _put(pool, live)
        frees, puts, slices = array("Q"), array("Q"), array("Q", [0])
        for _ in range(turns):
            frees.extend(_timed(lambda: pool.free(live.popleft())) for _ in range(SWING))
            while way in {"deferred", "kept"} and not _slice(scavenger, slices):
                pass
            puts.extend(_timed(lambda: _put(pool, live)) for _ in range(SWING))
        assert pool.stats().slots_used == len(live) == slots
        assert way == "kept" or (arena.returned_bytes > 0) == (way != "never")
        assert random.Random(1).choice([pool.read(handle) for handle in list(live)[:100]]) == PAYLOAD
        pool.check()
        return {
            "free_us": _spread(frees),
            "put_us": _spread(puts),
            "longest_slice_us": max(slices) / 1e3,
            "scavenging_us_a_turn": sum(slices) / turns / 1e3,
            "returned_bytes": arena.returned_bytes,
        }


def _put(pool: SlabPool, live: deque[int]) -> None:
    handle = pool.put(PAYLOAD)
    assert handle
    live.append(handle)


def _timed(work: Callable[[], object]) -> int:
    started = time.thread_time_ns()
    work()
    return time.thread_time_ns() - started


def _slice(scavenger: Scavenger, slices: "array[int]") -> bool:
    started = time.thread_time_ns()
    ended = scavenger.work(time.thread_time)
    slices.append(time.thread_time_ns() - started)
    return ended


def _spread(taken: Sequence[int]) -> dict[str, float]:
    """Of times in nanoseconds: quantiles in microseconds, the mean, and how many in a million were spikes."""
    return quantiles_us(taken, 0.5, 0.99, 0.999) | {
        "mean": sum(taken) / len(taken) / 1e3,
        "spikes_per_million": sum(each >= SPIKE_NS for each in taken) / len(taken) * 1e6,
    }


def calls_us() -> dict[str, float]:
    """The median of one call that returns so many pages side by side."""
    found = {}
    with Arena(32 << 20, ask=Pages.NORMAL) as arena:
        slab = arena.claim()
        assert slab is not None
        for pages in ROWS:
            taken = []
            for _ in range(100):
                arena.back(slab, 0, arena.slab_bytes)
                started = time.thread_time_ns()
                assert arena.give_back(slab, (1 << pages) - 1) == pages * arena.page_bytes
                taken.append(time.thread_time_ns() - started)
            found[str(pages)] = median(taken) / 1e3
    return found


def measure(slots: int, turns: int) -> dict[str, Any]:
    """All ways, and the bare call."""
    return {"ways": {way: run_way(way, slots, turns) for way in WAYS}, "call_us_by_pages": calls_us()}


def show(found: Mapping[str, Any]) -> None:
    """Print the ways."""
    print("one call that returns pages:", *(f"{n} {us:.1f} us" for n, us in found["call_us_by_pages"].items()))
    for way, figures in found["ways"].items():
        print(f"returning pages: {way} ({figures['returned_bytes'] >> 20} MiB returned)")
        for call in ("free_us", "put_us"):
            print(f"  {call:8}", *(f"{name} {value:.1f}" for name, value in figures[call].items()))
        if figures["scavenging_us_a_turn"]:
            print(
                f"  beside them: {figures['scavenging_us_a_turn']:.0f} us for each {SWING} replacements, the longest "
                f"slice {figures['longest_slice_us']:.0f} us"
            )


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench page_spikes", description=__doc__)
    parser.add_argument("--slots", type=int, default=50_000)
    parser.add_argument("--turns", type=int, default=20)
    add_json(parser)
    options = parser.parse_args(arguments)
    found = measure(options.slots, options.turns)
    if not tell_json(options.json, found):
        show(found)
