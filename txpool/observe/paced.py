"""Readings whose price depends on what is read: the dearer one was, the later it is repeated."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

REST_FACTOR: Final = 2000  # a reading takes half a thousandth of a core at the most
DEAR_S: Final = 0.001  # one that holds the loop up for longer
DEAR_REST_S: Final = 60.0  # is repeated after so long


class Paced(Generic[Value]):
    """The latest of a reading, which is taken anew when it is due.

    Attributes:
        value: the latest.
        cost_s: how long it took.
    """

    __slots__ = ("_clock", "_due", "_read", "_rest_s", "cost_s", "value")

    def __init__(
        self, read: Callable[[], Value], clock: Callable[[], float], first: Value, *, rest_s: float = 0.0
    ) -> None:
        """Take what reads, a clock in seconds, the value until something is read, and the least time between two."""
        self.value = first
        self.cost_s = 0.0
        self._read = read
        self._clock = clock
        self._rest_s = rest_s
        self._due = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether it has rested long enough."""
        return self._clock() >= self._due

    @property
    def is_dear(self) -> bool:
        """Whether it held the loop up the last time."""
        return self.cost_s > DEAR_S

    def look(self) -> Value:
        """Read if it is due; the latest."""
        return self.read() if self.is_due else self.value

    def read(self) -> Value:
        """Read, due or not."""
        before = self._clock()
        self.value = self._read()
        now = self._clock()
        self.cost_s = now - before
        self._due = now + max(self._rest_s, DEAR_REST_S if self.is_dear else REST_FACTOR * self.cost_s)
        return self.value
