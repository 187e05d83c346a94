"""Where blob transactions wait for their proofs: a thread of their own, so that nobody else waits for it."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from txpool.core.candidate import Candidate
from txpool.core.head import Head
from txpool.core.pool import Pool
from txpool.core.settings import PoolSettings
from txpool.ingest.batch import BlobArrival
from txpool.ingest.blob_proofs import prepared

LOG: Final = logging.getLogger(__name__)


Ready = Callable[[BlobArrival, Candidate | None], None]


class BlobLane:
    """Prepares blob transactions one after the other; what waits is bounded by the ingest's own queue.

    Args:
        pool: whose head and settings the cheap checks look at.
        chain_id: what signatures must name.
        loop: the loop that `ready` is called in.
        ready: told each one with its candidate, in order; None where a bug of ours kept it from being made.
    """

    def __init__(self, pool: Pool, chain_id: int, loop: asyncio.AbstractEventLoop, ready: Ready) -> None:
        self._pool = pool
        self._chain_id = chain_id
        self._loop = loop
        self._ready = ready
        self._thread: ThreadPoolExecutor | None = None

    def take(self, arrived: BlobArrival) -> None:
        """Prepare one, at the head and under the settings of now."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "txpool-blobs")
        self._thread.submit(self._prepare, arrived, self._pool.head, self._pool.settings)

    def close(self) -> None:
        """End the thread. To be called when drained."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _prepare(self, arrived: BlobArrival, head: Head, settings: PoolSettings) -> None:
        candidate: Candidate | None = None
        try:
            candidate = prepared(arrived.tx, head, settings, self._chain_id, arrived.arrival)
        except Exception:
            LOG.exception("preparing a blob transaction broke")
        self._loop.call_soon_threadsafe(self._ready, arrived, candidate)
