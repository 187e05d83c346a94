"""The threads that decode and recover what would hold up the loop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVarTuple

Given = TypeVarTuple("Given")


class Workers:
    """So many threads, started when first needed; none where `count` is 0, and then nothing may be handed over."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._threads: ThreadPoolExecutor | None = None

    def do(self, work: Callable[[*Given], object], *given: *Given) -> None:
        """Have it done; whatever it comes to it tells by itself."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.count, "txpool-recover")
        self._threads.submit(work, *given)

    def close(self) -> None:
        """End the threads, when all is done."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
