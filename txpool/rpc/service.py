"""JSON-RPC, whatever carries it: a body in, an answer out, now or later."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from txpool.core.pool import Accepted
from txpool.core.rejection import Rejected
from txpool.ingest.batch import Outcome, Reply
from txpool.ingest.settings import Busy
from txpool.rpc import errors
from txpool.rpc.arguments import Parameters, byte_string, raw_transaction, rpc_id
from txpool.rpc.envelope import (
    NULL,
    Batch,
    Call,
    Mute,
    Stray,
    encode,
    error,
    identity_of,
    parse,
    result,
    stray_of,
)
from txpool.rpc.errands import Errands
from txpool.rpc.errors import RpcError
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.method import Method, Methods
from txpool.rpc.streaming import Answer, Gathered, Stream, Turns, gather

LOG: Final = logging.getLogger(__name__)

SEND: Final = "eth_sendRawTransaction"
SUBSCRIBE: Final = "_subscribe"
UNSUBSCRIBE: Final = "_unsubscribe"
BLOB_TYPE: Final = b"\x03"  # as a transaction's first byte
OTHER: Final = "other"
HTTP_OK: Final = 200
HTTP_TOO_MANY: Final = 429

_SEND_PARAMETERS: Final = Parameters(byte_string)
_UNSUBSCRIBE_PARAMETERS: Final = Parameters(rpc_id)

# Told of each call: the method, `other` for one that nobody serves, and the seconds it took.
Observer = Callable[[str, float], None]


class Done(Protocol):
    """Takes an answer, empty where there is none to give. `status` is HTTP's; other carriers do without."""

    def __call__(self, answer: Answer, status: int = HTTP_OK, /) -> None:
        """Take it."""


class Door(Protocol):
    """Where transactions go; `Ingest` is one."""

    def offer(self, raw: bytes, reply: Reply) -> Busy | None:
        """Take a transaction, or say that too many wait. `reply` is called in a later turn of the loop."""


class Peer(Protocol):
    """Who calls, on a connection that stays: it can be told things later."""

    def subscribe(self, namespace: str, params: bytes) -> str | RpcError:
        """Begin a subscription; its id. What it tells comes after the answer to the call."""

    def unsubscribe(self, identity: str) -> bool | RpcError:
        """End a subscription of this connection."""

    def garbled(self, body: bytes) -> None:
        """What it sent is no JSON. It is for the peer to say so."""


class RpcLimits(msgspec.Struct, frozen=True):
    """Bounds of a batch: how many calls, and how many bytes of answers."""

    batch_items_max: int = 1000
    batch_response_bytes_max: int = 25_000_000


