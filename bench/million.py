"""A million transactions in one process: what the collector sees, what each costs, what the worst batch takes.

    python -m bench million [--transactions N] [--senders N] [--store mmap|cache|heap|untracked] [--json]

No network, no signatures: decoded transfers go straight into the pool, in batches of 100, with the collector on and
nothing frozen. A full collection is timed with the pool empty and with it full; resident bytes are the growth of the
process's proportional set, divided by the transactions. The bytes of the corpus itself are made on the fly.
"""

import argparse
import gc
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.offers import GWEI, offer
from bench.parts import bytes_by_part
from bench.standing import BATCH, STORES, StandingPool
from txpool.core.settings import PoolSettings
from txpool.core.store import Store

_COLLECTIONS: Final = 5


def resident_bytes() -> int:
    """Proportional set size and huge pages of this process."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(rows[name].split()[0]) for name in ("Pss", "Private_Hugetlb", "Shared_Hugetlb")) * 1024


def full_collection_ms() -> float:
    """The median of a few full collections, in CPU time of this thread."""
    times = []
    for _ in range(_COLLECTIONS):
        started = time.thread_time()
        gc.collect()
        times.append(time.thread_time() - started)
    return sorted(times)[_COLLECTIONS // 2] * 1e3


class Pauses:
    """Counts collections by themselves and keeps the longest."""

    def __init__(self) -> None:
        """Count from zero."""
        self.count, self.longest_ms, self._started = 0, 0.0, 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """Do what the interpreter asks of a member of `gc.callbacks`."""
        if phase == "start":
            self._started = time.thread_time()
        else:
            self.count += 1
            self.longest_ms = max(self.longest_ms, (time.thread_time() - self._started) * 1e3)


def measure(count: int, senders: int, store: Store) -> dict[str, float]:
    """Grow a pool to `count` transactions; the figures by name."""
    settings = PoolSettings(global_slots=2 * count, account_slots=count, global_queue=count, account_queue=count)
    standing = StandingPool(settings, store)
    gc.collect()
    empty_ms, empty_bytes, empty_tracked = full_collection_ms(), resident_bytes(), len(gc.get_objects())
    pauses, busy = Pauses(), 0.0
    gc.callbacks.append(pauses)
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        busy += standing.submit([offer(n, n % senders, n // senders, GWEI + n % 1009) for n in numbers])
    gc.callbacks.remove(pauses)
    assert standing.pool.counts().pending == count
    return {
        "accepted": count,
        "pool CPU us a transaction": busy / count * 1e6,
        "worst batch of 100, CPU ms": standing.worst_s * 1e3,
        "collections while growing": pauses.count,
        "longest of them, CPU ms": pauses.longest_ms,
        "full collection, empty, ms": empty_ms,
        "full collection, full, ms": full_collection_ms(),
        "tracked objects added": len(gc.get_objects()) - empty_tracked,
        "resident bytes a transaction": (resident_bytes() - empty_bytes) / count,
    } | {f"of that, {part}": size / count for part, size in bytes_by_part(standing.pool).items()}


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench million", description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--store", choices=sorted(STORES), default="mmap")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.transactions, options.senders, STORES[options.store]())
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{options.senders} senders, {options.store}")
    for name, value in figures.items():
        print(f"  {name:34} {value:14,.2f}")
