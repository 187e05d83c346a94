"""The limits on memory in the daemon: what holds at each, and when it ends. Bytes are passed in."""

from collections.abc import Callable
from typing import Final

import pytest

from mmap_pool import SLAB_BYTES, Pages
from tests.core.blob_offers import blob
from tests.core.stand import ALICE, BOB, CAROL, DAVE, Stand, offer
from tests.daemon.test_governing import obedience, options, status_of
from tests.daemon.test_metrics import samples, value
from tests.mmap_pool.system_pages import huge_pages
from tests.rpc.loop import run, until
from tests.rpc.node import ALICE as FUNDED
from tests.rpc.node import hexed, transfer
from tests.rpc.plain_ws import PlainWebSocket
from tests.running import running
from txpool.config.sections import MemorySettings
from txpool.core.record import RECORD_BYTES
from txpool.core.restraint import UNRESTRAINED, Restraint
from txpool.daemon.memory_guard import MemoryGuard
from txpool.daemon.relief import Relief
from txpool.daemon.stewards import held_bytes
from txpool.observe.resident import Resident
from txpool.rpc.pool_governor import MemoryStanding, Moved
from txpool.stores.mmap import MmapStore

FULL: Final = "txpool is at its memory limit, try again later"
SOFT, HARD = 1600, 3200


class Scene:
    """A small pool under the limits, and how much of everything was done."""

    def __init__(self, **limits: int) -> None:
        self.stand = Stand({}, head=None, store=None, **(limits or {"global_slots": 24, "global_queue": 8}))
        self.moves: list[Moved] = []
        self.reliefs = 0
        self.until: Callable[[], bool] = lambda: True  # how long relief takes
        self.coming: list[int] = []  # readings before all others
        self._held: int | None = 0
        self._now = 0.0
        settings = MemorySettings(soft_bytes=SOFT, hard_bytes=HARD, relief_seconds=3, sample_seconds=0.001)
        self.guard = MemoryGuard(
            settings,
            self.stand.pool,
            obedience(self.stand.pool),
            Relief(self._relieve),
            self.moves.append,
            self._read,
        )

    async def _relieve(self) -> None:
        self.reliefs += 1
        await until(self.until)

    def _read(self) -> int | None:
        return self.coming.pop(0) if self.coming else self._held

    async def hold(self, held: int | None) -> None:
        """Look, a second later, at so many bytes; None is what is not known."""
        self._held, self._now = held, self._now + 1
        await self.guard.look(self._now)


