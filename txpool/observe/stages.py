"""Bytes of transactions held in each stage of their lives: a fold over what ingest and pool count as events happen.

In the pool that is the record and the binary form, as they lie in a slot. Before it, the bytes as they came; objects
made of them while they are judged live for one batch and are not in it. Who has left holds nothing: the counts that are
added up here lose it in the step that makes its last event.
"""

from collections.abc import Callable
from typing import Final

from txpool.core.lifecycle import Stage
from txpool.core.pool import Pool
from txpool.core.record import RECORD_BYTES

STAGES: Final = (Stage.RECEIVED, Stage.VALIDATING, Stage.QUEUED, Stage.PENDING)
STAGE_NAMES: Final = tuple(stage.name.lower() for stage in STAGES)

# Bytes that were received, and of them those that are being validated.
OnTheWay = Callable[[], tuple[int, int]]


class StageBytes:
    """What each stage holds, O(1)."""

    def __init__(self, pool: Pool, on_the_way: OnTheWay) -> None:
        self._pool = pool
        self._on_the_way = on_the_way

    def read(self) -> tuple[int, ...]:
        """Bytes in the order of `STAGES`. Blob transactions are pending, the few with a nonce gap included."""
        waiting, validating = self._on_the_way()
        counts = self._pool.counts()
        queued = counts.queued - counts.blob_queued
        pending = counts.pending + counts.blob_queued
        return (
            waiting - validating,
            validating,
            counts.queued_bytes + queued * RECORD_BYTES,
            counts.pending_bytes + counts.blob_bytes + pending * RECORD_BYTES,
        )
