"""Attacks with money that is not there."""

from typing import Final

import pytest

from tests.attacks.field import ACCOUNT, COST, PRICE, Field, chain, crook, verdict_of
from tests.core.stand import offer, set_code
from txpool.core.head import Account
from txpool.core.rejection import Reason

BOTH = pytest.mark.parametrize("hardened", [False, True], ids=["as geth", "hardened"])
DEAR: Final = 1000
GAS_COST: Final = 21_000 * DEAR


@BOTH
def test_a2_each_of_a_chain_spends_the_whole_balance(hardened: bool) -> None:
    field = Field(hardened=hardened)
    rich = field.fund(crook(0), 10**12)

    verdicts = field.attack(*(offer(rich, nonce, DEAR, value=10**12 - GAS_COST) for nonce in range(100)))

    assert verdicts[0] == "ok"
    assert all(words.startswith("insufficient funds") for words in verdicts[1:])
    assert field.lost() == 0
    assert field.outcome() == verdict_of("A2", hardened)


@BOTH
def test_a3_futures_become_pending_that_nobody_can_pay(hardened: bool) -> None:
    field = Field(hardened=hardened, senders=8, each=8)
    for number in range(4):
        poor = field.fund(crook(number), GAS_COST)
        field.attack(*chain(poor, range(1, 5), DEAR), offer(poor, 0, DEAR))

    assert field.outcome() == verdict_of("A3", hardened)
    assert (field.lost() == 0) == hardened


@BOTH
def test_a4_one_batch_with_the_lowest_nonce_last(hardened: bool) -> None:
    field = Field(hardened=hardened, senders=8, each=8)
    poor = [field.fund(crook(number), GAS_COST) for number in range(4)]
    field.crooks |= set(poor)

    field.send_together(*(offer(sender, nonce, DEAR) for nonce in (4, 3, 2, 1, 0) for sender in poor))

    assert field.outcome() == verdict_of("A4", hardened)


@BOTH
def test_a4_one_batch_in_nonce_order_sees_what_came_before_in_it(hardened: bool) -> None:
    """Where geth judges a whole batch before it promotes anything, we say what it would say one by one."""
    field = Field(hardened=hardened)
    poor = field.fund(crook(0), 2 * GAS_COST)
    field.crooks.add(poor)

    verdicts = field.send_together(*chain(poor, range(6), DEAR))

    assert [words.split(":")[0] for words in verdicts] == ["ok"] * 2 + [
        "insufficient funds for gas * price + value"
    ] * 4


@BOTH
def test_a5_a_replacement_spends_what_the_rest_needs(hardened: bool) -> None:
    field = Field(hardened=hardened)
    for number in range(4):
        poor = field.fund(crook(number), 8 * GAS_COST)
        field.attack(*chain(poor, range(1, 5), DEAR))

        field.attack(offer(poor, 1, 2 * DEAR, value=5 * GAS_COST), offer(poor, 0, DEAR))

    assert field.outcome() == verdict_of("A5", hardened)


@BOTH
def test_a5_among_pending_ones_geth_counts_what_the_replacement_adds(hardened: bool) -> None:
    field = Field(hardened=hardened)
    poor = field.fund(crook(0), 5 * GAS_COST)
    field.attack(*chain(poor, range(ACCOUNT), DEAR))

    verdict = field.attack(offer(poor, 0, 2 * DEAR, value=GAS_COST))[0]

    assert verdict.startswith("insufficient funds")
    assert field.unpayable() == 0


def test_in_a_hardened_pool_queued_ones_count_too() -> None:
    field = Field(hardened=True)
    poor = field.fund(crook(0), 3 * GAS_COST)

    verdicts = field.attack(*chain(poor, (1, 2, 3, 4), DEAR))

    funds = "insufficient funds for gas * price + value"
    facts = f"balance {3 * GAS_COST}, pooled cost {3 * GAS_COST}, tx cost {GAS_COST}, overshot {GAS_COST}"
    assert verdicts == ["ok", "ok", "ok", f"{funds}: {facts}"]


def test_in_a_hardened_pool_the_balance_must_cover_all_to_the_last_wei() -> None:
    field = Field(hardened=True)
    poor = field.fund(crook(0), 3 * GAS_COST - 1)

    verdicts = field.attack(*chain(poor, (1, 2, 3), DEAR))

    assert verdicts[:2] == ["ok", "ok"]
    assert verdicts[2].endswith("overshot 1")


def test_in_a_hardened_pool_a_pending_one_may_be_replaced_within_the_balance() -> None:
    field = Field(hardened=True)
    poor = field.fund(crook(0), 2 * GAS_COST)
    field.attack(offer(poor, 0, DEAR))

    assert field.attack(offer(poor, 0, 2 * DEAR)) == ["ok"]


def test_in_a_hardened_pool_a_queued_one_may_be_replaced_within_the_balance() -> None:
    field = Field(hardened=True)
    poor = field.fund(crook(0), 3 * GAS_COST)
    field.attack(*chain(poor, (1, 2), DEAR))

    assert field.attack(offer(poor, 2, 2 * DEAR)) == ["ok"]
    assert field.attack(offer(poor, 1, 2 * DEAR))[0].startswith("insufficient funds")


@BOTH
def test_in_a_hardened_pool_a_poorer_sender_loses_his_last_ones(hardened: bool) -> None:
    field = Field(hardened=hardened)
    poor = crook(0)
    field.attack(*chain(poor, range(ACCOUNT), DEAR), offer(poor, 9, DEAR))

    field.see({poor: Account(0, 2 * GAS_COST)})

    assert field.pending(poor) == ([0, 1] if hardened else [0, 1, 2, 3])
    assert field.queued(poor) == ([] if hardened else [9])
    if hardened:
        assert field.last_of(offer(poor, 3, DEAR)).reason is Reason.UNAFFORDABLE_TOGETHER


@BOTH
def test_a11_a_delegated_account_has_one_in_flight(hardened: bool) -> None:
    field = Field(hardened=hardened)
    contract = crook(0)
    field.accounts[contract] = Account(balance=10**18, has_code=True)

    assert field.attack(offer(contract, 1, DEAR), offer(contract, 0, DEAR), offer(contract, 1, DEAR)) == [
        "gapped-nonce tx from delegated accounts",
        "ok",
        "in-flight transaction limit reached for delegated accounts",
    ]
    assert field.lost() == 0
    assert field.outcome() == verdict_of("A11", hardened)


@BOTH
def test_a11_who_has_authorized_is_limited_from_then_on(hardened: bool) -> None:
    field = Field(hardened=hardened)
    drained = [crook(number) for number in range(1, 5)]
    field.attack(set_code(crook(0), 0, *drained, price=DEAR))

    verdicts = [field.attack(*chain(sender, range(4), DEAR)) for sender in drained]

    limit = "in-flight transaction limit reached for delegated accounts"
    assert verdicts == [["ok", limit, limit, limit]] * 4
    assert PRICE < DEAR
    assert field.outcome() == verdict_of("A11", hardened)


@BOTH
def test_a11_who_has_two_in_flight_cannot_be_made_an_authority(hardened: bool) -> None:
    field = Field(hardened=hardened)
    field.attack(*chain(crook(1), range(2), DEAR))

    assert field.attack(set_code(crook(0), 0, crook(1), price=DEAR)) == ["authority already reserved"]
    assert COST < GAS_COST
