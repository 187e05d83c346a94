"""Long work in the loop's thread, a slice in each turn of the loop, so that nobody else waits for all of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any, Final, TypeVar

from txpool.core.steps import Steps

T = TypeVar("T")

SLICE_S: Final = 0.001  # of CPU time: what else happens in a turn has to have room beside it


class Slices:
    """Takes pieces of work one after the other, first come, first served. What is over within a slice is over at once.

    Work that nobody waits for any more before it has begun is not begun; once begun it is finished.

    Args:
        clock: CPU time of the loop's thread, seconds.
        slice_s: how long a slice may take.
    """

    def __init__(self, clock: Callable[[], float], slice_s: float = SLICE_S) -> None:
        self.on_slice: Callable[[], None] = _nobody_waits  # told behind each slice
        self._clock = clock
        self._slice_s = slice_s
        self._waiting: deque[tuple[Steps[Any], asyncio.Future[Any]]] = deque()
        self._closed = False

    def run(self, steps: Steps[T], *, next_up: bool = False) -> "asyncio.Future[T]":
        """Do all these steps, the first ones now if nothing else is under way; what they come to.

        `next_up` is for what must not wait for all that others have asked for, only for what is under way.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closed:
            done.cancel()
            return done
        self._waiting.insert(1 if next_up else len(self._waiting), (steps, done))
        if len(self._waiting) == 1:
            self._turn()
        return done

    def close(self) -> None:
        """Leave what is under way as it is, and take on nothing more: what it works on is about to go."""
        self._closed = True
        while self._waiting:
            steps, done = self._waiting.popleft()
            steps.close()
            done.cancel()

    def _turn(self) -> None:
        if self._closed:
            return
        until = self._clock() + self._slice_s
        while self._waiting:
            self._step(*self._waiting[0])
            if self._clock() >= until:
                break
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        self.on_slice()

    def _step(self, steps: Steps[T], done: "asyncio.Future[T]") -> None:
        if done.cancelled() and getgeneratorstate(steps) == GEN_CREATED:
            self._waiting.popleft()
            return
        try:
            next(steps)
        except StopIteration as end:
            self._waiting.popleft()
            if not done.done():
                done.set_result(end.value)
        except Exception as broken:  # noqa: BLE001 - who waits gets it
            self._waiting.popleft()
            if not done.done():
                done.set_exception(broken)


def _nobody_waits() -> None:
    """Nobody waits for a slice to end."""
