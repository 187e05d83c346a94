"""One peer on a connection that stays: its calls under way, its subscriptions, and whether it takes what it is sent.

Everything a peer could let grow has a bound. It is not read from, and nothing further is begun for it, while it takes
nothing or has too much under way; what its subscriptions tell waits in logs that all peers share, not here; and one
that falls so far behind that the logs have gone on without it is hung up on, so that it knows. Whoever is hung up on
gets the answers first that it is owed.
"""

import asyncio
from collections import OrderedDict, deque
from typing import Final, Protocol

import msgspec

from txpool.rpc import errors
from txpool.rpc.envelope import NULL, error
from txpool.rpc.errands import Errands
from txpool.rpc.errors import RpcError
from txpool.rpc.service import JsonRpc
from txpool.rpc.session_counters import SessionCounters
from txpool.rpc.streaming import Answer, Flow, Stream
from txpool.rpc.subscriptions import Kinds, Subscription, name_in
from txpool.rpc.telling import Telling

PUMP_MAX: Final = 64  # notifications of one subscription in a turn
TURN_MESSAGES: Final = 64  # messages of one peer that are looked at in a turn of the loop
LATER_BYTES_MAX: Final = 1024 * 1024  # of answers behind a long one; beyond, nothing further is begun for the peer
HELD_BYTES_FREE: Final = 65_536  # of its messages that any peer may have us hold, however much others have
FELL_BEHIND: Final = "fell behind"
SHUTTING_DOWN: Final = "shutting down"
TOO_LARGE: Final = RpcError(errors.INVALID_REQUEST, "message too large")
TOO_MUCH_HELD: Final = RpcError(errors.LIMIT_EXCEEDED, "too many bytes under way")
TOO_SLOW: Final = RpcError(errors.REQUEST_TIMED_OUT, "message timed out")


class SessionLimits(msgspec.Struct, frozen=True):
    """Bounds of a connection that stays.

    Attributes:
        message_bytes_max: of one message.
        held_bytes_max: of messages that are half read or under way, of all connections.
        connections_max: at once.
        requests_max: under way on one connection; beyond, it is not read from.
        subscriptions_max: on one connection.
        message_seconds: for a message, from its first byte to its last.
        write_seconds: for a peer that does not take what it is sent.
    """

    message_bytes_max: int = 32 * 1024 * 1024
    held_bytes_max: int = 256 * 1024 * 1024
    connections_max: int = 4096
    requests_max: int = 128
    subscriptions_max: int = 1024
    message_seconds: float = 30.0
    write_seconds: float = 30.0


class Line(Protocol):
    """The connection under a session."""

    def write(self, message: bytes) -> None:
        """Send one message."""

    def write_piece(self, piece: bytes) -> None:
        """Send a piece of a message, and no other message before `end_message`."""

    def end_message(self) -> None:
        """Say that the pieces sent were all of the message."""

    def pause_reading(self) -> None:
        """Take nothing from the peer for now."""

    def resume_reading(self) -> None:
        """Go on taking."""

    def hang_up(self, why: str) -> None:
        """Say so if the carrier has words for it, and close when all is sent."""

    def cut(self) -> None:
        """Close without waiting for the peer."""


class House(Protocol):
    """What a session needs of its server."""

    rpc: JsonRpc
    kinds: Kinds
    limits: SessionLimits
    counters: SessionCounters
    telling: Telling
    held: int  # bytes of messages that are half read or under way

    def serving(self) -> None:
        """Hear that a message is looked at, or an answer about to be written."""


