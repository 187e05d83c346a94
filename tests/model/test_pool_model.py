"""The pool beside a naive one, under everything that can happen to a pool; limits are small, so that they bite."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.core.stand import PLENTY_BYTES, SECOND, STORES, dynamic, given_back, head_at, offer, set_code, words
from tests.model.naive_pool import OK, Entry, NaivePool
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, HeadChange
from txpool.core.lifecycle import REBORN_FROM, Stage, follow
from txpool.core.pool import Accepted, Pool, Pooled
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings

SENDERS: Final = tuple(bytes([number]) * 20 for number in range(1, 5))
GAS: Final = (100_000, 200_000, 20_000_000)
BALANCES: Final = (0, 10**9, 4 * 10**9, *(10**14,) * 4)
LIMITS: Final = (
    {"account_slots": 1, "global_slots": 4, "account_queue": 2, "global_queue": 3},
    {"account_slots": 2, "global_slots": 8, "account_queue": 3, "global_queue": 4},
    {"account_slots": 4, "global_slots": 6, "account_queue": 4, "global_queue": 12},
    {"account_slots": 2, "global_slots": 16, "account_queue": 6, "global_queue": 6, "price_bump": 25},
)


class Wish(msgspec.Struct, frozen=True):
    """What a transaction is to be like; the machine makes one of it that has a price of its own."""

    sender: int
    ahead: int  # of the pool's nonce
    fee: int
    tip: int
    kind: str
    gas: int
    size: int
    value: int
    authorities: tuple[int, ...]


WISHES: Final = st.builds(
    Wish,
    sender=st.integers(0, len(SENDERS) - 1),
    ahead=st.sampled_from((0, 0, 0, 0, 0, 1, 1, 2, 3, -1, -1, -2, -4)),
    fee=st.integers(1, 14),
    tip=st.integers(1, 14),
    kind=st.sampled_from((*("legacy", "dynamic") * 5, "set code")),
    gas=st.sampled_from((*GAS[:1] * 8, *GAS)),
    size=st.sampled_from((*(110,) * 6, 32_768, 32_769, 100_000)),
    value=st.sampled_from((0, 0, 5 * 10**8)),
    authorities=st.lists(st.integers(0, len(SENDERS) - 1), min_size=1, max_size=2, unique=True).map(tuple),
)

HEADS: Final = st.fixed_dictionaries(
    {
        "next_base_fee": st.sampled_from((0, 0, 3_000, 8_000)),
        "gas_limit": st.sampled_from((30_000_000, 30_000_000, 150_000)),
        "fork": st.sampled_from((Fork.PRAGUE, Fork.PRAGUE, Fork.OSAKA)),
    }
)


class Block(msgspec.Struct, frozen=True):
    """What the machine's chain put on top, and how the accounts were before."""

    held: tuple[Candidate, ...]
    before: dict[bytes, Account]