def test_above_the_soft_limit_the_pool_grows_no_further_and_prices_decide() -> None:
    async def scene() -> None:
        it = Scene()
        cheap = offer(BOB, price=50)
        it.stand.send(offer(ALICE), cheap)

        await it.hold(SOFT)

        assert it.stand.send(offer(CAROL, price=40), offer(DAVE, price=60)) == ["transaction underpriced", "ok"]
        assert it.stand.holds(cheap) == [False]
        assert it.guard.standing() == MemoryStanding("soft", SOFT, SOFT, HARD)

        await it.hold(SOFT - 1)
        assert it.stand.send(offer(BOB, price=40)) == ["transaction underpriced"]
        await it.hold(SOFT * 14 // 16)
        assert it.stand.pool.restraint == UNRESTRAINED
        assert it.stand.send(offer(BOB, price=40)) == ["ok"]

    run(scene())


def test_above_the_hard_limit_nothing_new_is_taken_until_it_is_below_the_soft_one() -> None:
    async def scene() -> None:
        it = Scene()
        it.stand.send(offer(ALICE))

        await it.hold(HARD)
        assert it.stand.send(offer(BOB), offer(ALICE, price=200), blob(CAROL)) == [FULL, "ok", FULL]
        await it.hold(SOFT)
        assert it.stand.send(offer(BOB)) == [FULL]
        await it.hold(SOFT - 1)
        assert it.stand.pool.restraint == Restraint(slots_max=2, blob_bytes_max=2_684_354_560 // 16)
        assert it.stand.send(offer(BOB)) == ["ok"]
        await it.hold(0)

        assert [(each.before, each.after) for each in it.moves] == [
            ("none", "hard"),
            ("hard", "soft"),
            ("soft", "none"),
        ]
        assert it.stand.pool.restraint == UNRESTRAINED

    run(scene())


def test_above_the_hard_limit_nothing_is_ranked_before_it_opens_again() -> None:
    async def scene() -> None:
        it = Scene(global_slots=20_000)  # a pool of that size is ranked piece by piece

        await it.hold(HARD)
        assert it.stand.pool.restraint == Restraint(closed=True)
        assert not it.stand.pool.rank_some()
        await it.hold(SOFT - 1)

        assert it.stand.pool.rank_some()
        assert it.stand.pool.restraint == Restraint(slots_max=21_024 // 16, blob_bytes_max=2_684_354_560 // 16)

    run(scene())


def test_memory_is_looked_at_while_prices_are_ranked_and_the_hard_limit_breaks_that_off() -> None:
    async def scene() -> None:
        it = Scene(global_slots=20_000)
        it.coming = [SOFT, SOFT, HARD]

        await it.hold(SOFT)

        assert it.stand.pool.restraint == Restraint(closed=True)
        assert [(each.before, each.after) for each in it.moves] == [("none", "hard")]
        assert not it.stand.pool.rank_some()

    run(scene())


def test_a_shortage_that_is_over_before_all_is_ranked_moves_nothing() -> None:
    async def scene() -> None:
        it = Scene(global_slots=20_000)
        it.coming = [SOFT, SOFT, 0]

        await it.hold(0)

        assert it.moves == []
        assert it.stand.pool.restraint == UNRESTRAINED

    run(scene())


def test_what_is_not_known_changes_nothing_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        it = Scene()
        await it.hold(HARD)
        caplog.clear()

        await it.hold(None)
        await it.hold(None)

        assert it.stand.pool.restraint.closed
        assert it.guard.standing() == MemoryStanding("hard", HARD, SOFT, HARD)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        await it.hold(0)
        assert it.stand.pool.restraint == UNRESTRAINED

    run(scene())


def test_what_has_left_pages_of_the_reserve_is_room_again_though_they_stay() -> None:
    with huge_pages(4):
        store = MmapStore.open(4 * SLAB_BYTES, RECORD_BYTES, ask=Pages.HUGETLB)
        resident, handles = Resident(), []
        while (handle := store.put(bytes(RECORD_BYTES), bytes(4000))) is not None:
            handles.append(handle)
        full, counted = resident.held(), held_bytes(resident, store)
        for handle in handles:
            store.free(handle)
        emptied, left = resident.held(), held_bytes(resident, store)
        store.close()

    assert full
    assert emptied
    assert counted
    assert left
    assert full - emptied < SLAB_BYTES
    assert full - counted < SLAB_BYTES
    assert counted - left > 3 * SLAB_BYTES


def test_what_the_governor_asks_for_stays_when_memory_is_enough_again() -> None:
    async def scene() -> None:
        it = Scene()
        it.stand.pool.restrain(Restraint(price_floor=500, gapless=True), now=0)

        await it.hold(HARD)
        await it.hold(0)

        assert it.stand.pool.restraint == Restraint(price_floor=500, gapless=True)

    run(scene())


def test_an_empty_pool_keeps_a_sixteenth_of_its_room() -> None:
    async def scene() -> None:
        it = Scene(global_slots=3200, global_queue=160)

        await it.hold(SOFT)

        assert it.stand.pool.restraint.slots_max == 210

    run(scene())


def test_memory_is_given_back_at_once_and_then_every_so_often_while_it_is_short() -> None:
    async def scene() -> None:
        it = Scene()
        done = []
        for held in (0, SOFT, SOFT, SOFT, SOFT, HARD, SOFT, 0, 0, 0, 0):
            await it.hold(held)
            done.append(it.reliefs)

        assert done == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]

    run(scene())


def test_memory_is_looked_at_while_it_is_given_back() -> None:
    async def scene() -> None:
        it = Scene()
        it.coming = [SOFT]
        it.until = lambda: it.stand.pool.restraint.closed

        await it.hold(HARD)

        assert [each.after for each in it.moves] == ["soft", "hard"]
        assert it.reliefs == 1

    run(scene())


def test_a_daemon_above_its_hard_limit_refuses_and_says_so_everywhere() -> None:
    limits = {"memory.hard_bytes": "1", "memory.sample_seconds": "0.1"}
    with (
        running("--dev", "--dev-period", "0", *options(limits)) as daemon,
        PlainWebSocket(daemon.ws) as watcher,
    ):
        watcher.call("pool_subscribe", "governor")
        if not daemon.call("pool_governor")["moves"]:
            assert watcher.told()["to"] == "hard"

        answer = daemon.ask("eth_sendRawTransaction", hexed(transfer(FUNDED)))

        assert answer["error"] == {"code": -32000, "message": FULL}
        assert int(daemon.call("pool_governor")["memory"]["held"], 16) > 1 << 20
        assert "memory    above the hard limit, nothing new is taken: " in status_of(daemon)
        assert value(samples(daemon), "txpool_memory_pressure") == 2
        assert value(samples(daemon), "txpool_submissions_total", result="rejected", reason="memory_limit") == 1
