"""A million transactions in one process: what the collector sees, what each costs, what the worst batch takes.

    python -m bench million [--transactions N] [--senders N] [--store mmap|heap] [--json]

No network, no signatures: decoded transfers go straight into the pool, in batches of 100, with the collector on and
nothing frozen. A full collection is timed with the pool empty and with it full; resident bytes are the growth of the
process's proportional set, divided by the transactions. The bytes of the corpus itself are made on the fly.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, Head
from txpool.core.pool import Accepted, Pool
from txpool.core.record import RECORD_BYTES
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.store import Store
from txpool.core.tx import Tx
from txpool.stores.heap import HeapStore
from txpool.stores.mmap import MmapStore

BATCH: Final = 100
RAW_BYTES: Final = 115  # a transfer of type 2 on the wire
STORE_LIMIT_BYTES: Final = 8 << 30
STORES: Final[Mapping[str, Callable[[], Store]]] = {
    "mmap": lambda: MmapStore.open(STORE_LIMIT_BYTES, RECORD_BYTES),
    "heap": lambda: HeapStore(STORE_LIMIT_BYTES),
}
_COLLECTIONS: Final = 5


def transfer(number: int, senders: int) -> Candidate:
    """Transfer `number`, as if decoded and recovered: nonce by nonce over all senders."""
    unique = blake2b(number.to_bytes(8, "big"), digest_size=32).digest()
    sender = blake2b((number % senders).to_bytes(8, "big"), digest_size=20, person=b"sender").digest()
    tx = Tx(
        type=2,
        chain_id=1337,
        nonce=number // senders,
        tip_cap=10**9 + number % 1009,
        fee_cap=3 * 10**9,
        gas=21_000,
        to=unique[:20],
        value=number,
        data=b"",
        access_addresses=0,
        access_keys=0,
        access_list=b"\xc0",
        authorizations=(),
        blob_fee_cap=0,
        blob_hashes=(),
        v=0,
        r=1,
        s=1,
        hash=unique,
        raw=b"\x02" + unique * 3 + unique[: RAW_BYTES - 97],
        size=RAW_BYTES,
        sidecar=None,
    )
    return Candidate(tx, sender, number)


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
    head = Head(1, bytes(32), bytes(32), 12, 36_000_000, 10**9, 10**9, 1, Fork.OSAKA)
    pool = Pool(settings, head, store, EventRing(65_536))
    gc.collect()
    empty_ms, empty_bytes, empty_tracked = full_collection_ms(), resident_bytes(), len(gc.get_objects())
    pauses, worst, busy = Pauses(), 0.0, 0.0
    gc.callbacks.append(pauses)
    for start in range(0, count, BATCH):
        batch = [transfer(number, senders) for number in range(start, min(start + BATCH, count))]
        accounts = {candidate.sender: Account(0, 10**30) for candidate in batch if isinstance(candidate.sender, bytes)}
        before = time.thread_time()
        verdicts, _ = pool.submit(batch, accounts, now=start)
        spent = time.thread_time() - before
        assert all(isinstance(verdict, Accepted) for verdict in verdicts)
        worst, busy = max(worst, spent), busy + spent
        del batch, accounts, verdicts
    gc.callbacks.remove(pauses)
    assert pool.counts().pending == count
    return {
        "accepted": count,
        "pool CPU us a transaction": busy / count * 1e6,
        "worst batch of 100, CPU ms": worst * 1e3,
        "collections while growing": pauses.count,
        "longest of them, CPU ms": pauses.longest_ms,
        "full collection, empty, ms": empty_ms,
        "full collection, full, ms": full_collection_ms(),
        "tracked objects added": len(gc.get_objects()) - empty_tracked,
        "resident bytes a transaction": (resident_bytes() - empty_bytes) / count,
    }


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
