"""Replacement: the same nonce at a higher price."""

import pytest

from tests.core.stand import ALICE, Stand, dynamic, offer
from txpool.core.lifecycle import Kind
from txpool.core.pool import Accepted
from txpool.core.rejection import Reason

UNDERPRICED = "replacement transaction underpriced"


@pytest.mark.parametrize(
    ("old", "new", "verdict"), [(1, 2, "ok"), (19, 20, "ok"), (100, 110, "ok"), (100, 109, UNDERPRICED)]
)
@pytest.mark.parametrize("nonce", [0, 5], ids=["pending", "queued"])
def test_a_replacement_pays_a_tenth_more_rounded_down(nonce: int, old: int, new: int, verdict: str) -> None:
    stand = Stand()
    stand.send(offer(ALICE, nonce, old))

    assert stand.send(offer(ALICE, nonce, new)) == [verdict]

    assert stand.holds(offer(ALICE, nonce, old), offer(ALICE, nonce, new)) == [verdict != "ok", verdict == "ok"]


def test_the_same_price_never_replaces_however_small() -> None:
    stand = Stand(price_bump=1)
    stand.send(offer(ALICE, 0, 5))

    assert stand.send(offer(ALICE, 0, 5, value=1)) == [UNDERPRICED]


@pytest.mark.parametrize(
    ("tip", "fee", "verdict"), [(110, 1099, UNDERPRICED), (109, 1100, UNDERPRICED), (110, 1100, "ok")]
)
def test_both_fees_must_rise(tip: int, fee: int, verdict: str) -> None:
    stand = Stand()
    stand.send(dynamic(ALICE, 0, tip=100, fee=1000))

    assert stand.send(dynamic(ALICE, 0, tip=tip, fee=fee)) == [verdict]


def test_a_tenth_of_little_rounds_to_nothing_but_each_fee_must_rise() -> None:
    stand = Stand()
    stand.send(dynamic(ALICE, 0, tip=1, fee=5))

    assert stand.send(dynamic(ALICE, 0, tip=1, fee=6), dynamic(ALICE, 0, tip=2, fee=5)) == [UNDERPRICED] * 2
    assert stand.send(dynamic(ALICE, 0, tip=2, fee=6)) == ["ok"]


def test_the_bump_is_a_setting() -> None:
    stand = Stand(price_bump=50)
    stand.send(offer(ALICE, 0, 100))

    assert stand.send(offer(ALICE, 0, 149), offer(ALICE, 0, 150)) == [UNDERPRICED, "ok"]


def test_successors_survive_the_replacement_of_a_pending_one() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 1), offer(ALICE, 2))

    stand.send(offer(ALICE, 1, 200))

    assert stand.pending(ALICE) == [0, 1, 2]
    assert stand.counts() == (3, 0)


def test_both_sides_of_a_replacement_name_each_other() -> None:
    stand = Stand()
    old, new = offer(ALICE, 0, 100), offer(ALICE, 0, 110)
    stand.send(old, new)

    gone, came = stand.last_of(old), stand.last_of(new)
    assert (gone.kind, gone.reason, gone.counterpart) == (Kind.REPLACED, Reason.REPLACED, new.tx.hash)
    assert (came.kind, came.counterpart) == (Kind.PROMOTED, old.tx.hash)


def test_a_replaced_queued_one_stays_queued() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 3, 100), offer(ALICE, 3, 110))

    assert stand.queued(ALICE) == [3]
    assert stand.last_of(offer(ALICE, 3, 110)).kind is Kind.QUEUED


def test_the_verdict_names_who_was_replaced() -> None:
    stand = Stand()
    old, new = offer(ALICE, 0, 100), offer(ALICE, 0, 110)
    stand.send(old)

    verdicts, _ = stand.pool.submit([new], {}, now=stand.now)

    assert verdicts == [Accepted(new.tx.hash, old.tx.hash)]
