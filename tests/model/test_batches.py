"""One batch equals its transactions one by one: verdicts, events, pool."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stand import SECOND, dynamic, empty_store, head_at, offer, set_code
from txpool.core.candidate import Candidate
from txpool.core.events import Event, EventRing
from txpool.core.head import Account, HeadChange
from txpool.core.pool import Pool, Pooled, Verdict
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings

SENDERS: Final = tuple(bytes([number]) * 20 for number in range(1, 5))
ACCOUNTS: Final = {
    SENDERS[0]: Account(0, 10**18),
    SENDERS[1]: Account(2, 3 * 21_000 * 20),
    SENDERS[2]: Account(0, 10**18, has_code=True),
    SENDERS[3]: Account(1, 10**18),
}
SETTINGS: Final = PoolSettings(account_slots=2, global_slots=8, account_queue=3, global_queue=4)
_PRICES: Final = st.integers(1, 30)
_NONCES: Final = st.integers(0, 5)
OFFERS: Final = st.one_of(
    st.builds(offer, st.sampled_from(SENDERS), _NONCES, _PRICES, value=st.sampled_from((0, 0, 10**6))),
    st.builds(offer, st.sampled_from(SENDERS), _NONCES, _PRICES, size=st.sampled_from((110, 40_000, 131_073))),
    st.builds(dynamic, st.sampled_from(SENDERS), _NONCES, tip=st.integers(1, 20), fee=st.integers(10, 40)),
    st.builds(set_code, st.sampled_from(SENDERS), _NONCES, st.sampled_from(SENDERS), price=_PRICES),
)


def history_of(pool: Pool) -> list[Event]:
    return list(pool.events.since(0))


def content_of(pool: Pool) -> list[tuple[list[Pooled], list[Pooled], int | None]]:
    return [(pool.pending_of(each), pool.queued_of(each), pool.next_nonce(each)) for each in SENDERS]


def fresh() -> Pool:
    return Pool(SETTINGS, head_at(fork=Fork.OSAKA), empty_store(), EventRing(4096))


def untracked(pool: Pool) -> Mapping[bytes, Account]:
    return {address: account for address, account in ACCOUNTS.items() if not pool.tracks(address)}


def together(pool: Pool, batch: Sequence[Candidate], now: int) -> list[Verdict]:
    return pool.submit(batch, untracked(pool), now=now)[0]


def one_by_one(pool: Pool, batch: Sequence[Candidate], now: int) -> list[Verdict]:
    return [together(pool, [each], now)[0] for each in batch]


@given(st.lists(st.lists(OFFERS, max_size=10), min_size=1, max_size=4))
def test_one_batch_equals_its_transactions_one_by_one(batches: list[list[Candidate]]) -> None:
    pool, other = fresh(), fresh()
    for number, batch in enumerate(batches):
        now = number * SECOND
        assert together(pool, batch, now) == one_by_one(other, batch, now)
        for each in (pool, other):
            each.check()
            each.advance(HeadChange(msgspec.structs.replace(each.head, number=each.head.number + 1), {}), now=now)

    assert history_of(pool) == history_of(other)
    assert content_of(pool) == content_of(other)
    assert pool.tallies.__dict__ == other.tallies.__dict__
    assert pool.counts() == other.counts()


@given(st.lists(OFFERS, max_size=12))
def test_a_batch_cut_anywhere_is_the_same_batch(batch: list[Candidate]) -> None:
    whole, cut = fresh(), fresh()

    verdicts = together(whole, batch, 0)

    assert verdicts == together(cut, batch[: len(batch) // 3], 0) + together(cut, batch[len(batch) // 3 :], 0)
    assert history_of(whole) == history_of(cut)
