"""The door of every call but a transaction: none runs while the head moves, and a turn of the loop has time for some.

Calls that come while it is moving wait until all agree on the new one, so no answer is half of each. Those for which a
turn has no time left go on in the next one, in the order in which they came: a long batch, or many calls that came in
one packet, hold up nobody for longer than for one call beyond that time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

LOG: Final = logging.getLogger(__name__)

TURN_S: Final = 0.001  # of CPU time in each turn of the loop, from the first call that begins in it
WAITING_MAX: Final = 16_384  # calls that may wait
WAITING_BYTES_MAX: Final = 128 * 1024 * 1024  # of their arguments


class HeldCalls:
    """Keeps calls in order of arrival.

    Args:
        moving: whether the head is.
        clock: CPU time of the loop's thread, seconds.
        waiting_max: how many may wait before it is `full`.
    """

    def __init__(self, moving: Callable[[], bool], clock: Callable[[], float], waiting_max: int = WAITING_MAX) -> None:
        self._moving = moving
        self._clock = clock
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[Callable[[], None], int]] = deque()
        self._bytes = 0
        self._due = False  # another turn follows
        self._until = 0.0  # the end of this one's time, if another follows

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no call more should be made to wait."""
        return len(self._waiting) >= self._waiting_max or self._bytes >= WAITING_BYTES_MAX

    def holds(self, start: Callable[[], None], size: int = 0) -> bool:
        """Whether a call of so many bytes has to wait; it is started then in a later turn of the loop."""
        if not self._waiting and not self._moving() and self._has_time():
            return False
        self._waiting.append((start, size))
        self._bytes += size
        return True

    def take_back(self, start: Callable[[], None], size: int) -> None:
        """Have a call that was put off when it was its turn wait before all others."""
        self._waiting.appendleft((start, size))
        self._bytes += size
        self.go_on()

    def go_on(self) -> None:
        """Start those that have waited, if the head stands. To be called whenever it may have come to stand."""
        if self._waiting and not self._due and not self._moving():
            self._turn_soon()

    def _has_time(self) -> bool:
        """Whether one call more may begin in this turn."""
        if self._due:
            return self._clock() < self._until
        self._until = self._clock() + TURN_S
        self._turn_soon()
        return True

    def _turn_soon(self) -> None:
        self._due = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = False
        while self._waiting and not self._moving() and self._has_time():
            start, size = self._waiting.popleft()
            self._bytes -= size
            try:
                start()
            except Exception:
                LOG.exception("a call that had to wait broke")
