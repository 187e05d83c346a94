"""A batch on its way: transactions that arrived together, and who waits for their verdicts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from txpool.core.candidate import Candidate, authorities_of
from txpool.core.head import Account, Head
from txpool.core.kernel import Kernel
from txpool.core.pool import Verdict
from txpool.core.tx import Tx

CHUNK_MIN: Final = 16  # fewer are not worth another thread


class Crashed(msgspec.Struct, frozen=True, gc=False):
    """A bug of ours kept a transaction from being judged; the log has it."""


CRASHED: Final = Crashed()
Outcome = Verdict | Crashed
Reply = Callable[[Outcome], None]


class BlobArrival(msgspec.Struct, frozen=True):
    """A blob transaction on its way.

    Attributes:
        tx: as it came.
        arrival: nanoseconds since the epoch.
        size: bytes that the queue counts for it.
        reply: who waits.
        instead: told the candidate instead of the lane, for a dry run.
    """

    tx: Tx
    arrival: int
    size: int
    reply: Reply
    instead: Callable[[Candidate | None], None] | None = None


class Batch:
    """Decoded transactions in order of arrival, and what is still to be found out before the pool can judge them.

    Attributes:
        head: the one that the early checks were made against.
        candidates: where a sender is being recovered, a candidate without one.
        replies: who waits, in the same order.
        size: bytes that the queue counts for them.
        accounts: senders' accounts that were fetched, at `accounts_head`.
        unsigned: places whose sender is to be recovered.
        waiting: parts under way elsewhere: recoveries on threads, an account fetch.
        broken: a bug of ours keeps it from being judged.
        blob: as it came, where the batch is one blob transaction whose proofs have been looked at.
    """

    __slots__ = (
        "_places",
        "_repeats",
        "accounts",
        "accounts_head",
        "blob",
        "broken",
        "candidates",
        "count",
        "head",
        "replies",
        "size",
        "unsigned",
        "waiting",
    )

    def __init__(self, head: Head, count: int, size: int) -> None:
        self.head = head
        self.count = count
        self.size = size
        self.candidates: list[Candidate] = []
        self.replies: list[Reply] = []
        self.unsigned: list[int] = []
        self._places: dict[bytes, int] = {}
        self._repeats: list[tuple[int, int]] = []
        self.accounts: Mapping[bytes, Account] = {}
        self.accounts_head = head
        self.waiting = 0
        self.broken = False
        self.blob: BlobArrival | None = None

    def add(self, tx: Tx, arrival: int, reply: Reply, *, sound: bool) -> None:
        """Append a transaction; the sender of a sound one is to be recovered, once however often it is here."""
        place = len(self.candidates)
        self._append(Candidate(tx, None, arrival), reply)
        if sound:
            first = self._places.setdefault(tx.hash, place)
            if first == place:
                self.unsigned.append(place)
            else:
                self._repeats.append((place, first))

    def add_known(self, tx: Tx, sender: bytes, arrival: int, reply: Reply) -> None:
        """Append a transaction whose sender the pool knows."""
        self._append(Candidate(tx, sender, arrival, authorities=authorities_of(tx)), reply)

    def add_ready(self, candidate: Candidate, arrived: BlobArrival) -> None:
        """Append a blob transaction of which all is known."""
        self.blob = arrived
        self._append(candidate, arrived.reply)

    def leave_out(self, size: int) -> None:
        """One of these bytes has gone another way, and is counted there."""
        self.count -= 1
        self.size -= size

    def _append(self, candidate: Candidate, reply: Reply) -> None:
        self.candidates.append(candidate)
        self.replies.append(reply)

    def copy_senders(self) -> None:
        """Give those that came more than once what was recovered for the first of them."""
        candidates = self.candidates
        for place, first in self._repeats:
            found = candidates[first]
            candidates[place] = replace(candidates[place], sender=found.sender, authorities=found.authorities)
        self._repeats.clear()

    def chunks(self, parts: int) -> Iterator[list[int]]:
        """The places to recover, in up to so many parts."""
        size = max(CHUNK_MIN, -(-len(self.unsigned) // parts))
        for start in range(0, len(self.unsigned), size):
            yield self.unsigned[start : start + size]

    def recover(self, places: Sequence[int], kernel: Kernel, chain_id: int) -> None:
        """Recover the signers at these places; safe on any thread, for no two touch the same place."""
        candidates = self.candidates
        found = kernel.signers([candidates[place].tx for place in places], chain_id)
        for place, (sender, authorities) in zip(places, found, strict=True):
            waiting = candidates[place]
            candidates[place] = Candidate(waiting.tx, sender, waiting.arrival, waiting.origin, authorities)
