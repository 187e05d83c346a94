"""A million transactions in one process: what the collector sees, what each costs, what the worst batch takes.

    python -m bench million [--transactions N] [--senders N] [--store mmap|cache|heap|untracked] [--json [FILE]]

No network, no signatures: decoded transfers go straight into the pool, in batches of 100, with the collector on and
nothing frozen. A full collection is timed with the pool empty and with it full; resident bytes are the growth of the
process's proportional set, divided by the transactions. The bytes of the corpus itself are made on the fly.
"""

import argparse
import gc
from collections.abc import Sequence

from bench.json_option import add_json, tell_json
from bench.offers import GWEI, offer
from bench.parts import bytes_by_part
from bench.pauses import PauseRecord, full_collection_ms
from bench.resident import proportional_bytes
from bench.standing import BATCH, STORES, StandingPool
from txpool.core.settings import PoolSettings
from txpool.core.store import Store


def measure(count: int, senders: int, store: Store) -> dict[str, float]:
    """Grow a pool to `count` transactions; the figures by name."""
    settings = PoolSettings(global_slots=2 * count, account_slots=count, global_queue=count, account_queue=count)
    standing = StandingPool(settings, store)
    gc.collect()
    empty_ms, empty_bytes, empty_tracked = full_collection_ms(), proportional_bytes(), len(gc.get_objects())
    record, busy = PauseRecord(), 0.0
    with record.watching():
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            busy += standing.submit([offer(n, n % senders, n // senders, GWEI + n % 1009) for n in numbers])
    pauses = record.by_generation()["all"]
    assert standing.pool.counts().pending == count
    return {
        "accepted": count,
        "pool CPU us a transaction": busy / count * 1e6,
        "worst batch of 100, CPU ms": standing.worst_s * 1e3,
        "collections while growing": pauses.count,
        "longest of them, CPU ms": pauses.longest,
        "full collection, empty, ms": empty_ms,
        "full collection, full, ms": full_collection_ms(),
        "tracked objects added": len(gc.get_objects()) - empty_tracked,
        "resident bytes a transaction": (proportional_bytes() - empty_bytes) / count,
    } | {f"of that, {part}": size / count for part, size in bytes_by_part(standing.pool).items()}


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench million", description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--store", choices=sorted(STORES), default="mmap")
    add_json(parser)
    options = parser.parse_args(arguments)
    figures = measure(options.transactions, options.senders, STORES[options.store]())
    if tell_json(options.json, figures):
        return
    print(f"{options.senders} senders, {options.store}")
    for name, value in figures.items():
        print(f"  {name:34} {value:14,.2f}")
