"""A server in simulated time, to drive the loops of the harness without a clock."""

import heapq
from collections.abc import Iterator
from itertools import repeat
from typing import Final

from loadtest.driver import ClosedLoop, OpenLoop
from loadtest.histogram import Histogram
from loadtest.recorder import Recorder
from loadtest.request import Request
from loadtest.schedule import SECOND

MS: Final = 1_000_000
ACCEPTED: Final = b'{"jsonrpc":"2.0","id":1,"result":"0x00"}'


class StallingServer:
    """Answers each request after `service_ns`; every `period_ns` it stands still for `stall_ns`."""

    def __init__(self, service_ns: int, period_ns: int, stall_ns: int) -> None:
        self.service_ns = service_ns
        self.period_ns = period_ns
        self.stall_ns = stall_ns

    def answer_at(self, now: int) -> int:
        """When a request that comes now is answered."""
        end = now + self.service_ns
        stall = (end // self.period_ns) * self.period_ns
        stalled_until = stall + self.stall_ns
        return stalled_until + self.service_ns if stall and end < stalled_until else end


class Simulation:
    """Time, the server's answers, and a driver that is told of both."""

    def __init__(self, server: StallingServer) -> None:
        self.now = 0
        self.recorder = Recorder(late_ns=10 * MS)
        self._server = server
        self._answers: list[tuple[int, int]] = []

    def transmit(self, lane: int, body: bytes) -> None:
        heapq.heappush(self._answers, (self._server.answer_at(self.now), lane))

    def run(self, driver: "OpenLoop | ClosedLoop", lanes: int) -> Histogram:
        """Let everything happen; all latencies."""
        for lane in range(lanes):
            driver.opened(lane, 0)
        driver.wake(0)
        while not driver.finished:
            answer = self._answers[0][0] if self._answers else None
            moment = driver.next_moment
            if moment is not None and (answer is None or moment <= answer):
                self.now = moment
                driver.wake(self.now)
            else:
                self.now, lane = heapq.heappop(self._answers)
                driver.answered(lane, 200, ACCEPTED, self.now)
                if not self._answers and driver.next_moment is None:
                    driver.wake(self.now)
        found = Histogram()
        for second in self.recorder.recording.seconds:
            found.merge(second.latency)
        return found


def endless() -> Iterator[Request]:
    return repeat(Request(b"", 1))


def every(step_ns: int, seconds: int) -> Iterator[int]:
    return iter(range(step_ns, seconds * SECOND, step_ns))
