"""Which request leaves when, on which connection: the open and the closed loop. No I/O, no clock: times come in.

A lane is a connection with at most one request under way.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from loadtest.recorder import Recorder
from loadtest.request import Request, verdicts
from loadtest.wire import OK

NOTHING: Final = Request(b"", 0)

Transmit = Callable[[int, bytes], None]


class Driver(ABC):
    """What both loops share: free lanes, requests under way, and what their answers say."""

    def __init__(self, requests: Iterator[Request], recorder: Recorder, transmit: Transmit) -> None:
        self.recorder = recorder
        self._requests = requests
        self._transmit = transmit
        self._free: deque[int] = deque()
        self._under_way: dict[int, tuple[int, int]] = {}  # lane to moment and transactions

    @property
    def under_way(self) -> int:
        """Requests without an answer."""
        return len(self._under_way)

    def opened(self, lane: int, now: int) -> None:
        """A lane may be used."""
        self._free.append(lane)
        self._fill(now)

    def answered(self, lane: int, status: int, body: bytes, now: int) -> None:
        """The answer to what is under way on a lane has come."""
        moment, transactions = self._under_way.pop(lane)
        if status == OK:
            accepted, reasons = verdicts(body, transactions)
            self.recorder.answered(moment, now, accepted, transactions - accepted)
            for reason in reasons:
                self.recorder.reason(reason)
        else:
            self.recorder.failed(moment, now, transactions, f"HTTP {status}")
        self._free.append(lane)
        self._fill(now)

    def lost(self, lane: int, why: str, now: int) -> None:
        """A lane is gone, and with it what was under way there."""
        if lane in self._free:
            self._free.remove(lane)
        if lane in self._under_way:
            moment, transactions = self._under_way.pop(lane)
            self.recorder.failed(moment, now, transactions, why)

    def _send(self, request: Request, moment: int, now: int) -> None:
        lane = self._free.popleft()
        self._under_way[lane] = (moment, request.transactions)
        self.recorder.sent(moment, now, request.transactions)
        self._transmit(lane, request.body)

    @abstractmethod
    def _fill(self, now: int) -> None:
        """Send what is due on the lanes that are free."""


class OpenLoop(Driver):
    """Requests leave at planned moments; where no lane is free, they wait, and their latency counts from the plan."""

    def __init__(
        self, moments: Iterator[int], requests: Iterator[Request], recorder: Recorder, transmit: Transmit
    ) -> None:
        super().__init__(requests, recorder, transmit)
        self._moments = moments
        self._due: deque[tuple[int, Request]] = deque()
        self.next_moment = next(moments, None)

    @property
    def waiting(self) -> int:
        """Transactions whose moment has come and that have not left."""
        return sum(request.transactions for _, request in self._due)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to send or to wait for."""
        return self.next_moment is None and not self._due and not self._under_way

    def wake(self, now: int) -> None:
        """Send what is due."""
        while (moment := self.next_moment) is not None and moment <= now:
            request = next(self._requests, NOTHING)
            if request is NOTHING:
                self.recorder.recording.exhausted = True
                self.next_moment = None
                break
            self.recorder.planned(moment, now, request.transactions)
            self._due.append((moment, request))
            self.next_moment = next(self._moments, None)
        self._fill(now)

    def _fill(self, now: int) -> None:
        while self._due and self._free:
            moment, request = self._due.popleft()
            self._send(request, moment, now)


class ClosedLoop(Driver):
    """A lane sends its next request `think_ns` after the last answer, to the end of the corpus or to `ends`."""

    def __init__(
        self,
        requests: Iterator[Request],
        recorder: Recorder,
        transmit: Transmit,
        *,
        think_ns: int = 0,
        ends: int | None = None,
    ) -> None:
        super().__init__(requests, recorder, transmit)
        self._think_ns = think_ns
        self._ends = ends
        self._thinking: deque[tuple[int, int]] = deque()  # until when, lane
        self._over = False

    @property
    def waiting(self) -> int:
        """Nothing waits in a closed loop: that is what is wrong with it."""
        return 0

    @property
    def next_moment(self) -> int | None:
        """When a lane has thought enough; None where none is thinking."""
        return self._thinking[0][0] if self._thinking and not self._over else None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to send or to wait for."""
        return self._over and not self._under_way

    def answered(self, lane: int, status: int, body: bytes, now: int) -> None:
        """Take the answer; the lane thinks before it sends again."""
        super().answered(lane, status, body, now)
        if self._think_ns and not self._over:
            self._free.remove(lane)
            self._thinking.append((now + self._think_ns, lane))

    def wake(self, now: int) -> None:
        """Let go the lanes that have thought enough."""
        while self._thinking and self._thinking[0][0] <= now:
            self._free.append(self._thinking.popleft()[1])
        self._send_all(now)

    def _fill(self, now: int) -> None:
        if not self._think_ns:
            self._send_all(now)

    def _send_all(self, now: int) -> None:
        self._over |= self._ends is not None and now >= self._ends
        while self._free and not self._over:
            request = next(self._requests, NOTHING)
            if request is NOTHING:
                self._over = True
                return
            self.recorder.planned(now, now, request.transactions)
            self._send(request, now, now)
