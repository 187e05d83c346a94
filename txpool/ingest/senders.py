"""Who signed: in the loop's thread where that is quick, else on others."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from txpool.core.kernel import TWIN, Kernel
from txpool.ingest.batch import Batch
from txpool.ingest.counters import IngestCounters
from txpool.ingest.workers import Workers

LOG: Final = logging.getLogger(__name__)

# How much faster senders are recovered where the kernel takes several at a time.
TOGETHER_SPEED: Final = 4


class Senders:
    """Recovers the senders of batches.

    Args:
        kernel: what recovers; where it breaks, its twin in Python does.
        chain_id: what signatures must name.
        inline_max: up to so many are recovered in the loop's thread; four times as many where the kernel recovers
            several at a time, and all where there are no workers.
        workers: who recovers more.
        counters: told how many were recovered where.
        loop: the one that `recovered` is called in.
        recovered: told each part of a batch that came back from a worker.
    """

    def __init__(
        self,
        kernel: Kernel,
        chain_id: int,
        inline_max: int,
        *,
        workers: Workers,
        counters: IngestCounters,
        loop: asyncio.AbstractEventLoop,
        recovered: Callable[[Batch], None],
    ) -> None:
        self.kernel = kernel
        self._chain_id = chain_id
        self._inline_max = inline_max * (TOGETHER_SPEED if kernel.lanes > 1 else 1)
        self._workers = workers
        self._counters = counters
        self._loop = loop
        self._recovered = recovered

    def recover(self, batch: Batch) -> None:
        """Recover all that the batch asks for; what workers do of it, the batch waits for."""
        count = len(batch.unsigned)
        if count <= self._inline_max or not self._workers.count:
            self.recover_here(batch, batch.unsigned)
            return
        self._counters.recovered_on_threads += count
        for places in batch.chunks(self._workers.count):
            batch.waiting += 1
            self._workers.do(self._recover_elsewhere, batch, places)

    def recover_here(self, batch: Batch, places: list[int]) -> None:
        """Recover those at these places in this thread, at once."""
        self._counters.recovered_inline += len(places)
        self._recover_part(batch, places)

    def recover_waited_for(self, batch: Batch) -> None:
        """Recover on a worker what the batch already waits for as one part."""
        self._counters.recovered_on_threads += len(batch.unsigned)
        self._workers.do(self._recover_elsewhere, batch, batch.unsigned)

    def _recover_elsewhere(self, batch: Batch, places: list[int]) -> None:
        self._recover_part(batch, places)
        self._loop.call_soon_threadsafe(self._recovered, batch)

    def _recover_part(self, batch: Batch, places: list[int]) -> None:
        try:
            batch.recover(places, self.kernel, self._chain_id)
        except Exception:
            LOG.exception("recovering senders broke")
            self._counters.kernel_faults += 1
            self._recover_in_python(batch, places)

    def _recover_in_python(self, batch: Batch, places: list[int]) -> None:
        try:
            batch.recover(places, TWIN, self._chain_id)
        except Exception:
            LOG.exception("recovering senders in Python broke")
            batch.broken = True
