"""How much memory comes back after a mass eviction, and what that costs: `python -m bench returning`.

    python -m bench returning [--slots N] [--replacements N] [--reserve] [--json [FILE]]

A store is filled, nine tenths of it are evicted at random, then so many times a random survivor is replaced by a
newcomer. What the slabs hold (`st_blocks` of their file) and what is resident is measured after each step. Each case
runs in a process of its own. The scavenger works as the daemon lets it, one part in a hundred of the time, where 10 000
replacements take a second. The plain objects of `heap` are measured before and after `malloc_trim`, and once more with
the C library's allocator in place of the interpreter's (`PYTHONMALLOC=malloc`). `--reserve` lets root set huge pages
aside for the case that wants them, and restores the setting.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from bench.json_option import add_json, tell_json
from bench.quantiles import quantiles_us
from loadtest.system_pages import huge_pages
from mmap_pool import SLAB_BYTES, Pages, Scavenger
from txpool.core.store import Store
from txpool.daemon.relief import trim_heap
from txpool.observe.resident import Resident
from txpool.stores.heap import HeapStore
from txpool.stores.mmap import MmapStore

RECORD: Final = bytes(range(104))
PAYLOAD: Final = bytes(112)
RECORD_BYTES: Final = len(RECORD) + 8
SLOT_BYTES: Final = 240
SURVIVORS: Final = 10  # one in ten
LIMIT: Final = 0.3  # of the full bytes, after the replacements
RATE: Final = 10_000  # replacements a second, for the pace of the scavenger
SHARE: Final = 0.01
EVERY_S: Final = 1.0
BATCH: Final = 100
CASES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "mmap": MappingProxyType({}),
        "mmap, huge pages": MappingProxyType({}),
        "heap": MappingProxyType({}),
        "heap, malloc": MappingProxyType({"PYTHONMALLOC": "malloc"}),
    }
)


class Pace:
    """Lets a scavenger work as the daemon does, by a clock that the replacements drive. Counts its CPU time."""

    def __init__(self, scavenger: Scavenger | None) -> None:
        """Begin at rest; None: a store that has no scavenger."""
        self.longest_s = self.spent_s = 0.0
        self.slices = 0
        self._scavenger = scavenger
        self._now = self._due = 0.0

    def pass_time(self, seconds: float) -> None:
        """Let so much time go by."""
        self._now += seconds
        while self._scavenger and self._now >= self._due:
            self._slice(self._scavenger)

    def finish_rounds(self, count: int) -> None:
        """Work without rests."""
        end = self._scavenger.rounds + count if self._scavenger else 0
        while self._scavenger and self._scavenger.rounds < end:
            self._slice(self._scavenger)

    def _slice(self, scavenger: Scavenger) -> None:
        started = time.thread_time()
        round_ended = scavenger.work(time.thread_time)
        took = time.thread_time() - started
        self.slices += 1
        self.spent_s += took
        self.longest_s = max(self.longest_s, took)
        self._due = self._now + (EVERY_S if round_ended else took / SHARE)


class Content:
    """What a store is filled with: every transaction bytes of its own, as they arrive from outside."""

    def __init__(self, store: Store, slots: int, seed: int) -> None:
        """Fill it."""
        self.store = store
        self.chance = random.Random(seed)
        self.handles = array("Q", bytes(8 * slots))
        self.numbers = array("Q", range(slots))
        self.put_ns = array("Q")
        for number in range(slots):
            self.handles[number] = self._put(number)

    def _put(self, number: int) -> int:
        name = number.to_bytes(8, "big")
        handle = self.store.put(name + RECORD, name + PAYLOAD)
        assert handle, "the store is too small for this benchmark"
        return handle

    def evict(self) -> None:
        """Free nine tenths at random."""
        order = list(range(len(self.handles)))
        self.chance.shuffle(order)
        keep = len(order) // SURVIVORS
        for place in order[keep:]:
            self.store.free(self.handles[place])
        self.handles = array("Q", (self.handles[place] for place in order[:keep]))
        self.numbers = array("Q", (self.numbers[place] for place in order[:keep]))

    def replace(self, count: int, pass_time: Callable[[float], None]) -> None:
        """Replace random survivors."""
        self.put_ns = array("Q", bytes(8 * count))
        places, clock = len(self.handles), time.thread_time_ns
        for turn in range(count):
            place = int(self.chance.random() * places)
            self.store.free(self.handles[place])
            started = clock()
            self.handles[place] = self._put(turn)
            self.put_ns[turn] = clock() - started
            self.numbers[place] = turn
            if turn % BATCH == 0:
                pass_time(BATCH / RATE)

    def check(self) -> None:
        """Assert that everybody who should be there is, with their own bytes."""
        assert self.store.stats().slots_used == len(self.handles)
        for handle, number in zip(self.handles, self.numbers, strict=True):
            assert self.store.payload(handle) == number.to_bytes(8, "big") + PAYLOAD
        self.store.check()


def run_case(name: str, slots: int, replacements: int, seed: int) -> dict[str, Any]:
    """One case, in this process."""
    before = _resident_bytes()
    store = _store(name, slots)
    pace = Pace(store.scavenger if isinstance(store, MmapStore) else None)
    content = Content(store, slots, seed)
    steps = {"full": _held(store, before)}
    content.evict()
    steps["evicted"] = _held(store, before)
    if isinstance(store, MmapStore):
        pace.finish_rounds(1)
        steps["scavenged"] = _held(store, before)
    else:
        trim_heap()
        steps["trimmed"] = _held(store, before)
    content.replace(replacements, pace.pass_time)
    steps["replaced"] = _held(store, before)
    if isinstance(store, HeapStore):
        trim_heap()
        steps["replaced, trimmed"] = _held(store, before)
    content.check()
    figures: dict[str, Any] = {"slots": slots, "replacements": replacements, "steps": steps}
    figures["put_us"] = quantiles_us(content.put_ns, 0.5, 0.99, 0.999, 0.9999)
    figures["part_of_full"] = {
        step: {kind: held[kind] / size for kind, size in steps["full"].items()} for step, held in steps.items()
    }
    if isinstance(store, MmapStore):
        figures |= _slab_figures(store, pace)
    return figures


def _store(name: str, slots: int) -> MmapStore | HeapStore:
    if name.startswith("heap"):
        return HeapStore(1 << 40)
    ask = Pages.HUGETLB if "huge" in name else Pages.NORMAL
    store = MmapStore.open(slabs_for(slots) * SLAB_BYTES, RECORD_BYTES, ask=ask)
    assert store.pool.arena.kind is ask, store.pool.arena.refusals
    return store


def slabs_for(slots: int) -> int:
    """How many slabs so many transactions take."""
    return -(-slots // (SLAB_BYTES // SLOT_BYTES))


def _resident_bytes() -> int:
    """All that the process has, program files and huge pages included."""
    return sum(Resident().kinds() or ())


def _held(store: MmapStore | HeapStore, before: int) -> dict[str, int]:
    """What the process has grown by, and what the slabs are of it."""
    grown = {"resident_bytes": _resident_bytes() - before}
    if isinstance(store, MmapStore):
        report = store.pool.arena.report()
        assert report.file_bytes == store.pool.arena.populated_bytes, "the arena's account is not the kernel's"
        grown |= {"file_bytes": report.file_bytes, "slab_resident_bytes": report.resident_bytes}
    return grown


def _slab_figures(store: MmapStore, pace: Pace) -> dict[str, Any]:
    return {
        "returned_bytes": store.returned_bytes,
        "fragmentation": store.fragmentation,
        "rounds": store.scavenger.rounds,
        "slices": pace.slices,
        "longest_slice_ms": pace.longest_s * 1e3,
        "scavenging_s": pace.spent_s,
        "pages": store.pool.arena.report().kind.name.lower(),
    }


def measure(slots: int, replacements: int, *, reserve: bool = False, seed: int = 1) -> dict[str, Any]:
    """All cases, each in a process of its own, and whether the limit is kept."""
    found: dict[str, Any] = {}
    for name, environment in CASES.items():
        with huge_pages(slabs_for(slots) if "huge" in name else 0, may_raise=reserve) as missing:
            if "huge" in name and missing:
                found[name] = {"skipped": missing}
                continue
            command = [*(sys.executable, "-m", "bench", "returning", "--case", name, "--seed", str(seed))]
            command += ["--slots", str(slots), "--replacements", str(replacements)]
            ran = subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE)
            found[name] = json.loads(ran.stdout)
    held = found["mmap"]["part_of_full"]["replaced"]
    parts = {"file_bytes": held["file_bytes"], "slab_resident_bytes": held["slab_resident_bytes"]}
    return {"cases": found, "limit": LIMIT, "held": parts, "within": max(parts.values()) <= LIMIT}


def show(found: Mapping[str, Any]) -> None:
    """Print the cases."""
    for name, figures in found["cases"].items():
        print(name)
        if "skipped" in figures:
            print(f"  skipped: {figures['skipped']}")
            continue
        for step, held in figures["steps"].items():
            shares = figures["part_of_full"][step]
            print(f"  {step:18}", *(f"{kind} {size >> 20:5} MiB ({shares[kind]:.1%})" for kind, size in held.items()))
        print("  a put, CPU us:", *(f"{each} {value:.1f}" for each, value in figures["put_us"].items()))
        if "slices" in figures:
            print(
                f"  scavenger: {figures['slices']} slices, {figures['scavenging_s'] * 1e3:.0f} ms of CPU, the longest "
                f"{figures['longest_slice_ms']:.2f} ms; {figures['returned_bytes'] >> 20} MiB returned"
            )
    print(f"after the replacements {max(found['held'].values()):.1%} of full: ", end="")
    print("within" if found["within"] else "beyond", f"the limit of {LIMIT:.0%}")


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench returning", description=__doc__)
    parser.add_argument("--slots", type=int, default=1_000_000)
    parser.add_argument("--replacements", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reserve", action="store_true")
    parser.add_argument("--case", choices=CASES, help="this one alone, in this process; prints JSON")
    add_json(parser)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(run_case(options.case, options.slots, options.replacements, options.seed)))
        return
    found = measure(options.slots, options.replacements, reserve=options.reserve, seed=options.seed)
    if not tell_json(options.json, found):
        show(found)
