"""Four pools, one on each store, given the same: whatever a store does with its handles, nobody sees a difference.

Few prices and small limits, so that many are worth the same and somebody has to go; slots and buffers are used again
all the time, so that handles tell nothing of what came first.
"""

import random
from typing import Final

import msgspec
import pytest

from tests.core.stand import PLENTY_BYTES, RICH, SECOND, STORES, head_at, offer
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import HeadChange
from txpool.core.pool import Pool
from txpool.core.settings import PoolSettings
from txpool.history.digest import digest

SENDERS: Final = tuple(bytes([number]) * 20 for number in range(1, 9))
SETTINGS: Final = PoolSettings(account_slots=2, global_slots=12, account_queue=3, global_queue=6, lifetime=20)
TURNS: Final = 80


def drawn_offers(draw: random.Random, arrival: int) -> list[Candidate]:
    """A few transactions that arrive one after another."""
    return [
        offer(
            draw.choice(SENDERS),
            draw.randrange(5),
            draw.randrange(20, 26),
            arrival=arrival + place,
            size=draw.choice((110, 110, 110, 40_000)),
            raw=bytes(draw.choice((5, 300))),
        )
        for place in range(draw.randrange(1, 6))
    ]


def mine_the_best(pool: Pool, base_fee: int, now: int) -> None:
    """A block of the best one, and the next base fee."""
    best = next(iter(pool.best(base_fee)), None)
    included = {best.hash: pool.head.number + 1} if best else {}
    accounts = {best.sender: msgspec.structs.replace(RICH, nonce=best.nonce + 1)} if best else {}
    pool.advance(HeadChange(head_at(pool.head.number + 1, next_base_fee=base_fee), accounts, included), now=now)
    pool.expire(now=now)


def lived_through(seed: int, kind: str) -> Pool:
    """A pool on that store, and what comes of a seed."""
    draw = random.Random(seed)
    pool = Pool(SETTINGS, head_at(), STORES[kind](PLENTY_BYTES), EventRing(4096))
    for turn in range(TURNS):
        now = turn * SECOND
        pool.submit(drawn_offers(draw, now), dict.fromkeys(SENDERS, RICH), now=now)
        if draw.random() < 0.2:
            mine_the_best(pool, draw.randrange(26), now)
    pool.check()
    return pool


@pytest.mark.parametrize("seed", range(10))
def test_the_same_inputs_give_the_same_events_and_the_same_pool_on_every_store(seed: int) -> None:
    seen = {}
    for kind in STORES:
        pool = lived_through(seed, kind)
        content = [[each.hash for each in (*pool.pending_of(one), *pool.queued_of(one))] for one in SENDERS]
        seen[kind] = digest(pool.events.since(0)), content

    assert all(each == seen["mmap"] for each in seen.values())
    assert any(seen["mmap"][1]), "something is left"
