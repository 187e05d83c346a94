"""All that a block could be built from, and all that may yet become so.

Touches no socket, file, clock or global: time, head and account states are arguments, so the same inputs give the same
verdicts and events. Rules, order of checks and words are go-ethereum's (legacy pool).
"""

from collections.abc import Mapping, Sequence
from itertools import islice, takewhile

import msgspec

from txpool.core.blob_pool import BlobPool
from txpool.core.candidate import Candidate
from txpool.core.contents import Contents, Pooled
from txpool.core.events import EventRing
from txpool.core.hardening import hardened_fault
from txpool.core.head import Account, Head, HeadChange
from txpool.core.head_update import apply_head_change, drop_all, drop_where
from txpool.core.lifecycle import Kind
from txpool.core.limbo import REORG_DEPTH_MAX
from txpool.core.limits import truncate
from txpool.core.placement import bump_fault, place, place_in_queue, promote, replace_pending
from txpool.core.record import Resident, slots_of
from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.restraint import (
    UNRESTRAINED,
    Restraint,
    blob_restraint_fault,
    in_force,
    restraint_fault,
    room_of,
)
from txpool.core.room import Room
from txpool.core.sender import Sender, sender_at
from txpool.core.settings import PoolSettings
from txpool.core.stateful import authority_fault, stateful_fault
from txpool.core.stateless import stateless_fault
from txpool.core.steps import Steps, finish, portions
from txpool.core.store import Store
from txpool.core.tx import BLOB
from txpool.core.verdict import Accepted, Verdict

__all__ = ["Accepted", "Pool", "Pooled", "Verdict"]

_NOBODY = bytes(20)


class Pool(Contents):
    """The transaction pool: what changes it, and how a transaction gets in.

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
        residents = Residents(store, events, head.next_base_fee, self.settings)
        super().__init__(residents, BlobPool(residents, head), store)
        self._room = Room(residents, room_of(self._given, self.restraint))
        self._changing = False  # in steps: nobody else may

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

        self._changing = True
        self._room.slots = room_of(self._given, UNRESTRAINED)  # for what comes back is not new
        try:
            for given_back in portions(() if too_far else change.reverted):
                for candidate in given_back:
                    (reverted_blobs if candidate.tx.type == BLOB else reverted).append(candidate)
                yield
            plain = msgspec.structs.replace(change, reverted=reverted)
            yield from apply_head_change(self._residents, self.settings, old_head, plain, reinject)
            self._room.pushed_out = 0
            yield from self._blobs.advance(change, reverted_blobs)
        finally:
            self._changing = False
            self._room.slots = room_of(self._given, self.restraint)
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
        return finish(self.set_price_floor_in_steps(tip, now=now))

    def set_price_floor_in_steps(self, tip: int, *, now: int) -> Steps[range]:
        """The same in steps; until the last one is taken nobody may change the pool."""
        first = self._begin(now)
        raised = tip > self._given.price_limit
        self._given = msgspec.structs.replace(self._given, price_limit=tip)
        self.settings = in_force(self._given, self.restraint)
        if raised:
            self._changing = True
            try:
                yield from drop_where(self._residents, lambda tx: tx.tip_cap < tip, Reason.PRICE_FLOOR_RAISED)
                yield from self._blobs.raise_price_floor(tip)
            finally:
                self._changing = False
        return range(first, self.events.next_seq)

    def restrain(self, restraint: Restraint, *, now: int) -> None:
        """Refuse what this refuses beyond the settings, until told otherwise; nothing leaves."""
        self._begin(now)
        self.restraint = restraint if restraint != UNRESTRAINED else UNRESTRAINED
        self.settings = in_force(self._given, restraint)
        self._room.slots = room_of(self._given, restraint)
        self._residents.prices.set_room(self._room.slots)

    def rank_some(self) -> bool:
        """Do a piece of what a smaller room would need at once: rank prices. True when no more is to be done."""
        return self._residents.prices.rank_some()

    def remove(self, hashes: Sequence[bytes], *, now: int) -> range:
        """Take these out, as far as they are here, because an operator says so; their successors wait in the queue."""
        first = self._begin(now)
        drop_all(self._residents, hashes, Reason.REMOVED_BY_OPERATOR)
        for tx_hash in hashes:
            self._blobs.remove(tx_hash)
        return range(first, self.events.next_seq)

    def _begin(self, now: int, change: HeadChange | None = None) -> int:
        assert not self._changing, "a change in steps is under way"
        self._blobs.content.released = {}
        if change is None:
            first = self._residents.begin(now, self.head.number)
            self._residents.prices.settle()
            return first
        return self._residents.begin(now, change.head.number, change.included)

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
        replaced = place(residents, sender, entered, candidate.authorities)
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
        self._room.pushed_out = 0

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
            replace_pending(residents, sender, entered, candidate.authorities)
        else:
            place_in_queue(residents, sender, entered, candidate.authorities)

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
        if fault is None and residents.slots + slots_of(tx.size) > self._room.slots:
            fault = self._room.make(tx, address, sender, self.settings)
        if fault is None:
            fault = bump_fault(residents, tx, sender, self.settings.price_bump)
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
