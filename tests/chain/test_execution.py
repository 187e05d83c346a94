"""What each kind of transaction does to accounts, rule by rule."""

import msgspec
import pytest

from tests.chain.offers import ALICE, BOB, CAROL, CHAIN_ID, DAVE, GWEI, KEYS, STRANGER, blob_transfer, transfer
from txpool.chain.execution import Context, Misfit, created_address, execute, misfit
from txpool.chain.state import AccountState, State
from txpool.core.block import Receipt
from txpool.core.rules import Fork
from txpool.core.signature import sign_authorization
from txpool.core.tx import Authorization, Tx

ETHER = 10**18
BASE_FEE = 7 * GWEI
MINER = b"\x11" * 20
CONTRACT = b"\x22" * 20
TARGET = b"\x33" * 20
DELEGATION = b"\xef\x01\x00" + TARGET
CONTEXT = Context(chain_id=CHAIN_ID, fork=Fork.BPO2, base_fee=BASE_FEE, blob_base_fee=1, fee_recipient=MINER)

DEAR_BLOBS = msgspec.structs.replace(CONTEXT, blob_base_fee=50)


def state_of(**changes: AccountState) -> State:
    """Alice, Bob and Carol with an ether each, a contract; with changes."""
    state = State(journals_max=1)
    accounts = {"alice": ALICE, "bob": BOB, "carol": CAROL, "contract": CONTRACT}
    found = {name: AccountState(balance=ETHER) for name in accounts} | {"contract": AccountState(code=b"\x00")}
    for name, account in (found | changes).items():
        state.found(accounts[name], account)
    return state


def run(tx: Tx, state: State, sender: bytes = ALICE, context: Context = CONTEXT) -> Receipt:
    assert misfit(tx, sender, state, context) is None
    return execute(tx, sender, state, context, gas_used_before=0)


def authorization(signer: bytes, nonce: int, *, address: bytes = TARGET, chain_id: int = CHAIN_ID) -> Authorization:
    return sign_authorization(chain_id, address, nonce, KEYS[signer])


def test_a_transfer_moves_value_pays_the_tip_and_burns_the_base_fee() -> None:
    state = state_of()

    receipt = run(transfer(ALICE, 0, to=BOB, value=5, tip=2), state)

    assert receipt == Receipt(1, 21_000, 21_000, BASE_FEE + 2)
    assert state.get(ALICE) == AccountState(1, ETHER - 5 - 21_000 * (BASE_FEE + 2))
    assert state.get(BOB) == AccountState(0, ETHER + 5)
    assert state.get(MINER) == AccountState(0, 2 * 21_000)


def test_the_effective_price_is_capped_by_the_fee_cap() -> None:
    assert run(transfer(ALICE, 0, tip=5, fee_cap=BASE_FEE + 3), state_of()).effective_gas_price == BASE_FEE + 3


def test_cumulative_gas_goes_on_from_what_ran_before() -> None:
    receipt = execute(transfer(ALICE, 0), ALICE, state_of(), CONTEXT, gas_used_before=100)

    assert (receipt.gas_used, receipt.cumulative_gas_used) == (21_000, 21_100)


def test_gas_that_is_left_over_is_not_paid_for() -> None:
    state = state_of()

    receipt = run(transfer(ALICE, 0, value=0, gas=100_000), state)

    assert receipt.gas_used == 21_000
    assert state.get(ALICE).balance == ETHER - 21_000 * receipt.effective_gas_price


def test_an_access_list_is_paid_for() -> None:
    tx = transfer(ALICE, 0, gas=50_000, access_list=[(BOB, [bytes(32), bytes(32)])])

    assert run(tx, state_of()).gas_used == 21_000 + 2_400 + 2 * 1_900


def test_data_has_a_floor() -> None:
    tx = transfer(ALICE, 0, gas=50_000, data=bytes(10) + b"\1" * 10)

    assert run(tx, state_of()).gas_used == 21_000 + 10 * 10 + 10 * 40


