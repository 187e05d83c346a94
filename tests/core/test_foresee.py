"""A forecast is a submission that did not happen: the same verdict, place, victims and events, and nothing changes."""

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.core.pool_state import state_digest
from tests.core.stand import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    RICH,
    SECOND,
    STORES,
    Stand,
    head_at,
    offer,
    set_code,
    words,
)
from tests.history.recording import log_to
from tests.model.test_blob_pool_model import BlobsBesideAPlainList
from tests.model.test_pool_model import SENDERS, WISHES, PoolBesideANaiveOne, Wish
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.foresee import Forecast, foresee
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason
from txpool.core.settings import PoolSettings
from txpool.core.tx import BLOB
from txpool.history.input_log import RecordedPool
from txpool.stores.heap import HeapStore


def forecasts(stand: Stand, *offers: Candidate) -> list[Forecast]:
    """What the stand's pool foresees at its next tick; seen to change nothing."""
    before = state_digest(stand.pool)
    accounts = dict.fromkeys([each.sender for each in offers if isinstance(each.sender, bytes)], RICH)
    found = foresee(stand.pool, offers, accounts, now=stand.now + SECOND)
    assert state_digest(stand.pool) == before
    return found


class ForecastsBesideSubmissions(PoolBesideANaiveOne):
    """Whatever is submitted has been foreseen."""

    def _submit(self, offers: list[Candidate]) -> None:
        untracked = {sender: self.accounts[sender] for sender in SENDERS if not self.pool.tracks(sender)}
        before, first = state_digest(self.pool), self.pool.events.next_seq
        found = foresee(self.pool, offers, untracked, now=self.now + SECOND)
        assert state_digest(self.pool) == before

        counted = self.accepted
        super()._submit(offers)

        assert [event for one in found for event in one.events] == list(self.pool.events.since(first))
        assert sum(words(one.verdict) == "ok" for one in found) == self.accepted - counted
        self._compare_place(found[-1])

    def _compare_place(self, last: Forecast) -> None:
        """Those before it may have been moved by those behind them."""
        pooled = self.pool.pooled(last.tx_hash)
        if words(last.verdict) == "ok":
            assert last.pending == (pooled.pending if pooled else None)

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=3))
    def only_ask(self, wishes: list[Wish]) -> None:
        """Nothing comes of a question."""
        offers = [self._make(wish) for wish in wishes]
        before = state_digest(self.pool)

        foresee(self.pool, offers, self.accounts, now=self.now + 60 * SECOND)

        assert state_digest(self.pool) == before


class BlobsBesideSubmissions(BlobsBesideAPlainList):
    """The same for blob transactions, those of others among them."""

    def _submit(self, one: Candidate) -> bool:
        before, first = state_digest(self.pool), self.pool.events.next_seq
        (found,) = foresee(self.pool, [one], self.accounts, now=self.now + SECOND)
        assert state_digest(self.pool) == before

        accepted = super()._submit(one)

        assert accepted == (words(found.verdict) == "ok")
        assert list(found.events) == list(self.pool.events.since(first))
        if one.tx.type == BLOB:
            stays = accepted and self.pool.knows(one.tx.hash)
            assert found.pending == (self.pool.pooled(one.tx.hash) is not None if stays else None)
        return accepted


TestBlobs = BlobsBesideSubmissions.TestCase


class OverPlainObjects(ForecastsBesideSubmissions):
    store = "heap"


class OverTinySlabs(ForecastsBesideSubmissions):
    store = "mmap"


class OverReusedBuffers(ForecastsBesideSubmissions):
    store = "cache"


class OverUntrackedObjects(ForecastsBesideSubmissions):
    store = "untracked"


TestOverPlainObjects = OverPlainObjects.TestCase
TestOverTinySlabs = OverTinySlabs.TestCase
TestOverReusedBuffers = pytest.mark.matrix(OverReusedBuffers.TestCase)
TestOverUntrackedObjects = pytest.mark.matrix(OverUntrackedObjects.TestCase)


def test_place_is_pending_for_the_next_nonce_and_queued_behind_a_gap() -> None:
    stand = Stand()

    ready, waiting = forecasts(stand, offer(ALICE, 0), offer(BOB, 3))

    assert (ready.pending, waiting.pending) == (True, False)


def test_several_are_foreseen_one_after_the_other() -> None:
    stand = Stand()

    found = forecasts(stand, offer(ALICE, 1), offer(ALICE, 0), offer(ALICE, 0), offer(ALICE, 1, 200))

    assert [words(one.verdict) for one in found] == ["ok", "ok", "already known", "ok"]
    assert [one.pending for one in found] == [False, True, None, True]
    assert found[1].moved(Kind.PROMOTED) == [offer(ALICE, 1).tx.hash]
    assert found[3].replaced == offer(ALICE, 1).tx.hash


def test_a_forecast_names_who_would_have_to_leave_for_room() -> None:
    stand = Stand(global_slots=2, global_queue=1)
    stand.send(offer(ALICE, 0, 10), offer(BOB, 0, 20), offer(CAROL, 0, 30))

    (found,) = forecasts(stand, offer(DAVE, 0, 40))

    assert [(each.hash, each.reason) for each in found.evicted] == [
        (offer(ALICE, 0, 10).tx.hash, Reason.POOL_FULL_CHEAPEST)
    ]


def test_one_that_the_limits_would_cut_at_once_has_no_place() -> None:
    stand = Stand(account_queue=1)
    stand.send(offer(ALICE, 5))

    (found,) = forecasts(stand, offer(ALICE, 6))

    assert (words(found.verdict), found.pending) == ("ok", None)
    assert [(each.hash, each.reason) for each in found.evicted] == [
        (offer(ALICE, 6).tx.hash, Reason.ACCOUNT_QUEUE_LIMIT)
    ]


def test_a_refusal_that_has_made_room_first_is_foreseen_with_its_victims() -> None:
    stand = Stand(global_slots=1, global_queue=1)
    stand.send(offer(ALICE, 0, 100), offer(BOB, 0, 10))
    bumped_too_little = offer(ALICE, 0, 105)

    (found,) = forecasts(stand, bumped_too_little)
    first = stand.pool.events.next_seq
    said = stand.send(bumped_too_little)

    assert said == [words(found.verdict)] == ["replacement transaction underpriced"]
    assert list(found.events) == stand.events(first)
    assert [each.hash for each in found.evicted] == [offer(BOB, 0, 10).tx.hash]


def test_authorities_count_in_a_forecast() -> None:
    stand = Stand()
    stand.send(offer(BOB, 0), offer(BOB, 1))

    (found,) = forecasts(stand, set_code(ALICE, 0, BOB))

    assert words(found.verdict) == "authority already reserved"


@pytest.mark.parametrize("kind", sorted(STORES))
def test_a_full_store_is_foreseen(kind: str) -> None:
    stand = Stand(store=STORES[kind](4096))
    said: list[str] = []
    foreseen: list[str] = []

    for nonce in range(40):
        foreseen += [words(one.verdict) for one in forecasts(stand, offer(ERIN, nonce))]
        said += stand.send(offer(ERIN, nonce))

    assert foreseen == said
    assert "txpool is full" in said


def test_a_forecast_leaves_no_trace_in_the_input_log(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as file:
        pool = RecordedPool(PoolSettings(), head_at(), HeapStore(1 << 26), EventRing(16), log_to(file))
        written = file.tell()

        (found,) = foresee(pool, [offer(ALICE, 0)], {ALICE: RICH}, now=1)

        assert (words(found.verdict), file.tell()) == ("ok", written)
