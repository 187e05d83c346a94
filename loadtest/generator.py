"""One process that sends: an event loop, its connections, and the driver that decides.

The parent starts some of these, tells all the same moment to begin, hears from each once a second, and gets the
recording at the end.
"""

import asyncio
import gc
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Final, cast

import msgspec
import uvloop

from loadtest.corpus import Corpus
from loadtest.driver import ClosedLoop, OpenLoop
from loadtest.recorder import Recorder
from loadtest.request import requests
from loadtest.scenario import Load
from loadtest.schedule import SECOND, planned_moments
from loadtest.target import Target
from loadtest.timer import Timer
from loadtest.wire import Wire, WireError

CONNECT_SECONDS: Final = 10
RETRY_SECONDS: Final = 0.1
TICK_SECONDS: Final = 1.0


class Task(msgspec.Struct, frozen=True):
    """What one process is to do."""

    load: Load
    corpus: Path
    target: Target
    seed: int
    process: int


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    """What a process says once a second."""

    sent: int
    answered: int
    accepted: int
    waiting: int
    under_way: int
    p99_ms: float  # of the second before
    finished: bool


class Connection(asyncio.Protocol):
    """A lane: bytes in, whole answers out to the generator."""

    def __init__(self, generator: "Generator", lane: int, wire: Wire) -> None:
        self.wire = wire
        self.ready = asyncio.get_running_loop().create_future()
        self._generator = generator
        self._lane = lane
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, where the protocol asks for it."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, though no subclass
        self._transport.write(self.wire.greeting())
        if self.wire.ready:
            self.ready.set_result(None)

    def send(self, body: bytes) -> None:
        """Send one request."""
        assert self._transport is not None
        self._transport.write(self.wire.request(body))

    def data_received(self, data: bytes) -> None:
        """Hand on what is whole."""
        assert self._transport is not None
        try:
            answers = self.wire.feed(data)
        except (WireError, ValueError) as error:
            self._fail(str(error))
            self._transport.abort()
            return
        if owed := self.wire.owed():
            self._transport.write(owed)
        for status, body in answers:
            self._generator.answered(self._lane, status, body)
        if self.wire.ready and not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Say that the lane is gone."""
        self._fail(f"connection lost: {type(error).__name__}" if error else "connection closed")

    def close(self) -> None:
        """End the connection in order."""
        if self._transport is not None:
            self._transport.close()

    def _fail(self, why: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))
        else:
            self._generator.lost(self._lane, why)


class Generator:
    """Sends its part of a load."""

    def __init__(self, task: Task, corpus: Corpus, pipe: Pipe) -> None:
        self._task = task
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._began = 0
        self._lanes: dict[int, Connection] = {}
        self._repairs: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._closing = False
        self._timer = Timer(self._loop, self._wake)
        self.recorder = Recorder(round(task.load.late_ms * 1e6))
        self._driver = self._make_driver(corpus)

    def _make_driver(self, corpus: Corpus) -> OpenLoop | ClosedLoop:
        load, process = self._task.load, self._task.process
        stream = requests(corpus, load.batch, process, load.processes)
        if load.loop == "open":
            moments = planned_moments(load, self._task.seed, process)
            return OpenLoop(moments, stream, self.recorder, self._transmit)
        ends = None if load.seconds is None else round(load.seconds * SECOND)
        think_ns = round(load.think_ms * 1e6)
        return ClosedLoop(stream, self.recorder, self._transmit, think_ns=think_ns, ends=ends)

    async def connect(self) -> None:
        """Open this process's part of the connections."""
        load, process = self._task.load, self._task.process
        for lane in range(process, load.connections, load.processes):
            self._lanes[lane] = await self._open(lane)

    async def _open(self, lane: int) -> Connection:
        target = self._task.target
        wire = target.wire()
        make = lambda: Connection(self, lane, wire)  # noqa: E731 - said once, used by one of two calls
        async with asyncio.timeout(CONNECT_SECONDS):
            if target.transport == "unix":
                _, connection = await self._loop.create_unix_connection(make, target.path)
            else:
                _, connection = await self._loop.create_connection(make, target.host, target.port)
            await connection.ready
        return connection

    async def send_all(self, began: int) -> None:
        """Send from the moment `began` of the monotonic clock on, to the end; then wait for what is under way."""
        self._began = began
        await asyncio.sleep(max(0.0, (began - time.monotonic_ns()) / SECOND))
        wall, cpu = time.monotonic_ns(), time.thread_time_ns()
        for lane in list(self._lanes):
            self._driver.opened(lane, self._now())
        self._wake()
        ticking = self._loop.create_task(self._tick())
        await self._finish()
        ticking.cancel()
        self._closing = True
        recording = self.recorder.recording
        recording.unsent = self._driver.waiting
        recording.cpu_share = (time.thread_time_ns() - cpu) / max(time.monotonic_ns() - wall, 1)
        for repair in self._repairs:
            repair.cancel()
        for connection in self._lanes.values():
            connection.close()
        self._timer.close()

    async def _finish(self) -> None:
        """Wait for the end; after the planned time only `drain_seconds` more."""
        load = self._task.load
        patience = None if load.seconds is None else load.seconds + load.drain_seconds
        try:
            async with asyncio.timeout(patience):
                await self._over.wait()
        except TimeoutError:
            for lane in self._lanes:
                self._driver.lost(lane, "no answer to the end", self._now())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._pipe.send_bytes(msgspec.msgpack.encode(self.tick()))

    def tick(self) -> Tick:
        """How far it has got."""
        seconds = self.recorder.recording.seconds
        return Tick(
            sent=sum(second.sent for second in seconds),
            answered=sum(second.answered for second in seconds),
            accepted=sum(second.accepted for second in seconds),
            waiting=self._driver.waiting,
            under_way=self._driver.under_way,
            p99_ms=seconds[-2].latency.at(0.99) / 1e6 if len(seconds) > 1 else 0.0,
            finished=self._driver.finished,
        )

    def answered(self, lane: int, status: int, body: bytes) -> None:
        """An answer has come."""
        self._driver.answered(lane, status, body, self._now())
        self._look_ahead()

    def lost(self, lane: int, why: str) -> None:
        """A connection is gone: connect anew."""
        if self._closing:
            return
        self._driver.lost(lane, why, self._now())
        self._look_ahead()
        repair = self._loop.create_task(self._repair(lane))
        self._repairs.add(repair)
        repair.add_done_callback(self._repairs.discard)

    async def _repair(self, lane: int) -> None:
        while not self._over.is_set():
            await asyncio.sleep(RETRY_SECONDS)
            try:
                self._lanes[lane] = await self._open(lane)
            except OSError:
                continue
            self._driver.opened(lane, self._now())
            self._look_ahead()
            return

    def _transmit(self, lane: int, body: bytes) -> None:
        self._lanes[lane].send(body)

    def _now(self) -> int:
        return time.monotonic_ns() - self._began

    def _wake(self) -> None:
        self._driver.wake(self._now())
        self._armed = None
        self._look_ahead()

    _armed: int | None = None

    def _look_ahead(self) -> None:
        """Set the timer for the next planned moment, if it is not set for that already."""
        moment = self._driver.next_moment
        if moment is not None and moment != self._armed:
            self._armed = moment
            self._timer.set(self._began + moment)
        if self._driver.finished:
            self._over.set()


def generate(packed: bytes, pipe: Pipe) -> None:
    """Be one process of a load test: connect, say so, wait for the moment to begin, send, hand in the recording."""
    task = msgspec.msgpack.decode(packed, type=Task, dec_hook=lambda kind, value: kind(value))
    with Corpus(task.corpus) as corpus:
        # Nothing here makes cycles; a collection would only show up as somebody else's latency.
        gc.disable()
        uvloop.run(_generate(task, corpus, pipe))


async def _generate(task: Task, corpus: Corpus, pipe: Pipe) -> None:
    generator = Generator(task, corpus, pipe)
    try:
        await generator.connect()
    except (OSError, TimeoutError) as error:
        pipe.send_bytes(msgspec.msgpack.encode(str(error) or "no answer"))
        return
    pipe.send_bytes(msgspec.msgpack.encode(None))
    began = await asyncio.get_running_loop().run_in_executor(None, pipe.recv_bytes)
    await generator.send_all(msgspec.msgpack.decode(began, type=int))
    pipe.send_bytes(msgspec.msgpack.encode(generator.tick()))
    pipe.send_bytes(msgspec.msgpack.encode(generator.recorder.recording))
