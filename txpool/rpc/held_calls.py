"""Calls that come while the head is moving: they wait until all agree on the new one, so no answer is half of each."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

TURN_S: Final = 0.001  # of CPU time, for those that have waited, in each turn of the loop


class HeldCalls:
    """Keeps calls in order of arrival; how many is bounded by what connections may have under way.

    Args:
        moving: whether the head is.
        clock: CPU time of the loop's thread, seconds.
    """

    def __init__(self, moving: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._moving = moving
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._due = False

    def __len__(self) -> int:
        return len(self._waiting)

    def holds(self, start: Callable[[], None]) -> bool:
        """Whether a call has to wait; it is started then in a later turn of the loop."""
        if not self._moving() and not self._waiting:
            return False
        self._waiting.append(start)
        return True

    def go_on(self) -> None:
        """Start those that have waited, if the head stands. To be called whenever it may have come to stand."""
        if self._waiting and not self._due and not self._moving():
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = False
        until = self._clock() + TURN_S
        while self._waiting and not self._moving():
            self._waiting.popleft()()
            if self._clock() >= until:
                break
        self.go_on()
