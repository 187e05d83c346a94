"""What happened, second by second. Plain counters on the hot path; a second's histogram stays open for late answers.

A latency belongs to the second in which its request was planned, so that a stall in the steady part counts there even
if the answer comes in the cool-down. What was answered belongs to the second of the answer.
"""

from collections import Counter
from typing import Final

import msgspec

from loadtest.histogram import Histogram, index_of
from loadtest.schedule import SECOND

REASONS_MAX: Final = 64  # different texts that are kept; the rest is `other`


class Second(msgspec.Struct):
    """One second of a run; counts are transactions, but for `requests`, `late` and the histograms."""

    planned: int = 0
    sent: int = 0
    requests: int = 0
    late: int = 0
    accepted: int = 0
    refused: int = 0
    errors: int = 0
    latency: Histogram = msgspec.field(default_factory=Histogram)
    lag: Histogram = msgspec.field(default_factory=Histogram)

    @property
    def answered(self) -> int:
        """Transactions that got an answer of whatever kind."""
        return self.accepted + self.refused + self.errors

    def merge(self, other: "Second") -> None:
        """Add another process's second."""
        for name in ("planned", "sent", "requests", "late", "accepted", "refused", "errors"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latency.merge(other.latency)
        self.lag.merge(other.lag)


class Recording(msgspec.Struct, tag="recording"):
    """A whole run of one process, or of all together."""

    seconds: list[Second] = []
    reasons: dict[str, int] = {}
    last_answer: int = 0  # nanoseconds from the start
    unsent: int = 0  # transactions whose moment came, and that never left
    exhausted: bool = False  # the corpus ended before the schedule
    cpu_share: float = 0.0  # of a core, the busiest process

    def merge(self, other: "Recording") -> None:
        """Add another process's run."""
        while len(self.seconds) < len(other.seconds):
            self.seconds.append(Second())
        for mine, its in zip(self.seconds, other.seconds, strict=False):
            mine.merge(its)
        reasons = Counter(self.reasons) + Counter(other.reasons)
        self.reasons = dict(reasons)
        self.last_answer = max(self.last_answer, other.last_answer)
        self.unsent += other.unsent
        self.exhausted |= other.exhausted
        self.cpu_share = max(self.cpu_share, other.cpu_share)


class Recorder:
    """Counts one process's run. Times are nanoseconds from the start of the run."""

    def __init__(self, late_ns: int) -> None:
        self.recording = Recording()
        self._seconds = self.recording.seconds
        self._late_ns = late_ns

    def second(self, at: int) -> Second:
        """The second that a time belongs to."""
        number = at // SECOND if at > 0 else 0
        while len(self._seconds) <= number:
            self._seconds.append(Second())
        return self._seconds[number]

    def planned(self, moment: int, noticed: int, transactions: int) -> None:
        """A moment has come; `noticed` is when the generator got to it: the difference is its own lag."""
        second = self.second(moment)
        second.planned += transactions
        second.lag.add(noticed - moment)

    def sent(self, moment: int, now: int, transactions: int) -> None:
        """A request has left."""
        second = self.second(now)
        second.sent += transactions
        second.requests += 1
        if now - moment > self._late_ns:
            self.second(moment).late += 1

    def answered(self, moment: int, now: int, accepted: int, refused: int) -> None:
        """A request that was planned for `moment` is answered."""
        counts = self.second(moment).latency.counts
        index = index_of(now - moment)
        counts[index] = counts.get(index, 0) + 1
        second = self.second(now)
        second.accepted += accepted
        second.refused += refused
        self.recording.last_answer = now

    def failed(self, moment: int, now: int, transactions: int, reason: str) -> None:
        """A request got no answer, or none that makes sense. Its latency counts all the same."""
        self.second(moment).latency.add(now - moment)
        self.second(now).errors += transactions
        self.recording.last_answer = now
        self.reason(reason)

    def reason(self, text: str) -> None:
        """Count why something was refused."""
        reasons = self.recording.reasons
        if text not in reasons and len(reasons) >= REASONS_MAX:
            text = "other"
        reasons[text] = reasons.get(text, 0) + 1