class Session:
    """Takes messages from a line and writes answers and notifications to it.

    Attributes:
        under_way: messages taken and not answered.
        ending: nothing more is taken from the peer; it is hung up on once it has all that it is owed.
        half_read: bytes that are here of a message whose end is not.
        subscriptions: by id.
    """

    def __init__(self, house: House, line: Line) -> None:
        self.under_way = 0
        self.ending = False
        self.half_read = 0
        self.subscriptions: dict[str, Subscription] = {}
        self._house = house
        self._line = line
        self._held = 0  # bytes of messages that are kept for this peer
        self._overdue: asyncio.TimerHandle | None = None  # set while a message is half read
        self._stalled: asyncio.TimerHandle | None = None  # set while the peer takes nothing
        self._parting: asyncio.TimerHandle | None = None  # set once it is hung up on
        self._reading = True
        self._gone = False
        self._flow: Flow | None = None  # an answer that is written while it is made
        self._later: deque[Answer] = deque()  # those behind it
        self._later_bytes = 0
        self._refusal: RpcError | None = None  # to say behind all that is owed
        self._farewell = SHUTTING_DOWN
        self._inbox: deque[bytes] = deque()  # more than one turn looks at, or than the peer takes answers to
        self._errands = Errands()  # crowded if the peer takes nothing, or much waits behind a long answer
        self._turn_left = TURN_MESSAGES
        self._turn_due = False
        self._to_tell: OrderedDict[str, Subscription] = OrderedDict()  # those that may have something to tell

    # --- from the peer

    def receive(self, message: bytes) -> None:
        """Answer one message, now or later."""
        house = self._house
        house.counters.messages += 1
        house.counters.bytes_in += len(message)
        if self._overdue is not None:
            self._stop_clock()
        if self.ending:
            return
        if not self._hold(len(message)):
            self._hold(-len(message))
            self.refuse(TOO_MUCH_HELD)
            return
        self.under_way += 1
        if self._turn_left and not self._errands.crowded and not self._inbox:
            self._handle(message)
        else:
            self._inbox.append(message)
        if self.under_way >= house.limits.requests_max:
            self._regulate()

    def _handle(self, message: bytes) -> None:
        """Give one message to whoever answers; after so many the loop has a turn for others first."""
        self._turn_left -= 1
        if not self._turn_left:
            self._turn_soon()
        house, request = self._house, Request(self, len(message))
        house.serving()
        house.rpc.handle(message, request.done, request, self._errands)

    def _turn_soon(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_due = False
        self._turn_left = TURN_MESSAGES
        self._errands.go_on()
        while self._inbox and self._turn_left and not self._errands.crowded and not self._gone:
            self._handle(self._inbox.popleft())

    def note_half_read(self, size: int) -> None:
        """So many bytes are here of a message whose end is not; 0: of none. It has its time, and room, to end."""
        growth, self.half_read = size - self.half_read, size
        within = self._hold(growth)
        if not size:
            self._stop_clock()
        elif self.ending:
            return
        elif not within:
            self.refuse(TOO_MUCH_HELD)
        elif self._overdue is None:
            self._start_clock()

    def _hold(self, growth: int) -> bool:
        """Count bytes of messages that are kept for this peer, or give them back; False beyond the room for all."""
        if self._gone:
            return True
        self._held += growth
        house = self._house
        house.held += growth
        return growth <= 0 or house.held <= house.limits.held_bytes_max or self._held <= HELD_BYTES_FREE

    def _start_clock(self) -> None:
        self._overdue = asyncio.get_running_loop().call_later(self._house.limits.message_seconds, self._time_out)

    def _stop_clock(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _time_out(self) -> None:
        self._overdue = None
        if self._reading:
            self.refuse(TOO_SLOW)
        else:
            self._start_clock()  # that it is half read is our doing

    # --- to the peer

    def answered(self, answer: Answer) -> None:
        """One message has its answer."""
        if self._gone:
            return
        self._house.serving()
        if self._flow is not None:
            self._later.append(answer)
            self._count_later(answer, 1)
        elif isinstance(answer, Stream):
            self._begin(answer)
        else:
            if answer:
                self._line.write(answer)
            self._count_off()

    def _begin(self, answer: Stream) -> None:
        """Write a long answer while it is made; all else waits behind it."""
        self._flow = Flow(answer, self._line.write_piece, self._flowed)
        if self._stalled is None:
            self._flow.go()

    def _flowed(self, whole: bool) -> None:  # noqa: FBT001 - the flow's callback
        """A long answer is written, or broke: then the peer sees that it is not whole."""
        self._flow = None
        if not whole:
            self._line.cut()
            return
        self._line.end_message()
        self._count_off()
        while self._later and self._flow is None:
            answer = self._later.popleft()
            self._count_later(answer, -1)
            self.answered(answer)
        if self._flow is None:
            self.pump()

    def _count_later(self, answer: Answer, sign: int) -> None:
        if not isinstance(answer, Stream):
            self._later_bytes += sign * len(answer)
            self._note_crowd()

    def forget_message(self, size: int) -> None:
        """A message of that size is not needed any more."""
        self._hold(-size)

    def _count_off(self) -> None:
        self.under_way -= 1
        if not self.ending:
            if not self._reading:
                self._regulate()
        elif not self.under_way:
            self._end()

    def refuse(self, why: RpcError) -> None:
        """Take nothing more; once all that is owed is answered, say what is wrong with what came, and hang up."""
        if self._refusal is not None or self._parting is not None:
            return
        self._refusal = why
        self._end_soon(why.message)

    def lose_track(self) -> None:
        """A message is no JSON: nobody knows what follows it, so that is left out."""
        self.under_way -= len(self._inbox)
        self._hold(-sum(map(len, self._inbox)))
        self._inbox.clear()
        self.refuse(errors.NOT_JSON)
        self.answered(b"")

    # --- whether it takes what it is sent

    def stall(self) -> None:
        """The peer takes nothing: neither read from it nor begin anything for it, and not for ever."""
        if self._stalled is None:
            self._stalled = self._cut_later()
            if self._flow is not None:
                self._flow.pause()
            self._note_crowd()

    def flow(self) -> None:
        """The peer takes again."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
            if self._flow is not None:
                self._flow.go()
            self._note_crowd()  # not here: what is written in this call is lost if the connection is closed in it, too
            self.pump()

    def _note_crowd(self) -> None:
        """Begin nothing while the peer has much to take; go on when it has taken it, in a turn of its own."""
        crowded = self._stalled is not None or self._later_bytes > LATER_BYTES_MAX
        if crowded is not self._errands.crowded:
            self._errands.crowded = crowded
            self._regulate()
            if not crowded:
                self._turn_soon()

    def _regulate(self) -> None:
        full = self.under_way >= self._house.limits.requests_max
        busy = full or self._errands.crowded or self._refusal is not None
        if self._gone or busy is not self._reading:
            return
        self._reading = not busy
        if busy:
            self._line.pause_reading()
            return
        if self._overdue is not None:
            self._stop_clock()
            self._start_clock()
        self._line.resume_reading()

    # --- subscriptions

    def subscribe(self, namespace: str, params: bytes) -> Subscription | RpcError:
        """Begin a subscription that tells nothing before it is made active; none for a peer that is gone meanwhile."""
        if self._gone:
            return errors.SHUTTING_DOWN
        name = name_in(params)
        if isinstance(name, RpcError):
            return name
        found = self._house.kinds.get((namespace, name))
        if found is None:
            return errors.no_such_subscription(namespace, name)
        arguments = found.parameters.read(params)
        if isinstance(arguments, RpcError):
            return arguments
        if len(self.subscriptions) >= self._house.limits.subscriptions_max:
            return RpcError(errors.LIMIT_EXCEEDED, f"too many subscriptions: {len(self.subscriptions)} on a connection")
        cursor = found.open(*arguments[1:])
        if isinstance(cursor, RpcError):
            return cursor
        begun = Subscription(namespace, cursor)
        self.subscriptions[begun.identity] = begun
        self._house.counters.subscriptions += 1
        return begun

    def unsubscribe(self, identity: str) -> bool | RpcError:
        """End a subscription."""
        ended = self.subscriptions.pop(identity, None)
        if ended is None:
            return errors.NO_SUBSCRIPTION
        self._to_tell.pop(identity, None)
        ended.close()
        self._house.counters.subscriptions -= 1
        return True

    def pump(self) -> None:
        """Have what the subscriptions have to tell sent, in turns with those of other peers."""
        if self.subscriptions:
            self._to_tell.update(self.subscriptions)
            self._house.telling.soon(self)

    def tell(self) -> bool:
        """Send what the subscriptions have to tell, as far as the peer takes it and the turn lasts; is there more?

        They take turns: one that has more is asked again behind all others.
        """
        while self._to_tell:
            if self._stalled is not None or self._flow is not None or self.ending:
                return False  # what ends that has all of them asked again
            identity, subscription = self._to_tell.popitem(last=False)
            if subscription.active:
                notifications = subscription.take(PUMP_MAX)
                if notifications is None:
                    self._fall_behind()
                    return False
                self._house.counters.notifications += len(notifications)
                for each in notifications:
                    self._line.write(each)
                if subscription.behind or len(notifications) == PUMP_MAX:
                    self._to_tell[identity] = subscription
            if self._house.telling.over:
                break
        return bool(self._to_tell)

    def _fall_behind(self) -> None:
        self._house.counters.fell_behind += 1
        self._end_subscriptions()
        self._end_soon(FELL_BEHIND)

    # --- the end

    def wind_down(self) -> None:
        """Take nothing more, answer what was taken, then hang up."""
        self._end_subscriptions()
        if not self.ending:
            self._end_soon(SHUTTING_DOWN)

    def _end_soon(self, why: str) -> None:
        """Take nothing more, and hang up once all is answered."""
        self.ending = True
        self._farewell = why
        self._stop_clock()
        if self.under_way:
            self._regulate()
        else:
            self._end()

    def _end(self) -> None:
        if self._parting is not None:
            return
        if self._refusal is not None:
            self._line.write(error(NULL, self._refusal))
        self.part()
        self._line.hang_up(self._farewell)

    def part(self) -> None:
        """The line is closing: the peer takes what is written in time, or is cut."""
        self.ending = True
        if self._parting is None and not self._gone:
            self._parting = self._cut_later()

    def _cut_later(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._house.limits.write_seconds, self._line.cut)

    def lost(self) -> None:
        """The connection is gone: what waits is dropped, what is under way given up, and no answer sent."""
        self._hold(-self._held)
        self._gone = self.ending = True
        self._errands.abandon()
        self._inbox.clear()
        self._later.clear()
        if self._flow is not None:
            self._flow.stop()
            self._flow = None
        self._end_subscriptions()
        for timer in filter(None, (self._stalled, self._parting, self._overdue)):
            timer.cancel()

    def _end_subscriptions(self) -> None:
        for subscription in self.subscriptions.values():
            subscription.close()
        self._house.counters.subscriptions -= len(self.subscriptions)
        self.subscriptions.clear()
        self._to_tell.clear()


class Request:
    """One message of a session. Subscriptions that it begins tell nothing before the peer has their ids."""

    __slots__ = ("_begun", "_session", "_size")

    def __init__(self, session: Session, size: int) -> None:
        self._session = session
        self._size = size
        self._begun: list[Subscription] = []

    def subscribe(self, namespace: str, params: bytes) -> str | RpcError:
        """Begin a subscription; its id."""
        begun = self._session.subscribe(namespace, params)
        if isinstance(begun, RpcError):
            return begun
        self._begun.append(begun)
        return begun.identity

    def unsubscribe(self, identity: str) -> bool | RpcError:
        """End a subscription of this connection."""
        return self._session.unsubscribe(identity)

    def garbled(self, body: bytes) -> None:
        """Hang up on what is no JSON."""
        self._session.forget_message(self._size)
        self._session.lose_track()

    def done(self, answer: Answer, _status: int = 200, /) -> None:
        """Send the answer."""
        self._session.forget_message(self._size)
        self._session.answered(answer)
        for subscription in self._begun:
            subscription.active = True
        if self._begun:
            self._session.pump()
