"""Answers too long for one turn of the event loop: made piece by piece, while the peer takes them.

A piece is the work of a millisecond or two. All long answers of a process take turns, one piece in each turn of the
loop, so however many are under way, nobody else waits longer than for one piece. Nothing is made for a peer whose
transport is full: what an answer holds in memory is that transport's buffer and one piece.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Final

LOG: Final = logging.getLogger(__name__)

PIECE_CHARACTERS: Final = 131_072
PIECE_SECONDS: Final = 0.0015


class Turns:
    """Lets one step be done in each turn of the loop, first come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def soon(self, step: Callable[[], None]) -> None:
        """Have a step done in a later turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.append(step)

    def _run(self) -> None:
        self._waiting[0]()
        self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)


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
        until = perf_counter() + PIECE_SECONDS
        parts: list[str] = []
        length = 0
        for text in self._texts:
            parts.append(text)
            length += len(text)
            if length >= PIECE_CHARACTERS or perf_counter() >= until:
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
    """

    __slots__ = ("_due", "_ended", "_paused", "_pieces", "_turns", "_write")

    def __init__(self, stream: Stream, write: Callable[[bytes], None], ended: Callable[[bool], None]) -> None:
        self._pieces: Iterator[bytes] | None = iter(stream.pieces)
        self._turns = stream.turns
        self._write = write
        self._ended = ended
        self._due = False
        self._paused = False

    def go(self) -> None:
        """Begin, or go on."""
        self._paused = False
        if not self._due and self._pieces is not None:
            self._due = True
            self._turns.soon(self._step)

    def pause(self) -> None:
        """Make nothing more for now."""
        self._paused = True

    def stop(self) -> None:
        """Make nothing more: the peer is gone."""
        self._pieces = None

    def _step(self) -> None:
        self._due = False
        if self._paused or self._pieces is None:
            return
        try:
            piece = next(self._pieces, None)
        except Exception:
            LOG.exception("a long answer broke")
            self._finish(whole=False)
            return
        if piece is None:
            self._finish(whole=True)
            return
        if piece:
            self._write(piece)
        if not self._paused:
            self.go()

    def _finish(self, *, whole: bool) -> None:
        self._pieces = None
        self._ended(whole)


def gather(stream: Stream, ready: Callable[[list[bytes] | None], None]) -> None:
    """Make all of it, in turns, for whom needs it whole; None if that broke."""
    pieces: list[bytes] = []
    Flow(stream, pieces.append, lambda whole: ready(pieces if whole else None)).go()
