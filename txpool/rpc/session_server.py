"""What every server of connections that stay has in common, whatever carries the messages."""

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import ClassVar, Final, Protocol

from txpool.rpc.service import JsonRpc
from txpool.rpc.session import Session, SessionLimits
from txpool.rpc.session_counters import SessionCounters
from txpool.rpc.subscriptions import Kinds
from txpool.rpc.telling import Telling

LOG: Final = logging.getLogger(__name__)

BACKLOG: Final = 1024


class Connection(Protocol):
    """One of them."""

    session: Session

    def cut(self) -> None:
        """Close without waiting for the peer."""


class SessionServer:
    """Keeps count of its connections, passes on what subscriptions have to tell, ends in order.

    Args:
        rpc: the service.
        kinds: what can be subscribed to.
        limits: what a peer may take.
    """

    carrier: ClassVar[str]  # for people

    def __init__(self, rpc: JsonRpc, kinds: Kinds, limits: SessionLimits | None = None) -> None:
        self.rpc = rpc
        self.kinds = kinds
        self.limits = limits or SessionLimits()
        self.counters = SessionCounters()
        # What tells subscribers, in turns of the loop that are for that alone, is called by this.
        self.around: Callable[[Callable[[], None]], None] = _at_once
        self.on_request: Callable[[], None] = _nobody_counts  # told that somebody is served
        self.on_answered: Callable[[], None] = _nobody_counts  # and when the turn in which that is so is over
        self.telling = Telling(perf_counter, self._tell)
        self.held = 0
        self._end_due = False
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._empty = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    @property
    def subscriptions(self) -> int:
        """How many are under way."""
        return self.counters.subscriptions

    @property
    def full(self) -> bool:
        """Whether one connection more is too many."""
        return len(self._connections) >= self.limits.connections_max

    def admit(self, connection: Connection) -> bool:
        """Take a new connection in; False if there are too many."""
        self.counters.connections += 1
        admitted = not self.full
        self.counters.connections_refused += not admitted
        self._connections.add(connection)
        return admitted

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def pump(self) -> None:
        """Have every session send what its subscriptions have to tell."""
        for connection in tuple(self._connections):
            connection.session.pump()

    def _tell(self, turn: Callable[[], None]) -> None:
        self.around(turn)

    def serving(self) -> None:
        """A message is looked at, or an answer about to be written; the turn is over behind all that is ready now."""
        if not self._end_due:
            self._end_due = True
            self.on_request()
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._end_due = False
        self.on_answered()

    async def stop(self, *, seconds: float) -> None:
        """Accept nothing more, answer what was read, close. What takes longer than `seconds` is cut."""
        if self._listener is None:
            return
        self._listener.close()
        await asyncio.sleep(0)  # one look at what lies in the sockets already
        for connection in tuple(self._connections):
            connection.session.wind_down()
        try:
            async with asyncio.timeout(seconds):
                while self._connections:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            LOG.warning("%d connections over %s were cut at the end", len(self._connections), self.carrier)
            for connection in tuple(self._connections):
                connection.cut()


def _at_once(tell: Callable[[], None]) -> None:
    tell()


def _nobody_counts() -> None:
    """Nobody counts turns."""
