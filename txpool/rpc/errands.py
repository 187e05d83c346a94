"""What is under way for a connection, to be given up when it is gone: nobody would hear of it."""

from collections.abc import Callable
from typing import Final

GiveUp = Callable[[], object]


class Errands:
    """All that was begun for one connection and is not over; how much that may be is bounded by who begins it.

    Attributes:
        abandoned: the connection is gone, and nothing more is begun for it.
    """

    __slots__ = ("_under_way", "abandoned")

    def __init__(self) -> None:
        self.abandoned = False
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

    def abandon(self) -> None:
        """Give up all: the connection is gone."""
        self.abandoned = True
        while self._under_way:
            self._under_way.popitem()[0]()
