"""The pool's rules once more, as plainly as they can be said: lists, everything looked up from scratch at each step.

Written from the description of geth's legacy pool, not from `txpool.core`. Verdicts are geth's sentences. Two things
have a history of their own and are modelled as such:

* The two heaps of prices are lists whose worst is found by `min`. Who has left stays in them until found there or until
  more than a quarter are dead, because geth counts so, and that decides later evictions. Transactions of different
  senders with equal fees *and* equal nonces have no order in geth (its heap order then hangs on a map's): whoever uses
  this model beside the pool gives each sender fees of its own.
* Ages of queues. Accounts whose queues one step renews have no order in geth; here it is the order in which a head
  change names those in the pool, then that of what it gives back, then addresses; for a raised price floor, hashes.

Offenders with equally many pending transactions have no order in geth either; here the lower address goes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from txpool.core.candidate import Candidate
from txpool.core.head import Account, Head, HeadChange
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.tx import Tx

OK = "ok"
FUNDS = "insufficient funds for gas * price + value"


@dataclass(frozen=True, eq=False)
class Entry:
    """One stay of a transaction in the pool."""

    sender: bytes
    tx: Tx
    authorities: tuple[bytes, ...] = ()

    @property
    def slots(self) -> int:
        return -(-self.tx.size // 32768)


class NaivePool:
    def __init__(self, settings: PoolSettings, head: Head, accounts: dict[bytes, Account]) -> None:
        self.settings = settings
        self.head = head
        self.accounts = dict(accounts)  # all there are
        self.pending: list[Entry] = []
        self.queued: list[Entry] = []
        self.pool_nonces: dict[bytes, int] = {}
        self.ages: dict[bytes, int] = {}  # of queues, the oldest first
        self.urgent: list[Entry] = []
        self.floating: list[Entry] = []
        self.base_fee = _base_fee(head)  # at which the heaps are ranked
        self.disturbed = 0  # pending ones pushed out since limits were last applied
        self.limits_applied = True  # a raised price floor fills the queue, and geth applies limits later
        self.now = 0
        self.included: frozenset[bytes] = frozenset()
        self.fates: dict[bytes, str] = {}  # why each that has left did so

    # What can be asked.

    def pending_of(self, sender: bytes) -> list[Entry]:
        return sorted((each for each in self.pending if each.sender == sender), key=lambda each: each.tx.nonce)

    def queued_of(self, sender: bytes) -> list[Entry]:
        return sorted((each for each in self.queued if each.sender == sender), key=lambda each: each.tx.nonce)

    def pool_nonce(self, sender: bytes) -> int:
        return self.pool_nonces.get(sender, self.accounts[sender].nonce)

    def slots(self) -> int:
        return sum(each.slots for each in self.everything())

    def everything(self) -> list[Entry]:
        return self.pending + self.queued

    def best(self, base_fee: int) -> list[bytes]:
        """Senders' next ones by effective tip, ties impossible; each sender ends where its cap is too low."""
        order = []
        nonces = {sender: account.nonce for sender, account in self.accounts.items()}
        while candidates := [
            each for each in self.pending if each.tx.nonce == nonces[each.sender] and each.tx.fee_cap >= base_fee
        ]:
            chosen = max(candidates, key=lambda each: min(each.tx.tip_cap, each.tx.fee_cap - base_fee))
            nonces[chosen.sender] += 1
            order.append(chosen.tx.hash)
        return order

    # What happens to it.

    def submit(self, offered: Candidate, now: int) -> tuple[str, bytes | None]:
        """What geth says, and whose place was taken."""
        self.now = now
        entry = Entry(_sender(offered), offered.tx, offered.authorities)
        if any(each.tx.hash == entry.tx.hash for each in self.everything()):
            return "already known", None
        if fault := self._stateless_fault(entry.tx):
            return fault, None
        verdict, replaced = self._add(entry)
        if verdict == OK and not replaced:
            self._promote(entry.sender)
        self._count_dead()
        self._truncate()
        self.disturbed = 0
        return verdict, replaced

    def advance(self, change: HeadChange, now: int) -> None:
        self.now = now
        old, self.head = self.head, change.head
        self.included = frozenset(change.included)
        if old.fork < Fork.OSAKA <= self.head.fork:
            self._drop_all([each for each in self.everything() if each.tx.gas > 2**24], "gas_limit_too_high")
        self.accounts |= change.accounts
        self.pool_nonces = {}
        named = [each for each in change.accounts if self.pending_of(each) or self.queued_of(each)]
        for offered in change.reverted:
            if not any(each.tx.hash == offered.tx.hash for each in self.everything()):
                self._add(Entry(_sender(offered), offered.tx, offered.authorities))
        told = dict.fromkeys([*named, *map(_sender, change.reverted), *sorted(self.accounts)])
        for sender in told:
            self._promote(sender)
        for sender in told:
            self._demote(sender)
        self.base_fee = _base_fee(self.head)
        self._rank_anew()
        self.pool_nonces = {each.sender: self.pending_of(each.sender)[-1].tx.nonce + 1 for each in self.pending}
        self._truncate()
        self.disturbed = 0

    def expire(self, now: int) -> None:
        self.now = now
        for sender, age in list(self.ages.items()):
            if now - age > self.settings.lifetime * 10**9:
                for entry in self.queued_of(sender):
                    self._leave_queue(entry, "lifetime")
                self._count_dead()

    def set_price_floor(self, tip: int, now: int) -> None:
        self.now = now
        self.limits_applied = False
        old = self.settings.price_limit
        self.settings = msgspec.structs.replace(self.settings, price_limit=tip)
        if tip > old:
            self._drop_all([each for each in self.everything() if each.tx.tip_cap < tip], "price_floor_raised")

    # Admission.

    def _stateless_fault(self, tx: Tx) -> str:
        """The few that the tests here provoke."""
        if self.head.fork >= Fork.OSAKA and tx.gas > 2**24:
            return f"transaction gas limit too high (cap: {2**24}, tx: {tx.gas})"
        if tx.gas > self.head.gas_limit:
            return "exceeds block gas limit"
        if tx.tip_cap > tx.fee_cap:
            return "max priority fee per gas higher than max fee per gas"
        if tx.tip_cap < self.settings.price_limit:
            floor = self.settings.price_limit
            return f"transaction gas price below minimum: gas tip cap {tx.tip_cap}, minimum needed {floor}"
        return ""

    def _add(self, entry: Entry) -> tuple[str, bytes | None]:
        if fault := self._stateful_fault(entry) or self._delegation_fault(entry) or self._make_room(entry):
            return fault, None
        old = _with_nonce(self.pending_of(entry.sender), entry.tx.nonce)
        if old:
            if not self._outbids(entry.tx, old.tx):
                return "replacement transaction underpriced", None
            self._leave_pending(old, "replaced")
            self._count_dead()
            self.pending.append(entry)
            self.urgent.append(entry)
            self._renew_age(entry.sender)
            return OK, old.tx.hash
        old = _with_nonce(self.queued_of(entry.sender), entry.tx.nonce)
        if old:
            if not self._outbids(entry.tx, old.tx):
                return "replacement transaction underpriced", None
            self.queued.remove(old)  # and the queue keeps its age
            self._note(old, "replaced")
            self._count_dead()
            self.queued.append(entry)
        else:
            self._wait(entry)
        self.urgent.append(entry)
        return OK, old.tx.hash if old else None

    def _stateful_fault(self, entry: Entry) -> str:
        account, tx = self.accounts[entry.sender], entry.tx
        balance = account.balance
        spent = sum(each.tx.cost for each in self.pending_of(entry.sender))
        old = _with_nonce(self.pending_of(entry.sender), tx.nonce)
        if tx.nonce < account.nonce:
            return f"nonce too low: next nonce {account.nonce}, tx nonce {tx.nonce}"
        if balance < tx.cost:
            return f"{FUNDS}: balance {balance}, tx cost {tx.cost}, overshot {tx.cost - balance}"
        if old:
            bump = tx.cost - old.tx.cost
            if balance < spent + bump:
                over = spent + bump - balance
                return f"{FUNDS}: balance {balance}, queued cost {spent}, tx bumped {bump}, overshot {over}"
        elif balance < spent + tx.cost:
            over = spent + tx.cost - balance
            return f"{FUNDS}: balance {balance}, queued cost {spent}, tx cost {tx.cost}, overshot {over}"
        return ""

    def _delegation_fault(self, entry: Entry) -> str:
        sender, nonce = entry.sender, entry.tx.nonce
        named = any(sender in each.authorities for each in self.everything())
        if self.accounts[sender].has_code or named:
            executable = self.pending_of(sender)
            if not executable and nonce != self.pool_nonce(sender):
                return "gapped-nonce tx from delegated accounts"
            if executable and not _with_nonce(executable, nonce):
                return "in-flight transaction limit reached for delegated accounts"
        for authority in entry.authorities:
            if sum(each.sender == authority for each in self.everything()) > 1:
                return "authority already reserved"
        return ""

    def _outbids(self, new: Tx, old: Tx) -> bool:
        percent = 100 + self.settings.price_bump
        return (
            new.fee_cap > old.fee_cap
            and new.tip_cap > old.tip_cap
            and new.fee_cap >= old.fee_cap * percent // 100
            and new.tip_cap >= old.tip_cap * percent // 100
        )

    # Room and prices.

    def _make_room(self, entry: Entry) -> str:
        over = self.slots() + entry.slots - self.settings.global_slots - self.settings.global_queue
        if over <= 0:
            return ""
        if self._underpriced(entry):
            return "transaction underpriced"
        if self.disturbed > self.settings.global_slots // 4:
            return "txpool is full"
        victims, enough = self._discard(over)
        if not enough:
            self.urgent += victims
            return "txpool is full"
        if self._gapped(entry) and any(victim in self.pending for victim in victims):
            self.urgent += victims
            return "future transaction tries to replace pending"
        for victim in victims:
            self.disturbed += self._drop(victim, "pool_full_cheapest")
        return ""

    def _gapped(self, entry: Entry) -> bool:
        waiting = {each.tx.nonce for each in self.queued_of(entry.sender)}
        return any(nonce not in waiting for nonce in range(self.pool_nonce(entry.sender), entry.tx.nonce))

    def _by_tip(self, entry: Entry) -> tuple[int, int, int]:
        tx = entry.tx
        return (min(tx.tip_cap, tx.fee_cap - self.base_fee), tx.fee_cap, tx.tip_cap)

    @staticmethod
    def _by_cap(entry: Entry) -> tuple[int, int]:
        return (entry.tx.fee_cap, entry.tx.tip_cap)

    def _worst_urgent(self) -> Entry:
        return min(self.urgent, key=lambda each: (*self._by_tip(each), -each.tx.nonce))

    def _worst_floating(self) -> Entry:
        return min(self.floating, key=lambda each: (*self._by_cap(each), -each.tx.nonce))

    def _dead(self, entry: Entry) -> bool:
        return entry not in self.pending and entry not in self.queued

    def _underpriced(self, entry: Entry) -> bool:
        """No better than the worst of either; geth looks at the second heap only if the first has none worse."""
        while self.urgent and self._dead(worst := self._worst_urgent()):
            self.urgent.remove(worst)
        if self.urgent and self._by_tip(entry) > self._by_tip(self._worst_urgent()):
            return False
        while self.floating and self._dead(worst := self._worst_floating()):
            self.floating.remove(worst)
        if self.floating and self._by_cap(entry) > self._by_cap(self._worst_floating()):
            return False
        return bool(self.urgent or self.floating)

    def _discard(self, slots: int) -> tuple[list[Entry], bool]:
        victims: list[Entry] = []
        while slots > 0:
            if len(self.urgent) > 4 * len(self.floating):
                worst = self._worst_urgent()
                self.urgent.remove(worst)
                if not self._dead(worst):
                    self.floating.append(worst)
            elif self.floating:
                worst = self._worst_floating()
                self.floating.remove(worst)
                if not self._dead(worst):
                    victims.append(worst)
                    slots -= worst.slots
            else:
                return victims, False
        return victims, True

    def _count_dead(self) -> None:
        """Rank anew when more than a quarter of what is ranked is dead; asked at each step of geth's maintenance."""
        ranked = self.urgent + self.floating
        if sum(self._dead(each) for each in ranked) > len(ranked) // 4:
            self._rank_anew()

    def _rank_anew(self) -> None:
        live = sorted(self.everything(), key=lambda each: (*self._by_tip(each), -each.tx.nonce))
        self.floating, self.urgent = live[: len(live) // 5], live[len(live) // 5 :]

    # Places.

    def _wait(self, entry: Entry) -> None:
        self.queued.append(entry)
        self.ages.setdefault(entry.sender, self.now)

    def _renew_age(self, sender: bytes) -> None:
        if sender in self.ages:
            del self.ages[sender]
            self.ages[sender] = self.now

    def _leave_queue(self, entry: Entry, fate: str | None = None) -> None:
        self.queued.remove(entry)
        if not self.queued_of(entry.sender):
            del self.ages[entry.sender]
        self._note(entry, fate)

    def _leave_pending(self, entry: Entry, fate: str | None = None) -> None:
        self.pending.remove(entry)
        self._note(entry, fate)

    def _note(self, entry: Entry, fate: str | None) -> None:
        if fate == "nonce_passed" and entry.tx.hash in self.included:
            fate = "included"
        if fate:
            self.fates[entry.tx.hash] = fate

    def _requeue(self, entries: Iterable[Entry]) -> int:
        moved = list(entries)
        for entry in moved:
            self.pending.remove(entry)
            self._wait(entry)
        return len(moved)

    def _drop(self, entry: Entry, fate: str) -> int:
        """Take out, successors to the queue; how many pending ones that touched."""
        if entry in self.queued:
            self._leave_queue(entry, fate)
            return 0
        self._leave_pending(entry, fate)
        behind = self._requeue(each for each in self.pending_of(entry.sender) if each.tx.nonce > entry.tx.nonce)
        self.pool_nonces[entry.sender] = min(self.pool_nonce(entry.sender), entry.tx.nonce)
        return 1 + behind

    def _drop_all(self, entries: Sequence[Entry], fate: str) -> None:
        for entry in sorted(entries, key=lambda each: each.tx.hash):
            self._drop(entry, fate)
        self._count_dead()

    def _promote(self, sender: bytes) -> None:
        account = self.accounts[sender]
        for entry in self.queued_of(sender):
            if entry.tx.nonce < account.nonce:
                self._leave_queue(entry, "nonce_passed")
            elif fate := self._unpayable(entry):
                self._leave_queue(entry, fate)
        ready: list[Entry] = []
        for entry in self.queued_of(sender):
            if entry.tx.nonce <= self.pool_nonce(sender) if not ready else entry.tx.nonce == ready[-1].tx.nonce + 1:
                ready.append(entry)
            else:
                break
        for entry in ready:
            self._make_pending(entry)
        for entry in self.queued_of(sender)[self.settings.account_queue :][::-1]:
            self._leave_queue(entry, "account_queue_limit")

    def _make_pending(self, entry: Entry) -> None:
        self._leave_queue(entry)
        self.pending.append(entry)
        self.pool_nonces[entry.sender] = entry.tx.nonce + 1
        self._renew_age(entry.sender)

    def _unpayable(self, entry: Entry) -> str:
        if entry.tx.cost > self.accounts[entry.sender].balance:
            return "unaffordable"
        return "gas_limit_lowered" if entry.tx.gas > self.head.gas_limit else ""

    def _demote(self, sender: bytes) -> None:
        account = self.accounts[sender]
        for entry in self.pending_of(sender):
            if entry.tx.nonce < account.nonce:
                self._leave_pending(entry, "nonce_passed")
        unpayable = [(each, fate) for each in self.pending_of(sender) if (fate := self._unpayable(each))]
        for entry, fate in unpayable:
            self._leave_pending(entry, fate)
        if unpayable:
            lowest = unpayable[0][0].tx.nonce
            self._requeue(each for each in self.pending_of(sender) if each.tx.nonce > lowest)
        left = self.pending_of(sender)
        if left and left[0].tx.nonce != account.nonce:
            self._requeue(left)

    # Limits.

    def _truncate(self) -> None:
        self.limits_applied = True
        self._truncate_pending()
        while (over := len(self.queued) - self.settings.global_queue) > 0:
            oldest = next(iter(self.ages))
            for entry in self.queued_of(oldest)[::-1][:over]:
                self._leave_queue(entry, "queue_limit")
        self._count_dead()

    def _truncate_pending(self) -> None:
        limit, guaranteed = self.settings.global_slots, self.settings.account_slots
        lengths = {sender: len(self.pending_of(sender)) for sender in sorted(self.accounts)}
        large = sorted((each for each in lengths if lengths[each] > guaranteed), key=lambda each: -lengths[each])
        offenders: list[bytes] = []
        for offender in large:
            if len(self.pending) <= limit:
                break
            while offenders and len(self.pending) > limit and len(self.pending_of(offenders[-1])) > lengths[offender]:
                self._cut_one_each(offenders)
            offenders.append(offender)
        while offenders and len(self.pending) > limit and len(self.pending_of(offenders[-1])) > guaranteed:
            self._cut_one_each(offenders)

    def _cut_one_each(self, offenders: list[bytes]) -> None:
        for sender in offenders:
            last = self.pending_of(sender)[-1]
            self._leave_pending(last, "pending_limit")
            self.pool_nonces[sender] = min(self.pool_nonce(sender), last.tx.nonce)
            self._count_dead()


def _with_nonce(entries: Iterable[Entry], nonce: int) -> Entry | None:
    return next((each for each in entries if each.tx.nonce == nonce), None)


def _sender(offered: Candidate) -> bytes:
    assert isinstance(offered.sender, bytes)
    return offered.sender


def _base_fee(head: Head) -> int:
    assert head.next_base_fee is not None
    return head.next_base_fee
