"""What the cyclic collector sees of a full pool, and how far each map grows: by count, never by the clock."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from typing import Any, Final

import pytest

from bench.offers import GWEI
from bench.offers import offer as transfer
from tests.core.blob_offers import blob
from tests.core.stand import RICH, head_at, heap_store, offer
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, HeadChange
from txpool.core.pool import Accepted, Pool
from txpool.core.record import RECORD_BYTES
from txpool.core.rejection import Rejected
from txpool.core.settings import PoolSettings
from txpool.core.shards import Shards
from txpool.core.store import Store
from txpool.stores.mmap import MmapStore

BATCH: Final = 100
TRACKED_MAX: Final = 600  # a pool's own parts (256 shards, slabs), however much it holds
ROUNDS: Final = [20_000, pytest.param(1_000_000, marks=pytest.mark.long)]
REFUSALS: Final = [100_000, pytest.param(1_000_000, marks=pytest.mark.long)]


def roomy_store(count: int) -> Store:
    return MmapStore.open(max(64 << 20, count * 512), RECORD_BYTES)


def tracked_by(grow: Callable[[], object]) -> int:
    """How many objects the collector tracks more once this has grown, temporary ones gone."""
    gc.collect()
    before = len(gc.get_objects())
    grown = grow()
    gc.collect()  # also untracks what need not be
    after = len(gc.get_objects())
    del grown
    return after - before


def assert_nothing_tracked_for_each(grow: Callable[[int], object], count: int) -> None:
    """A tenth and the whole give the collector equally much to walk."""
    tenth, whole = tracked_by(lambda: grow(count // 10)), tracked_by(lambda: grow(count))
    assert whole < tenth + count // 100, (tenth, whole)
    assert whole < TRACKED_MAX + count // 1_000, whole


def pool_of(count: int, senders: int) -> Pool:
    settings = PoolSettings(global_slots=2 * count, account_slots=count, global_queue=count, account_queue=count)
    pool = Pool(settings, head_at(), roomy_store(count), EventRing(1024))
    for batch in batches(count, senders):
        accounts = {each.sender: Account(0, 10**30) for each in batch if isinstance(each.sender, bytes)}
        verdicts, _ = pool.submit(batch, accounts, now=0)
        assert all(isinstance(verdict, Accepted) for verdict in verdicts)
    return pool


def batches(count: int, senders: int) -> Iterator[list[Candidate]]:
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        yield [transfer(number, number % senders, number // senders, GWEI) for number in numbers]


@pytest.mark.parametrize("count", ROUNDS)
@pytest.mark.parametrize("each", [1, 100], ids=["senders of one", "senders of a hundred"])
def test_a_resident_transaction_adds_nothing_for_the_collector_to_walk(count: int, each: int) -> None:
    assert_nothing_tracked_for_each(lambda number: pool_of(number, max(1, number // each)), count)


def dict_of_tuples(count: int) -> dict[bytes, tuple[int, list[int]]]:
    return {number.to_bytes(32, "big"): (number, [number]) for number in range(count)}


def test_an_index_of_tuples_would_be_noticed() -> None:
    with pytest.raises(AssertionError):
        assert_nothing_tracked_for_each(dict_of_tuples, 20_000)


def test_a_pool_with_an_index_of_tuples_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[bytes, tuple[int, object]] = {}
    insert = Shards.insert

    def insert_tuple(self: Shards[object], key: bytes, value: object) -> None:
        kept[key] = (len(kept), [value])
        insert(self, key, value)

    monkeypatch.setattr(Shards, "insert", insert_tuple)

    with pytest.raises(AssertionError):
        assert_nothing_tracked_for_each(lambda count: pool_of(count, count // 100), 5_000)


def maps_of(pool: Pool) -> dict[str, int]:
    """The size of everything in the pool that has one, by name."""
    residents, prices = pool._residents, pool._residents.prices
    parts = {
        **{f"residents.{name}": part for name, part in vars(residents).items()},
        **{f"prices.{name}": part for name, part in vars(prices).items()},
        **{f"pool.{name}": part for name, part in vars(pool).items()},
        **{f"blobs.{name}": part for name, part in vars(pool._blobs.content).items()},
        **{f"order.{name}": part for name, part in vars(pool._blobs.content.order).items()},
        **{f"limbo.{name}": part for name, part in vars(pool._blobs.content.limbo).items()},
        **{f"tallies.{name}": part for name, part in vars(pool.tallies).items()},
    }
    return {name: len(part) for name, part in parts.items() if isinstance(part, Sized)}


SMALL: Final[Mapping[str, Any]] = {"account_slots": 4, "global_slots": 48, "account_queue": 8, "global_queue": 16}
BOUNDS: Final = {
    "residents.mined": 0,
    "blobs.released": BATCH,
    "residents.released": BATCH,  # of the operation before
    "prices._urgent": 160,
    "prices._floating": 160,
    "prices._fresh": 0,
}
ROOM: Final = SMALL["global_slots"] + SMALL["global_queue"]


def assert_bounded(pool: Pool) -> None:
    for name, size in maps_of(pool).items():
        fixed = name.startswith("tallies.")
        assert size <= (100 if fixed else BOUNDS.get(name, ROOM)), (name, size)


def address(number: int) -> bytes:
    return number.to_bytes(8, "big") + bytes(12)


def refused(number: int) -> Candidate:
    """One of many kinds of refusal, nearly all from senders never seen before."""
    sender = address(number)
    kinds = (
        lambda: offer(sender, 0, 1, value=10**30),
        lambda: offer(sender, 0, 1),  # cheaper than all there are
        lambda: offer(sender, 5, 10**6),  # from the future
        lambda: offer(sender, 0, 100, size=200_000),
        lambda: offer(sender, 0, 100, gas=20_000),
        lambda: offer(sender, 2**64 - 1, 100),
        lambda: blob(sender, 3),  # a gap
        lambda: blob(sender, 0, blobs=7),
        lambda: offer(address(number % 8), 0, 50, value=number),  # of a sender who is here
    )
    return kinds[number % len(kinds)]()


@pytest.mark.parametrize("count", REFUSALS)
def test_no_map_outgrows_its_bound_after_many_refusals(count: int) -> None:
    pool = Pool(PoolSettings(**SMALL), head_at(), heap_store(), EventRing(1024))
    fill = [offer(address(number), nonce, 50) for number in range(16) for nonce in range(4)]
    submit(pool, fill)
    before = pool.counts()
    assert before.slots == ROOM
    names = set(maps_of(pool))

    for start in range(0, count, BATCH):
        verdicts = submit(pool, [refused(number) for number in range(start + 16, start + 16 + BATCH)])
        assert [verdict for verdict in verdicts if not isinstance(verdict, Rejected)] == []

    assert pool.counts() == before
    assert set(maps_of(pool)) == names
    assert_bounded(pool)
    pool.check()


def submit(pool: Pool, offers: Sequence[Candidate]) -> list[object]:
    accounts = {each.sender: RICH for each in offers if isinstance(each.sender, bytes)}
    return list(pool.submit(offers, accounts, now=0)[0])


def test_no_map_outgrows_its_bound_under_churn() -> None:
    """Newcomers at rising prices push out, are queued, replaced, mined and given back."""
    pool = Pool(PoolSettings(**SMALL), head_at(), heap_store(), EventRing(1024))
    for turn in range(300):
        base = turn * 7
        offers = [
            offer(address(base + number), nonce, 10 + turn) for number in range(8) for nonce in (0, 1, 3, 5 + turn % 3)
        ]
        submit(pool, offers)
        best = [each for each, _ in zip(pool.best(0), range(5), strict=False)]
        accounts = {each.sender: Account(each.nonce + 1, 10**24) for each in best}
        included = {each.hash: turn for each in best}
        back = [each for each in offers[:4] if turn % 5 == 0 and not pool.knows(each.tx.hash)]
        accounts |= {each.sender: RICH for each in back if isinstance(each.sender, bytes)}
        pool.advance(HeadChange(head_at(turn + 2), accounts, included, back), now=turn)
        pool.check()
        pool._residents.begin(turn, turn)  # what only lasts for an operation
        assert_bounded(pool)
