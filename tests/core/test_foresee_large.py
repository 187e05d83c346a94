"""A forecast in a pool so large that prices are ranked late."""

from tests.core.pool_state import state_digest
from tests.core.stand import ALICE, BOB, RICH, head_at, offer
from txpool.core.events import EventRing
from txpool.core.foresee import foresee
from txpool.core.pool import Pool
from txpool.core.settings import PoolSettings
from txpool.stores.heap import HeapStore


def test_a_large_pool_is_foreseen_without_ranking_it_anew() -> None:
    """Beyond the size at which prices are ranked at once: the same code in all its phases."""
    settings = PoolSettings(global_slots=20_000, global_queue=4_000, account_slots=24_000)
    pool = Pool(settings, head_at(), HeapStore(1 << 30), EventRing(1 << 17))
    accounts = {ALICE: RICH, BOB: RICH}
    pool.submit([offer(ALICE, nonce, 1_000 + nonce % 7) for nonce in range(23_999)], accounts, now=1)

    for price in (999, 1_500, 1_001, 1_002):
        one = offer(BOB, 0, price)
        before, first = state_digest(pool), pool.events.next_seq
        (found,) = foresee(pool, [one], accounts, now=2)
        if price != 999:
            assert state_digest(pool) == before
        (verdict,), _ = pool.submit([one], accounts, now=2)
        assert (verdict, list(found.events)) == (found.verdict, list(pool.events.since(first)))
