"""Answers of one HTTP connection, in the order of its requests whatever the order in which they are given."""

from collections.abc import Callable
from typing import Final

from txpool.rpc.errands import Errands
from txpool.rpc.http_message import Stamp
from txpool.rpc.streaming import Answer, Flow, Stream

JOINED_BYTES_MAX: Final = 16_384  # below, one copy is cheaper than a second piece
UNSENT_BYTES_MAX: Final = 1024 * 1024  # that wait to be written; beyond, no further request is begun


class AnswerQueue:
    """Puts answers in their order. One that comes early waits, and a long one is taken while it is made.

    Args:
        stamp: what every answer begins with.
        due: called when there is something to write, and nothing was.
        hold: counts bytes of bodies, or gives them back.
        broke: called when a long answer broke on its way.

    Attributes:
        takes_chunks: whether the peer knows answers in chunks.
        errands: what is under way for the connection.
        answered: number of the next answer to go out.
        out: what is to be written; whoever takes it sets `unsent` to what is left.
        unsent: bytes of answers that wait to be written, early ones among them.
        early_bytes: those of the early ones.
    """

    def __init__(
        self, stamp: Stamp, due: Callable[[], None], broke: Callable[[], None], hold: Callable[[int], bool]
    ) -> None:
        self.stamp = stamp
        self.takes_chunks = True
        self.errands = Errands()
        self.answered = 0
        self.out: list[bytes] = []
        self.unsent = 0
        self.early_bytes = 0
        self._due = due
        self._broke = broke
        self._hold = hold
        self._bodies: dict[int, int] = {}  # bytes that requests under way hold, by number
        self._early: dict[int, tuple[bytes, Answer]] = {}
        self._flow: Flow | None = None
        self._stalled = False
        self._dropped = False

    def answer(self, number: int, head: bytes, body: Answer) -> None:
        """Put an answer in its place; it leaves at the end of a turn of the loop, once those before it are there."""
        if self._dropped:
            return
        if self._bodies:
            self._hold(-self._bodies.pop(number, 0))
        if number != self.answered:
            assert number > self.answered, "answered twice"
            assert number not in self._early, "answered twice"
            self._early[number] = (head, body)
            self._count_early(body, 1)
            return
        self._push(head, body)
        if self._early:
            self._push_early()

    def note_body(self, number: int, size: int) -> None:
        """The body of that request is counted; it is given back with the answer."""
        self._bodies[number] = size

    def _push_early(self) -> None:
        while self._early and (early := self._early.pop(self.answered, None)):
            self._count_early(early[1], -1)
            self._push(*early)

    def _count_early(self, body: Answer, sign: int) -> None:
        size = 0 if isinstance(body, Stream) else sign * len(body)
        self.early_bytes += size
        self.unsent += size

    def _push(self, head: bytes, body: Answer) -> None:
        if not self.out:
            self._due()
        if isinstance(body, Stream):
            self.out.append(head)
            self._flow = Flow(body, self._push_piece, self._flowed)
            if not self._stalled:
                self._flow.go()
            return
        if len(body) < JOINED_BYTES_MAX:
            self.out.append(head + body)
        else:
            self.out += (head, body)
        self.unsent += len(body)
        self.answered += 1

    def _push_piece(self, piece: bytes) -> None:
        if not self.out:
            self._due()
        self.out.append(piece)
        self.unsent += len(piece)

    def _flowed(self, whole: bool) -> None:  # noqa: FBT001 - the flow's callback
        """A long answer is written, or broke: then the peer sees that it is not whole."""
        self._flow = None
        if not whole:
            self._broke()
            return
        self.answered += 1
        self._push_early()
        if not self.out:
            self._due()

    def stall(self) -> None:
        """Make nothing more of a long answer: the peer takes nothing."""
        self._stalled = self.errands.crowded = True
        if self._flow is not None:
            self._flow.pause()

    def flow(self) -> None:
        """Go on with it."""
        self._stalled = False
        if self._flow is not None:
            self._flow.go()

    def drop(self) -> None:
        """Nobody wants any more answers, neither these nor later ones: what is under way is given up."""
        self._dropped = True
        self.errands.abandon()
        self._hold(-sum(self._bodies.values()))
        self._bodies.clear()
        self._early.clear()
        self.out.clear()
        if self._flow is not None:
            self._flow.stop()
