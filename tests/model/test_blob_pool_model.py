"""Blob transactions among others, heads, reorgs, delegations: our pool beside the plainest one that has its rules."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.core.blob_offers import ONE_BLOB_STORED, blob
from tests.core.stand import PLENTY_BYTES, SECOND, STORES, given_back, head_at, offer, set_code
from txpool.core.blob_fees import base_fee_jumps, blob_fee_jumps, priority
from txpool.core.blob_sidecar import stored_bytes
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, HeadChange
from txpool.core.lifecycle import Stage, follow
from txpool.core.pool import Accepted, Pool
from txpool.core.rejection import Reason
from txpool.core.settings import PoolSettings
from txpool.core.tx import BLOB, LEGACY

OWNERS: Final = tuple(bytes([number]) * 20 for number in range(1, 5))
OWNER: Final = st.integers(0, len(OWNERS) - 1)
COST: Final = blob(OWNERS[0]).tx.cost
BALANCES: Final = st.sampled_from((10**24, 10**24, 3 * COST, COST))
FEES: Final = st.sampled_from((20, 100, 100, 200, 400))
PATIENCE: Final = 60 * SECOND  # of one that waits for a nonce


class Block(msgspec.Struct, frozen=True):
    """What a block held, and how the accounts were before it."""

    held: tuple[Candidate, ...]
    before: dict[bytes, Account]


class BlobsBesideAPlainList(RuleBasedStateMachine):
    """The plain one: a list for each account of what is pooled, and one of what waits, by the rules alone.

    Of the pool it asks only what is none of its business: whether the other part of the pool has something of an
    account, or an authorization by it; and, among accounts that are equally bad, whose transaction the data cap took.
    """

    @initialize(
        nonces=st.lists(st.sampled_from((0, 9, 99)), min_size=4, max_size=4),
        balances=st.lists(BALANCES, min_size=4, max_size=4),
        cap=st.sampled_from((100, 100, 3)),
        store=st.sampled_from(sorted(STORES)),
    )
    def start(self, nonces: list[int], balances: list[int], cap: int, store: str) -> None:
        self.accounts = dict(zip(OWNERS, map(Account, nonces, balances), strict=True))
        self.cap = cap * ONE_BLOB_STORED
        self.pool = Pool(PoolSettings(blob_data_cap=self.cap), head_at(1), STORES[store](PLENTY_BYTES), EventRing(4096))
        self.plain: dict[bytes, list[Candidate]] = {owner: [] for owner in OWNERS}
        self.waiting: dict[bytes, list[Candidate]] = {owner: [] for owner in OWNERS}
        self.limbo: set[bytes] = set()
        self.overfull = False  # what a reorg gave back is over the cap until the next newcomer
        self.floor = 1
        self.blocks: list[Block] = []
        self.sent: dict[bytes, Candidate] = {}
        self.stages: dict[bytes, Stage] = {}
        self.seen = 0
        self.now = 0
        self.made = 0

    # --- what comes

    @rule(number=OWNER, ahead=st.integers(-1, 3), fees=FEES, blobs=st.sampled_from((1, 1, 2)))
    def send_blob(self, number: int, ahead: int, fees: int, blobs: int) -> None:
        owner = OWNERS[number]
        nonce = max(0, self.accounts[owner].nonce + min(ahead, len(self.plain[owner])))
        self._send_blob(blob(owner, nonce, fees=fees, blobs=blobs, arrival=self.now, value=self._unique()))

    @rule(number=OWNER, ahead=st.integers(2, 5))
    def send_blob_ahead(self, number: int, ahead: int) -> None:
        nonce = self.accounts[OWNERS[number]].nonce + ahead
        self._send_blob(blob(OWNERS[number], nonce, arrival=self.now, value=self._unique()))

    def _send_blob(self, one: Candidate) -> None:
        owner = _owner(one)
        waits = self._place(one) > len(self.plain[owner])
        expected = one.tx.tip_cap >= self.floor and (self._may_wait(owner) if waits else self._fits(one))
        first = self.pool.events.next_seq

        assert self._submit(one) == expected, (one.tx.nonce, self.plain, self.waiting)

        if expected and waits:
            self.waiting[owner].append(one)
        elif expected:
            self._take(one, first)

    @rule(number=OWNER, ahead=st.integers(0, 2), other=st.none() | OWNER)
    def send_other(self, number: int, ahead: int, other: int | None) -> None:
        owner, nonce = OWNERS[number], self.accounts[OWNERS[number]].nonce + ahead
        if other is None:
            self._submit(offer(owner, nonce, value=self._unique()))
        else:
            self._submit(set_code(owner, nonce, OWNERS[other], value=self._unique()))

    # --- heads

    @rule(taken=st.integers(0, 4), stranger=st.none() | OWNER, number=OWNER, balance=BALANCES, fee=FEES)
    def new_head(self, taken: int, stranger: int | None, number: int, balance: int, fee: int) -> None:
        before = dict(self.accounts)
        picks = [each for each, _ in zip(self.pool.best(1, 1), range(taken), strict=False)]
        held = [self.sent[each.hash] for each in picks]
        for each in picks:
            self._change(each.sender, nonce=each.nonce + 1)
        if stranger is not None:
            self._change(OWNERS[stranger], nonce=self.accounts[OWNERS[stranger]].nonce + 1)
        self._change(OWNERS[number], balance=balance, has_code=balance == COST)
        self.blocks.append(Block(tuple(held), before))
        self._advance(before, held, [], fee)
        self.limbo |= {one.tx.hash for one in held if one.tx.type == BLOB}

    @precondition(lambda self: self.blocks)
    @rule(depth=st.integers(1, 3), fee=FEES)
    def reorg(self, depth: int, fee: int) -> None:
        abandoned = [self.blocks.pop() for _ in range(min(depth, len(self.blocks)))]
        before, self.accounts = self.accounts, dict(abandoned[-1].before)
        lost = [one for block in abandoned for one in block.held]
        self._advance(before, [], given_back(*lost), fee)

    @rule(floor=st.sampled_from((1, 50, 150)))
    def price_floor(self, floor: int) -> None:
        self.pool.set_price_floor(floor, now=self.now)
        if floor > self.floor:
            for owner, pooled in self.plain.items():
                cheap = [place for place, one in enumerate(pooled) if one.tx.tip_cap < floor]
                self.plain[owner] = pooled[: cheap[0]] if cheap else pooled
        self.floor = floor

    @rule(seconds=st.sampled_from((10, 61)))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.pool.expire(now=self.now)

    # --- the plain pool: newcomers

    def _place(self, one: Candidate) -> int:
        return one.tx.nonce - self.accounts[_owner(one)].nonce

    def _may_wait(self, owner: bytes) -> bool:
        """One with a nonce gap waits where its account has sent so many that it has as many digits."""
        digits = len(str(self.accounts[owner].nonce + 1)) - 1
        return min(digits, 16 - len(self.plain[owner])) > len(self.waiting[owner])

    def _fits(self, one: Candidate) -> bool:
        """Whether one without a gap may have its place."""
        owner, tx = _owner(one), one.tx
        account, pooled, place = self.accounts[owner], self.plain[owner], self._place(one)
        if place < 0:
            return False
        old = pooled[place].tx if place < len(pooled) else None
        spent = sum(each.tx.cost for each in pooled) + tx.cost - (old.cost if old else 0)
        if max(tx.cost, spent) > account.balance or (old is None and len(pooled) >= 16):
            return False
        if self._is_delegated(owner) and pooled and not (old and len(pooled) == 1):
            return False
        if old and tx.fee_cap < max(old.fee_cap + 1, old.fee_cap * 2):
            return False
        return bool(pooled) or owner not in self.pool._residents.senders

    def _is_delegated(self, owner: bytes) -> bool:
        return self.accounts[owner].has_code or owner in self.pool._residents.authorities

    def _take(self, one: Candidate, first: int) -> None:
        """Give one its place, and then those that have waited for it; `first` is the number of the first event."""
        owner = _owner(one)
        happened = self.pool.events.since(first)
        capped = iter([event.hash for event in happened if event.reason is Reason.BLOB_DATA_CAP])
        self._admit(one, capped)
        while waiting := self.waiting[owner]:
            following = min(waiting, key=lambda each: each.tx.nonce)
            if self._place(following) > len(self.plain[owner]):
                break
            waiting.remove(following)
            if self._fits(following):
                self._admit(following, capped)
        assert next(capped, None) is None, "under the cap nothing goes"

    def _admit(self, one: Candidate, capped: Iterator[bytes]) -> None:
        pooled, place = self.plain[_owner(one)], self._place(one)
        pooled[place : place + 1] = [one]
        self.overfull = False
        while sum(map(_stored, [each for pooled in self.plain.values() for each in pooled])) > self.cap:
            victim = next(capped)
            owner = _owner(self.sent[victim])
            assert self._worth(owner) == min(self._worth(each) for each in OWNERS if self.plain[each])
            assert self.plain[owner].pop().tx.hash == victim, "the last one goes"

    def _worth(self, owner: bytes) -> tuple[int, int]:
        """How near an account is to a block by the worst of its fees, and its lowest tip."""
        txs, head = [one.tx for one in self.plain[owner]], self.pool.head
        base_jumps = min(base_fee_jumps(tx.fee_cap) for tx in txs)
        blob_jumps = min(blob_fee_jumps(tx.blob_fee_cap) for tx in txs)
        base_gap = base_jumps - base_fee_jumps(head.next_base_fee or 0)
        return priority(base_gap, blob_jumps - blob_fee_jumps(head.blob_base_fee)), min(tx.tip_cap for tx in txs)

    # --- the plain pool: a new head

    def _advance(self, before: dict[bytes, Account], held: list[Candidate], back: list[Candidate], fee: int) -> None:
        self.now += SECOND
        sure = [one.tx.hash for one in back if self._surely_comes_back(one, back)]
        head = head_at(self.pool.head.number + 1, next_base_fee=fee, blob_base_fee=fee)
        included = {one.tx.hash: head.number for one in held}
        self.pool.advance(HeadChange(head, dict(self.accounts), included, tuple(back)), now=self.now)

        assert all(map(self.pool.knows, sure)), "what comes back is here"
        for owner in OWNERS:
            self._drop_stale_waiting(owner, before[owner].nonce)
            self._recheck(owner, back)
        self.limbo -= {one.tx.hash for one in back}

    def _surely_comes_back(self, one: Candidate, back: list[Candidate]) -> bool:
        """Whether nothing stands in the way of a transaction without blobs that an abandoned block held."""
        owner, residents = _owner(one), self.pool._residents
        account = self.accounts[owner]
        delegated = (
            account.has_code or owner in residents.authorities or any(owner in each.authorities for each in back)
        )
        is_alone = owner not in residents.senders and not self.plain[owner]
        return one.tx.type == LEGACY and is_alone and not delegated and one.tx.cost <= account.balance

    def _drop_stale_waiting(self, owner: bytes, nonce: int) -> None:
        """Those go whose nonce had passed before this head, and those that have waited for too long."""
        oldest = self.now - PATIENCE
        self.waiting[owner] = [one for one in self.waiting[owner] if one.arrival >= oldest and one.tx.nonce >= nonce]

    def _recheck(self, owner: bytes, back: list[Candidate]) -> None:
        """Take back what comes back, and keep what can still be sent."""
        account = self.accounts[owner]
        returned = [one for one in back if one.sender == owner and one.tx.hash in self.limbo]
        if owner in self.pool._residents.senders:
            returned = []
        self.overfull |= bool(returned)
        by_nonce = {one.tx.nonce: one for one in reversed([*self.plain[owner], *returned])}
        kept: list[Candidate] = []
        while one := by_nonce.get(account.nonce + len(kept)):
            kept.append(one)
        while sum(each.tx.cost for each in kept) > account.balance or len(kept) > 16:
            kept.pop()
        self.plain[owner] = kept

    # --- steps

    def _submit(self, one: Candidate) -> bool:
        self.sent[one.tx.hash] = one
        self.now += SECOND
        (verdict,), _ = self.pool.submit([one], self.accounts, now=self.now)
        return isinstance(verdict, Accepted)

    def _change(self, owner: bytes, **fields: Any) -> None:  # noqa: ANN401 - any field of Account
        self.accounts[owner] = msgspec.structs.replace(self.accounts[owner], **fields)

    def _unique(self) -> int:
        self.made += 1
        return self.made

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "pool"):
            return
        self.pool.check()
        for event in self.pool.events.since(self.seen):
            self.stages[event.hash] = follow(self.stages.get(event.hash), event.kind)
        self.seen = self.pool.events.next_seq
        content = self.pool._blobs.content
        for owner in OWNERS:
            sender = content.senders.get(owner)
            here = [entry.hash for entry in content.of(sender)] if sender else []
            assert here == [one.tx.hash for one in self.plain[owner]], owner
        assert set(content.waiting) == {one.tx.hash for waiting in self.waiting.values() for one in waiting}
        assert all(self.stages[entry.hash] is Stage.PENDING for entry in content.entries())
        assert all(self.stages[entry.hash] is Stage.QUEUED for entry in content.waiting.values())
        assert content.stored <= self.cap or self.overfull


def _owner(one: Candidate) -> bytes:
    assert isinstance(one.sender, bytes)
    return one.sender


def _stored(one: Candidate) -> int:
    return stored_bytes(len(one.tx.raw), len(one.tx.blob_hashes))


TestBlobs = BlobsBesideAPlainList.TestCase
TestBlobs.settings = settings(stateful_step_count=40)
