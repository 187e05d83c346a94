"""The rules for blob transactions: who gets in, who waits, who has to go."""

from typing import Any

import pytest

from tests.core.blob_offers import ONE_BLOB_STORED, at_nonce, beside, blob
from tests.core.stand import ALICE, BOB, CAROL, DAVE, ERIN, Stand, offer, pending_senders, set_code
from txpool.core.blob_residents import WAITING_MAX
from txpool.core.head import Account
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason, Rejected


def pooled(stand: Stand, *senders: bytes) -> list[int]:
    content = stand.pool._blobs.content
    found = []
    for sender in senders:
        known = content.senders.get(sender)
        found += [entry.nonce for entry in content.of(known)] if known else []
    return found


# --- what stands beside it


SIDECAR_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"blob_fee_cap": 0}, "transaction gas price below minimum: blob fee cap 0, minimum needed 1"),
    ({"blob_hashes": ()}, "invalid number of 1 blob commitments compared to 0 blob hashes"),
    ({"sidecar": beside(1, commitments=())}, "Wrong sidecar format: invalid number of 128 blob proofs expected 0"),
    ({"blobs": 7}, "transaction blob limit exceeded: blob count 7, limit 6"),
    ({"sidecar": beside(1, version=0)}, "Wrong sidecar format: unexpected sidecar version, want: 1, got: 0"),
    (
        {"sidecar": beside(1, proofs=(b"p",))},
        "Wrong sidecar format: invalid number of 1 blob proofs expected 128",
    ),
    (
        {"sidecar": beside(1, blobs=(b"\x73\xff" * 16,))},
        "scalar is not canonical when interpreted as a big integer in big-endian",
    ),
    ({"sidecar": beside(0)}, "blobless blob transaction"),
    ({"sidecar": beside(1, blobs=(b"\x11" * 32,) * 2)}, "invalid number of 2 blobs compared to 1 commitments"),
    (
        {"proof_fault": Rejected(Reason.KZG_PROOF, {"cause": "can't verify opening proof"})},
        "KZG verification error: can't verify opening proof",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), SIDECAR_FAULTS)
def test_each_fault_of_a_sidecar_is_told_in_geths_words(fields: dict[str, Any], sentence: str) -> None:
    assert Stand().send(blob(ALICE, **fields)) == [sentence]


def test_a_commitment_must_be_the_one_that_was_signed() -> None:
    wanted = blob(ALICE).tx.blob_hashes[0].hex()

    said = Stand().send(blob(ALICE, blob_hashes=(b"\x01" * 32,)))

    assert said == [f"blob 0: computed hash 0x{wanted} mismatches transaction one 0x{'01' * 32}"]


def test_a_blob_transaction_may_have_a_mebibyte() -> None:
    assert Stand().send(blob(ALICE, size=1_048_576), blob(BOB, size=1_048_577)) == [
        "ok",
        "oversized data: transaction size 1048577, limit 1048576",
    ]


# --- nonces and funds


def test_nonces_run_on_from_the_accounts() -> None:
    stand = Stand({ALICE: at_nonce(3)})

    said = stand.send(blob(ALICE, 2), blob(ALICE, 3), blob(ALICE, 4), blob(ALICE, 6))

    assert said == ["nonce too low: next nonce 3, tx nonce 2", "ok", "ok", "nonce too high: tx nonce 6, gapped nonce 5"]
    assert pooled(stand, ALICE) == [3, 4]
    assert stand.pool.next_nonce(ALICE) == 5


def test_all_pooled_ones_count_against_the_balance() -> None:
    cost = blob(ALICE).tx.cost
    stand = Stand({ALICE: Account(balance=2 * cost)})

    said = stand.send(*(blob(ALICE, nonce) for nonce in range(3)))

    assert said[:2] == ["ok", "ok"]
    assert said[2].endswith(f"balance {2 * cost}, queued cost {2 * cost}, tx cost {cost}, overshot {cost}")


