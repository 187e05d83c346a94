"""What became of a transaction, and what it waits for."""

import pytest

from tests.core.blob_offers import at_nonce, blob
from tests.core.stand import ALICE, BOB, CAROL, Stand, dynamic, offer
from txpool.core.events import NO_HASH, EventRing
from txpool.core.explain import HAPPENED, RANKED_MAX, SENTENCES, Explanation, explain, sentence_of
from txpool.core.lifecycle import Kind, Stage
from txpool.core.rejection import Reason


def told(stand: Stand, one: bytes) -> Explanation:
    found = explain(stand.pool, one)
    assert found is not None
    return found


def waits(stand: Stand, one: bytes) -> str:
    prospect = told(stand, one).prospect
    assert prospect is not None
    return prospect.words


def test_every_reason_and_every_move_has_words() -> None:
    assert set(SENTENCES) == set(Reason)
    assert all(words and "{" not in words for words in SENTENCES.values())
    assert set(Kind) - set(HAPPENED) == {Kind.VALIDATED, Kind.DEMOTED, Kind.REPLACED, Kind.EVICTED, Kind.REJECTED}


def test_the_stage_is_that_of_the_pool_while_it_is_there_and_of_the_last_event_after() -> None:
    stand = Stand()
    one = offer(ALICE, 1)
    stand.send(one)
    stages = [told(stand, one.tx.hash).stage]
    stand.send(offer(ALICE, 0))
    stages.append(told(stand, one.tx.hash).stage)
    stand.mine(offer(ALICE, 0), one)
    stages.append(told(stand, one.tx.hash).stage)
    stand.give_back(offer(ALICE, 0), one)
    stages.append(told(stand, one.tx.hash).stage)
    stand.send(offer(ALICE, 1, 200))
    stages.append(told(stand, one.tx.hash).stage)

    assert stages == [Stage.QUEUED, Stage.PENDING, Stage.INCLUDED, Stage.PENDING, Stage.REPLACED]
    kinds = [step.kind.name for step in told(stand, one.tx.hash).steps]
    assert kinds == ["RECEIVED", "QUEUED", "PROMOTED", "INCLUDED", "REINJECTED", "QUEUED", "PROMOTED", "REPLACED"]


def test_a_queued_one_waits_for_the_nonces_between() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0), offer(ALICE, 2), offer(ALICE, 4))
    assert waits(stand, offer(ALICE, 4).tx.hash) == "pool next nonce is 1, this has 4; 1, 3 missing"

    stand.pool.remove([offer(ALICE, 0).tx.hash], now=stand.now)

    assert waits(stand, offer(ALICE, 2).tx.hash) == "account next nonce is 0, this has 2; 0, 1 missing"


def test_place_in_line_counts_what_pays_more() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 300), offer(ALICE, 1, 100), offer(BOB, 0, 200), offer(CAROL, 0, 50))

    prospect = told(stand, offer(ALICE, 1, 100).tx.hash).prospect

    assert prospect is not None
    assert (prospect.position, prospect.gas_ahead) == (3, 42_000)


def test_one_that_the_next_block_has_no_room_for_is_told_so() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 300, gas=16_000_000), offer(BOB, 0, 200, gas=15_000_000))

    assert waits(stand, offer(BOB, 0, 200, gas=15_000_000).tx.hash) == (
        "number 2 in line, with 16000000 gas ahead of it: more than the next block has room for"
    )


def test_in_a_large_pool_nobody_walks_the_line() -> None:
    stand = Stand(account_slots=RANKED_MAX + 1)
    accounts = stand.accounts
    stand.pool.submit([offer(ALICE, nonce) for nonce in range(RANKED_MAX + 1)], accounts, now=1)

    assert waits(stand, offer(ALICE, 7).tx.hash) == "it can be in the next block that has room for it"


def test_a_low_fee_cap_waits_for_the_base_fee() -> None:
    stand = Stand()
    stand.send(dynamic(ALICE, 0, tip=1, fee=40))
    stand.see(next_base_fee=50)

    assert waits(stand, dynamic(ALICE, 0, tip=1, fee=40).tx.hash) == (
        "its fee cap is 40 wei, the next base fee 50 wei: it can run when that has fallen"
    )


def test_before_london_there_is_no_base_fee_to_wait_for() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0))
    stand.see(next_base_fee=None)

    assert waits(stand, offer(ALICE, 0).tx.hash).startswith("number 1 in line")


def test_a_refusal_is_told_in_general_words() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, gas=100))

    (_, refused) = told(stand, offer(ALICE, 0, gas=100).tx.hash).steps

    assert sentence_of(refused) == "it was refused: intrinsic gas too low"


def test_a_blob_transaction_waits_for_its_nonce_or_for_a_fee() -> None:
    stand = Stand({ALICE: at_nonce(1000)})
    stand.send(blob(ALICE, 1000, fees=40), blob(ALICE, 1002))
    said = [waits(stand, blob(ALICE, 1000, fees=40).tx.hash), waits(stand, blob(ALICE, 1002).tx.hash)]
    stand.see(blob_base_fee=50)
    said.append(waits(stand, blob(ALICE, 1000, fees=40).tx.hash))
    stand.see(next_base_fee=60)
    said.append(waits(stand, blob(ALICE, 1000, fees=40).tx.hash))

    assert said == [
        "it can be in the next block that has room for its blobs",
        "pool next nonce is 1001, this has 1002",
        "its blob fee cap is 40 wei, the blob fee 50 wei: it can run when that has fallen",
        "its fee cap is 40 wei, the next base fee 60 wei: it can run when that has fallen",
    ]


def test_nothing_is_known_of_the_unknown() -> None:
    assert explain(Stand().pool, offer(ALICE, 0).tx.hash) is None


@pytest.mark.parametrize("capacity", [1, 3, 64])
def test_the_ring_finds_the_events_of_a_transaction_and_no_others(capacity: int) -> None:
    ring = EventRing(capacity, first_seq=5)
    hashes = [bytes([number % 4 + 1]) * 32 for number in range(10)]
    for number, tx_hash in enumerate(hashes):
        others = hashes[(number + 1) % 4]
        ring.append(Kind.RECEIVED, None, (tx_hash, tx_hash[:20], number), now=0, head=0, counterpart=others)

    for tx_hash in (*hashes[:4], bytes([9]) * 32, NO_HASH):
        expected = [event for event in ring.since(0) if event.hash == tx_hash]
        assert ring.of(tx_hash) == expected
