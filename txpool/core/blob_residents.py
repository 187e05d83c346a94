"""Everything that is in the blob pool, and the few moves that keep its indexes in agreement.

Rules live in `blob_pool`; this file sees to it that counters are right and that each move leaves its event.
"""

from collections.abc import Iterator
from typing import Final

from txpool.core.blob_entry import BlobEntry
from txpool.core.blob_order import BlobOrder
from txpool.core.blob_sender import HASH_BYTES, BlobSender, split_hashes
from txpool.core.events import NO_HASH
from txpool.core.head import Account, Head
from txpool.core.lifecycle import Kind
from txpool.core.limbo import Limbo
from txpool.core.rejection import Reason
from txpool.core.residents import Counts, Residents
from txpool.core.shards import Shards

WAITING_MAX: Final = 128  # of all accounts together


class BlobResidents:
    """Blob transactions by hash and by account.

    Invariants, walked by `check`:

    1. An account's pooled nonces run from its own without a hole, `spent` is their cost; it is in the order of
       eviction while it has one.
    2. A transaction is pooled, or waits for a nonce, or is in limbo: never two of them.
    3. An account is here while it has one pooled or waiting; no more than `WAITING_MAX` wait.
    4. Counts and bytes equal what the entries add up to.
    """

    def __init__(self, residents: Residents, head: Head) -> None:
        self.shared = residents
        self.store = residents.store
        self.senders: Shards[BlobSender] = Shards()
        self.released: dict[bytes, BlobSender] = {}
        self.index: Shards[BlobEntry] = Shards()
        self.waiting: dict[bytes, BlobEntry] = {}
        self.waiting_count = 0  # one that was sent twice counts twice, as in geth
        self.stored = 0
        self.bytes = 0
        self.limbo = Limbo(self.store)
        self.order = BlobOrder(self._last_of, head.next_base_fee or 0, head.blob_base_fee)

    def account_of(self, address: bytes) -> Account | None:
        """The account of a sender that is here, or was when the operation began."""
        known = self.senders.get(address) or self.released.get(address)
        return Account(known.nonce, known.balance, known.has_code) if known else None

    def counted(self, others: Counts) -> Counts:
        """What the other pool counts, and this one's beside it."""
        pooled = len(self.index)
        return Counts(
            pending=others.pending + pooled,
            queued=others.queued + self.waiting_count,
            pending_bytes=others.pending_bytes,
            queued_bytes=others.queued_bytes,
            senders=others.senders + len(self.senders),
            slots=others.slots,
            blob_pending=pooled,
            blob_queued=self.waiting_count,
            blob_bytes=self.bytes,
            blob_stored=self.stored,
        )

    def held(self) -> int:
        """How many the store holds: pooled, waiting, and kept for a reorg."""
        return len(self.index) + len(self.waiting) + len(self.limbo)

    def of(self, sender: BlobSender) -> list[BlobEntry]:
        """An account's pooled transactions, in nonce order."""
        return [self.index[tx_hash] for tx_hash in split_hashes(sender.pooled)]

    def entries(self) -> Iterator[BlobEntry]:
        """All that are pooled."""
        return self.index.values()

    def hold(self, address: bytes, sender: BlobSender) -> None:
        """Keep an account that has something here now."""
        if address not in self.senders:
            self.senders.insert(address, sender)

    def append(self, sender: BlobSender, entry: BlobEntry) -> None:
        """Give one its place behind all that the account has."""
        sender.pooled += entry.hash
        self._count_in(sender, entry)

    def replace(self, sender: BlobSender, place: int, old: BlobEntry, new: BlobEntry) -> None:
        """Put one in the place of another."""
        start = place * HASH_BYTES
        sender.pooled = sender.pooled[:start] + new.hash + sender.pooled[start + HASH_BYTES :]
        self._count_out(sender, old)
        self.store.free(old.handle)
        self.shared.tallies.removed_blob[Reason.REPLACED] += 1
        self.shared.say(Kind.REPLACED, Reason.REPLACED, old.key, new.hash)
        self._count_in(sender, new)

    def take(self, sender: BlobSender, entry: BlobEntry) -> None:
        """Take one out of its account and the counts; its payload stays."""
        at = split_hashes(sender.pooled).index(entry.hash) * HASH_BYTES
        sender.pooled = sender.pooled[:at] + sender.pooled[at + HASH_BYTES :]
        self._count_out(sender, entry)

    def evict(self, sender: BlobSender, entry: BlobEntry, reason: Reason, counterpart: bytes = NO_HASH) -> None:
        """Let a pooled one go for good."""
        self.take(sender, entry)
        self.let_go(entry, reason, counterpart)

    def let_go(self, entry: BlobEntry, reason: Reason, counterpart: bytes = NO_HASH) -> None:
        """Free one that has been taken out, and say why."""
        self.store.free(entry.handle)
        self.shared.tallies.removed_blob[reason] += 1
        self.shared.say(Kind.EVICTED, reason, entry.key, counterpart)

    def pass_on(self, sender: BlobSender, entry: BlobEntry) -> None:
        """Let one go whose nonce the chain has passed: into limbo if a block holds it."""
        block = self.shared.mined.get(entry.hash)
        if block is None:
            self.evict(sender, entry, Reason.NONCE_PASSED)
            return
        self.take(sender, entry)
        self.limbo.push(entry, block)
        shared = self.shared
        shared.tallies.included += 1
        shared.events.append(Kind.INCLUDED, None, entry.key, now=shared.now, head=block)

    def wait(self, sender: BlobSender, entry: BlobEntry) -> None:
        """Have one wait for the nonces under its own."""
        sender.waiting += entry.hash
        self.waiting_count += 1
        if entry.hash not in self.waiting:
            self.waiting[entry.hash] = entry
            self.bytes += entry.size
            self.shared.say(Kind.QUEUED, None, entry.key)

    def wait_no_more(self, sender: BlobSender, place: int) -> BlobEntry | None:
        """Take one out of those that wait; None for one that was sent again and has been dealt with."""
        start = place * HASH_BYTES
        tx_hash = sender.waiting[start : start + HASH_BYTES]
        sender.waiting = sender.waiting[:start] + sender.waiting[start + HASH_BYTES :]
        self.waiting_count -= 1
        entry = self.waiting.pop(tx_hash, None)
        if entry:
            self.bytes -= entry.size
        return entry

    def settle(self, address: bytes, sender: BlobSender) -> None:
        """Bring the order of eviction in line with an account, and forget one that has nothing left."""
        if sender.pooled:
            if address in self.order:
                self.order.fix(address)
            else:
                self.order.push(address)
        elif address in self.order:
            self.order.remove(address)
        self.release_if_empty(address, sender)

    def release_if_empty(self, address: bytes, sender: BlobSender) -> None:
        """Forget an account that has nothing here any more; its state is at hand until the operation ends."""
        if not sender.pooled and not sender.waiting and address in self.senders:
            self.released[address] = self.senders.remove(address)

    def check(self) -> None:
        """Assert every invariant. O(n log n)."""
        pooled = waiting = 0
        for address in self.senders:
            sender = self.senders[address]
            entries = self.of(sender)
            assert entries or sender.waiting, address.hex()
            assert [entry.nonce for entry in entries] == [sender.nonce + place for place in range(len(entries))]
            assert sender.spent == sum(entry.cost for entry in entries)
            assert bool(entries) == (address in self.order)
            self._check_minima(entries)
            pooled += len(entries)
            waiting += sender.waiting_count
        everyone = [*self.entries(), *self.waiting.values()]
        assert pooled == len(self.index)
        assert waiting == self.waiting_count >= len(self.waiting)
        assert len(self.waiting) <= WAITING_MAX
        assert self.stored == sum(entry.stored for entry in self.entries())
        assert self.bytes == sum(entry.size for entry in everyone)
        assert not any(entry.hash in self.index for entry in self.waiting.values())
        assert all(self.store.holds(entry.handle) for entry in everyone)
        self.order.check()
        self.limbo.check()

    @staticmethod
    def _check_minima(entries: list[BlobEntry]) -> None:
        for count, entry in enumerate(entries, start=1):
            assert entry.worst_tip == min(each.tip_cap for each in entries[:count])
            assert entry.worst_base_fee_jumps == min(each.base_fee_jumps for each in entries[:count])
            assert entry.worst_blob_fee_jumps == min(each.blob_fee_jumps for each in entries[:count])

    def _last_of(self, address: bytes) -> BlobEntry:
        return self.index[self.senders[address].pooled[-HASH_BYTES:]]

    def _count_in(self, sender: BlobSender, entry: BlobEntry) -> None:
        self.index.insert(entry.hash, entry)
        sender.spent += entry.cost
        self.stored += entry.stored
        self.bytes += entry.size

    def _count_out(self, sender: BlobSender, entry: BlobEntry) -> None:
        self.index.remove(entry.hash)
        sender.spent -= entry.cost
        self.stored -= entry.stored
        self.bytes -= entry.size
