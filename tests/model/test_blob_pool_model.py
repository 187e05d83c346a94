"""Blob transactions among others, heads, reorgs, delegations: our pool beside the plainest one that has its rules."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.core.blob_offers import ONE_BLOB_STORED, blob
from tests.core.stand import PLENTY_BYTES, SECOND, STORES, given_back, head_at, offer, set_code
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, HeadChange
from txpool.core.lifecycle import Kind, Stage, follow
from txpool.core.pool import Accepted, Pool
from txpool.core.settings import PoolSettings
from txpool.core.tx import BLOB

OWNERS: Final = tuple(bytes([number]) * 20 for number in range(1, 5))
OWNER: Final = st.integers(0, len(OWNERS) - 1)
COST: Final = blob(OWNERS[0]).tx.cost
BALANCES: Final = st.sampled_from((10**24, 10**24, 3 * COST, COST))
FEES: Final = st.sampled_from((20, 100, 100, 200, 400))


class Block(msgspec.Struct, frozen=True):
    """What a block held, and how the accounts were before it."""

    held: tuple[Candidate, ...]
    before: dict[bytes, Account]


class BlobsBesideAPlainList(RuleBasedStateMachine):
    """The plain one: for each account a list of nonces and costs, made anew from the rules after each step."""

    @initialize(
        nonces=st.lists(st.sampled_from((0, 9, 99)), min_size=4, max_size=4),
        balances=st.lists(BALANCES, min_size=4, max_size=4),
        cap=st.sampled_from((100, 100, 3)),
        store=st.sampled_from(sorted(STORES)),
    )
    def start(self, nonces: list[int], balances: list[int], cap: int, store: str) -> None:
        self.accounts = dict(zip(OWNERS, map(Account, nonces, balances), strict=True))
        limits = PoolSettings(blob_data_cap=cap * ONE_BLOB_STORED)
        self.pool = Pool(limits, head_at(1), STORES[store](PLENTY_BYTES), EventRing(4096))
        self.capped = cap < 100
        self.plain: dict[bytes, list[Candidate]] = {owner: [] for owner in OWNERS}
        self.limbo: set[bytes] = set()
        self.blocks: list[Block] = []
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

    def _send_blob(self, one: Candidate) -> None:
        expected = self._expects(one)
        accepted = self._submit(one)
        if expected is not None and not self.capped:
            assert accepted == expected, (one.tx.nonce, self.plain)
        self._observe()

    @rule(number=OWNER, ahead=st.integers(2, 5))
    def send_blob_ahead(self, number: int, ahead: int) -> None:
        nonce = self.accounts[OWNERS[number]].nonce + ahead
        self._submit(blob(OWNERS[number], nonce, arrival=self.now, value=self._unique()))
        self._observe()

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
        self.limbo |= {one.tx.hash for one in held if one.tx.type == BLOB}
        self.blocks.append(Block(tuple(held), before))
        self._advance(held, [], fee)

    @precondition(lambda self: self.blocks)
    @rule(depth=st.integers(1, 3), fee=FEES)
    def reorg(self, depth: int, fee: int) -> None:
        abandoned = [self.blocks.pop() for _ in range(min(depth, len(self.blocks)))]
        self.accounts = dict(abandoned[-1].before)
        lost = [one for block in abandoned for one in block.held]
        self._advance([], given_back(*lost), fee)

    @rule(floor=st.sampled_from((1, 50, 150)))
    def price_floor(self, floor: int) -> None:
        self.pool.set_price_floor(floor, now=self.now)
        self._observe()

    @rule(seconds=st.sampled_from((10, 61)))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.pool.expire(now=self.now)

    # --- the plain pool

    def _expects(self, one: Candidate) -> bool | None:
        """Whether a blob transaction should get in; None where that hangs on more than this list knows."""
        owner, tx = one.sender, one.tx
        assert isinstance(owner, bytes)
        account, pooled = self.accounts[owner], self.plain[owner]
        place = tx.nonce - account.nonce
        if tx.tip_cap < self.pool.settings.price_limit or place < 0:
            return False
        if place > len(pooled):
            return None
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

    def _observe(self) -> None:
        """Take over what the pool holds; `agree` sees to it that this follows the rules."""
        content = self.pool._blobs.content
        for owner in OWNERS:
            sender = content.senders.get(owner)
            self.plain[owner] = [self.sent[entry.hash] for entry in content.of(sender)] if sender else []

    # --- steps

    @property
    def sent(self) -> dict[bytes, Candidate]:
        found: dict[bytes, Candidate] = self.__dict__.setdefault("_sent", {})
        return found

    def _submit(self, one: Candidate) -> bool:
        self.sent[one.tx.hash] = one
        self.now += SECOND
        (verdict,), _ = self.pool.submit([one], self.accounts, now=self.now)
        return isinstance(verdict, Accepted)

    def _advance(self, held: list[Candidate], reverted: list[Candidate], fee: int) -> None:
        self.now += SECOND
        expected = {owner: self._rechecked(owner, reverted) for owner in OWNERS}
        head = head_at(self.pool.head.number + 1, next_base_fee=fee, blob_base_fee=fee)
        included = {one.tx.hash: head.number for one in held}
        self.pool.advance(HeadChange(head, dict(self.accounts), included, tuple(reverted)), now=self.now)
        self.limbo -= {one.tx.hash for one in reverted}
        self._observe()
        for owner, hashes in expected.items():
            if owner not in self.pool._residents.senders:
                assert [one.tx.hash for one in self.plain[owner]] == hashes, owner

    def _rechecked(self, owner: bytes, reverted: list[Candidate]) -> list[bytes]:
        """What an account should have at the new head, from the rules alone."""
        account = self.accounts[owner]
        back = [one for one in reverted if one.sender == owner and one.tx.hash in self.limbo]
        by_nonce = {one.tx.nonce: one for one in reversed([*self.plain[owner], *back]) if one.tx.type == BLOB}
        kept: list[Candidate] = []
        while one := by_nonce.get(account.nonce + len(kept)):
            kept.append(one)
        while sum(each.tx.cost for each in kept) > account.balance or len(kept) > 16:
            kept.pop()
        return [one.tx.hash for one in kept]

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
        ends: Mapping[bytes, Stage] = self.stages
        assert all(ends[entry.hash] is Stage.PENDING for entry in content.entries())
        assert all(ends[entry.hash] is Stage.QUEUED for entry in content.waiting.values())
        assert content.stored <= self.pool.settings.blob_data_cap or Kind.REINJECTED in {
            event.kind for event in self.pool.events.since(0)
        }


TestBlobs = BlobsBesideAPlainList.TestCase
TestBlobs.settings = settings(stateful_step_count=40)
