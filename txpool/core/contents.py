"""What the pool holds, for whoever looks at it; nothing here changes any of it."""

from collections.abc import Iterator

import msgspec

from txpool.core.best import Best
from txpool.core.blob_entry import BlobEntry
from txpool.core.blob_pool import BlobPool
from txpool.core.record import Resident
from txpool.core.residents import Counts, Residents
from txpool.core.sender import Sender
from txpool.core.shards import SHARDS
from txpool.core.store import Store
from txpool.core.tallies import Tallies


class Pooled(msgspec.Struct, frozen=True, gc=False):
    """A transaction in the pool, copied out."""

    hash: bytes
    sender: bytes
    nonce: int
    arrival: int
    pending: bool
    payload: bytes


class Contents:
    """Both pools, plain transactions and those with blobs, as they stand."""

    def __init__(self, residents: Residents, blobs: BlobPool, store: Store) -> None:
        self.store = store
        self._residents = residents
        self._blobs = blobs

    @property
    def tallies(self) -> Tallies:
        """What has happened so far, in numbers."""
        return self._residents.tallies

    def counts(self) -> Counts:
        """How much is in the pool, O(1)."""
        return self._blobs.content.counted(self._residents.counts())

    def held(self) -> int:
        """How many transactions the store holds for the pool; O(1), to see that it has lost none."""
        return len(self._residents.index) + self._blobs.content.held()

    # By hash.

    def knows(self, tx_hash: bytes) -> bool:
        """Whether the pool holds this transaction."""
        return tx_hash in self._residents.index or self._blobs.knows(tx_hash)

    def pooled(self, tx_hash: bytes) -> Pooled | None:
        """A transaction by its hash; a blob transaction comes in network form, and not while it waits for a nonce."""
        handle = self._residents.index.get(tx_hash)
        if handle:
            return self._copy_out(handle)
        blob = self._blobs.content.index.get(tx_hash)
        if blob is None:
            return None
        payload = self.store.payload(blob.handle)
        return Pooled(blob.hash, blob.sender, blob.nonce, blob.arrival, pending=True, payload=payload)

    def resident(self, tx_hash: bytes) -> Resident | None:
        """The record of a plain transaction by its hash."""
        handle = self._residents.index.get(tx_hash)
        return self._residents.read(handle) if handle else None

    def blob(self, tx_hash: bytes) -> BlobEntry | None:
        """A blob transaction by its hash, pooled or waiting for a nonce."""
        return self._blobs.content.index.get(tx_hash) or self._blobs.content.waiting.get(tx_hash)

    def read(self, handle: int) -> Resident:
        """The record behind the handle of a pooled transaction."""
        return self._residents.read(handle)

    # By account.

    def tracks(self, address: bytes) -> bool:
        """Whether the pool keeps this account's state, and so must be told when it changes."""
        return address in self._residents.senders or address in self._blobs.content.senders

    def next_nonce(self, address: bytes) -> int | None:
        """The first nonce of an account that no pending transaction has; None where the pool holds none of it."""
        sender = self._residents.senders.get(address)
        return sender.next_nonce if sender else self._blobs.next_nonce(address)

    def next_blob_nonce(self, address: bytes) -> int:
        """The nonce that an account's next blob transaction must have; the account has one here."""
        sender = self._blobs.content.senders[address]
        return sender.nonce + sender.count

    def hashes_of(self, address: bytes) -> list[bytes]:
        """All that the pool holds of a sender, blobs too, the highest nonce first."""
        residents = self._residents
        sender = residents.senders.get(address)
        handles = [handle for _, handle in sender.pending.items() + sender.queued.items()] if sender else []
        plain = [(tx.nonce, tx.hash) for tx in map(residents.read, handles)]
        return [tx_hash for _, tx_hash in sorted([*plain, *self._blobs.held_of(address)], reverse=True)]

    # These leave blob transactions out, as geth's content does.

    def sender(self, address: bytes) -> Sender | None:
        """What the pool keeps of a sender; not to be changed."""
        return self._residents.senders.get(address)

    def pending_senders_in_steps(self) -> Iterator[list[bytes]]:
        """Who has something executable, some at a time; the pool may change between."""
        senders = self._residents.senders
        for number in range(SHARDS):
            yield [address for address, sender in senders.items(number) if sender.pending]

    def queued_senders(self) -> list[bytes]:
        """Who has something that waits."""
        return list(self._residents.queue_ages)

    def pending_of(self, address: bytes) -> list[Pooled]:
        """A sender's executable transactions, in nonce order."""
        sender = self._residents.senders.get(address)
        return [self._copy_out(handle) for _, handle in sender.pending.items()] if sender else []

    def queued_of(self, address: bytes) -> list[Pooled]:
        """A sender's waiting transactions, in nonce order."""
        sender = self._residents.senders.get(address)
        return [self._copy_out(handle) for _, handle in sender.queued.items()] if sender else []

    # For block builders, and to be sure.

    def best(self, base_fee: int | None, blob_base_fee: int | None = None) -> Best:
        """The executable ones in a block builder's order; blob transactions only where a fee for them is given."""
        blobs = None if blob_base_fee is None else self._blobs.content
        return Best(self._residents, base_fee, blobs, blob_base_fee or 0)

    def check(self) -> None:
        """Assert every invariant of the content. O(n log n)."""
        self._residents.check()
        self._blobs.content.check()
        assert self.held() == self.store.stats().slots_used, "the store holds what nobody knows"
        assert not any(self._blobs.reserves(address) for address in self._residents.senders), "in both pools"

    def _copy_out(self, handle: int) -> Pooled:
        tx = self._residents.read(handle)
        is_pending = self._residents.is_pending(tx)
        return Pooled(tx.hash, tx.sender, tx.nonce, tx.arrival, is_pending, self.store.payload(handle))
