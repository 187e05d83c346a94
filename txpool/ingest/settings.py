"""Bounds of the ingest, and what is said where one of them is reached."""

from typing import Literal

import msgspec


class IngestSettings(msgspec.Struct, frozen=True):
    """Bounds of the ingest.

    Attributes:
        batch_max: transactions judged in one go; a turn of the loop takes no more.
        inline_max: up to so many senders are recovered in the loop's thread, more on worker threads; four times as many
            where the kernel recovers several at a time.
        threads: how many of those.
        queue_max: transactions that may wait, beyond which new ones are turned away.
        queue_bytes_max: their bytes.
        kernel: what decodes and recovers: the native one where it is built (`auto`), or its twin (`python`).
    """

    batch_max: int = 64
    inline_max: int = 32
    threads: int = 2
    queue_max: int = 16_384
    queue_bytes_max: int = 128 * 1024 * 1024
    kernel: Literal["auto", "python"] = "auto"


class Busy(msgspec.Struct, frozen=True, gc=False):
    """Too many transactions wait: come again."""

    waiting: int
    retry_after_seconds: int = 1

    def __str__(self) -> str:
        return f"rate limit exceeded: {self.waiting} transactions wait, retry in {self.retry_after_seconds} s"