class JsonRpc:
    """Reads bodies, runs methods, gives transactions to the ingest.

    One for each kind of listener: what only some of them serve is a matter of the methods that they are given.

    Args:
        methods: by name, beside `eth_sendRawTransaction` and the calls about subscriptions.
        door: takes what is sent; an `Ingest`.
        clock: seconds, for durations.
        observe: told how long each call took.
        limits: bounds of a batch.
        patience_s: how long a request may wait for its answer; None: as long as the method lets it.
        held: keeps calls back while the head is moving.
    """

    def __init__(
        self,
        methods: Methods,
        door: Door,
        clock: Callable[[], float],
        *,
        observe: Observer | None = None,
        limits: RpcLimits | None = None,
        patience_s: float | None = None,
        held: HeldCalls | None = None,
    ) -> None:
        self.limits = limits or RpcLimits()
        self._patience_s = patience_s
        self._held = held
        self._methods = methods
        self.offer = door.offer
        # Makes JSON of what a method has given, by the method's name: so that it can be known whose work that is.
        self.encode: Callable[[str, object], bytes] = _encode
        self.clock = clock
        self._observe = observe or _unobserved
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: Counter[str] = Counter()  # calls under way of methods that wait
        self._lasting = Errands()  # of whoever is not expected to go

    def handle(self, body: bytes, done: Done, peer: Peer | None = None, errands: Errands | None = None) -> None:
        """Answer a body: one message or a batch.

        `peer` is who sent it, where the connection stays. What is begun for it is among the connection's `errands`.
        """
        parsed = parse(body, self.limits.batch_items_max)
        if isinstance(parsed, Call):
            self.start(parsed, identity_of(parsed), done, peer, errands=errands)
        elif isinstance(parsed, Batch):
            self._start_batch(parsed, done, peer, errands)
        elif parsed is errors.NOT_JSON and peer is not None:
            peer.garbled(body)
        elif isinstance(parsed, RpcError):
            done(error(NULL, parsed))
        else:
            done(self.reject(parsed))

    def _start_batch(self, batch: Batch, done: Done, peer: Peer | None, errands: Errands | None) -> None:
        if batch.too_large:
            first = next((each.id for each in batch.items if isinstance(each, Call) and bytes(each.id)), NULL)
            done(b"[" + error(bytes(first), errors.BATCH_TOO_LARGE) + b"]")
        else:
            BatchRun(self, batch, done, peer, self._lasting if errands is None else errands).go()

    def reject(self, message: Stray | Mute | None) -> bytes:
        """The answer to what is no call."""
        return error(message.id, errors.STRAY) if isinstance(message, Stray) else b""

    def start(
        self,
        call: Call,
        identity: bytes,
        done: Done,
        peer: Peer | None = None,
        since: float | None = None,
        errands: Errands | None = None,
    ) -> None:
        """Run one call; `done` is called before this returns, or in a later turn of the loop.

        `since` is when the request came that holds the call, where that is not now.
        """
        started = self.clock()
        if stray := stray_of(call, identity):
            done(self.reject(stray))
            return
        if call.method == SEND:
            self._send(bytes(call.params), identity, done, started)
            return
        times = started, started if since is None else since
        run = partial(self._run, call, identity, done, peer, times, self._lasting if errands is None else errands)
        held = self._held
        if held is not None and held.full:
            self._finish(OTHER, errors.TOO_MANY_WAIT, identity, done, started)
        elif held is None or not held.holds(run, memoryview(call.params).nbytes):
            run()

    def _run(
        self,
        call: Call,
        identity: bytes,
        done: Done,
        peer: Peer | None,
        times: tuple[float, float],
        errands: Errands,
    ) -> None:
        """Run a call that is no transaction; the times are of its start and of its request."""
        if errands.abandoned:
            return
        if errands.crowded and self._held is not None:
            run = partial(self._run, call, identity, done, peer, times, errands)
            errands.put_off(partial(self._held.take_back, run, memoryview(call.params).nbytes))
            return
        name, method = call.method, self._methods.get(call.method)
        if method is None:
            self._finish(OTHER, _tried(OTHER, _unlisted, call, peer), identity, done, times[0])
            return
        outcome = _tried(name, method.parameters.read, bytes(call.params))
        if not isinstance(outcome, RpcError):
            if not method.waits:
                outcome = _tried(name, method.run, *outcome)
            elif self._waiting[name] < method.waiting_max:
                self._wait(name, errands, self._await(call, method, outcome, identity, done, times))
                return
            else:
                outcome = errors.TOO_MANY_WAIT
        self._finish(name, outcome, identity, done, times[0])

    def _finish(self, method: str, outcome: object, identity: bytes, done: Done, started: float) -> None:
        if isinstance(outcome, Stream) and identity:
            done(Stream(self._pieces(method, outcome, identity, started), outcome.turns))
            return
        self._observe(method, self.clock() - started)
        if not identity:
            done(b"")
        elif isinstance(outcome, Busy):
            done(answer_to(identity, outcome), HTTP_TOO_MANY)
        else:
            status = HTTP_TOO_MANY if outcome is errors.TOO_MANY_WAIT else HTTP_OK
            done(self._told(method, outcome, identity), status)

    def _told(self, method: str, outcome: object, identity: bytes) -> bytes:
        """An answer in JSON, if it can be told in JSON."""
        try:
            if isinstance(outcome, RpcError):
                return error(identity, outcome)
            return result(identity, self.encode(method, outcome))
        except Exception:
            LOG.exception("the answer to %s broke", method)
            return error(identity, errors.CRASHED)

    def _pieces(self, method: str, stream: Stream, identity: bytes, started: float) -> Iterator[bytes]:
        """A long answer with its envelope; the time that it took is told when all of it is made."""
        envelope = result(identity, b"")
        yield envelope[:-1]
        yield from stream.pieces
        yield envelope[-1:]
        self._observe(method, self.clock() - started)

    # --- methods that wait

    def _wait(self, method: str, errands: Errands, answering: Coroutine[Any, Any, None]) -> None:
        """Have a call answered some time; given up with the connection."""
        task = asyncio.ensure_future(answering)
        self._tasks.add(task)
        self._waiting[method] += 1
        errands.begin(task.cancel)
        task.add_done_callback(partial(self._waited, method, errands))

    def _waited(self, method: str, errands: Errands, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._waiting[method] -= 1
        errands.end(task.cancel)

    async def _await(
        self,
        call: Call,
        method: Method,
        arguments: Sequence[Any],
        identity: bytes,
        done: Done,
        times: tuple[float, float],
    ) -> None:
        """Answer a call when its method has; the method is not run before, so that nothing is left of one given up."""
        started, since = times
        self._finish(call.method, await self._in_time(call.method, method, arguments, since), identity, done, started)

    async def _in_time(self, name: str, method: Method, arguments: Sequence[Any], since: float) -> object:
        """What a method gives in the end, or why there is nothing."""
        try:
            async with asyncio.timeout(self.seconds_left(since)):
                return await method.run(*arguments)
        except TimeoutError:
            return errors.TIMED_OUT
        except Exception:
            LOG.exception("%s broke", name)
            return errors.CRASHED

    def seconds_left(self, since: float) -> float | None:
        """How long a request of that time may still wait; None: for ever."""
        return None if self._patience_s is None else max(0.0, since + self._patience_s - self.clock())

    # --- transactions

    def _send(self, params: bytes, identity: bytes, done: Done, started: float) -> None:
        raw = raw_transaction(params)
        if raw is None:
            arguments = _tried(SEND, _SEND_PARAMETERS.read, params)
            if isinstance(arguments, RpcError):
                self._finish(SEND, arguments, identity, done, started)
                return
            raw = arguments[0]
        busy = self.offer(raw, partial(self._judged, identity, done, started))
        if busy is not None:
            self.observe_send(started)
            done(answer_to(identity, busy), HTTP_TOO_MANY)

    def _judged(self, identity: bytes, done: Done, started: float, outcome: Outcome) -> None:
        self.observe_send(started)
        done(answer_to(identity, outcome))

    def observe_send(self, started: float) -> None:
        """Tell how long a transaction has taken."""
        self._observe(SEND, self.clock() - started)


class BatchRun:
    """A batch under way. Calls run in order, each seeing what those before it did.

    So transactions that follow one another are offered together, and any other call waits until they are judged.
    """

    __slots__ = (
        "_answers",
        "_barrier",
        "_busy",
        "_bytes",
        "_done",
        "_errands",
        "_items",
        "_long",
        "_next",
        "_open",
        "_peer",
        "_rpc",
        "_running",
        "_started",
        "_turns",
    )

    def __init__(self, rpc: JsonRpc, batch: Batch, done: Done, peer: Peer | None, errands: Errands) -> None:
        self._rpc = rpc
        self._peer = peer
        self._errands = errands
        self._items = batch.items
        self._answers: list[bytes] = [b""] * len(batch.items)
        self._long: dict[int, Gathered] = {}  # answers in pieces, instead
        self._done = done
        self._next = 0  # the item to start next
        self._open = 0  # started and not answered
        self._bytes = 0
        self._busy = 0
        self._barrier = False  # what was started last may take its time, and the next has to see what it did
        self._running = False
        self._turns: Turns | None = None  # of a long answer, where there is one
        self._started = rpc.clock()

    def go(self) -> None:
        """Start what can be started; finish when all is answered. Nothing more is started for who is gone."""
        if self._errands.abandoned:
            return
        self._running = True
        items, count = self._items, len(self._items)
        while self._next < count:
            item = items[self._next]
            is_send = isinstance(item, Call) and item.method == SEND
            if self._open and (self._barrier or not is_send):
                break
            index = self._next
            self._next += 1
            if isinstance(item, Call):
                self._open += 1
                self._start(index, item, is_send=is_send)
            else:
                self._answers[index] = self._rpc.reject(item)
        self._running = False
        if not self._open and self._next >= count:
            self._finish()

    def _start(self, index: int, call: Call, *, is_send: bool) -> None:
        identity = identity_of(call)
        raw = raw_transaction(bytes(call.params)) if is_send and identity.isdigit() else None
        self._barrier = raw is None or raw[:1] == BLOB_TYPE
        if raw is not None:
            if busy := self._rpc.offer(raw, partial(self._judged, index, identity)):  # the usual way, cut short
                self._put(index, answer_to(identity, busy), HTTP_TOO_MANY)
            return
        self._rpc.start(call, identity, partial(self._put, index), self._peer, self._started, self._errands)

    def _judged(self, index: int, identity: bytes, outcome: Outcome) -> None:
        self._rpc.observe_send(self._started)
        self._put(index, answer_to(identity, outcome))

    def _put(self, index: int, answer: Answer, status: int = HTTP_OK, /) -> None:
        if isinstance(answer, Stream):
            self._turns = answer.turns
            gather(answer, partial(self._put_pieces, index), self._errands)
            return
        self._answers[index] = answer
        self._open -= 1
        self._bytes += len(answer)
        self._busy += status == HTTP_TOO_MANY
        if self._bytes > self._rpc.limits.batch_response_bytes_max:
            self._break_off(errors.ANSWER_TOO_LARGE)
        elif self._next < len(self._items) and self._rpc.seconds_left(self._started) == 0:
            self._break_off(errors.TIMED_OUT)
        if not self._open and not self._running:
            self.go()

    def _put_pieces(self, index: int, whole: Gathered | None) -> None:
        """A long answer is made, or broke. It stays in pieces: to join them would take long."""
        if whole is None or whole.refused:
            call = self._items[index]
            assert isinstance(call, Call), "only calls have long answers"
            self._put(index, error(identity_of(call), errors.CRASHED if whole is None else errors.NO_ROOM))
            return
        self._long[index] = whole
        self._bytes += whole.size
        self._put(index, b"")

    def _break_off(self, why: RpcError) -> None:
        """The answers are too long together, or too late: the calls not yet started are told so."""
        for index in range(self._next, len(self._items)):
            item = self._items[index]
            if isinstance(item, Stray):
                self._answers[index] = error(item.id, why)
            elif isinstance(item, Call) and (identity := identity_of(item)):
                self._answers[index] = error(identity, why)
        self._next = len(self._items)

    def _finish(self) -> None:
        if self._turns is not None and self._long:
            long = self._long
            in_pieces = (
                long[index].pieces if index in long else [answer] for index, answer in enumerate(self._answers)
            )
            self._done(Stream(_joined(in_pieces), self._turns))
            return
        answers = [answer for answer in self._answers if answer]
        status = HTTP_TOO_MANY if self._busy and self._busy == len(answers) else HTTP_OK
        self._done(b"[" + b",".join(answers) + b"]" if answers else b"", status)


def _tried(method: str, act: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - whatever a method has
    """What comes of a part of a call; one that breaks costs its own call only."""
    try:
        return act(*arguments)
    except Exception:
        LOG.exception("%s broke", method)
        return errors.CRASHED


def answer_to(identity: bytes, outcome: Outcome | Busy) -> bytes:
    """The answer to a transaction that was sent; none to a notification."""
    if not identity:
        return b""
    if isinstance(outcome, Accepted):
        return result(identity, b'"0x%b"' % outcome.tx_hash.hex().encode())
    if isinstance(outcome, Rejected):
        return error(identity, errors.refused(outcome))
    return error(
        identity, RpcError(errors.LIMIT_EXCEEDED, str(outcome)) if isinstance(outcome, Busy) else errors.CRASHED
    )


def _joined(answers: Iterable[list[bytes]]) -> Iterator[bytes]:
    """A batch with a long answer in it; what has no answer is empty."""
    lead = b"["
    for pieces in answers:
        if pieces[0]:
            yield lead + pieces[0]
            yield from pieces[1:]
            lead = b","
    yield b"]"


def _unlisted(call: Call, peer: Peer | None) -> object:
    """What answers a name that no method has: one about subscriptions, or nobody's."""
    name, params = call.method, bytes(call.params)
    if name.endswith(SUBSCRIBE):
        if peer is None:
            return errors.NO_NOTIFICATIONS
        return errors.name_too_long("subscription", name) or peer.subscribe(name.removesuffix(SUBSCRIBE), params)
    if not name.endswith(UNSUBSCRIBE):
        return errors.no_such_method(name)
    arguments = _UNSUBSCRIBE_PARAMETERS.read(params)
    if isinstance(arguments, RpcError):
        return arguments
    return errors.NO_SUBSCRIPTION if peer is None else peer.unsubscribe(*arguments)


def _encode(_method: str, outcome: object) -> bytes:
    return encode(outcome)


def _unobserved(method: str, seconds: float) -> None:
    """Nobody wants to know."""
