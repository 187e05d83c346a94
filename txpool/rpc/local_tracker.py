"""The answers that geth gives while it tracks what local senders send: `--compat geth`.

For six refusals geth's local tracker keeps the transaction, to offer it to the pool again later, and answers with its
hash as if nothing had happened. Clients that count on that get the same answer here; what was refused is not kept.
"""

from collections.abc import Callable
from typing import Final

from txpool.core.pool import Accepted
from txpool.core.rejection import Reason, Rejected
from txpool.core.tx import Tx, decode
from txpool.ingest.batch import Outcome, Reply
from txpool.ingest.settings import Busy

# Refused, and yet answered with the hash.
HIDDEN: Final = frozenset(
    {
        Reason.UNDERPRICED,
        Reason.POOL_FULL,
        Reason.FUTURE_REPLACES_PENDING,
        Reason.DELEGATED_GAP,
        Reason.DELEGATED_IN_FLIGHT,
        Reason.AUTHORITY_RESERVED,
    }
)


class HidingDoor:
    """A way in that says of some refusals what geth says."""

    def __init__(self, offer: Callable[[bytes, Reply], Busy | None]) -> None:
        self._offer = offer

    def offer(self, raw: bytes, reply: Reply) -> Busy | None:
        """Take a transaction, or say that too many wait."""

        def answer(outcome: Outcome) -> None:
            reply(_told(raw, outcome))

        return self._offer(raw, answer)


def _told(raw: bytes, outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Rejected) or outcome.reason not in HIDDEN:
        return outcome
    tx = decode(raw)
    assert isinstance(tx, Tx), "what the pool has judged decodes"
    return Accepted(tx.hash)
