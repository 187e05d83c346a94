"""Which transactions a block takes, and in which order."""

from tests.chain.offers import ALICE, BOB, CAROL, CHAIN_ID, DAVE, GWEI, KEYS, Offers, blob_transfer, transfer
from txpool.chain.block_builder import BLOCK_BYTES_MAX, Bounds, Content, fill
from txpool.chain.execution import Context
from txpool.chain.state import AccountState, State
from txpool.core.rules import Fork
from txpool.core.signature import sign_authorization
from txpool.core.steps import finish
from txpool.core.tx import Tx

BASE_FEE = 10 * GWEI
CONTEXT = Context(chain_id=CHAIN_ID, fork=Fork.BPO2, base_fee=BASE_FEE, blob_base_fee=1, fee_recipient=bytes(20))


def built(*offered: Tx, gas: int = 30_000_000, blobs: int = 0, tip_min: int = 1) -> Content:
    supply = Offers().add(*offered).supply
    return finish(fill(supply, BASE_FEE, funded(), CONTEXT, Bounds(gas, blobs, tip_min)))


def funded() -> State:
    state = State(journals_max=1)
    for address in (ALICE, BOB, CAROL, DAVE):
        state.found(address, AccountState(balance=10**18))
    return state


def hashes(*txs: Tx) -> list[bytes]:
    return [tx.hash for tx in txs]


def test_the_highest_effective_tip_comes_first_and_nonces_stay_in_order() -> None:
    low, high = transfer(ALICE, 0, tip=2), transfer(ALICE, 1, tip=9)
    middle = transfer(BOB, 0, tip=5)

    assert built(high, low, middle).hashes == hashes(middle, low, high)


def test_a_cap_near_the_base_fee_lowers_the_rank() -> None:
    proud = transfer(ALICE, 0, tip=9, fee_cap=BASE_FEE + 1)
    modest = transfer(BOB, 0, tip=5)

    assert built(proud, modest).hashes == hashes(modest, proud)


def test_equal_tips_come_by_arrival() -> None:
    first, second = transfer(BOB, 0, tip=5), transfer(ALICE, 0, tip=5)

    assert built(first, second).hashes == hashes(first, second)


def test_a_tip_under_the_least_one_ends_its_sender() -> None:
    free, after = transfer(ALICE, 0, fee_cap=BASE_FEE), transfer(ALICE, 1, tip=9)
    paying = transfer(BOB, 0, fee_cap=BASE_FEE + 1)

    assert built(free, after, paying).hashes == hashes(paying)
    assert built(free, after, paying, tip_min=0).hashes == hashes(paying, free, after)


def test_a_sender_who_asks_for_more_gas_than_is_left_waits_and_others_go_on() -> None:
    first = transfer(CAROL, 0, tip=10)
    greedy, after = transfer(ALICE, 0, tip=9, gas=39_001), transfer(ALICE, 1, tip=9)
    small = transfer(BOB, 0, tip=1)

    assert built(first, greedy, after, small, gas=60_000).hashes == hashes(first, small)


def test_gas_that_a_transaction_leaves_goes_back_to_the_block() -> None:
    generous, next_one = transfer(ALICE, 0, tip=9, gas=42_000), transfer(BOB, 0, tip=1)

    content = built(generous, next_one, gas=42_000)

    assert content.hashes == hashes(generous, next_one)
    assert content.gas_used == 42_000


def test_nothing_is_tried_in_less_gas_than_a_transfer_takes() -> None:
    txs = [transfer(ALICE, nonce) for nonce in range(3)]

    assert built(*txs, gas=62_999).hashes == hashes(*txs[:2])


def test_a_sender_who_cannot_pay_any_more_is_passed_over() -> None:
    too_much, after = transfer(ALICE, 0, tip=9, value=10**18), transfer(ALICE, 1, tip=9)
    other = transfer(BOB, 0, tip=1)

    assert built(too_much, after, other).hashes == hashes(other)


def test_money_that_comes_in_the_block_can_be_spent_in_it() -> None:
    gift = transfer(ALICE, 0, to=CAROL, value=10**17, tip=9)
    spent = transfer(CAROL, 0, value=10**18, tip=1)

    assert built(gift, spent).hashes == hashes(gift, spent)


def test_a_nonce_that_an_authorization_of_the_block_used_is_left_out_and_the_next_taken() -> None:
    overtaking = transfer(
        ALICE, 0, tip=9, gas=90_000, authorizations=(sign_authorization(CHAIN_ID, CAROL, 0, KEYS[BOB]),)
    )
    overtaken, next_one = transfer(BOB, 0, tip=5), transfer(BOB, 1, tip=5)

    assert built(overtaking, overtaken, next_one).hashes == hashes(overtaking, next_one)


def test_a_nonce_gap_ends_its_sender() -> None:
    assert built(transfer(ALICE, 1)).hashes == []


def test_payloads_senders_and_receipts_run_side_by_side() -> None:
    first, second = transfer(ALICE, 0, tip=9), transfer(BOB, 0, tip=1)

    content = built(second, first)

    assert content.payloads == [first.raw, second.raw]
    assert content.senders == [ALICE, BOB]
    assert [receipt.cumulative_gas_used for receipt in content.receipts] == [21_000, 42_000]


def test_a_sender_whose_blobs_are_too_many_waits_and_others_go_on() -> None:
    first, too_many = blob_transfer(ALICE, 0, blobs=2, tip=9), blob_transfer(BOB, 0, blobs=2, tip=8)
    fitting, plain = blob_transfer(CAROL, 0, blobs=1, tip=7), transfer(DAVE, 0, tip=6)

    content = built(first, too_many, fitting, plain, blobs=3)

    assert content.hashes == hashes(first, fitting, plain)
    assert content.blob_gas_used == 3 * 131_072


def test_a_block_has_a_size_that_it_does_not_outgrow() -> None:
    txs = [transfer(ALICE, nonce, data=bytes(130_000), gas=1_321_000, fee_cap=11 * GWEI) for nonce in range(58)]

    content = built(*txs, gas=100_000_000)

    assert content.hashes == hashes(*txs[:56])
    assert content.size <= BLOCK_BYTES_MAX < content.size + len(txs[56].raw)