def test_a_replacement_has_to_be_covered_as_well() -> None:
    cost = blob(ALICE).tx.cost
    stand = Stand({ALICE: Account(balance=2 * cost)})
    stand.send(blob(ALICE, 0), blob(ALICE, 1))

    (said,) = stand.send(blob(ALICE, 0, fees=200))

    assert said.endswith(f"balance {2 * cost}, queued cost {2 * cost}, tx bumped {cost}, overshot {cost}")


def test_an_account_has_sixteen_at_most_and_may_replace_them() -> None:
    stand = Stand()
    assert set(stand.send(*(blob(ALICE, nonce) for nonce in range(16)))) == {"ok"}

    assert stand.send(blob(ALICE, 16)) == ["account limit exceeded: pooled 16 txs"]
    assert stand.send(blob(ALICE, 15, fees=200)) == ["ok"]


# --- replacement


REPLACEMENTS: list[tuple[dict[str, Any], str]] = [
    ({"fee_cap": 100}, "new tx gas fee cap 100 <= 100 queued"),
    ({"tip_cap": 100}, "new tx gas tip cap 100 <= 100 queued"),
    ({"blob_fee_cap": 100}, "new tx blob gas fee cap 100 <= 100 queued"),
    ({"fee_cap": 199, "tip_cap": 199}, "new tx gas fee cap 199 < 100 queued + 100% replacement penalty"),
    ({"tip_cap": 199}, "new tx gas tip cap 199 < 100 queued + 100% replacement penalty"),
    ({"blob_fee_cap": 199}, "new tx blob gas fee cap 199 < 100 queued + 100% replacement penalty"),
]


@pytest.mark.parametrize(("fees", "sentence"), REPLACEMENTS)
def test_all_three_fees_must_rise_by_the_bump(fees: dict[str, Any], sentence: str) -> None:
    stand = Stand()
    stand.send(blob(ALICE, fees=100))
    fees = {"tip_cap": min(200, fees.get("fee_cap", 200))} | fees

    assert stand.send(blob(ALICE, fees=200, **fees)) == [f"replacement transaction underpriced: {sentence}"]


def test_the_bump_is_a_setting() -> None:
    stand = Stand(blob_price_bump=10)
    stand.send(blob(ALICE, fees=100))

    assert stand.send(blob(ALICE, fees=109))[0].endswith("109 < 100 queued + 10% replacement penalty")
    assert stand.send(blob(ALICE, fees=110)) == ["ok"]


def test_a_replacement_leaves_its_successors() -> None:
    stand = Stand()
    old, new = blob(ALICE, 0), blob(ALICE, 0, fees=200)
    stand.send(old, blob(ALICE, 1), new)

    assert pooled(stand, ALICE) == [0, 1]
    assert stand.last_of(old).kind is Kind.REPLACED
    assert stand.last_of(old).counterpart == new.tx.hash


def test_the_same_again_is_known_and_leaves_no_event() -> None:
    stand = Stand()
    stand.send(blob(ALICE))
    before = stand.pool.events.next_seq

    assert stand.send(blob(ALICE)) == ["already known"]
    assert stand.pool.events.next_seq == before


# --- one pool for an account


def test_an_account_with_others_takes_no_blobs_and_the_reverse() -> None:
    stand = Stand()
    stand.send(offer(ALICE), blob(BOB))

    assert stand.send(blob(ALICE, 0), offer(BOB, 1)) == ["address already reserved"] * 2


def test_the_other_checks_come_before_the_reservation() -> None:
    stand = Stand()
    stand.send(offer(ALICE), blob(BOB))

    assert stand.send(blob(ALICE, 1), offer(BOB, 0, gas=20_999)) == [
        "nonce too high: tx nonce 1, gapped nonce 0",
        "intrinsic gas too low: gas 20999, minimum needed 21000",
    ]


def test_an_address_is_free_when_its_last_transaction_has_gone() -> None:
    stand = Stand()
    first, second = blob(ALICE), offer(BOB)
    stand.send(first, second)
    stand.mine(first, second)

    assert stand.send(offer(ALICE, 1), blob(BOB, 1)) == ["ok", "ok"]


def test_one_that_waits_aside_reserves_nothing() -> None:
    stand = Stand({ALICE: at_nonce(9)})
    stand.send(blob(ALICE, 11))

    assert stand.send(offer(ALICE, 9)) == ["ok"]


