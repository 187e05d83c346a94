"""A head change in steps: the same as at once, however it is cut, and whoever looks on meanwhile."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stand import ALICE, BOB, RICH, Stand, given_back, head_at, offer, pending_senders
from tests.model.test_batches import ACCOUNTS, OFFERS, SENDERS, content_of, fresh, history_of, together
from txpool.core.candidate import Candidate
from txpool.core.explain import explain
from txpool.core.head import Account, Head, HeadChange
from txpool.core.pool import Pool
from txpool.core.steps import MANY, Steps, finish

Change = tuple[list[Candidate], Mapping[bytes, Account], list[Candidate], int]

accounts = st.builds(Account, st.integers(0, 4), st.sampled_from([0, 21_000 * 25, 10**18]), st.booleans())
changes = st.tuples(
    st.lists(OFFERS, max_size=12),
    st.dictionaries(st.sampled_from(SENDERS), accounts),
    st.lists(OFFERS, max_size=6),
    st.sampled_from([30_000_000, 30_000_000, 50_000]),
)


def look(pool: Pool) -> None:
    """Everything that may be asked while a head change is half done."""
    pool.counts()
    content_of(pool)
    for address in pending_senders(pool) + pool.queued_senders():
        assert pool.tracks(address)
        for each in (*pool.pending_of(address), *pool.queued_of(address)):
            assert pool.knows(each.hash)
            explain(pool, each.hash)
    assert pool.held() == pool.store.stats().slots_used


def watched(steps: Steps[range], pool: Pool) -> range:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            told: range = end.value
            return told
        look(pool)


def next_head(head: Head, gas_limit: int, *, fee: int) -> Head:
    return msgspec.structs.replace(head, number=head.number + 1, gas_limit=gas_limit, next_base_fee=fee)


def story(pool: Pool, changes: list[Change], advance: Callable[[HeadChange, int], range]) -> list[range]:
    told = []
    for now, (batch, seen, back, gas_limit) in enumerate(changes):
        together(pool, batch, now)
        known = {**ACCOUNTS, **seen}
        included = {each.tx.hash: now for each in batch[::2]}
        named = {each: known[each] for each in SENDERS if each in seen or any(tx.sender == each for tx in back)}
        change = HeadChange(next_head(pool.head, gas_limit, fee=now * 7), named, included, given_back(*back))
        told.append(advance(change, now))
        pool.check()
    return told


@given(st.lists(changes, min_size=1, max_size=4))
def test_what_comes_of_it_does_not_hang_on_the_steps(changes: list[Change]) -> None:
    at_once, in_steps = fresh(), fresh()

    def advance(change: HeadChange, now: int) -> range:
        told = watched(in_steps.advance_in_steps(change, now=now), in_steps)
        finish(in_steps.get_ready())
        return told

    told = story(at_once, changes, lambda change, now: at_once.advance(change, now=now))

    assert story(in_steps, changes, advance) == told
    assert history_of(in_steps) == history_of(at_once)
    assert content_of(in_steps) == content_of(at_once)
    assert in_steps.tallies.__dict__ == at_once.tallies.__dict__
    assert in_steps.counts() == at_once.counts()


def test_nobody_changes_a_pool_whose_head_is_moving() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(BOB, 0))
    steps = stand.pool.advance_in_steps(HeadChange(head_at(2), {ALICE: Account(1, 10**18)}), now=1)
    next(steps)

    with pytest.raises(AssertionError, match="under way"):
        stand.send(offer(ALICE, 1))
    finish(steps)
    assert stand.send(offer(ALICE, 1)) == ["ok"]


LONG = 500


def crowd(count: int) -> list[bytes]:
    return [number.to_bytes(8, "big") + bytes(12) for number in range(1, count + 1)]


def roomy(**limits: int) -> Stand:
    settings: dict[str, Any] = {
        "global_slots": 10 * LONG,
        "account_slots": LONG,
        "global_queue": 10 * LONG,
        "account_queue": LONG,
    }
    return Stand(dict.fromkeys(crowd(LONG), RICH), **(settings | limits))


def longest(stand: Stand, change: HeadChange) -> int:
    """The most events that a step leaves."""
    ring = stand.pool.events
    most, before = 0, ring.next_seq
    for _ in stand.pool.advance_in_steps(change, now=1):
        most, before = max(most, ring.next_seq - before), ring.next_seq
    assert ring.next_seq - before <= MANY
    return most


def of_one_sender() -> tuple[Stand, HeadChange]:
    stand = roomy()
    stand.send_together(*(offer(ALICE, nonce) for nonce in range(LONG)))
    return stand, HeadChange(head_at(2), {ALICE: Account(LONG, 10**18)})


def of_many_senders() -> tuple[Stand, HeadChange]:
    stand = roomy()
    stand.send_together(*(offer(each, 0) for each in crowd(LONG)))
    return stand, HeadChange(head_at(2), dict.fromkeys(crowd(LONG), Account(1, 10**18)))


def of_the_poor() -> tuple[Stand, HeadChange]:
    stand = roomy()
    stand.send_together(*(offer(ALICE, nonce) for nonce in range(LONG)))
    return stand, HeadChange(head_at(2), {ALICE: Account(0, 0)})


def of_a_gap() -> tuple[Stand, HeadChange]:
    stand = roomy()
    stand.send_together(*(offer(ALICE, nonce) for nonce in range(1, LONG)))
    return stand, HeadChange(head_at(2), {ALICE: Account(1, 10**24)})


def of_a_lower_gas_limit() -> tuple[Stand, HeadChange]:
    stand = roomy()
    stand.send_together(*(offer(each, 0, gas=100_000) for each in crowd(LONG)))
    return stand, HeadChange(head_at(2, gas_limit=90_000), {})


def of_a_reorg() -> tuple[Stand, HeadChange]:
    stand = roomy(global_slots=64, account_slots=1)
    back = [offer(each, nonce) for each in crowd(LONG // 5) for nonce in range(5)]
    return stand, HeadChange(head_at(2), dict.fromkeys(crowd(LONG // 5), RICH), {}, given_back(*back))


@pytest.mark.parametrize(
    "scene", [of_one_sender, of_many_senders, of_the_poor, of_a_gap, of_a_lower_gas_limit, of_a_reorg]
)
def test_no_step_does_more_than_a_bounded_part(scene: Callable[[], tuple[Stand, HeadChange]]) -> None:
    stand, change = scene()
    before = stand.pool.events.next_seq

    assert longest(stand, change) <= MANY
    assert stand.pool.events.next_seq - before >= LONG - 1
    stand.pool.check()
