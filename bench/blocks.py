"""Mining full blocks: how long a block takes, and how long everybody else has to wait for a turn of the loop meanwhile.

    python -m bench blocks [--transactions N] [--senders N] [--blocks N] [--reorg N] [--json [FILE]]

Fills the daemon's node with transfers of which `--transactions` fit into a block, then mines the same blocks on three
nodes: each in one go, step by step, and in slices as the daemon does; at last a reorg gives back the newest blocks.
Thread CPU milliseconds, medians over the blocks, the longest over all. A turn of the loop counts with all that was done
in it. Asserts that every block is full, and that all nodes came to the same events.
"""

import argparse
import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import uvloop
from msgspec.structs import replace

from bench.ingest import CHAIN_ID, genesis_for, key_of
from bench.json_option import add_json, tell_json
from txpool.config import Settings
from txpool.config.sections import DevSettings, StoreSettings
from txpool.core.candidate import Candidate
from txpool.core.pool import Accepted
from txpool.core.settings import PoolSettings
from txpool.core.signature import address_of, sign
from txpool.core.steps import Steps
from txpool.core.tx import Tx, decode
from txpool.core.unsigned import Unsigned
from txpool.daemon.node import Node
from txpool.history.digest import digest
from txpool.rpc.slices import Slices

GAS_PER_TRANSFER: Final = 21_000
BATCH: Final = 100
LIMIT_BYTES: Final = 1 << 30


class Costs:
    """CPU seconds of each block, and of the longest piece that nobody else could come between."""

    def __init__(self) -> None:
        """Begin with none."""
        self.blocks: list[float] = []
        self.longest = 0.0

    def shown(self) -> dict[str, float]:
        """In milliseconds."""
        return {"a block": statistics.median(self.blocks) * 1e3, "longest": self.longest * 1e3}


def offers(senders: int, count: int) -> list[Candidate]:
    """Transfers as if their senders had been recovered, nonce by nonce over all senders."""
    keys = [key_of(number) for number in range(senders)]
    addresses = [address_of(key) for key in keys]
    found = []
    for serial in range(count):
        nonce, number = divmod(serial, senders)
        raw = _transfer(keys[number], nonce, serial)
        tx = decode(raw)
        assert isinstance(tx, Tx)
        found.append(Candidate(tx, addresses[number], serial))
    return found


def _transfer(key: bytes, nonce: int, serial: int) -> bytes:
    unsigned = Unsigned(
        type=2,
        chain_id=CHAIN_ID,
        nonce=nonce,
        tip_cap=10**9 + serial % 997,
        fee_cap=10**12,
        gas=GAS_PER_TRANSFER,
        to=serial.to_bytes(20, "big"),
        value=1,
    )
    return sign(unsigned, key)


@contextmanager
def full_node(candidates: Sequence[Candidate], per_block: int) -> Iterator[Node]:
    """The daemon's node, with all of them pending; a block has room for so many."""
    count = len(candidates)
    limits = PoolSettings(global_slots=2 * count, account_slots=count, global_queue=count, account_queue=count)
    senders = {"0x" + each.sender.hex() for each in candidates if isinstance(each.sender, bytes)}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as genesis:
        genesis.write(json.dumps({**genesis_for(sorted(senders)), "gasLimit": hex(per_block * GAS_PER_TRANSFER)}))
        genesis.flush()
        dev = DevSettings(genesis=genesis.name)
        node = Node(Settings(pool=limits, dev=dev, store=StoreSettings(limit_bytes=LIMIT_BYTES)))
    for start in range(0, count, BATCH):
        batch = candidates[start : start + BATCH]
        accounts = {each.sender: node.chain.account(each.sender) for each in batch if isinstance(each.sender, bytes)}
        verdicts, _ = node.pool.submit(batch, accounts, now=1)
        assert all(isinstance(verdict, Accepted) for verdict in verdicts), verdicts[0]
    try:
        yield node
    finally:
        node.close()


# Does what moves the head, and notes what it cost.
Way = Callable[[Steps[int], Costs], None]


def at_once(steps: Steps[int], costs: Costs) -> None:
    """All of it in one turn of the loop."""
    started = time.thread_time()
    for _ in steps:
        pass
    costs.blocks.append(time.thread_time() - started)
    costs.longest = max(costs.longest, costs.blocks[-1])


def step_by_step(steps: Steps[int], costs: Costs) -> None:
    """Each step timed: the least that a slice can be."""
    spent, ended = 0.0, False
    while not ended:
        started = time.thread_time()
        ended = next(steps, _END) is _END
        took = time.thread_time() - started
        spent, costs.longest = spent + took, max(costs.longest, took)
    costs.blocks.append(spent)


_END: Final = object()


def in_slices(steps: Steps[int], costs: Costs) -> None:
    """As the daemon does, in a loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        started = time.thread_time()
        runner.run(_watched(steps, costs))
        costs.blocks.append(time.thread_time() - started)


async def _watched(steps: Steps[int], costs: Costs) -> None:
    """Have it done, and look at the clock once in each turn of the loop."""
    loop = asyncio.get_running_loop()
    before = time.thread_time()

    def look() -> None:
        nonlocal before
        now = time.thread_time()
        costs.longest, before = max(costs.longest, now - before), now
        if not done.done():
            loop.call_soon(look)

    done = Slices(time.thread_time).run(steps)
    look()
    await done
    look()


WAYS: Final[dict[str, Way]] = {"at once": at_once, "step by step": step_by_step, "in slices": in_slices}


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The figures of each way."""
    per_block = options.transactions
    candidates = offers(options.senders, per_block * options.blocks)
    gc.collect()
    gc.freeze()  # what the benchmark keeps is none of the daemon's
    figures: dict[str, dict[str, float]] = {}
    digests = set()
    for name, way in WAYS.items():
        mining, reorg = Costs(), Costs()
        with full_node(candidates, per_block) as node:
            for _ in range(options.blocks):
                way(node.chain.mine_in_steps(), mining)
                assert len(node.chain.head_block.hashes) == per_block
            way(node.chain.reorg_in_steps(options.reorg), reorg)
            assert node.pool.counts().pending == per_block * options.reorg
            digests.add(digest(replace(each, time=0) for each in node.events.since(0)))
        figures[name] = mining.shown()
        figures[f"reorg {name}"] = reorg.shown()
    assert len(digests) == 1, "what came of it hangs on how it was done"
    return figures


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench blocks", description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_500)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--reorg", type=int, default=3)
    add_json(parser)
    options = parser.parse_args(arguments)
    figures = measure(options)
    if tell_json(options.json, figures):
        return
    print(f"{options.transactions} transactions a block, {options.senders} senders, reorg of {options.reorg}; CPU ms")
    for name, costs in figures.items():
        print(f"  {name:20}", *(f"{figure}: {value:9.2f}" for figure, value in costs.items()))