def test_nobody_with_a_blob_may_authorize() -> None:
    stand = Stand()
    stand.send(blob(ALICE))

    assert stand.send(set_code(BOB, 0, ALICE)) == ["authority already reserved"]


def test_a_delegated_account_may_have_one_and_replace_it() -> None:
    stand = Stand({ALICE: Account(balance=10**24, has_code=True)})

    said = stand.send(blob(ALICE, 0), blob(ALICE, 1), blob(ALICE, 0, fees=200))

    assert said == ["ok", "in-flight transaction limit reached for delegated accounts", "ok"]


def test_so_may_one_whose_authorization_is_under_way() -> None:
    stand = Stand()

    said = stand.send(set_code(BOB, 0, ALICE), blob(ALICE, 0), blob(ALICE, 1))

    assert said == ["ok", "ok", "in-flight transaction limit reached for delegated accounts"]


# --- those that wait for a nonce


@pytest.mark.parametrize(("nonce", "allowed"), [(0, 0), (8, 0), (9, 1), (98, 1), (99, 2), (999, 3), (2**64 - 2, 0)])
def test_the_more_an_account_has_sent_the_more_may_wait(nonce: int, allowed: int) -> None:
    stand = Stand({ALICE: at_nonce(nonce)})

    said = stand.send(*(blob(ALICE, min(nonce + 2 + ahead, 2**64 - 2)) for ahead in range(allowed + 1)))

    assert said[:allowed] == ["ok"] * allowed
    assert said[allowed].startswith("nonce too high" if allowed else ("nonce too", "ok"))
    assert stand.pool.counts().queued == allowed


def test_what_waited_follows_when_the_gap_is_filled() -> None:
    stand = Stand({ALICE: at_nonce(99)})
    late, last = blob(ALICE, 100), blob(ALICE, 101)
    stand.send(last, late)
    assert [stand.last_of(each).kind for each in (late, last)] == [Kind.QUEUED, Kind.QUEUED]

    stand.send(blob(ALICE, 99))

    assert pooled(stand, ALICE) == [99, 100, 101]
    assert [stand.last_of(each).kind for each in (late, last)] == [Kind.PROMOTED, Kind.PROMOTED]
    assert stand.counts() == (3, 0)


def test_what_waited_is_judged_when_its_turn_comes() -> None:
    cost = blob(ALICE).tx.cost
    stand = Stand({ALICE: Account(99, 2 * cost - 1)})
    waiting = blob(ALICE, 100)
    stand.send(waiting)  # funds are not looked at yet

    stand.send(blob(ALICE, 99))

    assert pooled(stand, ALICE) == [99]
    assert stand.last_of(waiting).reason is Reason.REFUSED_AFTER_WAITING
    assert stand.counts() == (1, 0)


def test_what_waits_is_dropped_after_a_minute_at_the_next_head() -> None:
    stand = Stand({ALICE: at_nonce(99)})
    waiting = blob(ALICE, 101, arrival=10**9)
    stand.send(waiting)
    stand.see()
    assert stand.counts() == (0, 1)

    stand.wait(61)
    stand.see()

    assert stand.counts() == (0, 0)
    assert stand.last_of(waiting).reason is Reason.LIFETIME


def test_one_that_waits_and_is_sent_again_counts_twice_as_in_geth() -> None:
    stand = Stand({ALICE: at_nonce(99)})

    assert stand.send(blob(ALICE, 101), blob(ALICE, 101), blob(ALICE, 101)) == [
        "ok",
        "ok",
        "nonce too high: tx nonce 101, gapped nonce 99",
    ]
    assert stand.counts() == (0, 2)
    stand.send(blob(ALICE, 99), blob(ALICE, 100))
    assert pooled(stand, ALICE) == [99, 100, 101]
    assert stand.counts() == (3, 0)


def test_no_more_wait_than_the_bound_however_many_accounts_there_are() -> None:
    senders = [number.to_bytes(8, "big") + bytes(12) for number in range(1, WAITING_MAX + 3)]
    stand = Stand({sender: at_nonce(9) for sender in senders})

    said = stand.send(*(blob(sender, 11) for sender in senders))

    assert said.count("ok") == WAITING_MAX == stand.pool.counts().queued