def test_a_transfer_to_oneself_costs_the_fee_only() -> None:
    state = state_of()

    run(transfer(ALICE, 0, to=ALICE, value=5, tip=0), state)

    assert state.get(ALICE) == AccountState(1, ETHER - 21_000 * BASE_FEE)


def test_a_transfer_of_nothing_creates_no_account() -> None:
    state = state_of()

    run(transfer(ALICE, 0, to=STRANGER, value=0, tip=0), state)

    assert not state.exists(STRANGER)
    assert not state.exists(MINER)


def test_a_call_to_code_fails_with_all_its_gas() -> None:
    state = state_of()

    receipt = run(transfer(ALICE, 0, to=CONTRACT, value=5, gas=90_000, tip=0), state)

    assert (receipt.status, receipt.gas_used) == (0, 90_000)
    assert state.get(ALICE) == AccountState(1, ETHER - 90_000 * BASE_FEE)
    assert state.get(CONTRACT).balance == 0


def test_a_call_to_a_delegated_account_counts_as_a_call_to_code() -> None:
    state = state_of(bob=AccountState(balance=ETHER, code=DELEGATION))

    assert run(transfer(ALICE, 0, to=BOB), state).status == 0


def test_a_creation_fails_and_names_the_address_it_would_have_had() -> None:
    # The well-known first contract of this account on every development chain.
    receipt = run(transfer(ALICE, 0, to=None, gas=60_000), state_of())

    assert (receipt.status, receipt.gas_used) == (0, 60_000)
    assert receipt.contract_address == created_address(ALICE, 0)
    assert receipt.contract_address.hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"


def test_a_precompiled_contract_takes_a_plain_transfer() -> None:
    state = state_of()
    identity = bytes(19) + b"\x04"

    assert run(transfer(ALICE, 0, to=identity, value=5), state).gas_used == 21_000
    assert state.get(identity).balance == 5


def test_an_authorization_sets_the_code_and_raises_the_nonce() -> None:
    state = state_of()

    run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(BOB, 0),)), state)

    assert state.get(BOB) == AccountState(1, ETHER, DELEGATION)


def test_what_comes_back_is_at_most_a_fifth() -> None:
    receipt = run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(BOB, 0),)), state_of())

    assert receipt.gas_used == 21_000 + 25_000 - 46_000 // 5


def test_a_signer_beyond_the_state_gives_nothing_back() -> None:
    receipt = run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(DAVE, 0),)), state_of())

    assert receipt.gas_used == 46_000


def test_a_signer_in_the_state_gives_half_of_the_authorization_gas_back() -> None:
    list_cost = 10 * 2_400
    tx = transfer(ALICE, 0, gas=200_000, access_list=[(BOB, [])] * 10, authorizations=(authorization(BOB, 0),))

    assert run(tx, state_of()).gas_used == 46_000 + list_cost - 12_500


def test_the_floor_holds_after_what_comes_back() -> None:
    tx = transfer(ALICE, 0, gas=200_000, data=b"\1" * 600, authorizations=(authorization(BOB, 0),))

    assert run(tx, state_of()).gas_used == 21_000 + 600 * 40


def test_the_zero_address_clears_a_delegation() -> None:
    state = state_of(bob=AccountState(balance=ETHER, code=DELEGATION))

    run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(BOB, 0, address=bytes(20)),)), state)

    assert state.get(BOB) == AccountState(1, ETHER)


def test_an_authorization_by_the_sender_counts_from_the_raised_nonce() -> None:
    state = state_of()

    run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(ALICE, 1),)), state)

    assert (state.get(ALICE).nonce, state.get(ALICE).code) == (2, DELEGATION)


def test_authorizations_apply_though_the_call_fails() -> None:
    state = state_of()

    receipt = run(transfer(ALICE, 0, to=CONTRACT, gas=100_000, authorizations=(authorization(BOB, 0),)), state)

    assert (receipt.status, receipt.gas_used) == (0, 100_000 - 12_500)
    assert state.get(BOB).code == DELEGATION


