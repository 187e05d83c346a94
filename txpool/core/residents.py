"""Everything that is in the pool, and the few moves that keep its indexes in agreement.

Rules live elsewhere (`pool`, `limits`, `head_update`); this file only sees to it that a transaction is in exactly one
place, that every counter is right, and that each move leaves its event.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from txpool.core.candidate import Candidate
from txpool.core.events import NO_HASH, EventRing
from txpool.core.head import Account
from txpool.core.late_eviction import price_order
from txpool.core.lifecycle import Kind
from txpool.core.nonce_map import NOTHING, LoneEntry, NonceMap
from txpool.core.record import Resident, pack_record, read_record, slots_of
from txpool.core.rejection import Reason
from txpool.core.sender import Sender
from txpool.core.settings import PoolSettings
from txpool.core.shards import Shards
from txpool.core.store import Store
from txpool.core.tallies import Tallies

_ADDRESS_BYTES: Final = 20


class Counts(msgspec.Struct, frozen=True):
    """How much is in the pool. Transactions and senders are counted with blobs and all, bytes without these.

    Bytes are those of the transactions' binary forms. The last four are what blob transactions have; `blob_stored` is
    what `blob_data_cap` caps.
    """

    pending: int
    queued: int
    pending_bytes: int
    queued_bytes: int
    senders: int
    slots: int
    blob_pending: int = 0
    blob_queued: int = 0
    blob_bytes: int = 0
    blob_stored: int = 0


class Residents:
    """The transactions in the pool: by hash, by sender and nonce, by price.

    Invariants, walked by `check`:

    1. The hash index, the senders' maps and the price order hold the same handles, each once.
    2. A sender is here while it has a transaction, and `queue_ages` names exactly those with a queue.
    3. What each sender has `spent`, the counts, bytes and slots equal what the records add up to.
    4. `crowded` holds exactly the senders with more than `account_slots` pending ones, `overlong` those with more than
       `account_queue` queued ones: demotion may leave such, until the sender's next promotion.
    5. A sender's pending nonces run from the account's without a hole, and the pool's nonce is the next one; `holed`
       has those senders of whom a reorg has left less, with how many nonces were missing.
    6. `authorities` counts, for each address, the pooled set-code transactions that carry its authorization.
    """

    def __init__(self, store: Store, events: EventRing, base_fee: int | None, settings: PoolSettings) -> None:
        self.store = store
        self.events = events
        self.tallies = Tallies()
        self.index: Shards[int] = Shards()
        self.senders: Shards[Sender] = Shards()
        self.authorities: dict[bytes, int] = {}
        self._authorities_of: dict[bytes, bytes] = {}
        self.queue_ages: dict[bytes, int] = {}
        self.crowded: dict[bytes, int] = {}
        self.overlong: dict[bytes, int] = {}
        self.holed: dict[bytes, int] = {}
        self.pending_count = self.queued_count = 0
        self.pending_bytes = self.queued_bytes = 0
        self.slots = 0
        self.gas_max = 0
        self.displaced_before = 0  # pending ones that had made way for others when the head came
        self.now = 0
        self.head_number = 0
        self.mined: Mapping[bytes, int] = {}
        self.released: dict[bytes, Sender] = {}
        self._account_slots = settings.account_slots
        self._account_queue = settings.account_queue
        room = settings.global_slots + settings.global_queue
        self.prices = price_order(store, self.index, room, base_fee)

    def begin(self, now: int, head_number: int, mined: Mapping[bytes, int] = MappingProxyType({})) -> int:
        """Start an operation: its time, the head, and which hashes new blocks hold. Time never goes back.

        Returns:
            The number of the operation's first event.
        """
        self.now = max(now, self.now)
        self.head_number = head_number
        self.mined = mined
        self.released = {}
        return self.events.next_seq

    def read(self, handle: int) -> Resident:
        """The record behind a handle of a pooled transaction."""
        return read_record(self.store, handle)

    def is_pending(self, tx: Resident) -> bool:
        """Whether one that is here can run."""
        return self.senders[tx.sender].pending.get(tx.nonce) == tx.handle

    def say(
        self, kind: Kind, reason: Reason | None, key: tuple[bytes, bytes, int], counterpart: bytes = NO_HASH
    ) -> None:
        """Leave an event at the time and head of the operation that is under way."""
        self.events.append(kind, reason, key, now=self.now, head=self.head_number, counterpart=counterpart)

    def account_of(self, address: bytes) -> Account | None:
        """The account of a sender that is here, or was when the operation began."""
        known = self.senders.get(address) or self.released.get(address)
        return Account(known.nonce, known.balance, known.has_code) if known else None

    def take_in(self, candidate: Candidate, sender: bytes, cost: int) -> Resident | None:
        """Store a newcomer that nothing points at yet. None when the store is full."""
        tx = candidate.tx
        handle = self.store.put(pack_record(candidate, sender, cost), tx.raw)
        if handle is None:
            return None
        return Resident(
            handle,
            tx.hash,
            sender,
            tx.nonce,
            tx.gas,
            tx.tip_cap,
            tx.fee_cap,
            cost,
            candidate.arrival,
            tx.size,
            candidate.origin,
            tx.type,
        )

    def enlist(self, tx: Resident, authorities: Sequence[bytes]) -> None:
        """Note a newcomer's hash, price and authorities; whom it replaces has left before, as in geth."""
        self.index.insert(tx.hash, tx.handle)
        self.slots += slots_of(tx.size)
        self.gas_max = max(self.gas_max, tx.gas)
        if authorities:
            self._authorities_of[tx.hash] = b"".join(authorities)
            for authority in authorities:
                self.authorities[authority] = self.authorities.get(authority, 0) + 1
        self.prices.add(tx.handle, tx.hash, self.slots)

    def forget(self, tx: Resident) -> None:
        """Take a transaction that has no place by nonce any more out of everything else but the price order."""
        self.index.remove(tx.hash)
        self.store.free(tx.handle)
        self.slots -= slots_of(tx.size)
        joined = self._authorities_of.pop(tx.hash, b"") if self._authorities_of else b""
        for start in range(0, len(joined), _ADDRESS_BYTES):
            authority = joined[start : start + _ADDRESS_BYTES]
            if self.authorities[authority] == 1:
                del self.authorities[authority]
            else:
                self.authorities[authority] -= 1

    def leave_passed(self, tx: Resident, removed: dict[Reason, int]) -> None:
        """Let one go whose nonce the chain has passed: it is in a block, or another one of that nonce is."""
        self.forget(tx)
        if tx.hash in self.mined:
            self.tallies.included += 1
            self.events.append(Kind.INCLUDED, None, tx.key, now=self.now, head=self.mined[tx.hash])
        else:
            removed[Reason.NONCE_PASSED] += 1
            self.say(Kind.EVICTED, Reason.NONCE_PASSED, tx.key)

    def evict_pending(self, tx: Resident, reason: Reason, counterpart: bytes = NO_HASH) -> None:
        """Let one go that was pending and has been taken from its sender's map."""
        self.forget(tx)
        self.tallies.removed_pending[reason] += 1
        self.say(Kind.REPLACED if reason is Reason.REPLACED else Kind.EVICTED, reason, tx.key, counterpart)

    def evict_queued(self, tx: Resident, reason: Reason, counterpart: bytes = NO_HASH) -> None:
        """Let one go that was queued and has been taken from its sender's map."""
        self.forget(tx)
        self.tallies.removed_queued[reason] += 1
        self.say(Kind.REPLACED if reason is Reason.REPLACED else Kind.EVICTED, reason, tx.key, counterpart)

    def add_pending(self, sender: Sender, tx: Resident) -> None:
        """Give a transaction its place among the pending ones of its sender; the nonce must be free."""
        if sender.pending:
            spent = self.spent(sender) + tx.cost
            sender.pending = grown = sender.pending.roomy()
            grown.put(tx.nonce, tx.handle)
            grown.spent = spent
        else:
            sender.pending = LoneEntry(tx.nonce, tx.handle)
        sender.raise_cost_bits(tx.cost)
        self.pending_count += 1
        self.pending_bytes += tx.size
        self._note_crowding(tx.sender, sender)

    def taken_from_pending(self, sender: Sender, txs: list[Resident]) -> None:
        """Book that these have been taken out of the sender's pending map; `txs` must not be empty."""
        if isinstance(sender.pending, NonceMap):
            sender.pending.spent -= sum([tx.cost for tx in txs])
        self.pending_count -= len(txs)
        self.pending_bytes -= sum(tx.size for tx in txs)
        if not sender.pending:
            sender.pending = NOTHING
        self._note_crowding(txs[0].sender, sender)

    def spent(self, sender: Sender) -> int:
        """What all pending ones of a sender cost together, wei."""
        pending = sender.pending
        if isinstance(pending, NonceMap):
            return pending.spent
        return self.read(pending.handle).cost if pending else 0

    def add_queued(self, sender: Sender, tx: Resident) -> None:
        """Give a transaction its place among the queued ones of its sender; the nonce must be free."""
        if sender.queued:
            sender.queued = sender.queued.roomy()
            sender.queued.put(tx.nonce, tx.handle)
        else:
            sender.queued = LoneEntry(tx.nonce, tx.handle)
            self.queue_ages[tx.sender] = self.now
        sender.raise_cost_bits(tx.cost)
        self.queued_count += 1
        self.queued_bytes += tx.size
        if len(sender.queued) > self._account_queue:
            self.overlong[tx.sender] = len(sender.queued)

    def taken_from_queued(self, sender: Sender, txs: list[Resident]) -> None:
        """Book that these have been taken out of the sender's queued map; `txs` must not be empty."""
        self.queued_count -= len(txs)
        self.queued_bytes -= sum(tx.size for tx in txs)
        if not sender.queued:
            sender.queued = NOTHING
            del self.queue_ages[txs[0].sender]
        if self.overlong:
            self._note_length(txs[0].sender, len(sender.queued))

    def replaced_queued(self, sender: Sender, old: Resident, new: Resident) -> None:
        """Book that one queued transaction has taken the place of another."""
        sender.raise_cost_bits(new.cost)
        self.queued_bytes += new.size - old.size

    def renew_age(self, address: bytes) -> None:
        """A promotion or a replacement among the pending ones makes the sender's queue young again, if it has one."""
        if address in self.queue_ages:
            del self.queue_ages[address]
            self.queue_ages[address] = self.now

    def release_if_empty(self, address: bytes, sender: Sender) -> None:
        """Forget a sender that has nothing here any more; its account is still at hand until the operation ends."""
        if not sender.pending and not sender.queued and address in self.senders:
            self.released[address] = self.senders.remove(address)
            self.holed.pop(address, None)

    def counts(self) -> Counts:
        """How much is in the pool, O(1)."""
        return Counts(
            self.pending_count,
            self.queued_count,
            self.pending_bytes,
            self.queued_bytes,
            len(self.senders),
            self.slots,
        )

    def surely_payable(self, sender: Sender, gas_limit: int) -> bool:
        """Whether nothing of the sender needs a look: its balance pays for each, and a block has room for each."""
        return self.gas_max <= gas_limit and sender.pays_for_each()

    def _note_crowding(self, address: bytes, sender: Sender) -> None:
        count = len(sender.pending)
        if count > self._account_slots:
            self.crowded[address] = count
        elif self.crowded:
            self.crowded.pop(address, None)

    def _note_length(self, address: bytes, count: int) -> None:
        if count > self._account_queue:
            self.overlong[address] = count
        else:
            self.overlong.pop(address, None)

    def check(self) -> None:
        """Assert every invariant; the store may hold more than is here. O(n log n)."""
        by_nonce: list[int] = []
        pending = queued = pending_bytes = queued_bytes = slots = 0
        crowded: dict[bytes, int] = {}
        overlong: dict[bytes, int] = {}
        waiting: set[bytes] = set()
        for address in self.senders:
            sender = self.senders[address]
            executable = [self.read(handle) for _, handle in sender.pending.items()]
            waits = [self.read(handle) for _, handle in sender.queued.items()]
            assert executable or waits, address.hex()
            assert [tx.nonce for tx in executable] == [nonce for nonce, _ in sender.pending.items()]
            assert [tx.nonce for tx in waits] == [nonce for nonce, _ in sender.queued.items()]
            assert {tx.sender for tx in executable + waits} == {address}
            assert self.spent(sender) == sum(tx.cost for tx in executable), address.hex()
            assert not {tx.nonce for tx in executable} & {tx.nonce for tx in waits}
            assert sender.cost_bits >= max(tx.cost.bit_length() for tx in executable + waits)
            assert self.gas_max >= max(tx.gas for tx in executable + waits)
            if address not in self.holed:
                assert [tx.nonce for tx in executable] == list(range(sender.nonce, sender.next_nonce)), address.hex()
            by_nonce += [tx.handle for tx in executable + waits]
            pending += len(executable)
            queued += len(waits)
            pending_bytes += sum(tx.size for tx in executable)
            queued_bytes += sum(tx.size for tx in waits)
            slots += sum(slots_of(tx.size) for tx in executable + waits)
            if len(executable) > self._account_slots:
                crowded[address] = len(executable)
            if len(waits) > self._account_queue:
                overlong[address] = len(waits)
            if waits:
                waiting.add(address)
        assert sorted(by_nonce) == sorted(self.index.values())
        assert all(self.index[self.read(handle).hash] == handle for handle in by_nonce)
        assert not NOTHING
        assert len(self.index) == len(by_nonce) <= self.store.stats().slots_used
        assert (pending, queued, pending_bytes, queued_bytes, slots) == (
            self.pending_count,
            self.queued_count,
            self.pending_bytes,
            self.queued_bytes,
            self.slots,
        )
        assert crowded == self.crowded
        assert overlong == self.overlong
        assert waiting == set(self.queue_ages)
        assert list(self.queue_ages.values()) == sorted(self.queue_ages.values())
        self._check_authorities()
        self.prices.check()
        self.store.check()

    def _check_authorities(self) -> None:
        counts: dict[bytes, int] = {}
        for tx_hash, joined in self._authorities_of.items():
            assert tx_hash in self.index
            for start in range(0, len(joined), _ADDRESS_BYTES):
                authority = joined[start : start + _ADDRESS_BYTES]
                counts[authority] = counts.get(authority, 0) + 1
        assert counts == self.authorities
