"""Subscriptions tell in turns: about a millisecond of it in each turn of the loop, however many are behind."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

TURN_S: Final = 0.001


class Teller(Protocol):
    """Somebody with something to tell."""

    def tell(self) -> bool:
        """Tell some of it, until the turn is over; whether there is more."""


class Telling:
    """Has peers tell, first come, first served; one with more to tell goes on behind the others.

    Args:
        clock: seconds.
        around: calls each turn.
    """

    def __init__(self, clock: Callable[[], float], around: Callable[[Callable[[], None]], None]) -> None:
        self._clock = clock
        self._around = around
        self._waiting: OrderedDict[Teller, None] = OrderedDict()
        self._due = False
        self._until = 0.0

    @property
    def over(self) -> bool:
        """Whether this turn has lasted long enough."""
        return self._clock() >= self._until

    def soon(self, peer: Teller) -> None:
        """Have a peer tell in a later turn of the loop; asked for twice, it does so once."""
        self._waiting[peer] = None
        self._schedule()

    def _schedule(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._around, self._turn)

    def _turn(self) -> None:
        self._due = False
        self._until = self._clock() + TURN_S
        try:
            while self._waiting:
                peer, _ = self._waiting.popitem(last=False)
                if peer.tell():
                    self._waiting[peer] = None
                if self.over:
                    break
        finally:
            if self._waiting:
                self._schedule()