def test_a_transaction_may_call_whom_it_has_just_given_code() -> None:
    tx = transfer(ALICE, 0, to=BOB, gas=100_000, authorizations=(authorization(BOB, 0),))

    assert run(tx, state_of()).status == 0


@pytest.mark.parametrize(
    "void",
    [
        authorization(BOB, 1),
        authorization(BOB, 0, chain_id=CHAIN_ID + 1),
        Authorization(CHAIN_ID, TARGET, 0, 0, 0, 1),
        authorization(BOB, 2**64 - 1),
    ],
    ids=["nonce", "chain", "signature", "nonces used up"],
)
def test_a_void_authorization_is_paid_for_and_skipped(void: Authorization) -> None:
    state = state_of()

    receipt = run(transfer(ALICE, 0, gas=90_000, authorizations=(void,)), state)

    assert (receipt.status, receipt.gas_used) == (1, 46_000)
    assert state.get(BOB) == AccountState(0, ETHER)


def test_an_account_with_code_of_its_own_cannot_be_delegated() -> None:
    state = state_of(bob=AccountState(code=b"\x00"))

    run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(BOB, 0),)), state)

    assert state.get(BOB) == AccountState(code=b"\x00")


def test_chain_id_zero_authorizes_on_every_chain() -> None:
    state = state_of()

    run(transfer(ALICE, 0, gas=90_000, authorizations=(authorization(BOB, 0, chain_id=0),)), state)

    assert state.get(BOB).code == DELEGATION


def test_blobs_are_paid_for_at_the_blob_base_fee_which_is_burnt() -> None:
    state = state_of()

    receipt = run(blob_transfer(ALICE, 0, blobs=2, tip=0), state, context=DEAR_BLOBS)

    assert (receipt.blob_gas_used, receipt.blob_gas_price) == (2 * 131_072, 50)
    assert state.get(ALICE).balance == ETHER - 21_000 * BASE_FEE - 2 * 131_072 * 50
    assert not state.exists(MINER)


def test_a_blob_fee_cap_under_the_blob_base_fee_does_not_fit() -> None:
    tx = blob_transfer(ALICE, 0, blobs=1, blob_fee_cap=49)

    assert misfit(tx, ALICE, state_of(), DEAR_BLOBS) is Misfit.NOT_YET


def test_a_used_nonce_is_told_from_what_may_fit_later() -> None:
    state = state_of(alice=AccountState(nonce=3, balance=ETHER))

    assert misfit(transfer(ALICE, 2), ALICE, state, CONTEXT) is Misfit.NONCE_USED
    assert misfit(transfer(ALICE, 3), ALICE, state, CONTEXT) is None
    assert misfit(transfer(ALICE, 4), ALICE, state, CONTEXT) is Misfit.NOT_YET


@pytest.mark.parametrize(
    "tx",
    [
        transfer(ALICE, 0, fee_cap=BASE_FEE - 1, tip=0),
        transfer(ALICE, 0, value=ETHER - 21_000 * 100 * GWEI + 1),
        transfer(ALICE, 0, gas=2**24 + 1, fee_cap=BASE_FEE + 1, tip=1),
        transfer(ALICE, 0, gas=20_999),
        transfer(ALICE, 0, gas=21_399, data=b"\1" * 10),
    ],
    ids=["fee cap", "funds", "gas cap", "intrinsic gas", "floor gas"],
)
def test_what_a_block_may_not_hold_does_not_fit(tx: Tx) -> None:
    assert misfit(tx, ALICE, state_of(), CONTEXT) is Misfit.NOT_YET


def test_a_contract_cannot_send_but_a_delegated_account_can() -> None:
    contract = state_of(alice=AccountState(balance=ETHER, code=b"\x00"))
    delegated = state_of(alice=AccountState(balance=ETHER, code=DELEGATION))

    assert misfit(transfer(ALICE, 0), ALICE, contract, CONTEXT) is Misfit.NOT_YET
    assert misfit(transfer(ALICE, 0), ALICE, delegated, CONTEXT) is None
