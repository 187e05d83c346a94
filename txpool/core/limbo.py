"""Blob transactions that a block holds, kept while a reorg may give them back: a block does not hold their blobs."""

from typing import Final

from txpool.core.blob_entry import BlobEntry
from txpool.core.store import Store

REORG_DEPTH_MAX: Final = 64  # between heads further apart geth puts nothing back


class Limbo:
    """Included transactions by hash, oldest first; their payloads stay in the store.

    Bounded by `REORG_DEPTH_MAX` blocks of as many blobs as fit into one, and emptied first when the store is full.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: dict[bytes, BlobEntry] = {}
        self._blocks: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, entry: BlobEntry, block: int) -> None:
        """Keep one that this block includes."""
        self._entries[entry.hash] = entry
        self._blocks[entry.hash] = block

    def pull(self, tx_hash: bytes) -> BlobEntry | None:
        """Give one back, payload and all; None where it is not here."""
        self._blocks.pop(tx_hash, None)
        return self._entries.pop(tx_hash, None)

    def forget_below(self, block: int) -> None:
        """Free what blocks under this number include."""
        for tx_hash in [tx_hash for tx_hash, included in self._blocks.items() if included < block]:
            self._free(tx_hash)

    def forget_oldest(self) -> bool:
        """Free the one that has been here longest; False where there is none."""
        tx_hash = next(iter(self._entries), None)
        if tx_hash is not None:
            self._free(tx_hash)
        return tx_hash is not None

    def check(self) -> None:
        """Assert that each one's payload is there."""
        assert self._entries.keys() == self._blocks.keys()
        assert all(self._store.holds(entry.handle) for entry in self._entries.values())

    def _free(self, tx_hash: bytes) -> None:
        del self._blocks[tx_hash]
        self._store.free(self._entries.pop(tx_hash).handle)
