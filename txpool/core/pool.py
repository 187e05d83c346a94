"""All that a block could be built from, and all that may yet become so.

Touches no socket, file, clock or global: time, head and account states are arguments, so the same inputs give the same
verdicts and events. Rules, order of checks and words are go-ethereum's (legacy pool).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile

import msgspec

from txpool.core.best import Best
from txpool.core.blob_entry import BlobEntry
from txpool.core.blob_pool import BlobPool
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.eviction import slots_of
from txpool.core.hardening import hardened_fault, last_ones, quota_fault, slots_given_up, worth_of
from txpool.core.head import Account, Head, HeadChange
from txpool.core.head_update import apply_head_change, drop_all, drop_where
from txpool.core.lifecycle import Kind
from txpool.core.limbo import REORG_DEPTH_MAX
from txpool.core.limits import truncate
from txpool.core.placement import drop, enqueue, outbids, promote, promote_one
from txpool.core.record import Resident
from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Counts, Residents
from txpool.core.restraint import (
    UNRESTRAINED,
    Restraint,
    blob_restraint_fault,
    gapped,
    in_force,
    restraint_fault,
    room_of,
)
from txpool.core.sender import Sender, sender_at
from txpool.core.settings import PoolSettings
from txpool.core.shards import SHARDS
from txpool.core.stateful import authority_fault, stateful_fault
from txpool.core.stateless import stateless_fault
from txpool.core.steps import Steps, finish, portions
from txpool.core.store import Store
from txpool.core.tallies import Tallies
from txpool.core.tx import BLOB, Tx
from txpool.core.verdict import Accepted, Verdict

__all__ = ["Accepted", "Pool", "Pooled", "Verdict"]

_NOBODY = bytes(20)


class Pooled(msgspec.Struct, frozen=True, gc=False):
    """A transaction in the pool, copied out."""

    hash: bytes
    sender: bytes
    nonce: int
    arrival: int
    pending: bool
    payload: bytes


class Pool:
    """The transaction pool.

    Args:
        settings: limits, sanitized as geth does.
        head: the chain's tip at the start.
        store: where transactions lie; empty.
        events: where what happens is written.
    """

    def __init__(self, settings: PoolSettings, head: Head, store: Store, events: EventRing) -> None:
        self.settings = self._given = settings.sanitized()
        self.restraint = UNRESTRAINED
        self.head = head
        self.events = events
        self.store = store
        self._residents = Residents(store, events, head.next_base_fee, self.settings)
        self._blobs = BlobPool(self._residents, head)
        self._room = room_of(self._given, self.restraint)
        self._disturbed = 0  # pending ones pushed out since limits were last applied
        self._advancing = False

    @property
    def tallies(self) -> Tallies:
        """What has happened so far, in numbers."""
        return self._residents.tallies

    # What changes the pool.

    def submit(
        self, batch: Sequence[Candidate], accounts: Mapping[bytes, Account], *, now: int
    ) -> tuple[list[Verdict], range]:
        """Judge what arrived together; the outcome is that of one by one.

        Args:
            batch: decoded transactions in order of arrival.
            accounts: the senders' accounts at the head; those that `tracks` knows may be left out.
            now: nanoseconds since the epoch.

        Returns:
            One verdict each, in order, and the numbers of the events that followed.
        """
        first = self._begin(now)
        verdicts = [self._judge(candidate, accounts) for candidate in batch]
        return verdicts, range(first, self.events.next_seq)

    def advance(self, change: HeadChange, *, now: int) -> range:
        """Follow the chain by one step; the numbers of the events that followed."""
        return finish(self.advance_in_steps(change, now=now))

    def advance_in_steps(self, change: HeadChange, *, now: int) -> Steps[range]:
        """The same in steps. Until the last one is taken nobody may change the pool, and what it shows is half done."""
        first = self._begin(now, change)
        old_head, self.head = self.head, change.head
        too_far = abs(change.head.number - old_head.number) > REORG_DEPTH_MAX
        reverted: list[Candidate] = []
        reverted_blobs: list[Candidate] = []

        def reinject(candidate: Candidate) -> None:
            self._reinject(candidate, change.accounts)

        self._advancing = True
        self._room = room_of(self._given, UNRESTRAINED)  # for what comes back is not new
        try:
            for given_back in portions(() if too_far else change.reverted):
                for candidate in given_back:
                    (reverted_blobs if candidate.tx.type == BLOB else reverted).append(candidate)
                yield
            plain = msgspec.structs.replace(change, reverted=reverted)
            yield from apply_head_change(self._residents, self.settings, old_head, plain, reinject)
            self._disturbed = 0
            yield from self._blobs.advance(change, reverted_blobs)
        finally:
            self._advancing = False
            self._room = room_of(self._given, self.restraint)
        return range(first, self.events.next_seq)

    def get_ready(self) -> Steps[None]:
        """Do now, in steps, what the next submission would have to do first because of a new head; nothing else."""
        yield from self._residents.prices.settle_in_steps()

    def expire(self, *, now: int, most: int | None = None) -> range:
        """Drop the queues that nothing has happened to for longer than the lifetime; of so many senders at most."""
        residents = self._residents
        first = self._begin(now)
        oldest = residents.now - self.settings.lifetime * 1_000_000_000
        ages = residents.queue_ages  # the oldest first
        for address in [address for address, _ in islice(takewhile(lambda each: each[1] < oldest, ages.items()), most)]:
            sender = residents.senders[address]
            expired = [residents.read(handle) for _, handle in sender.queued.take_all()]
            residents.taken_from_queued(sender, expired)
            for tx in expired:
                residents.evict_queued(tx, Reason.LIFETIME)
            residents.prices.removed(len(expired))
            residents.release_if_empty(address, sender)
        return range(first, self.events.next_seq)

    def set_price_floor(self, tip: int, *, now: int) -> range:
        """Set the least tip, wei a gas; raising it drops what pays less and queues what stood behind that."""
        first = self._begin(now)
        raised = tip > self._given.price_limit
        self._given = msgspec.structs.replace(self._given, price_limit=tip)
        self.settings = in_force(self._given, self.restraint)
        if raised:
            drop_where(self._residents, lambda tx: tx.tip_cap < tip, Reason.PRICE_FLOOR_RAISED)
            self._blobs.raise_price_floor(tip)
        return range(first, self.events.next_seq)

    def restrain(self, restraint: Restraint, *, now: int) -> None:
        """Refuse what this refuses beyond the settings, until told otherwise; nothing leaves."""
        self._begin(now)
        self.restraint = restraint if restraint != UNRESTRAINED else UNRESTRAINED
        self.settings = in_force(self._given, restraint)
        self._room = room_of(self._given, restraint)
        self._residents.prices.set_room(self._room)

    def rank_some(self) -> bool:
        """Do a piece of what a smaller room would need at once: rank prices. True when no more is to be done."""
        return self._residents.prices.rank_some()

    def _begin(self, now: int, change: HeadChange | None = None) -> int:
        assert not self._advancing, "a head change is under way"
        self._blobs.content.released = {}
        if change is None:
            first = self._residents.begin(now, self.head.number)
            self._residents.prices.settle()
            return first
        return self._residents.begin(now, change.head.number, change.included)

    def remove(self, hashes: Sequence[bytes], *, now: int) -> range:
        """Take these out, as far as they are here, because an operator says so; their successors wait in the queue."""
        first = self._begin(now)
        drop_all(self._residents, hashes, Reason.REMOVED_BY_OPERATOR)
        for tx_hash in hashes:
            self._blobs.remove(tx_hash)
        return range(first, self.events.next_seq)

    # What looks at it.

    def knows(self, tx_hash: bytes) -> bool:
        """Whether the pool holds this transaction."""
        return tx_hash in self._residents.index or self._blobs.knows(tx_hash)

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

    def counts(self) -> Counts:
        """How much is in the pool, O(1)."""
        return self._blobs.content.counted(self._residents.counts())

    def held(self) -> int:
        """How many transactions the store holds for the pool; O(1), to see that it has lost none."""
        return len(self._residents.index) + self._blobs.content.held()

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

    # The next four leave blob transactions out, as geth's content does.

    def resident(self, tx_hash: bytes) -> Resident | None:
        """The record of a transaction by its hash."""
        handle = self._residents.index.get(tx_hash)
        return self._residents.read(handle) if handle else None

    def read(self, handle: int) -> Resident:
        """The record behind the handle of a pooled transaction."""
        return self._residents.read(handle)

    def sender(self, address: bytes) -> Sender | None:
        """What the pool keeps of a sender; not to be changed."""
        return self._residents.senders.get(address)

    def blob(self, tx_hash: bytes) -> BlobEntry | None:
        """A blob transaction by its hash, pooled or waiting for a nonce."""
        return self._blobs.content.index.get(tx_hash) or self._blobs.content.waiting.get(tx_hash)

    def hashes_of(self, address: bytes) -> list[bytes]:
        """All that the pool holds of a sender, blobs too, the highest nonce first."""
        residents = self._residents
        sender = residents.senders.get(address)
        handles = [handle for _, handle in sender.pending.items() + sender.queued.items()] if sender else []
        plain = [(tx.nonce, tx.hash) for tx in map(residents.read, handles)]
        return [tx_hash for _, tx_hash in sorted([*plain, *self._blobs.held_of(address)], reverse=True)]

    def pending_senders_in_steps(self) -> Iterator[list[bytes]]:
        """Who has something executable, some at a time; the pool may change between."""
        senders = self._residents.senders
        for number in range(SHARDS):
            last = bytes((number,))  # which the keys of a shard do without
            yield [key + last for key, sender in senders.shard(number).items() if sender.pending]

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

    # How a transaction gets in.

    def _judge(self, candidate: Candidate, accounts: Mapping[bytes, Account]) -> Verdict:
        residents, tx = self._residents, candidate.tx
        if tx.type == BLOB:
            return self._judge_blob(candidate, accounts)
        if tx.hash in residents.index:
            residents.tallies.rejected[Reason.ALREADY_KNOWN] += 1
            return Rejected(Reason.ALREADY_KNOWN)
        address = candidate.sender if isinstance(candidate.sender, bytes) else _NOBODY
        key = (tx.hash, address, tx.nonce)
        residents.say(Kind.RECEIVED, None, key)
        fault = stateless_fault(candidate, self.head, self.settings)
        if fault:
            return self._refuse(key, fault)
        sender = self._sender(address, accounts)
        entered = restraint_fault(tx, sender, self.restraint, residents) or self._enter(candidate, address, sender)
        if isinstance(entered, Rejected):
            self._refuse(key, entered)
            self._apply_limits()  # it may have pushed out others before it was refused
            return entered
        replaced = self._place(sender, entered, candidate.authorities)
        if sender.queued and replaced is None:
            promote(residents, address, sender, self.settings, self.head.gas_limit)
        self._apply_limits()
        residents.tallies.accepted += 1
        return Accepted(tx.hash, replaced)

    def _judge_blob(self, candidate: Candidate, accounts: Mapping[bytes, Account]) -> Verdict:
        """Judge one for the other pool; what is known already is judged again, as in geth, and leaves no event."""
        tx = candidate.tx
        address = candidate.sender if isinstance(candidate.sender, bytes) else _NOBODY
        key = (tx.hash, address, tx.nonce)
        known = self._blobs.knows(tx.hash)
        if not known:
            self._residents.say(Kind.RECEIVED, None, key)
        fault = stateless_fault(candidate, self.head, self.settings) or candidate.proof_fault
        assert fault or candidate.proven, "who passes all other checks has had its proofs looked at"
        verdict = fault or self._add_blob(candidate, address, self._account(address, accounts))
        tallies = self._residents.tallies
        if isinstance(verdict, Accepted):
            tallies.accepted += 1
        elif known:
            tallies.rejected[verdict.reason] += 1
        else:
            self._refuse(key, verdict)
        return verdict

    def _add_blob(self, candidate: Candidate, address: bytes, account: Account) -> Verdict:
        """A restraint holds for newcomers; one that is pooled, or whose nonce has passed, hears that."""
        tx, blobs = candidate.tx, self._blobs
        if tx.nonce >= account.nonce and tx.hash not in blobs.content.index:
            next_nonce = blobs.next_nonce(address) or account.nonce
            if fault := blob_restraint_fault(tx, next_nonce, self.restraint):
                return fault
        return blobs.add(candidate, address, account, self.settings)

    def _account(self, address: bytes, accounts: Mapping[bytes, Account]) -> Account:
        """An account that one of the pools keeps or kept when the operation began, else as it was handed in."""
        known = self._residents.account_of(address) or self._blobs.content.account_of(address)
        return known or accounts[address]

    def _sender(self, address: bytes, accounts: Mapping[bytes, Account]) -> Sender:
        return self._residents.senders.get(address) or sender_at(self._account(address, accounts))

    def _apply_limits(self) -> None:
        self._residents.prices.removed(0)
        truncate(self._residents, self.settings)
        self._disturbed = 0

    def _reinject(self, candidate: Candidate, accounts: Mapping[bytes, Account]) -> None:
        """Take back what an abandoned block held; promotion follows when all are back."""
        residents, tx, address = self._residents, candidate.tx, candidate.sender
        assert isinstance(address, bytes), "what was in a block has a sender"
        if tx.hash in residents.index:
            return
        key = (tx.hash, address, tx.nonce)
        residents.say(Kind.REINJECTED, None, key)
        residents.tallies.reinjected += 1
        # What the other pool, or a sender that has just left, keeps of the account is of the old head.
        sender = residents.senders.get(address) or sender_at(accounts[address])
        entered = self._enter(candidate, address, sender)
        if isinstance(entered, Rejected):
            residents.tallies.reinject_refused += 1
            residents.say(Kind.REJECTED, entered.reason, key)
        elif sender.pending.get(tx.nonce):
            self._replace_pending(sender, entered, candidate.authorities)
        else:
            self._enqueue(sender, entered, candidate.authorities)

    def _refuse(self, key: tuple[bytes, bytes, int], fault: Rejected) -> Rejected:
        self._residents.tallies.rejected[fault.reason] += 1
        self._residents.say(Kind.REJECTED, fault.reason, key)
        return fault

    def _enter(self, candidate: Candidate, address: bytes, sender: Sender) -> Resident | Rejected:
        """Apply the checks with state, make room, and store; nothing has changed where this refuses but for room."""
        residents, tx = self._residents, candidate.tx
        cost = tx.cost
        fault = stateful_fault(tx, cost, address, sender, residents)
        if fault is None and candidate.authorities:
            fault = authority_fault(candidate.authorities, residents, self._blobs.reserves)
        if fault is None and self._blobs.reserves(address):
            fault = Rejected(Reason.ADDRESS_RESERVED)
        if fault is None and self.settings.hardened:
            fault = hardened_fault(tx, cost, sender, residents, self.settings)
        if fault is None and residents.slots + slots_of(tx.size) > self._room:
            fault = self._make_room(tx, address, sender)
        if fault is None:
            fault = self._bump_fault(tx, sender)
        if fault:
            residents.release_if_empty(address, sender)
            return fault
        entered = residents.take_in(candidate, address, cost)
        if entered is None:
            residents.release_if_empty(address, sender)
            return Rejected(Reason.POOL_FULL)
        if address not in residents.senders:
            residents.senders.insert(address, sender)
        return entered

    def _bump_fault(self, tx: Tx, sender: Sender) -> Rejected | None:
        """A nonce that is taken needs a higher price."""
        handle = sender.pending.get(tx.nonce) or sender.queued.get(tx.nonce)
        if handle and not outbids(tx.tip_cap, tx.fee_cap, self._residents.read(handle), self.settings.price_bump):
            return Rejected(Reason.REPLACEMENT_UNDERPRICED)
        return None

    def _place(self, sender: Sender, tx: Resident, authorities: Sequence[bytes]) -> bytes | None:
        """Give a newcomer its place; the hash of the one it replaced."""
        if sender.pending.get(tx.nonce):
            return self._replace_pending(sender, tx, authorities)
        if tx.nonce == sender.next_nonce and (not sender.queued or sender.queued.first() > tx.nonce):
            self._residents.enlist(tx, authorities)
            promote_one(self._residents, sender, tx)
            return None
        return self._enqueue(sender, tx, authorities)

    def _replace_pending(self, sender: Sender, tx: Resident, authorities: Sequence[bytes]) -> bytes:
        residents = self._residents
        old = residents.read(sender.pending.pop(tx.nonce))
        residents.taken_from_pending(sender, [old])
        residents.evict_pending(old, Reason.REPLACED, tx.hash)
        residents.prices.removed(1)
        self._residents.enlist(tx, authorities)
        residents.add_pending(sender, tx)
        residents.renew_age(tx.sender)
        residents.say(Kind.PROMOTED, None, tx.key, old.hash)
        return old.hash

    def _enqueue(self, sender: Sender, tx: Resident, authorities: Sequence[bytes]) -> bytes | None:
        residents = self._residents
        handle = sender.queued.get(tx.nonce)
        if not handle:
            self._residents.enlist(tx, authorities)
            enqueue(residents, sender, tx, Kind.QUEUED)
            return None
        old = residents.read(handle)
        sender.queued.put(tx.nonce, tx.handle)
        residents.replaced_queued(sender, old, tx)
        residents.evict_queued(old, Reason.REPLACED, tx.hash)
        residents.prices.removed(1)
        self._residents.enlist(tx, authorities)
        residents.say(Kind.QUEUED, None, tx.key, old.hash)
        return old.hash

    def _make_room(self, tx: Tx, address: bytes, sender: Sender) -> Rejected | None:
        """Push out the cheapest until the newcomer fits, or say why it may not."""
        residents = self._residents
        if self.settings.hardened:
            return self._make_room_hardened(tx, address, sender)
        if residents.prices.underpriced(tx.tip_cap, tx.fee_cap):
            return Rejected(Reason.UNDERPRICED)
        if self._disturbed > self.settings.global_slots // 4:
            return Rejected(Reason.POOL_FULL)
        victims = residents.prices.discard(residents.slots - self._room + slots_of(tx.size))
        if victims is None:
            return Rejected(Reason.POOL_FULL)
        if gapped(sender, tx.nonce) and any(self._is_pending(victim) for victim in victims):
            residents.prices.put_back(victims)
            return Rejected(Reason.FUTURE_REPLACES_PENDING)
        self._push_out(victims, tx, address)
        return None

    def _make_room_hardened(self, tx: Tx, address: bytes, sender: Sender) -> Rejected | None:
        """The same, but a chain is worth its cheapest, and the last of a sender makes way first."""
        residents, prices = self._residents, self._residents.prices
        slots = slots_of(tx.size) - slots_given_up(tx.nonce, sender, residents)
        if residents.slots + slots <= self._room:
            return None
        worth = worth_of(tx, sender, residents)
        if prices.underpriced(tx.tip_cap, tx.fee_cap):
            return Rejected(Reason.UNDERPRICED)
        if prices.underpriced(worth.tip_cap, worth.fee_cap):
            return Rejected(Reason.CHAIN_UNDERPRICED, {"nonce": worth.nonce})
        cheapest = prices.discard(residents.slots - self._room + slots)
        if cheapest is None:
            return Rejected(Reason.POOL_FULL)
        prices.put_back(cheapest)
        victims = last_ones(cheapest, residents)
        if any(self._is_pending(victim) for victim in victims):
            if gapped(sender, tx.nonce):
                return Rejected(Reason.FUTURE_REPLACES_PENDING)
            if fault := quota_fault(residents, self.settings):
                return fault
        if any(victim.sender == address and victim.nonce < tx.nonce for victim in victims):
            return Rejected(Reason.CHAIN_UNDERPRICED, {"nonce": worth.nonce})
        self._push_out(victims, tx, address)
        prices.removed(len(victims))
        return None

    def _push_out(self, victims: Sequence[Resident], tx: Tx, address: bytes) -> None:
        residents = self._residents
        for victim in victims:
            loser = residents.senders[victim.sender]
            self._disturbed += drop(residents, victim, Reason.POOL_FULL_CHEAPEST, tx.hash)
            if victim.sender != address:
                residents.release_if_empty(victim.sender, loser)

    def _is_pending(self, tx: Resident) -> bool:
        return self._residents.senders[tx.sender].pending.get(tx.nonce) == tx.handle

    def _copy_out(self, handle: int) -> Pooled:
        tx = self._residents.read(handle)
        return Pooled(tx.hash, tx.sender, tx.nonce, tx.arrival, self._is_pending(tx), self.store.payload(handle))
