"""A peer on a connection that stays: its messages are looked at some at a time, in order."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter

from tests.rpc.loop import run, until
from txpool.ingest.batch import Reply
from txpool.ingest.settings import Busy
from txpool.rpc import errors
from txpool.rpc.errands import Errands
from txpool.rpc.errors import RpcError
from txpool.rpc.ipc import IpcServer
from txpool.rpc.message_log import HashLog, LogCursor
from txpool.rpc.service import Done, JsonRpc, Peer
from txpool.rpc.session import PUMP_MAX, TURN_MESSAGES, Session, SessionLimits
from txpool.rpc.session_counters import SessionCounters
from txpool.rpc.streaming import Stream, Turns
from txpool.rpc.subscriptions import kind
from txpool.rpc.telling import Telling


class Echo:
    """Answers each message with itself, and notes in which turn of the loop."""

    def __init__(self) -> None:
        self.turn = 0
        self.seen: Counter[int] = Counter()

    def handle(self, body: bytes, done: Done, peer: Peer | None = None, errands: Errands | None = None) -> None:
        self.seen[self.turn] += 1
        if body == b"garbled":
            assert peer is not None
            peer.garbled(body)
        else:
            done(body)

    async def count_turns(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1


class Paper:
    """A line that keeps what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.reading = True
        self.hung_up = ""

    def write(self, message: bytes) -> None:
        self.written.append(message)

    def write_piece(self, piece: bytes) -> None:
        self.written.append(piece)

    def end_message(self) -> None:
        self.written.append(b"end")

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def hang_up(self, why: str) -> None:
        self.hung_up = why

    def cut(self) -> None:
        self.hung_up = "cut"


class House:
    """What a session needs of its server."""

    def __init__(self) -> None:
        self.rpc = Echo()
        self.kinds: dict[tuple[str, str], object] = {}
        self.limits = SessionLimits()
        self.counters = SessionCounters()
        self.telling = Telling(perf_counter, self.around)
        self.held = 0
        self.told: list[str] = []

    def around(self, tell: Callable[[], None]) -> None:
        self.told.append("pump")
        tell()

    def serving(self) -> None:
        self.told.append("served")


