"""A small HTTP/1.1 server for one handler: listening, deadlines, an orderly end."""

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from txpool.rpc.access import Access
from txpool.rpc.http_connection import HttpConnection
from txpool.rpc.http_heads import Heads
from txpool.rpc.http_limits import HttpCounters, HttpLimits
from txpool.rpc.http_message import Exchange, Stamp
from txpool.rpc.send_buffer import bound_send_buffer

__all__ = ["Access", "Exchange", "Handler", "HttpCounters", "HttpLimits", "HttpServer"]

LOG: Final = logging.getLogger(__name__)

Handler = Callable[[Exchange], None]

BACKLOG: Final = 1024
WRITES_MAX: Final = 32  # connections written to in a turn of the loop: each takes the system some 20 us


class HttpServer:
    """Serves `handler` on any number of connections; one timer for all of them.

    Args:
        handler: called with each request that was read whole; it calls `reply`, at once or later.
        limits: what a peer may take.
        access: which hosts and origins browsers may use.
        farewell: the body of the 503 that a request gets which comes after `stop`.
    """

    def __init__(
        self,
        handler: Handler,
        limits: HttpLimits | None = None,
        access: Access | None = None,
        farewell: bytes = b'{"error":"shutting down"}',
    ) -> None:
        self.limits = limits or HttpLimits()
        self.access = access or Access()
        self.counters = HttpCounters()
        self.stamp = Stamp()
        self.heads = Heads()
        self.stopping = False
        self.length_digits = len(str(self.limits.body_bytes_max))
        self.now = 0.0
        self.idle_deadline = 0.0
        self.on_flush: Callable[[], None] = _nobody_waits  # told when answers are about to be written
        self.on_flushed: Callable[[], None] = _nobody_waits  # and when those of this turn are
        self._handler = handler
        self.farewell = farewell
        self._connections: set[HttpConnection] = set()
        self._answered: list[HttpConnection] = []
        self.flush_due = False
        self._held = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._progress = asyncio.Event()

    # --- life

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Serve on an address; port 0 takes a free one. Returns where it listens."""
        self._loop = asyncio.get_running_loop()
        listener = await self._loop.create_server(lambda: HttpConnection(self), host, port, backlog=BACKLOG)
        for each in listener.sockets:
            bound_send_buffer(each)  # those of its connections inherit it
        self._listeners.append(listener)
        if self._timer is None:
            self._tick()
        name = listener.sockets[0].getsockname()
        return name[0], name[1]

    def _tick(self) -> None:
        assert self._loop is not None, "ticks only once it listens"
        self.stamp.renew(formatdate(usegmt=True))
        self.sweep(self._loop.time())
        self._timer = self._loop.call_later(self.limits.sweep_seconds, self._tick)

    def sweep(self, now: float) -> None:
        """See to every connection whose deadline has passed; `now` in the seconds of the loop's clock."""
        self.now = now
        self.idle_deadline = now + self.limits.idle_seconds
        for connection in [each for each in self._connections if each.deadline <= now]:
            connection.expire()

    async def stop(self, *, seconds: float) -> None:
        """Accept nothing more, answer everything that was read, close. What takes longer than `seconds` is cut."""
        self.stopping = True
        for listener in self._listeners:
            listener.close()
        await asyncio.sleep(0)  # one look at what lies in the sockets already: it gets its 503
        for connection in tuple(self._connections):
            connection.wind_down()
        try:
            async with asyncio.timeout(seconds):
                await self._until(lambda: not any(connection.busy for connection in self._connections))
                for connection in tuple(self._connections):
                    connection.close()
                await self._until(lambda: not self._connections)
        except TimeoutError:
            LOG.warning("%d HTTP connections were cut at the end", len(self._connections))
            for connection in tuple(self._connections):
                connection.abort()
        if self._timer is not None:
            self._timer.cancel()

    async def _until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that answers and ends of connections bring about."""
        while not reached():
            self._progress.clear()
            await self._progress.wait()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    # --- what connections ask for

    def serve(self, exchange: Exchange) -> None:
        """Hand a request to the handler; one that breaks costs its own request only."""
        try:
            self._handler(exchange)
        except Exception:
            LOG.exception("the handler broke on %r %r", exchange.method, exchange.target)
            if not exchange.replied:
                exchange.refuse(500, "internal server error")

    def admit(self, connection: HttpConnection) -> bool:
        """Take a new connection in; False if there are too many."""
        self.counters.connections += 1
        admitted = len(self._connections) < self.limits.connections_max
        self.counters.connections_refused += not admitted
        self._connections.add(connection)
        return admitted

    def forget(self, connection: HttpConnection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        self._progress.set()

    def hold(self, size: int) -> bool:
        """Count bytes of bodies that came in pieces (or give them back); False beyond the limit."""
        self._held += size
        return self._held <= self.limits.bodies_bytes_max or size <= 0

    def flush_soon(self) -> None:
        """Have the answers of this turn written at its end, behind what the handler has scheduled."""
        if not self.flush_due:
            assert self._loop is not None, "connections exist only once it listens"
            self.flush_due = True
            self._loop.call_soon(self._flush)

    def answered(self, connection: HttpConnection) -> None:
        """A connection has something to write."""
        self._answered.append(connection)
        if not self.flush_due:
            self.flush_soon()

    def _flush(self) -> None:
        self.flush_due = False
        self.on_flush()
        answered, self._answered = self._answered[:WRITES_MAX], self._answered[WRITES_MAX:]
        for connection in answered:
            connection.flush()
        self.on_flushed()
        if self._answered:
            self.flush_soon()
        if self.stopping:
            self._progress.set()


def _nobody_waits() -> None:
    """Nobody wants to know when answers are written."""