def test_one_that_waits_is_not_shown_by_its_hash() -> None:
    stand = Stand({ALICE: at_nonce(9)})
    waiting = blob(ALICE, 11)
    stand.send(waiting)

    assert stand.pool.pooled(waiting.tx.hash) is None
    assert stand.pool.knows(waiting.tx.hash)


# --- the data cap


def test_over_the_data_cap_the_account_that_pays_worst_loses_its_last() -> None:
    stand = Stand(blob_data_cap=3 * ONE_BLOB_STORED)
    cheap = blob(BOB, 1, tip_cap=1, fee_cap=90)
    stand.send(blob(ALICE), blob(BOB, 0), cheap)

    assert stand.send(blob(CAROL)) == ["ok"]

    assert stand.last_of(cheap).reason is Reason.BLOB_DATA_CAP
    assert pooled(stand, ALICE, BOB, CAROL) == [0, 0, 0]


def test_a_lower_tip_alone_does_not_find_an_account_its_new_place_as_in_geth() -> None:
    stand = Stand(blob_data_cap=3 * ONE_BLOB_STORED)
    stand.send(blob(ALICE), blob(BOB, 0), blob(BOB, 1, tip_cap=1))

    stand.send(blob(CAROL))

    assert pooled(stand, ALICE) == []
    assert pooled(stand, BOB) == [0, 1]


def test_a_newcomer_that_pays_worst_is_taken_and_gone_at_once() -> None:
    stand = Stand(blob_data_cap=ONE_BLOB_STORED)
    poor = blob(BOB, tip_cap=1)
    stand.send(blob(ALICE))

    assert stand.send(poor) == ["ok"]

    assert stand.last_of(poor).reason is Reason.BLOB_DATA_CAP
    assert stand.counts() == (1, 0)


def test_blobs_count_as_geth_stores_them() -> None:
    stand = Stand()
    stand.send(blob(ALICE), blob(BOB, blobs=6))

    assert stand.pool._blobs.content.stored == ONE_BLOB_STORED + 4096 + 12 * 137_280


def test_fees_under_those_of_the_day_rank_below_a_low_tip() -> None:
    stand = Stand(blob_data_cap=2 * ONE_BLOB_STORED)
    stand.see(next_base_fee=10**9, blob_base_fee=10**6)
    far: dict[str, Any] = {"blob_fee_cap": 10**7, "fee_cap": 10**8, "tip_cap": 10**8}
    stand.send(blob(ALICE, **far), blob(BOB, fees=10**10, tip_cap=1), blob(CAROL, fees=10**10))

    assert pooled(stand, ALICE) == []
    assert pooled(stand, BOB, CAROL) == [0, 0]


# --- new heads


def test_a_mined_one_leaves_and_frees_its_address() -> None:
    stand = Stand()
    mined = blob(ALICE, 0)
    stand.send(mined, blob(ALICE, 1))

    stand.mine(mined)

    assert pooled(stand, ALICE) == [1]
    assert stand.last_of(mined).kind is Kind.INCLUDED


def test_a_reorg_gives_back_the_blobs_too() -> None:
    stand = Stand()
    first, second = blob(ALICE, 0), blob(ALICE, 1)
    stand.send(first, second)
    stand.mine(first, second)
    assert stand.counts() == (0, 0)

    stand.give_back(first, second)

    assert pooled(stand, ALICE) == [0, 1]
    assert [each.kind for each in stand.pool.events.of(first.tx.hash)] == [
        Kind.RECEIVED,
        Kind.PROMOTED,
        Kind.INCLUDED,
        Kind.REINJECTED,
        Kind.PROMOTED,
    ]
    assert stand.pool.pooled(first.tx.hash) is not None


def test_blobs_that_the_pool_never_saw_cannot_be_restored() -> None:
    stand = Stand()
    strange = blob(ALICE, 0)

    stand.give_back(strange)

    assert stand.counts() == (0, 0)
    assert stand.last_of(strange).reason is Reason.BLOBS_UNAVAILABLE


