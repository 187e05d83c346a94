"""The pool's door: what it says to a transaction that is weighed against its sender's account."""

from tests.core.stand import (
    ALICE,
    BOB,
    CAROL,
    RICH,
    SECOND,
    Stand,
    given_back,
    head_at,
    mmap_store,
    offer,
    set_code,
    words,
)
from txpool.core.candidate import Origin
from txpool.core.head import Account
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason

COST = 21_000 * 100
FUNDS = "insufficient funds for gas * price + value"


def test_the_next_nonce_becomes_pending_and_a_later_one_waits() -> None:
    stand = Stand()

    assert stand.send(offer(ALICE, 0), offer(ALICE, 2)) == ["ok", "ok"]

    assert stand.pending(ALICE) == [0]
    assert stand.queued(ALICE) == [2]
    assert stand.pool.next_nonce(ALICE) == 1


def test_a_transaction_that_is_here_is_known_and_that_is_no_event() -> None:
    stand = Stand()
    stand.send(offer(ALICE))
    before = stand.pool.events.next_seq

    assert stand.send(offer(ALICE)) == ["already known"]

    assert stand.pool.events.next_seq == before
    assert stand.pool.tallies.rejected[Reason.ALREADY_KNOWN] == 1


def test_what_was_refused_once_is_judged_anew() -> None:
    stand = Stand({ALICE: Account(balance=0)})
    assert stand.send(offer(ALICE))[0].startswith(FUNDS)

    stand.see({ALICE: RICH})

    assert stand.send(offer(ALICE)) == ["ok"]


def test_a_nonce_that_the_chain_has_passed_is_too_low() -> None:
    stand = Stand({ALICE: Account(5, 10**18)})

    assert stand.send(offer(ALICE, 4), offer(ALICE, 5)) == ["nonce too low: next nonce 5, tx nonce 4", "ok"]


def test_the_balance_must_cover_gas_and_value_to_the_last_wei() -> None:
    stand = Stand({ALICE: Account(balance=COST + 7), BOB: Account(balance=COST + 7)})

    short = f"{FUNDS}: balance {COST + 7}, tx cost {COST + 8}, overshot 1"
    assert stand.send(offer(ALICE, value=8), offer(BOB, value=7)) == [short, "ok"]


def test_pending_ones_count_together_against_the_balance() -> None:
    stand = Stand({ALICE: Account(balance=2 * COST + 1)})

    overdraft = f"{FUNDS}: balance {2 * COST + 1}, queued cost {2 * COST}, tx cost {COST}, overshot {COST - 1}"
    assert stand.send(offer(ALICE, 0), offer(ALICE, 1), offer(ALICE, 2)) == ["ok", "ok", overdraft]


def test_queued_ones_do_not_count_against_the_balance() -> None:
    stand = Stand({ALICE: Account(balance=COST)})

    assert stand.send(*(offer(ALICE, nonce) for nonce in (1, 2, 3))) == ["ok"] * 3

    assert stand.queued(ALICE) == [1, 2, 3]


def test_a_replacement_is_charged_the_difference_only() -> None:
    stand = Stand({ALICE: Account(balance=2 * COST + 21_000 * 10)})
    stand.send(offer(ALICE, 0), offer(ALICE, 1))

    bump = 21_000 * 11
    overdraft = f"{FUNDS}: balance {2 * COST + 210_000}, queued cost {2 * COST}, tx bumped {bump}, overshot 21000"
    assert stand.send(offer(ALICE, 1, 111), offer(ALICE, 1, 110)) == [overdraft, "ok"]


def test_funds_are_looked_at_before_the_price_bump() -> None:
    stand = Stand({ALICE: Account(balance=COST)})
    stand.send(offer(ALICE, 0, 100))

    assert stand.send(offer(ALICE, 0, 101))[0].startswith(FUNDS)
    assert stand.send(offer(ALICE, 0, 99)) == ["replacement transaction underpriced"]


def test_an_account_with_code_has_one_in_flight_and_no_gap() -> None:
    stand = Stand({ALICE: Account(balance=10**18, has_code=True)})

    assert stand.send(offer(ALICE, 1)) == ["gapped-nonce tx from delegated accounts"]
    assert stand.send(offer(ALICE, 0)) == ["ok"]
    assert stand.send(offer(ALICE, 1)) == ["in-flight transaction limit reached for delegated accounts"]
    assert stand.send(offer(ALICE, 0, 200)) == ["ok"]


def test_who_is_named_in_a_pooled_authorization_has_one_in_flight() -> None:
    stand = Stand()
    stand.send(set_code(ALICE, 0, BOB))

    assert stand.send(offer(BOB, 0)) == ["ok"]
    assert stand.send(offer(BOB, 1)) == ["in-flight transaction limit reached for delegated accounts"]


def test_a_delegation_ends_with_the_transaction_that_carries_it() -> None:
    stand = Stand()
    stand.send(set_code(ALICE, 0, BOB))

    stand.send(offer(ALICE, 0, 200))

    assert stand.send(offer(BOB, 0), offer(BOB, 1)) == ["ok", "ok"]


def test_two_pooled_authorizations_of_one_account_must_both_go() -> None:
    stand = Stand()
    stand.send(set_code(ALICE, 0, BOB), set_code(CAROL, 0, BOB), offer(ALICE, 0, 200))

    assert stand.send(offer(BOB, 1)) == ["gapped-nonce tx from delegated accounts"]


