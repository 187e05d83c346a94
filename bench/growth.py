"""What one operation costs in a pool of a thousand, ten thousand, a hundred thousand, a million transactions.

    python -m bench growth [--sizes N ...] [--senders N] [--json [FILE]]

CPU microseconds each, in batches of 100 where there are batches; `best of a block` chooses 1 000, `new head` includes
them. Evicting is measured in a pool that has just become full: there a newcomer pushes out the cheapest.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Final

from bench.json_option import add_json, tell_json
from bench.offers import GWEI, offer
from bench.standing import STORES, StandingPool
from txpool.core.settings import PoolSettings

SAMPLE: Final = 1_000
_FIRST_TIP: Final = 2 * GWEI


def measure(size: int, senders: int) -> dict[str, float]:
    """The costs at one size, microseconds each."""
    settings = PoolSettings(global_slots=size, global_queue=1, account_slots=size, account_queue=size)
    standing = StandingPool(settings, STORES["mmap"]())
    pool = standing.pool

    def newcomers(start: int, end: int) -> float:
        """Later nonces pay less, so that nobody's successors are left waiting when the cheapest go."""
        places = [(n, n % senders, n // senders) for n in range(start, end)]
        return standing.submit([offer(n, sender, nonce, _FIRST_TIP + size - n) for n, sender, nonce in places])

    for start in range(0, size - SAMPLE, SAMPLE * 10):
        newcomers(start, min(start + SAMPLE * 10, size - SAMPLE))
    costs = {"insert": newcomers(size - SAMPLE, size)}
    assert pool.counts().pending == size
    hashes = [offer(n, 0, 0, 1).tx.hash for n in range(0, size, size // SAMPLE)]
    before = time.thread_time()
    found = [pool.pooled(tx_hash) for tx_hash in hashes]
    costs["look up"] = time.thread_time() - before
    assert all(found)
    again = [offer(size + n, n % senders, n // senders, _FIRST_TIP * 3) for n in range(SAMPLE)]
    costs["replace"] = standing.submit(again)
    costs["best of a block"], costs["new head"] = standing.mine(SAMPLE)
    serial = 2 * size
    standing.submit([offer(serial + n, senders + n, 0, _FIRST_TIP * 4) for n in range(SAMPLE + 1)])
    assert pool.counts().slots == size + 1
    serial += SAMPLE + 1
    standing.worst_s = 0.0
    costs["evict"] = standing.submit([offer(serial + n, serial + n, 0, _FIRST_TIP * 5) for n in range(SAMPLE)])
    assert pool.counts().slots == size + 1
    return {name: spent / SAMPLE * 1e6 for name, spent in costs.items()} | {
        "worst batch while evicting, ms": standing.worst_s * 1e3
    }


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--senders", type=int, default=2_000)
    add_json(parser)
    options = parser.parse_args(arguments)
    results = {size: measure(size, min(options.senders, size // 2)) for size in options.sizes}
    if tell_json(options.json, results):
        return
    print(f"{'CPU us each at':32}", *(f"{size:>10,}" for size in results))
    for name in next(iter(results.values())):
        print(f"{name:32}", *(f"{figures[name]:10.2f}" for figures in results.values()))