def test_a_block_out_of_a_reorgs_reach_frees_its_blobs() -> None:
    stand = Stand()
    mined = blob(ALICE)
    stand.send(mined)
    stand.mine(mined)
    assert stand.pool.store.stats().slots_used == 1

    for _ in range(65):
        stand.see()

    assert stand.pool.store.stats().slots_used == 0


def test_an_address_that_the_other_pool_took_meanwhile_gets_none_back() -> None:
    stand = Stand()
    mined = blob(ALICE, 0)
    stand.send(mined)
    stand.mine(mined)
    stand.send(offer(ALICE, 1))

    stand.give_back(mined)

    assert stand.last_of(mined).reason is Reason.ADDRESS_RESERVED


def test_a_hole_under_the_first_one_drops_all() -> None:
    stand = Stand({ALICE: at_nonce(1)})
    first = blob(ALICE, 1)
    stand.send(first, blob(ALICE, 2))

    stand.see({ALICE: at_nonce(0)})

    assert stand.counts() == (0, 0)
    assert stand.last_of(first).reason is Reason.NONCE_GAP


def test_what_the_balance_no_longer_covers_leaves_from_the_end() -> None:
    cost = blob(ALICE).tx.cost
    stand = Stand()
    stand.send(*(blob(ALICE, nonce) for nonce in range(3)))

    stand.see({ALICE: Account(0, 2 * cost)})

    assert pooled(stand, ALICE) == [0, 1]


def test_another_transaction_of_the_same_nonce_in_a_block_overtakes() -> None:
    stand = Stand()
    overtaken = blob(ALICE, 0)
    stand.send(overtaken)

    stand.see({ALICE: at_nonce(1)})

    assert stand.last_of(overtaken).reason is Reason.NONCE_PASSED
    assert stand.pool.store.stats().slots_used == 0


def test_a_higher_least_tip_drops_what_is_under_it_and_all_behind() -> None:
    stand = Stand()
    offender, behind = blob(ALICE, 1, tip_cap=9), blob(ALICE, 2)
    stand.send(blob(ALICE, 0), offender, behind)

    stand.price_floor(10)

    assert pooled(stand, ALICE) == [0]
    assert stand.last_of(offender).reason is Reason.PRICE_FLOOR_RAISED
    assert stand.last_of(behind).reason is Reason.PREDECESSOR_LEFT


# --- for block builders


def test_a_builder_gets_both_kinds_by_tip_and_plain_ones_first_among_equals() -> None:
    stand = Stand()
    stand.send(blob(ALICE, fees=50), offer(BOB, 0, 50), blob(CAROL, fees=60), offer(DAVE, 0, 40), blob(ERIN, fees=45))

    assert [each.sender for each in stand.pool.best(1, 1)] == [CAROL, BOB, ALICE, ERIN, DAVE]
    assert [each.sender for each in stand.pool.best(1)] == [BOB, DAVE]


def test_a_builder_gets_an_accounts_up_to_the_first_under_the_blob_fee() -> None:
    stand = Stand()
    stand.send(blob(ALICE, 0), blob(ALICE, 1, blob_fee_cap=4), blob(ALICE, 2))

    assert [each.nonce for each in stand.pool.best(1, 5)] == [0]
    assert [each.nonce for each in stand.pool.best(1, 4)] == [0, 1, 2]


# --- counts


def test_counts_have_both_pools_and_say_which_part_is_blobs() -> None:
    stand = Stand({ALICE: at_nonce(9)})
    one, waits = blob(ALICE, 9, size=500), blob(ALICE, 11, size=700)
    stand.send(one, waits, offer(BOB), offer(CAROL, 3))

    counts = stand.pool.counts()

    assert (counts.pending, counts.queued, counts.blob_pending, counts.blob_queued) == (2, 2, 1, 1)
    assert counts.blob_bytes == 1200
    assert (counts.pending_bytes, counts.queued_bytes) == (110, 110)
    assert pending_senders(stand.pool) == [BOB]
    assert stand.pool.queued_senders() == [CAROL]
