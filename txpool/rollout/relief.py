"""Giving memory back to the system when there is little left: free pages of the C library's heap, and of the store."""

import ctypes
from collections.abc import Callable, Sequence

Measure = Callable[[], object]


class Relief:
    """What can be done; each measure takes its time, so it is called on a thread."""

    def __init__(self, measures: Sequence[Measure] = ()) -> None:
        self._measures = (trim_heap, *measures)

    def relieve(self) -> None:
        """Do all of it."""
        for measure in self._measures:
            measure()


def trim_heap() -> bool:
    """Have the C library return free pages; whether it did. False where it cannot, as with musl."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