def after(messages: list[bytes], *, refused: bool = False) -> tuple[House, Paper]:
    """What came of so many messages that arrived at once."""
    house, paper = House(), Paper()

    async def scene() -> None:
        turns = asyncio.create_task(house.rpc.count_turns())
        await asyncio.sleep(0)  # it counts first in each turn from now on
        session = Session(house, paper)  # type: ignore[arg-type]  # as much of both as a session asks for
        for message in messages:
            session.receive(message)
        assert paper.reading == (len(messages) < TURN_MESSAGES + house.limits.requests_max)
        if refused:
            session.refuse(errors.NOT_JSON)
        for _ in range(len(messages) // TURN_MESSAGES + 3):
            await asyncio.sleep(0)
        turns.cancel()
        session.lost()

    run(scene())
    return house, paper


MANY = [b"%d" % number for number in range(1000)]


def test_a_flood_is_answered_in_order_some_in_a_turn() -> None:
    house, paper = after(MANY)

    assert paper.written == MANY
    assert max(house.rpc.seen.values()) == TURN_MESSAGES
    assert paper.reading


def test_a_refusal_is_said_behind_what_came_before_it() -> None:
    _, paper = after(MANY, refused=True)

    assert paper.written[:-1] == MANY
    assert b"parse error" in paper.written[-1]
    assert paper.hung_up == "parse error"


def test_what_follows_garbled_bytes_is_left_out() -> None:
    _, paper = after([*MANY[:500], b"garbled", *MANY[500:]])

    assert paper.written[:-1] == MANY[:500]
    assert paper.hung_up == "parse error"


def test_a_subscription_that_had_to_wait_is_not_begun_for_a_peer_that_is_gone() -> None:
    log, house = HashLog(8), House()
    house.kinds["eth", "newHeads"] = kind(partial(LogCursor, log))

    async def scene() -> None:
        session = Session(house, Paper())  # type: ignore[arg-type]  # as much of both as a session asks for
        assert not isinstance(session.subscribe("eth", b'["newHeads"]'), RpcError)
        session.lost()
        assert isinstance(session.subscribe("eth", b'["newHeads"]'), RpcError)

    run(scene())
    assert (log.readers, house.counters.subscriptions) == (0, 0)


def test_requests_and_answers_are_told_and_telling_on_is_done_around_what_is_told() -> None:
    log, house = HashLog(4 * PUMP_MAX), House()
    house.kinds["eth", "newHeads"] = kind(partial(LogCursor, log))

    async def scene() -> Paper:
        paper = Paper()
        session = Session(house, paper)  # type: ignore[arg-type]  # as much of both as a session asks for
        session.receive(b"1")
        begun = session.subscribe("eth", b'["newHeads"]')
        assert not isinstance(begun, RpcError)
        begun.active = True
        for number in range(PUMP_MAX + 1):
            log.append(number.to_bytes(32, "big"))
        session.pump()
        await asyncio.sleep(0)
        session.lost()
        return paper

    assert len(run(scene()).written) == 1 + PUMP_MAX + 1
    assert house.told == ["served", "served", "pump"]


class Mute:
    """Has nothing to tell."""

    def tell(self) -> bool:
        return False


class Nobody:
    """Takes no transaction."""

    def offer(self, _raw: bytes, _reply: Reply) -> Busy:
        return Busy(0)


def server_telling(told: list[str]) -> IpcServer:
    """A server that notes what it tells."""

    def around(tell: Callable[[], None]) -> None:
        told.append("around")
        tell()

    server = IpcServer(JsonRpc({}, Nobody(), clock=lambda: 0.0), {})
    server.on_request, server.on_answered = partial(told.append, "touch"), partial(told.append, "end")
    server.around = around
    return server


def test_a_turn_is_over_once_behind_all_that_it_serves() -> None:
    told: list[str] = []

    async def scene() -> None:
        server = server_telling(told)
        for _ in range(2):
            server.serving()
            server.serving()
            await asyncio.sleep(0)

    run(scene())
    assert told == ["touch", "end", "touch", "end"]


def test_subscribers_are_told_by_what_knows_who_is_at_work() -> None:
    told: list[str] = []

    async def scene() -> None:
        server_telling(told).telling.soon(Mute())
        await asyncio.sleep(0)

    run(scene())
    assert told == ["around"]


def test_nothing_is_begun_for_a_peer_that_takes_nothing() -> None:
    house, paper = House(), Paper()

    async def scene() -> None:
        session = Session(house, paper)  # type: ignore[arg-type]  # as much of both as a session asks for
        session.receive(b"first")
        session.stall()
        for message in MANY[:100]:
            session.receive(message)
        await asyncio.sleep(0)
        assert paper.written == [b"first"]

        session.flow()
        session.receive(b"last")
        for _ in range(5):
            await asyncio.sleep(0)
        session.lost()

    run(scene())
    assert paper.written == [b"first", *MANY[:100], b"last"]


def test_a_peer_that_takes_nothing_any_more_stops_what_it_sent_before() -> None:
    house, paper = House(), Paper()

    async def scene() -> None:
        session = Session(house, paper)  # type: ignore[arg-type]  # as much of both as a session asks for
        for message in MANY:
            session.receive(message)
        session.stall()
        for _ in range(20):
            await asyncio.sleep(0)
        session.lost()

    run(scene())
    assert paper.written == MANY[:TURN_MESSAGES]


def test_what_waits_is_dropped_with_its_peer() -> None:
    house, paper = House(), Paper()

    async def scene() -> None:
        session = Session(house, paper)  # type: ignore[arg-type]  # as much of both as a session asks for
        for message in MANY:
            session.receive(message)
        assert house.held == sum(map(len, MANY[TURN_MESSAGES:]))
        session.note_half_read(1000)
        session.lost()
        assert house.held == 0
        assert not session._inbox
        for _ in range(20):
            await asyncio.sleep(0)

    run(scene())
    assert sum(house.rpc.seen.values()) == TURN_MESSAGES


class Endless:
    """A cursor that looks on and on and finds nothing."""

    behind = True

    def __init__(self, looked: list[int], number: int) -> None:
        self._looked = looked
        self._number = number

    def take(self, most: int) -> Sequence[bytes]:
        assert len(self._looked) < 10_000, "nobody else has a turn"
        self._looked.append(self._number)
        return ()

    def close(self) -> None:
        pass


def test_subscriptions_that_find_nothing_take_turns_and_leave_the_loop_to_others() -> None:
    looked: list[int] = []
    numbers = iter(range(100))
    house = House()
    house.kinds["eth", "endless"] = kind(lambda: Endless(looked, next(numbers)))
    time = [0.0]

    def clock() -> float:
        time[0] += 0.0003
        return time[0]

    async def scene() -> None:
        house.telling = Telling(clock, house.around)
        session = Session(house, Paper())  # type: ignore[arg-type]  # as much of both as a session asks for
        for _ in range(100):
            begun = session.subscribe("eth", b'["endless"]')
            assert not isinstance(begun, RpcError)
            begun.active = True
        most = 0
        for _ in range(200):
            session.pump()  # as often as something happens
            before = len(looked)
            await asyncio.sleep(0)
            most = max(most, len(looked) - before)
        session.lost()
        assert 1 <= most <= 4

    run(scene())
    counts = Counter(looked)
    assert len(counts) == 100
    assert max(counts.values()) - min(counts.values()) <= 1


class Slow:
    """Answers the first message with a long answer, made when it is told to; all others at once."""

    def __init__(self) -> None:
        self.begun = 0
        self.ready = False

    def handle(self, body: bytes, done: Done, peer: Peer | None = None, errands: Errands | None = None) -> None:
        self.begun += 1
        done(Stream(self._pieces(), Turns()) if self.begun == 1 else body)

    def _pieces(self) -> Iterator[bytes]:
        while not self.ready:
            yield b""
        yield b"long"


def test_what_waits_behind_a_long_answer_is_bounded() -> None:
    house, paper, slow = House(), Paper(), Slow()
    large = [b"%d" % number + bytes(1 << 18) for number in range(20)]

    async def scene() -> None:
        house.rpc = slow  # type: ignore[assignment]  # answers, too
        session = Session(house, paper)  # type: ignore[arg-type]  # as much of both as a session asks for
        for message in (b"first", *large):
            session.receive(message)
        for _ in range(20):
            await asyncio.sleep(0)
        assert slow.begun <= 7
        paused = not paper.reading
        slow.ready = True
        await until(lambda: len(paper.written) == 22)
        assert (paused, paper.reading) == (True, True)
        session.lost()

    run(scene())
    assert paper.written == [b"long", b"end", *large]
