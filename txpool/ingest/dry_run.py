"""A batch of which it is only asked what would become of it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from txpool.core.foresee import Forecast
from txpool.core.head import Head
from txpool.core.pool import Accepted
from txpool.core.rejection import Rejected
from txpool.core.stateless import fault_before_sender
from txpool.core.tx import BLOB, Tx
from txpool.ingest.batch import CRASHED, Batch, Crashed, Outcome
from txpool.ingest.blob_proofs import conversion_fault
from txpool.ingest.gate import Gate

Checked = Forecast | Rejected | Crashed


class DryRun(Batch):
    """Takes the same way as any batch, up to the pool's door.

    Attributes:
        within: what is done for it in later turns of the loop is called by this.
        unread: what is not decoded yet, each with its place among all.
        arrival: nanoseconds since the epoch; of the first.
        answers: one for each transaction, those that never came as far as the pool included.
        asked: whose answers the pool gives, by their places among all.
        blobs: blob transactions as they came, by their places among the candidates.
        finished: gets the answers when all are there.
    """

    __slots__ = ("answers", "arrival", "asked", "blobs", "finished", "unread", "within")

    def __init__(
        self, head: Head, raws: Sequence[bytes], arrival: int, within: Callable[[Callable[[], None]], None]
    ) -> None:
        super().__init__(head, len(raws), sum(len(raw) for raw in raws))
        self.within = within
        self.unread = deque(enumerate(raws))
        self.arrival = arrival
        self.answers: list[Checked] = [CRASHED] * len(raws)
        self.finished: asyncio.Future[list[Checked]] = asyncio.get_running_loop().create_future()
        self.asked: list[int] = []
        self.blobs: dict[int, Tx] = {}

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the answers any more."""
        return self.finished.cancelled()

    def piece(self, bytes_max: int) -> list[tuple[int, bytes]]:
        """Take from those not decoded yet: so many bytes, and one at least, as long as there are any."""
        taken: list[tuple[int, bytes]] = []
        while self.unread and (not taken or len(self.unread[0][1]) <= bytes_max):
            taken.append(self.unread.popleft())
            bytes_max -= len(taken[-1][1])
        return taken

    def take(self, place: int, tx: Tx, gate: Gate) -> None:
        """Take one in that was decoded, or refuse it."""
        refusal = self._early_fault(tx, gate)
        if refusal is not None:
            self.put(place, refusal)
            return
        if tx.type == BLOB:
            self.blobs[len(self.candidates)] = tx
        sound = tx.type != BLOB and fault_before_sender(tx, self.head) is None
        self.add(tx, self.arrival + place, partial(self.put, place), sound=sound)
        self.asked.append(place)

    def _early_fault(self, tx: Tx, gate: Gate) -> Rejected | None:
        if tx.type == BLOB and (fault := conversion_fault(tx, self.head)):
            return fault
        return gate.fault(tx)

    def put(self, place: int, outcome: Outcome) -> None:
        """One was refused before the pool, or a bug of ours ended it."""
        assert not isinstance(outcome, Accepted), "nothing is handed in"
        self.answers[place] = outcome

    def foreseen(self, forecasts: Sequence[Forecast]) -> None:
        """What the pool says, in the order of the candidates."""
        for place, forecast in zip(self.asked, forecasts, strict=True):
            self.answers[place] = forecast

    def finish(self) -> None:
        """Give the answers to who waits for them, if anybody still does."""
        if not self.finished.done():
            self.finished.set_result(self.answers)
