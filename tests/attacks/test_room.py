"""Attacks on the room in the pool: pushing out, holding, filling."""

import pytest

from mmap_pool import Pages
from tests.attacks.field import ACCOUNT, COST, PRICE, QUEUE, ROOM, SLOTS, Field, chain, crook, honest, verdict_of
from tests.core.stand import dynamic, offer
from txpool.core.record import RECORD_BYTES
from txpool.core.rejection import Reason
from txpool.stores.mmap import MmapStore

BOTH = pytest.mark.parametrize("hardened", [False, True], ids=["as geth", "hardened"])


@BOTH
def test_a1_dear_futures_push_out_no_pending_one(hardened: bool) -> None:
    field = Field(hardened=hardened, senders=20)
    assert field.counts() == (ROOM, 0)

    many = field.attack(*(offer(crook(number), 5, 10**6) for number in range(100)))
    one = field.attack(*chain(crook(200), range(1, 100), 10**6))

    assert set(many + one) == {"future transaction tries to replace pending"}
    assert field.lost() == 0
    assert field.outcome() == verdict_of("A1", hardened)


@BOTH
def test_a1_the_queue_of_a_pool_with_room_has_its_own_limits(hardened: bool) -> None:
    field = Field(hardened=hardened)

    field.attack(*chain(crook(0), range(1, 100), 10**6), *(offer(crook(number), 5, 10**6) for number in range(1, 100)))

    assert field.counts() == (SLOTS, QUEUE)
    assert field.outcome() == verdict_of("A1", hardened)


def test_a1_one_sender_has_its_own_limit_too() -> None:
    field = Field(hardened=False)

    field.attack(*chain(crook(0), range(1, 100)))

    assert field.queued(crook(0)) == list(range(1, 9))


@BOTH
def test_a6_children_do_not_outlive_what_they_stand_on(hardened: bool) -> None:
    """Five chains of a cheap parent and dear children fill the pool; then come some that outbid the parents."""
    field = Field(hardened=hardened, account_slots=16)
    for number in range(5):
        field.attack(offer(crook(number), 0, 110), *chain(crook(number), range(1, 16), 10_000))
    assert field.lost() == len(field.honest)

    field.attack(*(offer(crook(100 + number), 0, 120) for number in range(9)))

    assert field.outcome() == verdict_of("A6", hardened)
    assert (field.paid() == ROOM) == hardened


@BOTH
def test_a7_who_is_cut_at_once_has_pushed_out_nobody(hardened: bool) -> None:
    """One over the guaranteed slots pushes out another and is cut; a future one fills the place; again."""
    field = Field(hardened=hardened, senders=20)
    field.attack(*chain(crook(0), range(ACCOUNT)))

    for number in range(1, 30):
        field.attack(offer(crook(0), ACCOUNT, 1000 + number), offer(crook(number), 5))

    assert field.outcome() == verdict_of("A7", hardened)


@BOTH
def test_a8_who_pays_more_gets_past_cheap_chains(hardened: bool) -> None:
    field = Field(hardened=hardened, senders=0)
    cheap = [each for number in range(8) for each in chain(crook(number), range(10), 2)]
    field.attack(*cheap)
    field.honest = [offer(honest(number), nonce, PRICE) for number in range(16) for nonce in range(ACCOUNT)]

    for each in field.honest:
        assert field.send(each) == ["ok"]
        field.see()

    assert field.lost() == 0
    assert field.outcome() == verdict_of("A8", hardened)


