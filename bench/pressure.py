"""A full pool stays as quick as it was: what evicting, replacing and a new head cost there, in ten parts of a run.

    python -m bench pressure [--transactions N] [--json [FILE]]

The pool has geth's default limits and is full. Each newcomer pays a little more than all before it, so that each pushes
out the cheapest; each replacement bumps by a tenth; each head takes a block's worth of the best, and newcomers fill the
gap. CPU microseconds a transaction (a head: milliseconds); what was taken, and how much the pool holds, is asserted.
"""

import argparse
from collections.abc import Sequence
from typing import Final

from bench.json_option import add_json, tell_json
from bench.offers import GWEI, offer
from bench.standing import STORES, StandingPool
from txpool.core.settings import PoolSettings

PARTS: Final = 10
BLOCK: Final = 200
_REPLACED_TIMES: Final = 60  # a price bumped more often than this would leave 64 bits


def full_pool() -> tuple[StandingPool, int]:
    """A pool without room for one more, and how many it holds."""
    settings = PoolSettings()
    room = settings.global_slots + settings.global_queue
    standing = StandingPool(settings, STORES["mmap"]())
    standing.submit([offer(n, n, 0, GWEI + n) for n in range(room)])
    assert standing.pool.counts().slots == room
    return standing, room


def evicting(count: int) -> list[float]:
    """Newcomers of their own senders, each a little dearer."""
    standing, room = full_pool()
    part = count // PARTS
    costs = []
    for start in range(room, room + part * PARTS, part):
        spent = standing.submit([offer(n, n, 0, GWEI + n) for n in range(start, start + part)])
        costs.append(spent / part * 1e6)
    assert standing.pool.counts().slots == room
    assert sum(standing.pool.tallies.removed_pending.values()) == part * PARTS
    standing.pool.check()
    return costs


def replacing(count: int) -> list[float]:
    """Every transaction again and again, for a tenth more."""
    standing, room = full_pool()
    part = count // PARTS
    costs = []
    for start in range(0, part * PARTS, part):
        offers = [
            offer(room + n, n % room, 0, (GWEI + n % room) * 111 ** (n // room + 1) // 100 ** (n // room + 1))
            for n in range(start, start + part)
        ]
        costs.append(standing.submit(offers) / part * 1e6)
    assert standing.pool.counts().pending == room
    standing.pool.check()
    return costs


def new_heads(count: int) -> list[float]:
    """Blocks of the best, and as many newcomers after each."""
    standing, room = full_pool()
    heads = max(count // BLOCK // PARTS, 1)
    costs, serial = [], room
    for _ in range(PARTS):
        spent = 0.0
        for _ in range(heads):
            spent += standing.mine(BLOCK)[1]
            standing.submit([offer(n, n, 0, GWEI + n) for n in range(serial, serial + BLOCK)])
            serial += BLOCK
        costs.append(spent / heads * 1e3)
    assert standing.pool.counts().slots == room
    standing.pool.check()
    return costs


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench pressure", description=__doc__)
    parser.add_argument("--transactions", type=int, default=200_000)
    add_json(parser)
    options = parser.parse_args(arguments)
    count = options.transactions
    results = {
        "evict, us": evicting(count),
        "replace, us": replacing(min(count, _REPLACED_TIMES * 6144)),
        f"a head with {BLOCK} included, ms": new_heads(count),
    }
    if tell_json(options.json, results):
        return
    for name, costs in results.items():
        print(f"{name:30}", *(f"{cost:7.2f}" for cost in costs), f"  last to first {costs[-1] / costs[0]:.2f}")