def test_an_authority_with_one_in_flight_may_authorize_with_two_not() -> None:
    stand = Stand()
    stand.send(offer(BOB, 0), offer(CAROL, 0), offer(CAROL, 5))

    assert stand.send(set_code(ALICE, 0, BOB), set_code(ALICE, 1, CAROL)) == ["ok", "authority already reserved"]


def test_who_authorizes_himself_replaces_and_stays_limited() -> None:
    stand = Stand()
    stand.send(set_code(ALICE, 0, ALICE))

    assert stand.send(set_code(ALICE, 0, ALICE, price=200)) == ["ok"]
    assert stand.send(offer(ALICE, 1)) == ["in-flight transaction limit reached for delegated accounts"]


def test_a_store_without_room_refuses_and_nothing_else_changes() -> None:
    stand = Stand(store=mmap_store(4096))
    verdicts = [stand.send(offer(ALICE, nonce, raw=bytes(2000)))[0] for nonce in range(3)]

    assert verdicts[-1] == "txpool is full"
    assert stand.pending(ALICE) == list(range(verdicts.count("ok")))
    assert stand.send(offer(BOB, 0, raw=bytes(2000))) == ["txpool is full"]
    assert not stand.pool.tracks(BOB)


def test_a_raised_price_floor_drops_the_cheap_and_queues_what_stood_behind() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 0, 100), offer(ALICE, 1, 50), offer(ALICE, 2, 100), offer(BOB, 0, 50))

    stand.price_floor(60)

    assert (stand.pending(ALICE), stand.queued(ALICE)) == ([0], [2])
    assert stand.pending(BOB) == []
    assert stand.last_of(offer(BOB, 0, 50)).reason is Reason.PRICE_FLOOR_RAISED
    needed = "transaction gas price below minimum: gas tip cap 59, minimum needed 60"
    assert stand.send(offer(ALICE, 1, 59), offer(ALICE, 1, 60)) == [needed, "ok"]
    assert stand.pending(ALICE) == [0, 1, 2]


def test_a_lowered_price_floor_drops_nothing() -> None:
    stand = Stand(price_limit=50)
    stand.send(offer(ALICE, 0, 50))

    stand.price_floor(1)

    assert stand.pending(ALICE) == [0]
    assert stand.send(offer(BOB, 0, 1)) == ["ok"]


def test_a_lowered_price_floor_drops_not_even_what_a_reorg_brought_back_under_it() -> None:
    stand = Stand(price_limit=50)
    stand.give_back(offer(ALICE, 0, 5))

    stand.price_floor(20)

    assert stand.pending(ALICE) == [0]


def test_who_was_pushed_out_may_send_again_in_the_same_batch() -> None:
    stand = Stand(global_slots=1, global_queue=1)
    stand.send(offer(ALICE, 0, 5), offer(BOB, 0, 9))

    verdicts, _ = stand.pool.submit([offer(CAROL, 0, 7), offer(ALICE, 0, 8)], {CAROL: RICH}, now=stand.now)

    assert [words(each) for each in verdicts] == ["ok", "ok"]


def test_a_refused_stranger_leaves_no_trace() -> None:
    stand = Stand({BOB: Account(3, 10**18)})
    stand.send(offer(BOB, 1))

    assert not stand.pool.tracks(BOB)
    assert stand.pool.next_nonce(BOB) is None
    assert stand.counts() == (0, 0)


def test_a_pooled_one_is_copied_out_as_it_came() -> None:
    stand = Stand()
    stand.send(offer(ALICE, 3, raw=b"\x02bytes", arrival=17))

    seen = stand.pool.pooled(offer(ALICE, 3, raw=b"\x02bytes").tx.hash)

    assert seen is not None
    assert (seen.sender, seen.nonce, seen.payload, seen.arrival, seen.pending) == (ALICE, 3, b"\x02bytes", 17, False)
    assert stand.pool.pooled(bytes(32)) is None


def test_what_a_refusal_says_is_also_its_event() -> None:
    stand = Stand({ALICE: Account(1, 10**18)})
    stand.send(offer(ALICE, 0))

    received, rejected = stand.events()
    assert (received.kind, rejected.kind) == (Kind.RECEIVED, Kind.REJECTED)
    assert rejected.reason is Reason.NONCE_TOO_LOW
    assert (rejected.sender, rejected.nonce, rejected.head, rejected.time) == (ALICE, 0, 1, SECOND)


def test_settings_below_one_are_replaced_by_the_defaults() -> None:
    stand = Stand(global_queue=0, price_bump=-1, account_slots=3)

    limits = stand.pool.settings
    assert (limits.global_queue, limits.price_bump, limits.account_slots) == (1024, 10, 3)


def test_time_never_goes_back_in_the_events() -> None:
    stand = Stand()
    stand.now = 50 * SECOND
    stand.send(offer(ALICE, 0))
    stand.now = 10 * SECOND
    stand.send(offer(ALICE, 1))

    assert [event.time for event in stand.events()] == [51 * SECOND] * 4


def test_what_comes_back_remembers_the_way_it_came() -> None:
    assert given_back(offer(ALICE))[0].origin is Origin.REORG


def test_before_london_the_pool_ranks_by_price() -> None:
    stand = Stand(head=head_at(1, base_fee=None, next_base_fee=None))
    stand.send(offer(ALICE, 0, 5), offer(BOB, 0, 9))

    assert [each.sender for each in stand.pool.best(None)] == [BOB, ALICE]
