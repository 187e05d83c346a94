"""Batches of slots, and pages of two sizes: what stays stranded, and what a call costs: `python -m bench batch_sizes`.

    python -m bench batch_sizes [--slots N] [--operations N] [--rounds N] [--seed N] [--reserve] [--json [FILE]]

A slab pool is filled, half of it leaves (by whole batches for `together`, else at random), then payloads come and go,
so many at a time; ten for each that is there unless told otherwise, since at first all that is stranded is what the
eviction has left:

`together`: those that came in one batch leave in one, batch after random batch.
`apart`: each batch leaves from random places.
`cached`: a cache stands in front, which asks the pool for so many slots at once and gives so many back; 4096 payloads
leave it one by one, from random places, then as many come.

Fragmentation is what is free on pages that hold something, or idle in the cache, by what the slabs hold, after the
scavenger has been through. `us` is CPU time of one replacement, a free and a put; `longest` that of one batch, which is
how long nobody else has a turn; of `cached`, of what the cache and the pool exchange. Huge pages are measured where
there are enough (`--reserve` lets root set them aside). Medians over interleaved rounds.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from bench import page_spikes
from bench.json_option import add_json, tell_json
from loadtest.system_pages import huge_pages
from mmap_pool import SLAB_BYTES, Arena, Pages, Scavenger, SlabPool, numa
from mmap_pool.handle import SLAB_MASK, SLOT_BITS, SLOT_MASK

SLOT_BYTES: Final = 240
PAYLOAD: Final = bytes(range(232))
SWING: Final = 4096
BATCHES: Final = (1, 32, 256, 1024, 4096)
KINDS: Final[Mapping[str, Pages]] = {"normal": Pages.NORMAL, "huge": Pages.HUGETLB}
# What a study of a slab pool in Go says of huge pages with batches of 256, beside normal ones with batches of 32.
CLAIM: Final = {"fragmentation": (0.12, 0.05), "latency_us": (8.2, 6.7)}


class Cache:
    """Slots of a pool kept at hand, the last one back first: a pool behind it hears of whole batches only."""

    def __init__(self, pool: SlabPool, batch: int) -> None:
        """Begin with none."""
        self._pool = pool
        self._batch = batch
        self.idle: list[int] = []
        self.longest_s = 0.0

    def put(self, payload: bytes) -> int:
        """Write a payload into a slot at hand; ask for a batch of them if there is none."""
        if not self.idle:
            started = time.thread_time()
            self.idle = _put_all(self._pool, self._batch)
            self.longest_s = max(self.longest_s, time.thread_time() - started)
        handle = self.idle.pop()
        start = (handle >> SLOT_BITS & SLAB_MASK) * SLAB_BYTES + (handle & SLOT_MASK) * SLOT_BYTES
        self._pool.arena.memory[start : start + len(payload)] = payload
        return handle

    def free(self, handle: int) -> None:
        """Keep the slot; give a batch back, the coldest, when there are two."""
        self.idle.append(handle)
        if len(self.idle) >= 2 * self._batch:
            back, self.idle = self.idle[: self._batch], self.idle[self._batch :]
            started = time.thread_time()
            _free_all(self._pool, back)
            self.longest_s = max(self.longest_s, time.thread_time() - started)


class Trial:
    """One pool, worked in batches of one size."""

    def __init__(self, arena: Arena, slots: int, *, batch: int, group: int, seed: int) -> None:
        """Fill it; then half of it leaves, so many that lie side by side at a time."""
        self.pool = SlabPool(arena)
        self.batch = batch
        self.chance = random.Random(seed)
        self.groups = [_put_all(self.pool, group) for _ in range(slots // group)]
        self.chance.shuffle(self.groups)
        half = len(self.groups) // 2
        for leaving in self.groups[half:]:
            _free_all(self.pool, leaving)
        del self.groups[half:]
        self.idle = 0
        self.longest_s = 0.0

    def together(self, operations: int) -> Iterator[float]:
        """Replace whole batches; the CPU seconds of each replacement, batch by batch."""
        for _ in range(operations // self.batch):
            place = self.chance.randrange(len(self.groups))
            leaving = self.groups[place]
            started = time.thread_time()
            _free_all(self.pool, leaving)
            self.groups[place] = _put_all(self.pool, self.batch)
            yield self._noted(time.thread_time() - started)

    def apart(self, operations: int) -> Iterator[float]:
        """Replace as many at a time, from random places."""
        live = self._live()
        for _ in range(operations // self.batch):
            places = self.chance.sample(range(len(live)), self.batch)
            leaving = [live[place] for place in places]
            started = time.thread_time()
            _free_all(self.pool, leaving)
            coming = _put_all(self.pool, self.batch)
            spent = time.thread_time() - started
            for place, handle in zip(places, coming, strict=True):
                live[place] = handle
            yield self._noted(spent)

    def cached(self, operations: int) -> Iterator[float]:
        """Replace a swing of them at a time, one by one, behind a cache."""
        live = self._live()
        cache = Cache(self.pool, self.batch)
        for _ in range(operations // SWING):
            places = self.chance.sample(range(len(live)), SWING)
            leaving = [live[place] for place in places]
            started = time.thread_time()
            for handle in leaving:
                cache.free(handle)
            coming = [cache.put(PAYLOAD) for _ in leaving]
            spent = time.thread_time() - started
            for place, handle in zip(places, coming, strict=True):
                live[place] = handle
            yield spent / SWING
        self.idle, self.longest_s = len(cache.idle), cache.longest_s

    def fragmentation(self) -> float:
        """After a full round of the scavenger."""
        scavenger = Scavenger(self.pool, keep_share=0.0, keep_bytes=0)
        while scavenger.visit():
            pass
        survey = scavenger.survey
        return (survey.stranded + self.idle * SLOT_BYTES) / survey.populated

    def _noted(self, spent: float) -> float:
        self.longest_s = max(self.longest_s, spent)
        return spent / self.batch

    def _live(self) -> list[int]:
        return [handle for group in self.groups for handle in group]


def _put(pool: SlabPool, payload: bytes) -> int:
    handle = pool.put(payload)
    assert handle
    return handle


def _put_all(pool: SlabPool, count: int) -> list[int]:
    return [_put(pool, PAYLOAD) for _ in range(count)]


def _free_all(pool: SlabPool, handles: Sequence[int]) -> None:
    for handle in handles:
        pool.free(handle)


WAYS: Final[Mapping[str, Callable[[Trial, int], Iterator[float]]]] = {
    "together": Trial.together,
    "apart": Trial.apart,
    "cached": Trial.cached,
}


def run_trial(kind: Pages, way: str, batch: int, *, slots: int, operations: int, seed: int) -> dict[str, Any]:
    """One pool, one way, one size of batches."""
    with Arena(slabs_for(slots) * SLAB_BYTES, ask=kind) as arena:
        node = _bind(arena)
        trial = Trial(arena, slots, batch=batch, group=batch if way == "together" else 1, seed=seed)
        used = trial.pool.stats().slots_used
        taken = list(WAYS[way](trial, operations))
        assert taken
        assert trial.pool.stats().slots_used == used + trial.idle
        report = arena.report()
        assert report.kind is kind, report
        assert report.file_bytes == arena.populated_bytes
        figures = {
            "replacement_us": sum(taken) / len(taken) * 1e6,
            "longest_batch_us": trial.longest_s * 1e6,
            "fragmentation": trial.fragmentation(),
            "hops": _hops(arena, node),
        }
        trial.pool.check()
    return figures


def slabs_for(slots: int) -> int:
    """How many slabs so many payloads take, and some to spare for what a cache holds."""
    return -(-(slots + 4 * max(BATCHES)) // (SLAB_BYTES // SLOT_BYTES))


def _bind(arena: Arena) -> int | None:
    if len(numa.nodes()) == 1:
        return None
    node = numa.current_node()
    numa.prefer(arena.memory, node)
    return node


def _hops(arena: Arena, node: int | None) -> float | None:
    """The part of the pages that lie on another node; None where there is but one."""
    found = None if node is None else numa.placement(arena.memory)
    if found is None or not found.pages:
        return None
    return 1 - found.pages.get(node or 0, 0) / sum(found.pages.values())


def measure(slots: int, operations: int, rounds: int, *, first_seed: int = 0, reserve: bool = False) -> dict[str, Any]:
    """Every way and size of batches with each kind of page, each round from a seed of its own; the claim beside it."""
    trials: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    with huge_pages(slabs_for(slots), may_raise=reserve) as missing:
        kinds = {name: kind for name, kind in KINDS.items() if not (name == "huge" and missing)}
        for seed in range(first_seed, first_seed + rounds):
            for key in ((name, way, batch) for name in kinds for way in WAYS for batch in BATCHES):
                figures = run_trial(kinds[key[0]], *key[1:], slots=slots, operations=operations, seed=seed)
                trials.setdefault(key, []).append(figures)
    rows = [
        {"pages": name, "way": way, "batch": batch, **_medians(found)} for (name, way, batch), found in trials.items()
    ]
    return {
        "rows": rows,
        "huge_skipped": missing,
        "nodes": len(numa.nodes()),
        "claim": CLAIM,
        "judged": [_judged(rows, way) for way in WAYS],
        "spikes": page_spikes.measure(max(slots // 4, 2 * page_spikes.SWING), 10),
    }


def _medians(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: None if first is None else median(each[name] for each in found) for name, first in found[0].items()}


def _judged(rows: Sequence[Mapping[str, Any]], way: str) -> dict[str, Any]:
    """The claim in two steps, larger batches and then, where there are any, larger pages; whether both figures fell."""
    by_key = {(row["pages"], row["batch"]): row for row in rows if row["way"] == way}
    corners = [by_key[key] for key in (("normal", 32), ("normal", 256), ("huge", 256)) if key in by_key]
    figures = {name: [corner[name] for corner in corners] for name in ("fragmentation", "replacement_us")}
    return {"way": way, **figures, "fell": {name: values[-1] < values[0] for name, values in figures.items()}}


def show(found: Mapping[str, Any]) -> None:
    """Print the rows and the claim."""
    print(f"{'pages':8}{'way':10}{'batch':>6}{'fragmentation':>15}{'us':>8}{'longest us':>12}  other node")
    for row in found["rows"]:
        hops = "-" if row["hops"] is None else f"{row['hops']:.1%}"
        print(
            f"{row['pages']:8}{row['way']:10}{row['batch']:6}{row['fragmentation']:15.1%}{row['replacement_us']:8.2f}"
            f"{row['longest_batch_us']:12.0f}  {hops}"
        )
    if found["nodes"] == 1:
        print("this machine has one memory node: no page is ever on another")
    if found["huge_skipped"]:
        print(f"huge pages skipped: {found['huge_skipped']}")
    print("claimed: batches of 32 on normal pages -> 256 on huge ones: fragmentation 12 -> 5 %, latency 8.2 -> 6.7 us")
    print("found, normal pages by 32 -> by 256 -> huge pages by 256, where there are any:")
    for each in found["judged"]:
        stranded = " -> ".join(f"{value:.1%}" for value in each["fragmentation"])
        cost = " -> ".join(f"{value:.2f}" for value in each["replacement_us"])
        print(f"  {each['way']:10}fragmentation {stranded}; us {cost}")
    page_spikes.show(found["spikes"])


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench batch_sizes", description=__doc__)
    parser.add_argument("--slots", type=int, default=200_000)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reserve", action="store_true")
    add_json(parser)
    options = parser.parse_args(arguments)
    found = measure(options.slots, options.operations, options.rounds, first_seed=options.seed, reserve=options.reserve)
    if not tell_json(options.json, found):
        show(found)
