"""A batch of which it is only asked what would become of it."""

import asyncio
from collections.abc import Sequence

from txpool.core.foresee import Forecast
from txpool.core.head import Head
from txpool.core.pool import Accepted
from txpool.core.rejection import Rejected
from txpool.core.tx import Tx
from txpool.ingest.batch import CRASHED, Batch, Crashed, Outcome

Checked = Forecast | Rejected | Crashed


class DryRun(Batch):
    """Takes the same way as any batch, up to the pool's door.

    Attributes:
        answers: one for each transaction, those that never came as far as the pool included.
        asked: whose answers the pool gives, by their places among all.
        blobs: blob transactions as they came, by their places among the candidates.
        finished: gets the answers when all are there.
    """

    __slots__ = ("answers", "asked", "blobs", "finished")

    def __init__(self, head: Head, raws: Sequence[bytes]) -> None:
        super().__init__(head, len(raws), sum(len(raw) for raw in raws))
        self.answers: list[Checked] = [CRASHED] * len(raws)
        self.finished: asyncio.Future[list[Checked]] = asyncio.get_running_loop().create_future()
        self.asked: list[int] = []
        self.blobs: dict[int, Tx] = {}

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