@BOTH
def test_a9_each_replacement_costs_a_tenth_more(hardened: bool) -> None:
    field = Field(hardened=hardened)
    price, paid = 1000, []
    field.attack(offer(crook(0), 0, price))

    for _ in range(100):
        assert field.attack(offer(crook(0), 0, price * 109 // 100)) == ["replacement transaction underpriced"]
        price = price * 110 // 100
        paid += field.attack(offer(crook(0), 0, price))

    assert set(paid) == {"ok"}
    assert price > 1000 * 13_000
    assert field.lost() == 0
    assert field.outcome() == verdict_of("A9", hardened)


def test_a9_in_a_hardened_pool_a_replacement_needs_no_room_but_its_own() -> None:
    field = Field(hardened=True, senders=20)
    field.attack(offer(crook(0), 0, 1000))

    field.attack(offer(crook(0), 0, 1100), offer(crook(1), 5), offer(crook(0), 0, 1210), offer(crook(2), 5))

    assert field.lost() == 1


@BOTH
def test_a10_dust_pushes_out_no_one_who_pays_more(hardened: bool) -> None:
    field = Field(hardened=hardened)

    field.attack(*(offer(field.fund(crook(number), COST), 0, 1) for number in range(300)))

    assert field.lost() == 0
    assert field.counts() == (ROOM, 0)
    assert field.outcome() == verdict_of("A10", hardened)


def test_a10_in_a_hardened_pool_dust_takes_a_quarter_of_the_slots_a_block_from_a_long_sender() -> None:
    field = Field(hardened=True, senders=1, each=SLOTS)

    verdicts = field.send(*(offer(crook(number), 0, 1) for number in range(40)))

    assert verdicts.count("ok") == SLOTS // 4
    limit = "txpool is full: 16 pending transactions have made way since the last block, limit 16"
    assert set(verdicts) == {"ok", limit}
    assert field.lost() == SLOTS // 4
    field.see()
    assert field.send(offer(crook(50), 0, 1)) == ["ok"]


def test_a7_in_a_hardened_pool_the_refusal_says_who_has_how_many() -> None:
    field = Field(hardened=True)
    field.attack(*chain(crook(0), range(ACCOUNT)))

    told = "txpool is full: account has 4 pending transactions, 4 are guaranteed"
    assert field.attack(offer(crook(0), ACCOUNT)) == [told]
    assert field.attack(offer(crook(0), ACCOUNT - 1, 2000)) == ["ok"]  # in the place of one that is here


def test_a6_in_a_hardened_pool_a_dear_child_of_a_cheap_parent_is_too_cheap() -> None:
    field = Field(hardened=True, senders=19)
    field.attack(*chain(crook(0), range(1), 50), *chain(crook(1), range(ACCOUNT - 1), 500))

    told = "transaction underpriced: worth no more than nonce 0 of its account, which is too cheap for a full pool"
    assert field.attack(offer(crook(0), 1, 10_000)) == [told]
    assert field.lost() == 0


def test_a6_in_a_hardened_pool_a_dear_child_is_worth_no_more_than_those_that_pay_as_its_parent() -> None:
    field = Field(hardened=True, senders=19)
    field.attack(*chain(crook(0), range(1), PRICE), *chain(crook(1), range(ACCOUNT - 1), 500))

    assert field.attack(offer(crook(0), 1, 10_000))[0].startswith("transaction underpriced: worth no more than nonce 0")
    assert field.lost() == 0


def test_a6_in_a_hardened_pool_nothing_pushes_out_what_it_stands_on() -> None:
    """What pays the worst tip has come after the last ranking; the parent has the worst fee cap of those ranked low."""
    field = Field(hardened=True, senders=0)
    field.send(dynamic(crook(0), 0, tip=5, fee=200))
    field.send(*(dynamic(honest(number), nonce, tip=50, fee=1000) for number in range(26) for nonce in range(3)))
    field.see()
    field.send(dynamic(crook(1), 0, tip=1, fee=5000))
    assert field.counts() == (ROOM, 0)

    assert field.send(dynamic(crook(0), 1, tip=100, fee=200))[0].startswith("transaction underpriced: worth no more")


def test_a6_in_a_hardened_pool_the_last_of_a_chain_makes_way_first() -> None:
    field = Field(hardened=True, senders=0)
    for number in range(20):
        field.attack(offer(honest(number), 0, 50 + number), *chain(honest(number), range(1, ACCOUNT), 1000))

    assert field.attack(offer(crook(0), 0, 60)) == ["ok"]

    assert field.pending(honest(0)) == [0, 1, 2]
    assert field.last_of(offer(honest(0), 3, 1000)).reason is Reason.POOL_FULL_CHEAPEST


@BOTH
def test_a13_large_ones_are_counted_by_their_slots(hardened: bool) -> None:
    field = Field(hardened=hardened)
    large = [offer(crook(number), 0, 1000, size=131_072, gas=1_000_000) for number in range(30)]

    assert field.attack(offer(crook(99), 0, 1000, size=131_073)) == [
        "oversized data: transaction size 131073, limit 131072"
    ]
    field.attack(*large)

    assert field.pool.counts().slots <= ROOM
    assert field.lost() <= 4 * field.paid()
    assert verdict_of("A13", hardened) == "holds"


def test_a13_what_is_unused_of_the_memory_is_bounded() -> None:
    store = MmapStore.open(1 << 23, RECORD_BYTES, slab_bytes=1 << 16, ask=Pages.NORMAL)
    handles = [store.put(bytes(112), bytes(57 + 977 * number % 40_000)) for number in range(300)]
    for handle in handles[::3]:
        if handle is not None:
            store.free(handle)

    stats = store.stats()
    assert stats.bytes_wasted * 8 <= stats.bytes_used
    store.check()
    store.close()
