"""The namespace `txpool`: how much is in the pool, and what."""

from collections.abc import Iterator

import msgspec

from txpool.core.pool import Pool
from txpool.rpc.arguments import Parameters, address
from txpool.rpc.content import lines_for_people, of_everyone, of_one, whole_transactions
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, quantity
from txpool.rpc.streaming import Stream, Turns


class TxpoolNamespace:
    """The pool's content. Blob transactions count in the status and show nowhere else, as in geth."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turns = Turns()
        self._objects = whole_transactions(pool.store)
        self._lines = lines_for_people(pool.store)

    def methods(self) -> Methods:
        """By name."""
        return {
            "txpool_content": Method(lambda: self._told(of_everyone(self._pool, self._objects))),
            "txpool_contentFrom": Method(self._content_from, Parameters(address)),
            "txpool_inspect": Method(lambda: self._told(of_everyone(self._pool, self._lines))),
            "txpool_status": Method(self._status),
        }

    def _status(self) -> Json:
        counts = self._pool.counts()
        return {"pending": quantity(counts.pending), "queued": quantity(counts.queued)}

    def _content_from(self, owner: bytes) -> msgspec.Raw | Stream:
        return self._told(of_one(self._pool, owner, self._objects))

    def _told(self, texts: Iterator[str]) -> msgspec.Raw | Stream:
        answer = self._turns.answer(texts)
        return msgspec.Raw(answer) if isinstance(answer, bytes) else answer
