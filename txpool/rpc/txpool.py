"""The namespace `txpool`: how much is in the pool, and what."""

from collections.abc import Callable
from typing import TypeVar

from txpool.core.address import checksum_address
from txpool.core.pool import Pool, Pooled
from txpool.core.tx import BLOB
from txpool.rpc.arguments import Parameters, address
from txpool.rpc.eth_pool import read_pooled
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, inspected, pooled_transaction, quantity

Shown = TypeVar("Shown")
ByNonce = dict[str, Shown]


class TxpoolNamespace:
    """The pool's content. Blob transactions count in the status and show nowhere else, as in geth."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def methods(self) -> Methods:
        """By name."""
        return {
            "txpool_content": Method(lambda: self._everyone(_show)),
            "txpool_contentFrom": Method(self._content_from, Parameters(address)),
            "txpool_inspect": Method(lambda: self._everyone(_inspect)),
            "txpool_status": Method(self._status),
        }

    def _status(self) -> Json:
        counts = self._pool.counts()
        return {"pending": quantity(counts.pending), "queued": quantity(counts.queued)}

    def _content_from(self, owner: bytes) -> Json:
        pool = self._pool
        return {
            "pending": _by_nonce(pool.pending_of(owner), _show),
            "queued": _by_nonce(pool.queued_of(owner), _show),
        }

    def _everyone(self, show: Callable[[Pooled], Shown | None]) -> dict[str, dict[str, ByNonce[Shown]]]:
        pool = self._pool
        return {
            "pending": _by_sender(pool.pending_senders(), pool.pending_of, show),
            "queued": _by_sender(pool.queued_senders(), pool.queued_of, show),
        }


def _by_sender(
    senders: list[bytes], content_of: Callable[[bytes], list[Pooled]], show: Callable[[Pooled], Shown | None]
) -> dict[str, ByNonce[Shown]]:
    """Senders in the order of their spelling with checksum."""
    shown: dict[str, ByNonce[Shown]] = {}
    for name, sender in sorted((checksum_address(sender), sender) for sender in senders):
        if content := _by_nonce(content_of(sender), show):
            shown[name] = content
    return shown


def _by_nonce(content: list[Pooled], show: Callable[[Pooled], Shown | None]) -> ByNonce[Shown]:
    """Nonces as decimal text, and in the order of text."""
    found = {str(pooled.nonce): shown for pooled in content if (shown := show(pooled)) is not None}
    return dict(sorted(found.items()))


def _show(pooled: Pooled) -> Json | None:
    tx = read_pooled(pooled)
    return None if tx.type == BLOB else pooled_transaction(tx, pooled.sender)


def _inspect(pooled: Pooled) -> str | None:
    tx = read_pooled(pooled)
    return None if tx.type == BLOB else inspected(tx)
