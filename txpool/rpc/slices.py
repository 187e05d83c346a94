"""Long work in the loop's thread, a slice in each turn of the loop, so that nobody else waits for all of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any, Final, TypeVar

from txpool.core.steps import Steps

T = TypeVar("T")

# Calls what it is given.
Within = Callable[[Callable[[], None]], None]

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
        # Gives, where work is asked for, what its slices are called by: so that it can be known whose they are.
        self.carried: Callable[[], Within] = _for_nobody
        self._clock = clock
        self._slice_s = slice_s
        self._waiting: deque[tuple[Steps[Any], asyncio.Future[Any], Within]] = deque()
        self._closed = False

    def run(self, steps: Steps[T], *, next_up: bool = False) -> "asyncio.Future[T]":
        """Do all these steps, the first ones now if nothing else is under way; what they come to.

        `next_up` is for what must not wait for all that others have asked for, only for what is under way.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closed:
            done.cancel()
            return done
        self._waiting.insert(1 if next_up else len(self._waiting), (steps, done, self.carried()))
        if len(self._waiting) == 1:
            self._turn()
        return done

    def close(self) -> None:
        """Leave what is under way as it is, and take on nothing more: what it works on is about to go."""
        self._closed = True
        while self._waiting:
            steps, done, _ = self._waiting.popleft()
            steps.close()
            done.cancel()

    def _turn(self) -> None:
        if self._closed:
            return
        until = self._clock() + self._slice_s
        while self._waiting:
            steps, done, within = self._waiting[0]
            within(partial(self._take, steps, done, until))
            if self._clock() >= until:
                break
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        self.on_slice()

    def _take(self, steps: Steps[T], done: "asyncio.Future[T]", until: float) -> None:
        """Take steps of the first work, until it is over or the time is."""
        if done.cancelled() and getgeneratorstate(steps) == GEN_CREATED:
            self._waiting.popleft()
            return
        try:
            next(steps)
            while self._clock() < until:
                next(steps)
        except StopIteration as end:
            self._waiting.popleft()
            if not done.done():
                done.set_result(end.value)
        except Exception as broken:  # noqa: BLE001 - who waits gets it
            self._waiting.popleft()
            if not done.done():
                done.set_exception(broken)


def _for_nobody() -> Within:
    """Nobody wants to know whose work it is."""
    return _at_once


def _at_once(take: Callable[[], None]) -> None:
    take()


def _nobody_waits() -> None:
    """Nobody waits for a slice to end."""
