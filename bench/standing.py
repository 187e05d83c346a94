"""A pool without a daemon, its rivals' stores by name, and what each of its calls costs in CPU time."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, Head, HeadChange
from txpool.core.pool import Accepted, Pool
from txpool.core.record import RECORD_BYTES
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.store import Store
from txpool.daemon.store import OwnStore
from txpool.stores.cache import CacheStore
from txpool.stores.heap import HeapStore
from txpool.stores.mmap import MmapStore
from txpool.stores.untracked import UntrackedStore

BATCH: Final = 100
RICH: Final = 10**21
STORE_LIMIT_BYTES: Final = 8 << 30
STORES: Final[Mapping[str, Callable[[], OwnStore]]] = MappingProxyType(
    {
        "mmap": lambda: MmapStore.open(STORE_LIMIT_BYTES, RECORD_BYTES),
        "cache": lambda: CacheStore(STORE_LIMIT_BYTES, RECORD_BYTES),
        "heap": lambda: HeapStore(STORE_LIMIT_BYTES),
        "untracked": lambda: UntrackedStore(STORE_LIMIT_BYTES),
    }
)


def head(number: int) -> Head:
    """A head whose base fee is one gwei."""
    digest = number.to_bytes(32, "big")
    parent = (number - 1).to_bytes(32, "big")
    return Head(number, digest, parent, 12 * number, 36_000_000, 10**9, 10**9, 1, Fork.OSAKA)


class StandingPool:
    """A pool whose senders all are rich, timed from outside."""

    def __init__(self, settings: PoolSettings, store: Store) -> None:
        """Begin empty, at head 1."""
        self.pool = Pool(settings, head(1), store, EventRing(65_536))
        self.now = 0
        self.worst_s = 0.0

    def submit(self, offers: Sequence[Candidate]) -> float:
        """Submit in batches of 100, and assert that all are taken; CPU seconds."""
        spent = 0.0
        for start in range(0, len(offers), BATCH):
            batch = offers[start : start + BATCH]
            # Each with a balance of its own, as chains give them: ints are objects.
            accounts = {one.sender: Account(0, RICH + one.arrival) for one in batch if isinstance(one.sender, bytes)}
            self.now += 1
            before = time.thread_time()
            verdicts, _ = self.pool.submit(batch, accounts, now=self.now)
            took = time.thread_time() - before
            assert all(isinstance(verdict, Accepted) for verdict in verdicts), verdicts[0]
            spent, self.worst_s = spent + took, max(self.worst_s, took)
        return spent

    def mine(self, count: int) -> tuple[float, float]:
        """Choose the best `count`, then a head that includes them; CPU seconds of each."""
        before = time.thread_time()
        block = [one for one, _ in zip(self.pool.best(10**9), range(count), strict=False)]
        chosen = time.thread_time() - before
        assert len(block) == count
        held = self.pool.counts().pending
        number = self.pool.head.number + 1
        accounts = {one.sender: Account(one.nonce + 1, RICH) for one in block}
        self.now += 1
        change = HeadChange(head(number), accounts, {one.hash: number for one in block}, ())
        before = time.thread_time()
        self.pool.advance(change, now=self.now)
        taken = time.thread_time() - before
        assert self.pool.counts().pending == held - count
        return chosen, taken
