"""What is under way for a connection, to be given up when it is gone: nobody would hear of it."""

from collections.abc import Callable
from typing import Final

GiveUp = Callable[[], object]


class Errands:
    """All that was begun for one connection and is not over; how much that may be is bounded by who begins it.

    Attributes:
        abandoned: the connection is gone, and nothing more is begun for it.
        crowded: its peer has much to take; calls that have not begun are put off until it has. What it has to take must
            not wait for any of them.
    """

    __slots__ = ("_put_off", "_under_way", "abandoned", "crowded")

    def __init__(self) -> None:
        self.abandoned = False
        self.crowded = False
        self._put_off: Final[list[Callable[[], None]]] = []
        self._under_way: Final[dict[GiveUp, None]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._under_way)

    def begin(self, give_up: GiveUp) -> None:
        """Something is under way; `give_up` ends it without an answer. At once, if the connection is gone."""
        if self.abandoned:
            give_up()
        else:
            self._under_way[give_up] = None

    def end(self, give_up: GiveUp) -> None:
        """It is over."""
        self._under_way.pop(give_up, None)

    def put_off(self, back: Callable[[], None]) -> None:
        """Have a call go back to the front of where it has waited, once the peer has taken what it has to take."""
        self._put_off.append(back)

    def go_on(self) -> None:
        """Have those that were put off go back, the first one last, so that it is the first."""
        while self._put_off:
            self._put_off.pop()()

    def abandon(self) -> None:
        """Give up all: the connection is gone."""
        self.abandoned = True
        self._put_off.clear()
        while self._under_way:
            self._under_way.popitem()[0]()
