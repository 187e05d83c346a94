"""The pool of blob transactions, beside that of all others.

They are large, few, and mostly a rollup's: an account's run without a hole from its nonce, sixteen at most, all fees
double to replace one, and no other pool may hold anything of the same account. Source: geth's blob pool.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from txpool.core.blob_checks import (
    BLOB_TXS_PER_ACCOUNT,
    blob_replacement_fault,
    blob_stateful_fault,
    waiting_allowance,
)
from txpool.core.blob_entry import BlobEntry, entry_of
from txpool.core.blob_residents import WAITING_MAX, BlobResidents
from txpool.core.blob_sender import BlobSender, split_hashes
from txpool.core.blob_sidecar import encode_network
from txpool.core.candidate import Candidate
from txpool.core.events import NO_HASH
from txpool.core.head import Account, Head, HeadChange
from txpool.core.lifecycle import Kind
from txpool.core.limbo import REORG_DEPTH_MAX
from txpool.core.record import pack_record
from txpool.core.rejection import Reason, Rejected
from txpool.core.residents import Residents
from txpool.core.settings import PoolSettings
from txpool.core.steps import Steps, portions
from txpool.core.verdict import Accepted, Verdict

WAITING_NANOSECONDS: Final = 60 * 10**9
_SAME_STEPS: Final = 0.001  # an account that moved less keeps its place in the order of eviction


class BlobPool:
    """Blob transactions that could be in a block, and the few that wait for one before them.

    Args:
        residents: the other pool's content; with it this one shares store, events, counters, and which accounts have a
            pooled authorization.
        head: the chain's tip.
    """

    def __init__(self, residents: Residents, head: Head) -> None:
        self.content = BlobResidents(residents, head)
        self._shared = residents

    def reserves(self, address: bytes) -> bool:
        """Whether the account is this pool's: it has one here, one that waits aside."""
        sender = self.content.senders.get(address)
        return sender is not None and bool(sender.pooled)

    def knows(self, tx_hash: bytes) -> bool:
        """Whether one is pooled or waits."""
        return tx_hash in self.content.index or tx_hash in self.content.waiting

    def next_nonce(self, address: bytes) -> int | None:
        """The first nonce of an account that none pooled here has; None where none is."""
        sender = self.content.senders.get(address)
        return sender.nonce + sender.count if sender and sender.pooled else None

    def held_of(self, address: bytes) -> list[tuple[int, bytes]]:
        """Nonce and hash of all that an account has here, those that wait too."""
        content = self.content
        sender = content.senders.get(address)
        if sender is None:
            return []
        waiting = [content.waiting[each] for each in set(split_hashes(sender.waiting)) if each in content.waiting]
        return [(entry.nonce, entry.hash) for entry in (*content.of(sender), *waiting)]

    # --- a newcomer

    def add(self, candidate: Candidate, address: bytes, account: Account, settings: PoolSettings) -> Verdict:
        """Judge one by the rules that look at state, and take it in."""
        content = self.content
        sender = content.senders.get(address) or _sender_at(account)
        entry = entry_of(candidate, address)
        fault = self._fault(entry, sender, settings)
        if fault and fault.reason is Reason.NONCE_TOO_HIGH:
            if waiting_allowance(sender) < 1 or len(content.waiting) >= WAITING_MAX:
                return fault
            return self._let_wait(candidate, entry, sender)
        if fault:
            return fault
        if not self._store(candidate, entry):
            return Rejected(Reason.POOL_FULL)
        replaced = self._admit(entry, sender, settings)
        self._promote_waiting(address, sender, settings)
        return Accepted(entry.hash, replaced)

    def _fault(self, entry: BlobEntry, sender: BlobSender, settings: PoolSettings) -> Rejected | None:
        address = entry.sender
        pooled = self.content.of(sender)
        delegated = sender.has_code or address in self._shared.authorities
        if fault := blob_stateful_fault(entry, sender, pooled, delegated=delegated):
            return fault
        place = entry.nonce - sender.nonce
        if place < len(pooled) and (fault := blob_replacement_fault(entry, pooled[place], settings.blob_price_bump)):
            return fault
        if not pooled and address in self._shared.senders:
            return Rejected(Reason.ADDRESS_RESERVED)
        return None

    def _store(self, candidate: Candidate, entry: BlobEntry) -> bool:
        """Put record and network form into the store; what is kept for reorgs makes room where there is none."""
        tx, content = candidate.tx, self.content
        assert tx.sidecar is not None, "checked before"
        record, payload = pack_record(candidate, entry.sender, entry.cost), encode_network(tx.raw, tx.sidecar)
        handle = content.store.put(record, payload)
        while handle is None and content.limbo.forget_oldest():
            handle = content.store.put(record, payload)
        entry.handle = handle or 0
        return handle is not None

    def _let_wait(self, candidate: Candidate, entry: BlobEntry, sender: BlobSender) -> Verdict:
        content = self.content
        if entry.hash not in content.waiting and not self._store(candidate, entry):
            return Rejected(Reason.POOL_FULL)
        content.hold(entry.sender, sender)
        content.wait(sender, entry)
        return Accepted(entry.hash)

    def _admit(self, entry: BlobEntry, sender: BlobSender, settings: PoolSettings) -> bytes | None:
        """Give one that passed every check its place, and keep the data under their cap; the hash it replaced."""
        content = self.content
        place = entry.nonce - sender.nonce
        before = content.of(sender)
        content.hold(entry.sender, sender)
        old = before[place] if place < len(before) else None
        if old:
            content.replace(sender, place, old, entry)
        else:
            content.append(sender, entry)
        self._shared.tallies.promoted += 1
        self._shared.say(Kind.PROMOTED, None, entry.key, old.hash if old else NO_HASH)
        last = before[-1] if before else None
        fees = (last.worst_base_fee_jumps, last.worst_blob_fee_jumps) if last else None
        follow(content.of(sender)[max(place - 1, 0) :], settled=place > 0)
        self._rank(entry.sender, sender, fees)
        while content.stored > settings.blob_data_cap:
            self._drop_worst(entry.hash)
        return old.hash if old else None

    def _rank(self, address: bytes, sender: BlobSender, before: tuple[float, float] | None) -> None:
        """Find an account its place in the order of eviction, if it has one transaction or its last has changed."""
        content = self.content
        if before is None:
            content.order.push(address)
            return
        last = content.of(sender)[-1]
        moved = max(abs(before[0] - last.worst_base_fee_jumps), abs(before[1] - last.worst_blob_fee_jumps))
        if sender.count == 1 or moved > _SAME_STEPS:
            content.order.fix(address)

    def _drop_worst(self, newcomer: bytes) -> None:
        """Drop the last transaction of the worst account; it may be the newcomer itself."""
        content = self.content
        address = content.order.worst()
        sender = content.senders[address]
        entries = content.of(sender)
        dropped = entries[-1]
        content.evict(sender, dropped, Reason.BLOB_DATA_CAP, newcomer if dropped.hash != newcomer else NO_HASH)
        if len(entries) == 1:
            content.settle(address, sender)
            return
        tail = entries[-2]
        gained = max(
            tail.worst_base_fee_jumps - dropped.worst_base_fee_jumps,
            tail.worst_blob_fee_jumps - dropped.worst_blob_fee_jumps,
        )
        if gained > _SAME_STEPS:
            content.order.fix(address)

    def _promote_waiting(self, address: bytes, sender: BlobSender, settings: PoolSettings) -> None:
        """Admit what waited for the nonce that has just been filled, and what follows it."""
        content = self.content
        while sender.waiting:
            nonces = [self._nonce_of(tx_hash) for tx_hash in split_hashes(sender.waiting)]
            place = nonces.index(min(nonces))
            if nonces[place] > sender.nonce + sender.count:
                break
            if entry := content.wait_no_more(sender, place):
                self._admit_waiting(entry, sender, settings)
        content.release_if_empty(address, sender)

    def _nonce_of(self, tx_hash: bytes) -> int:
        """Its nonce; 0 for one that was sent twice and whose first copy has gone, so that it goes next."""
        entry = self.content.waiting.get(tx_hash)
        return entry.nonce if entry else 0

    def _admit_waiting(self, entry: BlobEntry, sender: BlobSender, settings: PoolSettings) -> None:
        content = self.content
        if entry.hash in content.index:
            content.store.free(entry.handle)  # it came again, and got in at once
        elif entry.nonce < sender.nonce:
            content.let_go(entry, Reason.NONCE_PASSED)
        elif self._fault(entry, sender, settings):
            content.let_go(entry, Reason.REFUSED_AFTER_WAITING)
        else:
            self._admit(entry, sender, settings)

    # --- a new head, a new least tip

    def advance(self, change: HeadChange, reverted: Iterable[Candidate]) -> Steps[None]:
        """Follow the chain by one step."""
        content = self.content
        self._drop_stale_waiting()
        touched: dict[bytes, None] = {}
        for some in portions(change.accounts if content.senders else ()):
            touched |= dict.fromkeys([address for address in some if address in content.senders])
            yield
        for address in touched:
            content.senders[address].sees(change.accounts[address])
        for candidate in reverted:
            if owner := self._reinject(candidate, change.accounts):
                touched[owner] = None
            yield
        for address in touched:
            if sender := content.senders.get(address):
                self._recheck(address, sender)
                yield
        content.limbo.forget_below(change.head.number - REORG_DEPTH_MAX)
        yield from content.order.set_fees(change.head.next_base_fee or 0, change.head.blob_base_fee)

    def _drop_stale_waiting(self) -> None:
        """Drop what has waited for a minute, or whose nonce has passed; as in geth, by the accounts before the step."""
        content = self.content
        oldest = self._shared.now - WAITING_NANOSECONDS
        for address in dict.fromkeys(entry.sender for entry in content.waiting.values()):
            sender = content.senders[address]
            place = 0
            while place < sender.waiting_count:
                entry = content.waiting.get(split_hashes(sender.waiting)[place])
                if entry and entry.arrival >= oldest and entry.nonce >= sender.nonce:
                    place += 1
                elif gone := content.wait_no_more(sender, place):
                    content.let_go(gone, Reason.NONCE_PASSED if gone.nonce < sender.nonce else Reason.LIFETIME)
            content.release_if_empty(address, sender)

    def _reinject(self, candidate: Candidate, accounts: Mapping[bytes, Account]) -> bytes | None:
        """Take back what an abandoned block held, unchecked, if its blobs are still here; whose it is."""
        content, address = self.content, candidate.sender
        assert isinstance(address, bytes), "what was in a block has a sender"
        key = (candidate.tx.hash, address, candidate.tx.nonce)
        self._shared.say(Kind.REINJECTED, None, key)
        self._shared.tallies.reinjected += 1
        entry = content.limbo.pull(candidate.tx.hash)
        fault = Reason.BLOBS_UNAVAILABLE if entry is None else None
        if entry and address in self._shared.senders:
            content.store.free(entry.handle)
            fault = Reason.ADDRESS_RESERVED
        if fault or entry is None:
            self._shared.tallies.reinject_refused += 1
            self._shared.say(Kind.REJECTED, fault, key)
            return None
        sender = content.senders.get(address) or _sender_at(accounts[address])
        content.hold(address, sender)
        content.append(sender, entry)
        self._shared.say(Kind.PROMOTED, None, key)
        return address

    def _recheck(self, address: bytes, sender: BlobSender) -> None:
        """Drop what an account can no longer send: passed nonces, those above a hole, those it cannot pay for."""
        content = self.content
        entries = sorted(content.of(sender), key=lambda entry: entry.nonce)
        sender.pooled = b"".join(entry.hash for entry in entries)
        for entry in entries:
            if entry.nonce < sender.nonce:
                content.pass_on(sender, entry)
        for entry in content.of(sender):
            if entry.nonce != sender.nonce + split_hashes(sender.pooled).index(entry.hash):
                content.evict(sender, entry, Reason.NONCE_GAP)
        while sender.spent > sender.balance:
            content.evict(sender, content.of(sender)[-1], Reason.UNAFFORDABLE)
        while sender.count > BLOB_TXS_PER_ACCOUNT:
            content.evict(sender, content.of(sender)[-1], Reason.ACCOUNT_LIMIT)
        follow(content.of(sender), settled=False)
        content.settle(address, sender)

    def remove(self, tx_hash: bytes) -> None:
        """Let one go because an operator says so, if it is here, and with it all behind it: there may be no holes."""
        content = self.content
        entry = content.index.get(tx_hash) or content.waiting.get(tx_hash)
        if entry is None:
            return
        sender = content.senders[entry.sender]
        if tx_hash in content.waiting:
            content.wait_no_more(sender, split_hashes(sender.waiting).index(tx_hash))
            content.let_go(entry, Reason.REMOVED_BY_OPERATOR)
        else:
            behind = content.of(sender)[entry.nonce - sender.nonce + 1 :]
            for other in reversed(behind):
                content.evict(sender, other, Reason.PREDECESSOR_LEFT)
            content.evict(sender, entry, Reason.REMOVED_BY_OPERATOR)
        content.settle(entry.sender, sender)

    def raise_price_floor(self, tip: int) -> Steps[None]:
        """Drop what pays less than this tip, and all behind it: there may be no holes."""
        content = self.content
        for address in list(content.senders):
            sender = content.senders[address]
            entries = content.of(sender)
            cheap = next((place for place, entry in enumerate(entries) if entry.tip_cap < tip), len(entries))
            for entry in reversed(entries[cheap:]):
                is_cheap = entry is entries[cheap]
                content.evict(sender, entry, Reason.PRICE_FLOOR_RAISED if is_cheap else Reason.PREDECESSOR_LEFT)
            if cheap < len(entries):
                content.settle(address, sender)
            yield


def follow(entries: list[BlobEntry], *, settled: bool) -> None:
    """Renew the running minima of consecutive transactions; of the first too, unless it is settled."""
    before: BlobEntry | None = None
    for entry in entries:
        if before or not settled:
            entry.follow(before)
        before = entry


def _sender_at(account: Account) -> BlobSender:
    return BlobSender(account.nonce, account.balance, account.has_code)