class PoolBesideANaiveOne(RuleBasedStateMachine):
    store: str = "heap"

    @initialize(
        limits=st.sampled_from(LIMITS),
        balances=st.lists(st.sampled_from(BALANCES), min_size=len(SENDERS), max_size=len(SENDERS)),
        coded=st.sampled_from((*(None,) * 8, *range(len(SENDERS)))),
    )
    def start(self, limits: dict[str, Any], balances: list[int], coded: int | None) -> None:
        settings = PoolSettings(lifetime=100, **limits)
        head = head_at(1, next_base_fee=0, fork=Fork.PRAGUE)
        self.accounts = {
            sender: Account(3, balance, number == coded)
            for number, (sender, balance) in enumerate(zip(SENDERS, balances, strict=True))
        }
        self.pool = Pool(settings, head, STORES[self.store](PLENTY_BYTES), EventRing(4096))
        self.model = NaivePool(settings, head, self.accounts)
        self.now = 0
        self.made: list[Candidate] = []
        self.attempts: Counter[tuple[int, int]] = Counter()
        self.blocks: list[Block] = []
        self.stages: dict[bytes, Stage | None] = {}
        self.reasons: dict[bytes, str | None] = {}
        self.seen = 0
        self.count = 0
        self.accepted = 0

    # Rules.

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=4))
    def submit(self, wishes: list[Wish]) -> None:
        self._submit([self._make(wish) for wish in wishes])

    @rule(data=st.data(), percent=st.sampled_from((100, 109, 112, 130, 200)))
    def replace(self, data: st.DataObject, percent: int) -> None:
        held = self.model.everything()
        if not held:
            return
        old = data.draw(st.sampled_from(sorted(held, key=lambda each: each.tx.hash)))
        number = SENDERS.index(old.sender)
        self._submit(
            [self._priced(number, old.tx.nonce, old.tx.fee_cap * percent // 100, old.tx.tip_cap * percent // 100)]
        )

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """What has left may come again (here at another price, so that no two of one nonce are worth the same)."""
        one = data.draw(st.sampled_from(self.made))
        if self.pool.knows(one.tx.hash):
            self._submit([one])
            return
        assert isinstance(one.sender, bytes)
        fresh = self._priced(SENDERS.index(one.sender), one.tx.nonce, one.tx.fee_cap, one.tx.tip_cap)
        fees = {"fee_cap": fresh.tx.fee_cap, "tip_cap": fresh.tx.tip_cap}
        self._submit([msgspec.structs.replace(one, tx=msgspec.structs.replace(one.tx, **fees))])

    @rule(
        taken=st.integers(0, 6),
        strangers=st.sets(st.integers(0, len(SENDERS) - 1), max_size=2),
        richer=st.dictionaries(st.integers(0, len(SENDERS) - 1), st.sampled_from(BALANCES), max_size=2),
        coded=st.dictionaries(
            st.integers(0, len(SENDERS) - 1), st.sampled_from((False, False, False, True)), max_size=1
        ),
        head=HEADS,
        data=st.data(),
    )
    def new_head(
        self,
        taken: int,
        strangers: set[int],
        richer: dict[int, int],
        coded: dict[int, bool],
        head: dict[str, Any],
        data: st.DataObject,
    ) -> None:
        """A block of the best, or of what the pool has let go, or of transactions that it has never seen."""
        before = dict(self.accounts)
        held = [
            self._find(each.hash) for each, _ in zip(self.pool.best(self.model.base_fee), range(taken), strict=False)
        ]
        for one in held:
            self._raise_nonce(one.sender)
        for number in sorted(strangers):
            sender = SENDERS[number]
            known = [
                each for each in self.made if each.sender == sender and each.tx.nonce == self.accounts[sender].nonce
            ]
            if known:
                held.append(data.draw(st.sampled_from(known)))
            self._raise_nonce(sender)
        self._change(richer, coded)
        self.blocks.append(Block(tuple(held), before))
        self._advance(held, [], head | {"fork": max(head["fork"], self.model.head.fork)})

    @precondition(lambda self: self.blocks)
    @rule(
        depth=st.integers(1, 4),
        kept=st.integers(0, 2),
        richer=st.dictionaries(st.integers(0, len(SENDERS) - 1), st.sampled_from(BALANCES), max_size=1),
        base_fee=st.sampled_from((0, 3_000)),
    )
    def reorg(self, depth: int, kept: int, richer: dict[int, int], base_fee: int) -> None:
        """Another branch, which holds the first few of what the abandoned one held."""
        abandoned = [self.blocks.pop() for _ in range(min(depth, len(self.blocks)))]
        before, oldest = dict(abandoned[-1].before), abandoned[-1].held
        self.accounts = dict(before)
        again = [one for one in oldest[:kept] if one.tx.nonce == self._raise_nonce(one.sender)]
        hashes = {one.tx.hash for one in again}
        lost = [one for block in abandoned for one in block.held if one.tx.hash not in hashes]
        self._change(richer, {})
        self.blocks.append(Block(tuple(again), before))
        self._advance(again, given_back(*lost), {"next_base_fee": base_fee, "fork": self.model.head.fork})

    @rule(floor=st.sampled_from((1, 1, 2_500, 6_500)))
    def price_floor(self, floor: int) -> None:
        self._tick()
        self.pool.set_price_floor(floor, now=self.now)
        self.model.set_price_floor(floor, self.now)

    @rule(seconds=st.sampled_from((10, 60, 99, 200)))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.pool.expire(now=self.now)
        self.model.expire(self.now)

    # What must hold after each step.

    @invariant()
    def indexes_agree(self) -> None:
        self.pool.check()

    @invariant()
    def limits_hold(self) -> None:
        limits, counts = self.pool.settings, self.pool.counts()
        assert counts.slots <= limits.global_slots + limits.global_queue
        assert counts.queued <= limits.global_queue or not self.model.limits_applied
        longest = max(len(self.pool.pending_of(sender)) for sender in SENDERS)
        assert counts.pending <= limits.global_slots or longest <= limits.account_slots

    @invariant()
    def content_is_the_models(self) -> None:
        for sender in SENDERS:
            assert _seen(self.pool.pending_of(sender)) == _seen(self.model.pending_of(sender)), sender
            assert _seen(self.pool.queued_of(sender)) == _seen(self.model.queued_of(sender)), sender
            known = self.pool.next_nonce(sender)
            assert known is None or known == self.model.pool_nonce(sender)
            assert self.pool.tracks(sender) == (known is not None)
        assert list(self.pool._residents.queue_ages.items()) == list(self.model.ages.items())

    @invariant()
    def builders_get_the_best(self) -> None:
        for base_fee in (0, 3_000):
            assert [each.hash for each in self.pool.best(base_fee)] == self.model.best(base_fee)

    @invariant()
    def events_obey_the_table(self) -> None:
        for event in self.pool.events.since(self.seen):
            self.stages[event.hash] = follow(self.stages.get(event.hash), event.kind)
            self.reasons[event.hash] = event.reason or event.kind.name.lower()
        self.seen = self.pool.events.next_seq
        places = {each.tx.hash: Stage.PENDING for each in self.model.pending}
        places |= {each.tx.hash: Stage.QUEUED for each in self.model.queued}
        for tx_hash, stage in self.stages.items():
            assert stage == places[tx_hash] if tx_hash in places else stage in REBORN_FROM, (tx_hash, stage)

    @invariant()
    def who_left_did_so_for_the_models_reason(self) -> None:
        held = {each.tx.hash for each in self.model.everything()}
        for tx_hash, fate in self.model.fates.items():
            if tx_hash not in held and self.stages[tx_hash] is not Stage.REJECTED:
                assert self.reasons[tx_hash] == fate

    @invariant()
    def acceptances_are_counted(self) -> None:
        assert self.pool.tallies.accepted == self.accepted

    # How.

    def _submit(self, offers: list[Candidate]) -> None:
        self._tick()
        self.made += [each for each in offers if each not in self.made]
        untracked = {sender: self.accounts[sender] for sender in SENDERS if not self.pool.tracks(sender)}
        verdicts, _ = self.pool.submit(offers, untracked, now=self.now)
        expected = [self.model.submit(each, self.now) for each in offers]
        assert [(words(each), each.replaced if isinstance(each, Accepted) else None) for each in verdicts] == expected
        self.accepted += sum(verdict == OK for verdict, _ in expected)

    def _advance(self, held: list[Candidate], lost: list[Candidate], head: dict[str, Any]) -> None:
        self._tick()
        number = self.model.head.number + 1
        included = {one.tx.hash: number for one in held}
        changed = {
            sender: account for sender, account in self.accounts.items() if account != self.model.accounts[sender]
        }
        named = changed | {one.sender: self.accounts[one.sender] for one in lost if isinstance(one.sender, bytes)}
        change = HeadChange(head_at(number, **head), named, included, lost)
        self.pool.advance(change, now=self.now)
        self.model.advance(change, self.now)

    def _make(self, wish: Wish) -> Candidate:
        sender = SENDERS[wish.sender]
        nonce = max(0, self.model.pool_nonce(sender) + wish.ahead)
        fields = {"gas": wish.gas, "size": wish.size, "value": wish.value, "kind": wish.kind}
        authorities = tuple(SENDERS[number] for number in wish.authorities)
        return self._priced(
            wish.sender, nonce, wish.fee * 1_000, min(wish.tip, wish.fee) * 1_000, authorities, **fields
        )

    def _priced(
        self,
        number: int,
        nonce: int,
        fee: int,
        tip: int,
        authorities: tuple[bytes, ...] = (),
        **fields: Any,  # noqa: ANN401 - any field of Tx
    ) -> Candidate:
        """Rounded to thousands, and then some wei that no other sender, and none of the same nonce, ever adds."""
        self.attempts[number, nonce] += 1
        assert self.attempts[number, nonce] < 100
        extra = (number + 1) * 100 + self.attempts[number, nonce]
        sender, kind = SENDERS[number], fields.pop("kind", "dynamic")
        fee, tip = (amount // 1_000 * 1_000 + extra for amount in (fee, tip))
        tx_hash = self.count.to_bytes(32)  # ascending in the last byte, by which the pool's index is cut into shards
        self.count += 1
        assert self.count < 256
        fields |= {"gas": fields.get("gas", GAS[0]), "hash": tx_hash, "arrival": self.now}
        if kind == "set code":
            return set_code(sender, nonce, *authorities or (sender,), tip_cap=tip, fee_cap=fee, **fields)
        if kind == "dynamic":
            return dynamic(sender, nonce, tip=tip, fee=fee, **fields)
        return offer(sender, nonce, fee, **fields)

    def _find(self, tx_hash: bytes) -> Candidate:
        return next(one for one in reversed(self.made) if one.tx.hash == tx_hash)

    def _raise_nonce(self, sender: object) -> int:
        """The account's nonce, which is one more from now on."""
        assert isinstance(sender, bytes)
        account = self.accounts[sender]
        self.accounts[sender] = msgspec.structs.replace(account, nonce=account.nonce + 1)
        return account.nonce

    def _change(self, richer: dict[int, int], coded: dict[int, bool]) -> None:
        for number, balance in richer.items():
            self.accounts[SENDERS[number]] = msgspec.structs.replace(self.accounts[SENDERS[number]], balance=balance)
        for number, has_code in coded.items():
            self.accounts[SENDERS[number]] = msgspec.structs.replace(self.accounts[SENDERS[number]], has_code=has_code)

    def _tick(self) -> None:
        self.now += SECOND


def _seen(entries: Sequence[Pooled | Entry]) -> list[tuple[int, int]]:
    """Nonce and hash of each."""
    txs = [each.tx if isinstance(each, Entry) else each for each in entries]
    return [(tx.nonce, int.from_bytes(tx.hash)) for tx in txs]


class OverPlainObjects(PoolBesideANaiveOne):
    store = "heap"


class OverTinySlabs(PoolBesideANaiveOne):
    store = "mmap"


class OverReusedBuffers(PoolBesideANaiveOne):
    store = "cache"


class OverUntrackedObjects(PoolBesideANaiveOne):
    store = "untracked"


TestOverPlainObjects = OverPlainObjects.TestCase
TestOverTinySlabs = OverTinySlabs.TestCase
TestOverReusedBuffers = pytest.mark.matrix(OverReusedBuffers.TestCase)
TestOverUntrackedObjects = pytest.mark.matrix(OverUntrackedObjects.TestCase)
