"""How many bytes a transaction holds at each stage of its life, and after it.

    python -m bench lifecycle [--transactions N] [--senders N] [--store NAME] [--json [FILE]]

Signed transactions of the load harness, decoded and recovered as ingest does it. The interpreter's allocations are
counted by tracemalloc, slots of a slab by the store; indexes are included. Queued ones lack their sender's first nonce,
pending ones lack nothing. What is still held when all have left are tables that keep room.
"""

import argparse
import gc
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.json_option import add_json, tell_json
from bench.standing import STORES, StandingPool
from loadtest.corpus import Corpus, prepare
from loadtest.scenario import Recipe, Types
from txpool.core.candidate import Candidate
from txpool.core.kernel import NATIVE, TWIN
from txpool.core.settings import PoolSettings
from txpool.core.store import Store
from txpool.core.tx import Tx
from txpool.stores.mmap import MmapStore

CHAIN_ID: Final = 1337
TYPES: Final = Types(legacy=20, access_list=8, dynamic_fee=72, set_code=0)


def measure(raws: Sequence[str], senders: int, open_store: Callable[[], Store]) -> dict[str, float]:
    """Bytes a transaction at each stage."""
    settings = PoolSettings(
        global_slots=2 * len(raws), account_slots=len(raws), global_queue=len(raws), account_queue=len(raws)
    )
    waiting = StandingPool(settings, open_store())
    standing = StandingPool(settings, open_store())
    tracemalloc.start()
    base = traced()
    # As ingest has them from the moment that the request is read: bytes, and whom to answer.
    received = [(bytes.fromhex(raw), print) for raw in raws]
    figures = {"received": (traced() - base) / len(raws)}
    judged = candidates([raw for raw, _ in received])
    figures["validating"] = (traced() - base) / len(raws)
    before = traced()
    queued = wait(waiting, raws)
    figures["queued"] = (traced() - before + slots_of(waiting)) / queued
    standing.submit(judged)
    assert standing.pool.counts().pending == len(raws)
    del received, judged, waiting
    figures["pending"] = (traced() - base + slots_of(standing)) / len(raws)
    standing.mine(len(raws))
    standing.mine(0)  # the last block's hashes are kept until the next
    assert standing.pool.counts().slots == 0
    figures["gone"] = (traced() - base + slots_of(standing)) / len(raws)
    tracemalloc.stop()
    return figures | {"senders": float(senders)}


def wait(standing: StandingPool, raws: Sequence[str]) -> int:
    """Submit all but each sender's first, read anew, so that their bytes are nobody else's; how many they are."""
    late = [one for one in candidates([bytes.fromhex(raw) for raw in raws]) if one.tx.nonce]
    standing.submit(late)
    assert standing.pool.counts().queued == len(late)
    return len(late)


def traced() -> int:
    """Bytes allocated by the interpreter now."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def slots_of(standing: StandingPool) -> int:
    """Bytes of the slots in use, where the store has them outside the heap."""
    store = standing.pool.store
    stats = store.stats()
    return stats.bytes_used + stats.bytes_wasted if isinstance(store, MmapStore) else 0


def candidates(raws: list[bytes]) -> list[Candidate]:
    """Decode and recover."""
    kernel = NATIVE or TWIN
    txs = [tx for tx in kernel.decode(raws) if isinstance(tx, Tx)]
    assert len(txs) == len(raws)
    signers = kernel.signers(txs, CHAIN_ID)
    return [
        Candidate(tx, sender, number, authorities=authorities)
        for number, (tx, (sender, authorities)) in enumerate(zip(txs, signers, strict=True))
    ]


def corpus(count: int, senders: int) -> list[str]:
    """Signed transactions in hex, nonce by nonce over all senders."""
    with tempfile.TemporaryDirectory(prefix="lifecycle-") as folder:
        prepare(Recipe(senders=senders, types=TYPES), count, Path(folder), processes=2)
        with Corpus(Path(folder)) as opened:
            return [opened[number].hex() for number in range(count)]


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench lifecycle", description=__doc__)
    parser.add_argument("--transactions", type=int, default=50_000)
    parser.add_argument("--senders", type=int, default=1_000)
    parser.add_argument("--store", choices=sorted(STORES), default="mmap")
    add_json(parser)
    options = parser.parse_args(arguments)
    raws = corpus(options.transactions, options.senders)
    figures = measure(raws, options.senders, STORES[options.store])
    if tell_json(options.json, figures):
        return
    print(f"bytes a transaction, {options.transactions} of {options.senders} senders, {options.store}")
    for name, value in figures.items():
        print(f"  {name:12} {value:10,.1f}")
