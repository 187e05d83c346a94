"""Attacks on time and on the pool's numbers: signatures, limits of width, reorgs."""

from typing import Any

import pytest

from tests.attacks.field import ACCOUNT, ROOM, SLOTS, Field, chain, crook, honest, verdict_of
from tests.core.stand import dynamic, offer
from tests.core.transactions import KEY, signed, unsigned
from tests.ingest.test_ingest import Replies
from tests.rpc.loop import run
from tests.rpc.node import ALICE, Node, transfer
from txpool.core.candidate import recovered
from txpool.core.head import Account
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Rejected
from txpool.core.signature import address_of, sign
from txpool.core.stateless import fault_before_sender
from txpool.core.tx import DYNAMIC_FEE, LEGACY, Tx

BOTH = pytest.mark.parametrize("hardened", [False, True], ids=["as geth", "hardened"])


@BOTH
@pytest.mark.parametrize(
    "fields",
    [{"size": 131_073}, {"gas": 30_000_001}, {"fee_cap": 2**256}, {"tip_cap": 2}, {"to": None, "data": bytes(49_153)}],
    ids=str,
)
def test_a14_what_needs_no_signature_is_refused_without_one(hardened: bool, fields: dict[str, Any]) -> None:
    field = Field(hardened=hardened)

    fault = fault_before_sender(offer(crook(0), 0, 1, **fields).tx, field.pool.head)

    assert isinstance(fault, Rejected)
    assert verdict_of("A14", hardened) == "holds"


@pytest.mark.parametrize("hardened", [False])
def test_a14_nothing_is_recovered_twice(hardened: bool) -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            raw = transfer(ALICE, 0)
            replies.offer(*[raw] * 100)
            assert await replies.judged() == ["accepted"] + ["already_known"] * 99
            replies.offer(*[raw] * 100)
            await replies.judged()
            assert node.ingest.counters.recovered_inline + node.ingest.counters.recovered_on_threads == 1

    run(scene())
    assert verdict_of("A14", hardened) == "holds"


@BOTH
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"nonce": 2**64 - 1}, "nonce has max value"),
        ({"nonce": 2**64 - 2}, "ok"),
        ({"gas": 2**64 - 1}, "transaction gas limit too high (cap: 16777216, tx: 18446744073709551615)"),
        ({"value": 2**256 - 1}, "insufficient funds for gas * price + value: balance 1000000000000000000, "),
        ({"fee_cap": 2**256 - 1, "tip_cap": 1}, "insufficient funds for gas * price + value: balance "),
        ({"fee_cap": 2**256, "tip_cap": 1}, "max fee per gas higher than 2^256-1"),
        ({"fee_cap": 1, "tip_cap": 2**256 - 1}, "max priority fee per gas higher than max fee per gas"),
        ({"chain_id": 0}, "invalid sender: invalid chain id for signer: have 0 want 1337"),
    ],
    ids=str,
)
def test_a15_numbers_at_their_limits_are_answered_in_geths_words(
    hardened: bool, fields: dict[str, Any], said: str
) -> None:
    field = Field(hardened=hardened)
    sender = address_of(KEY)
    field.accounts[sender] = Account(balance=10**18)
    field.crooks.add(sender)

    verdict = field.send(recovered(signed(DYNAMIC_FEE, **fields), 1337, 0))[0]

    assert verdict.startswith(said)
    assert field.lost() == 0
    assert field.outcome() == verdict_of("A15", hardened)


@BOTH
def test_a15_a_transaction_without_a_chain_id_is_the_servers_business(hardened: bool) -> None:
    field = Field(hardened=hardened)
    field.crooks.add(address_of(KEY))

    assert field.send(recovered(signed(LEGACY, chain_id=None), 1337, 0)) == ["ok"]

    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            replies.offer(sign(unsigned(LEGACY, chain_id=None), KEY))
            assert await replies.judged() == ["unprotected"]

    run(scene())
    assert field.outcome() == verdict_of("A15", hardened)


@BOTH
def test_a15_a_cost_of_more_than_256_bits_is_no_crash(hardened: bool) -> None:
    field = Field(hardened=hardened)

    verdict = field.attack(dynamic(crook(0), 0, tip=1, fee=2**256 - 1, gas=16_777_216, value=2**256 - 1))[0]

    assert verdict.startswith("insufficient funds")


@BOTH
def test_a16_what_reorgs_give_back_over_and_over_is_here_once(hardened: bool) -> None:
    field = Field(hardened=hardened)
    bomb = [each for number in range(8) for each in chain(crook(number), range(ACCOUNT), 1000)]
    field.crooks |= {crook(number) for number in range(8)}
    hashes = {each.tx.hash for each in bomb}

    for depth in (*range(1, 30), 1, 30, 2):
        part = bomb[: 4 * (depth % 8 + 1)]
        before = field.pool.events.next_seq
        field.give_back(*part, *part)  # the overlap of two abandoned blocks
        moved = [event for event in field.events(before) if event.hash in hashes and event.kind is Kind.REINJECTED]
        assert len(moved) <= 2 * len(part)
        field.mine(*part)

    field.give_back(*bomb)
    held = [each.hash for sender in field.crooks for each in field.pool.pending_of(sender)]
    assert len(held) == len(set(held))
    assert field.pool.counts().slots <= ROOM
    assert field.lost() <= len(held)
    assert verdict_of("A16", hardened) == "holds"


@BOTH
def test_a16_a_reorg_pushes_out_a_quarter_of_the_slots_and_one_at_most(hardened: bool) -> None:
    field = Field(hardened=hardened, senders=20)
    bomb = [each for number in range(20) for each in chain(crook(number), range(ACCOUNT), 1000)]

    field.give_back(*bomb)

    assert 0 < field.lost() <= SLOTS // 4 + 1
    assert field.holds(offer(honest(0), 0)) == [True]


def test_every_pattern_of_the_table_has_a_test() -> None:
    from tests.attacks import test_blobs, test_floods, test_funds, test_room  # noqa: PLC0415 - this file is one of them

    names = [name for module in (test_blobs, test_floods, test_funds, test_room) for name in vars(module)]
    for pattern in [f"A{number}" for number in range(1, 17)]:
        assert verdict_of(pattern, hardened=True) == "holds"
        assert any(name.startswith(f"test_{pattern.lower()}_") for name in names), pattern
    assert isinstance(offer(crook(0)).tx, Tx)
