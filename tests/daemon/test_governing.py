"""The governor in the daemon: what each step does to those who use it. Time and latencies are passed in."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from tests.daemon.test_metrics import samples, value
from tests.rpc.loop import run
from tests.rpc.node import ALICE, BOB, GWEI, Node, hexed, transfer
from tests.rpc.plain_ws import PlainWebSocket
from tests.running import Daemon, running
from txpool.client.jsonrpc import RpcClient
from txpool.client.status import describe_status, fetch_status
from txpool.config.sections import GovernorSettings
from txpool.core.pool import Pool
from txpool.core.rejection import Reason
from txpool.core.restraint import Restraint
from txpool.core.settings import PoolSettings
from txpool.daemon.governing import Governing
from txpool.daemon.obedience import Restrain
from txpool.ingest.settings import Busy, IngestSettings
from txpool.observe.histogram import REQUEST_BOUNDS, Histogram
from txpool.rpc.errors import RpcError
from txpool.rpc.filters import Filters
from txpool.rpc.pool_governor import Moved
from txpool.rpc.streams import HASHES_ONLY, Streams

SETTINGS: Final = GovernorSettings(enabled=True, hold_seconds=3, recover_seconds=6, window_seconds=2, answers_min=10)
GAP: Final = "nonce gap refused while txpool is overloaded: next nonce 0, tx nonce 7"
BATCH_MAX: Final = IngestSettings().batch_max


def obedience(pool: Pool) -> Restrain:
    """A pool that obeys at once."""

    async def restrain(change: Callable[[Restraint], Restraint]) -> None:
        pool.restrain(change(pool.restraint), now=0)

    return restrain


class Scene:
    """A node whose submissions take as long as the test says."""

    def __init__(self, node: Node, settings: GovernorSettings = SETTINGS) -> None:
        self.node = node
        self.streams = Streams(node.pool, node.chain, node.ingest.just_judged)
        self.moves: list[Moved] = []
        self.durations = Histogram(REQUEST_BOUNDS)
        self.governing = Governing(
            settings,
            pool=node.pool,
            restrain=obedience(node.pool),
            ingest=node.ingest,
            streams=self.streams,
            durations=self.durations,
            tell=self.moves.append,
        )
        self._now = 0.0

    async def take(self, seconds: int, latency: float, answers: int = 100) -> None:
        """So many seconds in which each submission took so long."""
        for _ in range(seconds):
            for _ in range(answers):
                self.durations.add(latency)
            self._now += 1
            await self.governing.look(self._now)

    async def reach(self, step: int) -> None:
        while self.governing.standing().step < step:
            await self.take(1, 0.3)


async def refusal(node: Node, raw: bytes) -> str | None:
    client = await node.client()
    answer = await client.call("eth_sendRawTransaction", hexed(raw))
    return str(answer["error"]["message"]) if "error" in answer else None


def test_each_step_takes_effect_and_goes_again_in_reverse() -> None:
    async def scene() -> None:
        async with Node(pool=PoolSettings(price_limit=2)) as node:
            it = Scene(node)
            told = []
            for _ in range(4):
                await it.reach(it.governing.standing().step + 1)
                told.append(state(it))
            await it.take(6 * 8, 0.001)
            told.append(state(it))

            assert told == [
                (1, HASHES_ONLY, BATCH_MAX, 2, False),
                (2, HASHES_ONLY, 16, 2, False),
                (3, HASHES_ONLY, 16, GWEI, False),
                (4, HASHES_ONLY, 16, GWEI, True),
                (0, None, BATCH_MAX, 2, False),
            ]
            steps = [each.after for each in it.moves]
            assert steps[:4] == ["hashes_only", "small_batches", "high_floor", "no_gaps"]
            assert steps[4:] == ["high_floor", "small_batches", "hashes_only", "full_service"]
            assert it.moves[0].why == "submissions took 497 ms (p99), more than 50 ms, for 3 s"

    def state(it: Scene) -> tuple[Any, ...]:
        cursor = it.streams.pending(full=True)
        shown = cursor if isinstance(cursor, RpcError) else None
        pool = it.node.pool
        step = it.governing.standing().step
        return step, shown, it.node.ingest._batch_max, pool.settings.price_limit, pool.restraint.gapless

    run(scene())


def test_a_pool_with_a_high_floor_of_its_own_gets_ten_times_that() -> None:
    async def scene() -> None:
        async with Node(pool=PoolSettings(price_limit=5 * GWEI)) as node:
            it = Scene(node)
            await it.reach(4)

            assert node.pool.settings.price_limit == 50 * GWEI

    run(scene())


def test_senders_hear_what_is_refused_and_replacements_pass() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            assert await refusal(node, transfer(ALICE, 0)) is None
            await it.reach(4)

            assert await refusal(node, transfer(BOB, 7)) == GAP
            assert await refusal(node, transfer(BOB, 0, tip_cap=GWEI - 1)) == (
                "transaction gas price below minimum: gas tip cap 999999999, minimum needed 1000000000"
            )
            assert await refusal(node, transfer(ALICE, 0, tip_cap=2 * GWEI, fee_cap=200 * GWEI)) is None

    run(scene())


def test_what_is_under_the_floor_costs_no_signature() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            await it.reach(3)

            await refusal(node, transfer(ALICE, tip_cap=1))

            counters = node.ingest.counters
            assert (counters.recovered_inline, counters.refused[Reason.TIP_BELOW_MINIMUM]) == (0, 1)
            assert node.pool.events.next_seq == 0
            await it.take(40, 0.001)
            assert await refusal(node, transfer(ALICE, tip_cap=1)) is None

    run(scene())


def test_a_filter_of_whole_transactions_is_gone_and_one_of_hashes_stays() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            filters = Filters(it.streams, node.clock.seconds)
            open_one, changes = (
                filters.methods()[name].run for name in ("eth_newPendingTransactionFilter", "eth_getFilterChanges")
            )
            whole, hashes = open_one(True), open_one(None)
            node.ingest.on_events = it.streams.notice
            await it.reach(1)

            await refusal(node, transfer(ALICE))

            assert changes(whole).message == "filter not found"
            assert len(changes(hashes)) == 1
            assert open_one(True) == HASHES_ONLY
            assert it.streams.transactions.size == 0

    run(scene())


def test_a_few_slow_submissions_and_short_bursts_move_nothing() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            await it.take(60, 0.3, answers=4)  # eight in a window, of which ten are asked for
            for _ in range(10):
                await it.take(1, 0.3)
                await it.take(3, 0.001, answers=20_000)

            assert it.moves == []

    run(scene())


def test_what_waits_while_nobody_is_answered_counts_as_slow() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            node.ingest.depth += 1
            await it.take(4, 0, answers=0)
            node.ingest.depth -= 1

            assert [each.why for each in it.moves] == ["submissions took 2000 ms (p99), more than 50 ms, for 3 s"]

    run(scene())


def test_a_jam_is_slow_however_few_are_answered_and_however_quickly_the_rest_is_turned_away() -> None:
    """Thousands wait, three a second are judged, and those who find the queue full hear it at once."""

    async def scene(turned_away: int) -> list[str]:
        async with Node() as node:
            it = Scene(node)
            node.ingest.depth = 3000
            for _ in range(6):
                node.ingest.judged += 3
                for _ in range(turned_away):
                    it.durations.add(0.0001)
                await it.take(1, 0.3, answers=3)
            node.ingest.depth = 0
            return [each.after for each in it.moves]

    assert run(scene(0)) == run(scene(1000)) == ["hashes_only"]


def test_what_waits_behind_calls_that_are_not_counted_is_slow_as_far_as_it_takes_long() -> None:
    """Of those who wait for receipts no answer is in the histogram; what waits is judged at the pace of late."""

    async def scene(waiting: int) -> float | None:
        async with Node() as node:
            it = Scene(node)
            node.ingest.depth = waiting
            for _ in range(3):
                node.ingest.judged += 1000
                await it.take(1, 0, answers=0)
            node.ingest.depth = 0
            return it.governing.standing().latency

    assert run(scene(9)) is None  # of which ten are asked for
    assert run(scene(10)) == 0.01
    assert run(scene(500)) == 0.5


def test_those_who_wait_for_receipts_are_no_jam_while_they_are_judged() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            for nonce in range(8):
                node.ingest.offer(transfer(ALICE, nonce), lambda _outcome: None)
                await it.take(1, 0, answers=0)  # while it waits
                await node.ingest.drain()

            assert node.ingest.judged == 8
            assert it.moves == []

    run(scene())


def test_a_long_dry_run_is_no_jam() -> None:
    async def scene() -> None:
        async with Node() as node:
            it = Scene(node)
            node.ingest.moving = lambda: True  # so that it waits
            asked = asyncio.ensure_future(node.ingest.check([transfer(ALICE)] * 30))
            await asyncio.sleep(0)
            assert (node.ingest.depth, node.ingest.waiting) == (30, 0)

            await it.take(6, 0, answers=0)

            assert it.moves == []
            node.ingest.moving = lambda: False
            node.ingest.go_on()
            checked = await asked
            assert not isinstance(checked, Busy)
            assert len(checked) == 30
            assert (node.ingest.depth, node.ingest.waiting, node.ingest.judged) == (0, 0, 0)

    run(scene())


# --- the whole daemon

AT_ONCE: Final = {
    "governor.enabled": "true",
    "governor.latency_seconds": "0.000001",
    "governor.calm_seconds": "0.000001",
    "governor.hold_seconds": "0.05",
    "governor.sample_seconds": "0.02",
    "governor.window_seconds": "20",
    "governor.answers_min": "1",
}


def options(given: dict[str, str]) -> list[str]:
    return [word for key, text in given.items() for word in ("--set", f"{key}={text}")]


def status_of(daemon: Daemon) -> str:
    """What `txpool status` prints."""
    client = RpcClient(daemon.url)
    try:
        return describe_status(fetch_status(client), daemon.url)
    finally:
        client.close()


def test_a_daemon_that_is_too_slow_steps_down_and_everybody_can_see_why() -> None:
    with (
        running("--dev", "--dev-period", "0", *options(AT_ONCE)) as daemon,
        PlainWebSocket(daemon.ws) as watcher,
        PlainWebSocket(daemon.ws) as whole,
    ):
        assert "governor  full service" in status_of(daemon)
        watcher.call("pool_subscribe", "governor")
        whole.call("eth_subscribe", "newPendingTransactions", True)
        daemon.call("eth_sendRawTransaction", hexed(transfer(ALICE)))

        told = [watcher.told() for _ in range(4)]

        assert [each["to"] for each in told] == ["hashes_only", "small_batches", "high_floor", "no_gaps"]
        shown = daemon.call("pool_governor")
        assert (shown["enabled"], shown["step"], shown["name"], shown["moves"]) == (True, "0x4", "no_gaps", told)
        assert daemon.ask("eth_sendRawTransaction", hexed(transfer(BOB, 7)))["error"]["message"] == GAP
        status = status_of(daemon)
        assert "governor  step 4 of 4, no gaps: submissions took " in status
        found = samples(daemon)
        assert value(found, "txpool_governor_step") == 4
        assert value(found, "txpool_governor_moves_total", direction="down") == 4
        assert value(found, "txpool_governor_moves_total", direction="up") == 0
        assert value(found, "txpool_governor_latency_seconds") > 0
        assert value(found, "txpool_submissions_total", result="rejected", reason="overloaded_gap") == 1
        assert whole.told()["nonce"] == "0x0"
        assert whole.ended() == 1008


def test_a_governor_that_is_off_never_moves_and_status_does_not_name_it() -> None:
    with running("--dev", *options(AT_ONCE | {"governor.enabled": "false"})) as daemon:
        daemon.call("eth_sendRawTransaction", hexed(transfer(ALICE)))

        assert daemon.call("pool_governor")["enabled"] is False
        assert "governor" not in status_of(daemon)
