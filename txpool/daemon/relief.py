"""Giving memory back to the system when there is little left: free pages of the C library's heap, and of the store."""

import asyncio
import ctypes
from collections.abc import Awaitable, Callable

Measure = Callable[[], Awaitable[object]]


class Relief:
    """What can be done: the heap's part on a thread, for it takes its time, then whatever measures there are.

    Args:
        measures: run in the loop, so each gives way to others now and then.
    """

    def __init__(self, *measures: Measure) -> None:
        self._measures = measures

    async def relieve(self) -> None:
        """Do all of it."""
        await asyncio.to_thread(trim_heap)
        for measure in self._measures:
            await measure()


def trim_heap() -> bool:
    """Have the C library return free pages; whether it did. False where it cannot, as with musl."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
