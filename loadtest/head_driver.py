"""Blocks and reorgs while a load runs, in a thread of its own."""

import threading
import time
from collections.abc import Iterator

import msgspec

from loadtest.rpc import RpcFailedError, call
from loadtest.scenario import Head
from loadtest.target import Target


class HeadStep(msgspec.Struct, frozen=True):
    """A change of the head that was asked for."""

    at: float  # seconds from the start of the run
    what: str
    seconds: float
    fault: str | None = None


def steps(head: Head) -> Iterator[tuple[str, int]]:
    """Methods to call, one every `block_seconds`, each with its number: blocks, and every so many a reorg."""
    made = 0
    while True:
        yield head.mine_method, 1
        made += 1
        if head.reorg_every and made % head.reorg_every == 0:
            yield head.reorg_method, head.reorg_depth


class HeadDriver(threading.Thread):
    """Makes blocks until it is stopped; what it did is in `done`."""

    def __init__(self, head: Head, target: Target) -> None:
        super().__init__(name="head", daemon=True)
        self.done: list[HeadStep] = []
        self._head = head
        self._target = target
        self._stopped = threading.Event()
        self._began = 0.0

    def begin(self, at: float) -> None:
        """Start; `at` is when the run does, on the monotonic clock."""
        self._began = at
        self.start()

    def run(self) -> None:
        """Make one step after another; a late step is not made up for."""
        due = self._began
        for method, number in steps(self._head):
            due = max(due + self._head.block_seconds, time.monotonic())
            if self._stopped.wait(due - time.monotonic()):
                return
            self._step(method, number)

    def stop(self) -> None:
        """End after the step under way."""
        self._stopped.set()
        if self.is_alive():
            self.join()

    def _step(self, method: str, number: int) -> None:
        started, fault = time.monotonic(), None
        try:
            call(self._target, method, number)
        except RpcFailedError as error:
            fault = str(error)
        self.done.append(HeadStep(started - self._began, method, time.monotonic() - started, fault))
