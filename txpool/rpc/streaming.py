"""Answers too long for one turn of the event loop: made piece by piece, while the peer takes them.

A piece is the work of a millisecond or two. All long answers of a process take turns, one piece in each turn of the
loop, so however many are under way, nobody else waits longer than for one piece. Nothing is made for a peer whose
transport is full: what an answer holds in memory is that transport's buffer, one piece, and what its maker needs to go
on (`content.py`). A connection has one under way, all together a fixed number; those behind them are not begun, however
many were asked for. While some wait, one that takes too long is cut off: slow readers do not keep their places.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from time import perf_counter
from typing import Final

from txpool.rpc.errands import Errands

LOG: Final = logging.getLogger(__name__)

PIECE_CHARACTERS: Final = 131_072
PIECE_SECONDS: Final = 0.0015
STREAMED_MAX: Final = 64  # long answers under way on their way to peers
STREAMED_SECONDS: Final = 300.0  # for each of those, while others wait for a place
GATHERED_MAX: Final = 1  # those that are held until they are whole
GATHERED_BYTES_MAX: Final = 256 * 1024 * 1024  # held, of all of those, until they are sent


class Turns:
    """Lets one step be done in each turn of the loop, first come, first served.

    Attributes:
        streamed: places for long answers that leave while they are made.
        gathered: places for those that do not.
        held: bytes of those that are held; `held_max` is their bound.
    """

    def __init__(self, held_max: int = GATHERED_BYTES_MAX, streamed_seconds: float = STREAMED_SECONDS) -> None:
        self.streamed = Places(STREAMED_MAX, streamed_seconds)
        self.gathered = Places(GATHERED_MAX)
        self.held = 0
        self.held_max = held_max
        self._waiting: deque[Callable[[], None]] = deque()
        self._due = False
        self._characters = 0  # made on the spot in this turn of the loop
        self._seconds = 0.0

    def soon(self, step: Callable[[], None]) -> None:
        """Have a step done in a later turn."""
        self._waiting.append(step)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        """Do one step; one that breaks holds up none of the others."""
        self._due = False
        step = self._waiting.popleft()
        try:
            step()
        except Exception:
            LOG.exception("a step of a long answer broke")
        self._go_on()

    def answer(self, texts: Iterator[str]) -> "Answer":
        """Tell on the spot what is short; all else, and what this turn of the loop has no time for, as a stream.

        What is told on the spot in one turn is no more than a piece, however many ask.
        """
        pieces = Pieces(texts)
        characters, seconds = PIECE_CHARACTERS - self._characters, PIECE_SECONDS - self._seconds
        if characters <= 0 or seconds <= 0:
            return Stream(pieces, self)
        if not self._seconds:
            asyncio.get_running_loop().call_soon(self._begin_turn)
        since = perf_counter()
        first = pieces.make(characters, seconds)
        self._seconds += perf_counter() - since
        self._characters += len(first)
        return first if pieces.ended else Stream(chain((first,), pieces), self)

    def _begin_turn(self) -> None:
        self._characters = 0
        self._seconds = 0.0


class Places:
    """So many long answers are under way at once; others begin when one of those ends, in the order of asking.

    Args:
        count: how many.
        seconds_max: how long one may be under way while others wait; None: for ever.
    """

    def __init__(self, count: int, seconds_max: float | None = None) -> None:
        self._free = count
        self._seconds_max = seconds_max
        self._waiting: dict[Flow, None] = {}
        self._begun: dict[Flow, float] = {}  # since when each is under way, the longest first
        self._watched = False

    def enter(self, flow: "Flow") -> None:
        """Have a flow begin as soon as there is a place."""
        if self._free:
            self._free -= 1
            self._begin(flow)
        else:
            self._waiting[flow] = None
            self._watch()

    def leave(self, flow: "Flow") -> None:
        """A flow has ended, or will not begin."""
        if flow in self._waiting:
            del self._waiting[flow]
            return
        del self._begun[flow]
        if self._waiting:
            first = next(iter(self._waiting))
            del self._waiting[first]
            self._begin(first)
        else:
            self._free += 1

    def _begin(self, flow: "Flow") -> None:
        self._begun[flow] = asyncio.get_running_loop().time()
        flow.begin()

    def _watch(self) -> None:
        """Look again when the time of the one that is under way longest is over, as long as others wait."""
        if self._seconds_max is not None and self._waiting and not self._watched:
            self._watched = True
            over = next(iter(self._begun.values())) + self._seconds_max
            asyncio.get_running_loop().call_at(over, self._look, over)

    def _look(self, over: float) -> None:
        self._watched = False
        if self._waiting and self._seconds_max is not None:
            longest, since = next(iter(self._begun.items()))
            if since + self._seconds_max <= over:
                LOG.warning("a long answer was cut off: it took over %g s, and others wait", self._seconds_max)
                longest.cut_off()
            self._watch()


class Stream:
    """An answer in pieces, made when they are asked for. An empty piece says no more than that a turn is over."""

    __slots__ = ("pieces", "turns")

    def __init__(self, pieces: Iterable[bytes], turns: Turns) -> None:
        self.pieces = pieces
        self.turns = turns


Answer = bytes | Stream


class Pieces(Iterator[bytes]):
    """Texts joined to pieces, none of which takes long to make.

    Attributes:
        ended: whether there is nothing left.
    """

    __slots__ = ("_texts", "ended")

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self.ended = False

    def __next__(self) -> bytes:
        if self.ended:
            raise StopIteration
        return self.make(PIECE_CHARACTERS, PIECE_SECONDS)

    def make(self, characters: int, seconds: float) -> bytes:
        """Make a piece of about so many characters, in about so many seconds."""
        until = perf_counter() + seconds
        parts: list[str] = []
        length = 0
        for text in self._texts:
            parts.append(text)
            length += len(text)
            if length >= characters or perf_counter() >= until:
                break
        else:
            self.ended = True
        return "".join(parts).encode()


class Flow:
    """Carries a stream to its peer.

    Args:
        stream: what is sent.
        write: takes a piece.
        ended: called once, when all is written (True), or making it broke (False).
        places: where it needs one while it is under way; those of what is streamed if not given.
    """

    __slots__ = ("_begun", "_due", "_ended", "_entered", "_paused", "_pieces", "_places", "_turns", "_write")

    def __init__(
        self,
        stream: Stream,
        write: Callable[[bytes], None],
        ended: Callable[[bool], None],
        places: Places | None = None,
    ) -> None:
        self._pieces: Iterator[bytes] | None = iter(stream.pieces)
        self._turns = stream.turns
        self._write = write
        self._ended = ended
        self._places = places or stream.turns.streamed
        self._entered = False
        self._begun = False
        self._due = False
        self._paused = False

    def go(self) -> None:
        """Begin, or go on."""
        self._paused = False
        if self._pieces is None:
            return
        if not self._entered:
            self._entered = True
            self._places.enter(self)
        elif self._begun and not self._due:
            self._due = True
            self._turns.soon(self._step)

    def begin(self) -> None:
        """Take the place that has come free."""
        self._begun = True
        if not self._paused:
            self.go()

    def pause(self) -> None:
        """Make nothing more for now."""
        self._paused = True

    def stop(self) -> None:
        """Make nothing more: the peer is gone."""
        if self._pieces is not None:
            self._leave()

    def cut_off(self) -> None:
        """Make nothing more, and let the peer see that it is not whole."""
        if self._pieces is not None:
            self._finish(whole=False)

    def _leave(self) -> None:
        self._pieces = None
        self._write, self._ended = _nobody_takes, _nobody_hears  # whom they belong to is not held any longer
        if self._entered:
            self._places.leave(self)

    def _step(self) -> None:
        self._due = False
        if self._paused or self._pieces is None:
            return
        try:
            piece = next(self._pieces, None)
            if piece:
                self._write(piece)
        except Exception:
            LOG.exception("a long answer broke")
            self.cut_off()
            return
        if piece is None:
            self._finish(whole=True)
        elif not self._paused:
            self.go()

    def _finish(self, *, whole: bool) -> None:
        ended = self._ended
        self._leave()
        ended(whole)


def _nobody_takes(piece: bytes) -> None:
    """Nobody takes what is made any more."""


def _nobody_hears(whole: bool) -> None:  # noqa: FBT001 - as the callback that it stands for
    """Nobody wants to know how it ended."""


class Gathered:
    """A long answer that is held whole, in pieces; it counts as held as long as it lives.

    Attributes:
        refused: it found no room beside the others; there are no pieces.
    """

    __slots__ = ("_turns", "pieces", "refused", "size")

    def __init__(self, turns: Turns) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self.refused = False
        self._turns = turns

    def add(self, piece: bytes) -> None:
        """Hold one more, or give up."""
        if self._turns.held + len(piece) > self._turns.held_max:
            self.refused = True
            self._let_go()
        if not self.refused:
            self.pieces.append(piece)
            self.size += len(piece)
            self._turns.held += len(piece)

    def made_of(self, stream: Stream) -> Iterator[bytes]:
        """The stream's pieces, as long as there is room for them."""
        for piece in stream.pieces:
            if self.refused:
                return
            yield piece

    def _let_go(self) -> None:
        self._turns.held -= self.size
        self.size = 0
        self.pieces = []

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    def __del__(self) -> None:
        self._let_go()


def gather(stream: Stream, ready: Callable[[Gathered | None], None], errands: Errands) -> None:
    """Make all of it, in turns, for whom needs it whole; None if that broke. It is given up with the other errands."""
    turns = stream.turns
    gathered = Gathered(turns)

    def ended(whole: bool) -> None:  # noqa: FBT001 - the flow's callback
        errands.end(flow.stop)
        ready(gathered if whole else None)

    flow = Flow(Stream(gathered.made_of(stream), turns), gathered.add, ended, turns.gathered)
    errands.begin(flow.stop)
    flow.go()
