"""Bytes to verdicts: batches by turns of the loop, in order of arrival, whoever recovers the senders."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

import pytest
from msgspec.structs import replace

from tests.rpc.loop import run, until
from tests.rpc.node import ALICE, BOB, GWEI, KEYS, START, Node, transfer
from txpool.chain.genesis import dev_genesis
from txpool.core.head import Account, HeadChange
from txpool.core.kernel import NATIVE, TWIN, Signers
from txpool.core.pool import Accepted
from txpool.core.rejection import Reason, Rejected
from txpool.core.signature import sign_authorization
from txpool.core.tx import Tx
from txpool.ingest.batch import Outcome
from txpool.ingest.ingest import Ingest
from txpool.ingest.senders import TOGETHER_SPEED
from txpool.ingest.settings import Busy, IngestSettings

ON_THREADS: Final = IngestSettings(inline_max=0)


class Replies:
    """Offers, and the outcomes in the order in which they came."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self.outcomes: list[Outcome] = []

    def offer(self, *raws: bytes) -> list[Busy | None]:
        return [self._ingest.offer(raw, self.outcomes.append) for raw in raws]

    async def judged(self) -> list[str]:
        """Wait until all are judged; accepted, or the reason."""
        await self._ingest.drain()
        return [word(outcome) for outcome in self.outcomes]


def word(outcome: object) -> str:
    """Accepted, the reason, or that a bug of ours came in between."""
    if isinstance(outcome, Accepted):
        return "accepted"
    return outcome.reason if isinstance(outcome, Rejected) else "crashed"


def transfers(count: int, sender: bytes = ALICE) -> list[bytes]:
    return [transfer(sender, nonce) for nonce in range(count)]


@pytest.mark.parametrize("settings", [IngestSettings(), ON_THREADS, IngestSettings(inline_max=0, threads=0)])
@pytest.mark.parametrize("fetching", [False, True])
def test_verdicts_come_in_order_of_arrival(settings: IngestSettings, fetching: bool) -> None:
    async def scene() -> None:
        async with Node(ingest=settings, fetching=fetching) as node:
            replies = Replies(node.ingest)
            raws = transfers(100)
            replies.offer(*raws[:60])
            await asyncio.sleep(0)
            replies.offer(*raws[60:])
            assert await replies.judged() == ["accepted"] * 100
            hashes = [outcome.tx_hash for outcome in replies.outcomes if isinstance(outcome, Accepted)]
            assert hashes == [pooled.hash for pooled in node.pool.pending_of(ALICE)]

    run(scene())


def test_a_small_batch_that_follows_a_large_one_waits_for_it() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(inline_max=1)) as node:
            replies = Replies(node.ingest)
            replies.offer(*transfers(64))
            await asyncio.sleep(0)
            replies.offer(transfer(nonce=64))
            assert await replies.judged() == ["accepted"] * 65
            assert node.pool.counts().pending == 65, "had the last come first, it would have been queued"
            events = [event.nonce for event in node.pool.events.since(0) if event.kind.name == "RECEIVED"]
            assert events == list(range(65))

    run(scene())


def test_what_one_turn_brings_is_one_batch_up_to_its_bound() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(batch_max=50)) as node:
            replies = Replies(node.ingest)
            replies.offer(*transfers(120))
            await replies.judged()
            counters = node.ingest.counters
            assert counters.batches == 3
            assert counters.transactions == 120
            assert counters.batch_sizes[6] == 2  # of 50
            assert counters.batch_sizes[5] == 1  # of 20

    run(scene())


def test_senders_are_recovered_inline_or_on_threads_by_their_number() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(inline_max=5)) as node:
            most = 5 if node.ingest.kernel.lanes == 1 else 5 * TOGETHER_SPEED
            replies = Replies(node.ingest)
            replies.offer(*transfers(most))
            await replies.judged()
            replies.offer(*transfers(most + 1, BOB))
            await replies.judged()
            counters = node.ingest.counters
            assert (counters.recovered_inline, counters.recovered_on_threads) == (most, most + 1)

    run(scene())


def test_arrivals_rise_with_the_order() -> None:
    async def scene() -> None:
        async with Node() as node:
            node.clock.now = 0
            replies = Replies(node.ingest)
            replies.offer(*transfers(30))
            await replies.judged()
            arrivals = [pooled.arrival for pooled in node.pool.pending_of(ALICE)]
            assert arrivals == sorted(set(arrivals))

    run(scene())


# --- refusals


def test_what_needs_no_state_is_refused_without_a_recovery() -> None:
    async def scene() -> None:
        async with Node(ingest=ON_THREADS) as node:
            replies = Replies(node.ingest)
            replies.offer(
                b"\x05",
                transfer(fee_cap=10**18),
                transfer(gas=16_777_217, fee_cap=2 * GWEI),
                transfer(tip_cap=200 * GWEI),
            )
            words = [Reason.UNDECODABLE, Reason.TX_FEE_CAP, Reason.GAS_LIMIT_TOO_HIGH, Reason.TIP_ABOVE_FEE_CAP]
            assert await replies.judged() == words
            assert node.ingest.counters.recovered_on_threads == 0
            refused = node.ingest.counters.refused
            assert (refused[Reason.UNDECODABLE], refused[Reason.TX_FEE_CAP]) == (1, 1)

    run(scene())


def test_a_known_one_costs_no_recovery() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            replies.offer(transfer())
            await replies.judged()
            replies.offer(transfer())
            assert await replies.judged() == ["accepted", Reason.ALREADY_KNOWN]
            assert node.ingest.counters.recovered_inline == 1

    run(scene())


def test_one_that_comes_many_times_at_once_is_recovered_once() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            replies.offer(*[transfer()] * 20)
            assert await replies.judged() == ["accepted"] + [Reason.ALREADY_KNOWN] * 19
            assert node.ingest.counters.recovered_inline == 1

    run(scene())


def test_a_known_one_behind_its_replacement_is_judged_as_if_one_by_one() -> None:
    async def scene() -> None:
        async with Node() as node:
            replies = Replies(node.ingest)
            old, new = transfer(fee_cap=10 * GWEI), transfer(fee_cap=20 * GWEI, tip_cap=2 * GWEI)
            replies.offer(old)
            await replies.judged()
            replies.offer(new, old)
            assert await replies.judged() == ["accepted", "accepted", Reason.REPLACEMENT_UNDERPRICED]

    run(scene())


def test_too_many_at_once_are_turned_away_and_room_comes_back() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(queue_max=5)) as node:
            replies = Replies(node.ingest)
            taken = replies.offer(*transfers(7))
            assert taken == [None] * 5 + [Busy(5)] * 2
            assert str(Busy(5)) == "rate limit exceeded: 5 transactions wait, retry in 1 s"
            assert await replies.judged() == ["accepted"] * 5
            assert (node.ingest.depth, node.ingest.depth_bytes) == (0, 0)
            assert replies.offer(transfer(nonce=5)) == [None]
            assert node.ingest.counters.refused_busy == 2

    run(scene())


def test_the_bytes_that_wait_are_bounded() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(queue_bytes_max=1000)) as node:
            replies = Replies(node.ingest)
            assert replies.offer(bytes(600), bytes(401), bytes(400)) == [None, Busy(1), None]

    run(scene())


# --- the chain


class SlowChain:
    """Answers when it is told to."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.asked: list[Collection[bytes]] = []
        self.go = asyncio.Event()

    async def accounts(self, addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        found = {address: self._node.chain.account(address) for address in addresses}
        self.asked.append(addresses)
        await self.go.wait()
        return found


def _ingest(node: Node, chain: SlowChain, settings: IngestSettings | None = None) -> Ingest:
    return Ingest(node.pool, node.chain.chain_id, chain, node.clock, settings=settings)


def test_only_senders_that_the_pool_does_not_track_are_asked_for() -> None:
    async def scene() -> None:
        async with Node() as node:
            chain = SlowChain(node)
            chain.go.set()
            replies = Replies(ingest := _ingest(node, chain))
            replies.offer(transfer(ALICE))
            await ingest.drain()
            replies.offer(transfer(ALICE, 1), transfer(BOB))
            await ingest.drain()
            assert chain.asked == [{ALICE}, {BOB}]

    run(scene())


def test_an_account_that_a_new_head_has_overtaken_is_asked_for_again() -> None:
    async def scene() -> None:
        async with Node() as node:
            chain = SlowChain(node)
            replies = Replies(_ingest(node, chain))
            replies.offer(transfer(ALICE, 0, value=5))
            await until(lambda: len(chain.asked) == 1)
            raw = transfer(ALICE, 0, value=6)
            other = Replies(node.ingest)
            other.offer(raw)
            await other.judged()
            node.chain.mine()
            assert not node.pool.tracks(ALICE)
            chain.go.set()
            assert await replies.judged() == [Reason.NONCE_TOO_LOW]
            assert len(chain.asked) == 2

    run(scene())


def test_a_head_that_comes_while_a_batch_is_on_its_way_is_the_one_that_counts() -> None:
    async def scene() -> None:
        low = {**dev_genesis(START), "gasLimit": "0x989680"}
        async with Node(genesis=low) as node:
            chain = SlowChain(node)
            replies = Replies(_ingest(node, chain, ON_THREADS))
            replies.offer(transfer(BOB), transfer(gas=10_000_001, fee_cap=2 * GWEI))
            await until(lambda: len(chain.asked) == 1)
            higher = replace(node.pool.head, gas_limit=16_000_000)
            node.pool.advance(HeadChange(higher, {}), now=node.clock())
            chain.go.set()
            assert await replies.judged() == ["accepted", "accepted"]

    run(scene())


def test_authorizations_are_recovered_with_the_sender() -> None:
    async def scene() -> None:
        async with Node() as node:
            lent = (sign_authorization(1337, bytes(20), 0, KEYS[BOB]),)
            replies = Replies(node.ingest)
            replies.offer(transfer(BOB), transfer(BOB, 1))
            await replies.judged()
            replies.offer(transfer(type=4, gas=100_000, authorizations=lent))
            assert (await replies.judged())[2] == Reason.AUTHORITY_RESERVED

    run(scene())


# --- our own bugs


def test_a_batch_that_meets_a_bug_answers_its_callers_and_the_next_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenChain(SlowChain):
        async def accounts(self, addresses: Collection[bytes]) -> Mapping[bytes, Account]:
            if ALICE in addresses:
                raise RuntimeError("a bug")
            return await super().accounts(addresses)

    async def scene() -> None:
        async with Node() as node:
            chain = BrokenChain(node)
            chain.go.set()
            replies = Replies(ingest := _ingest(node, chain))
            replies.offer(transfer(ALICE), transfer(BOB))
            assert await replies.judged() == ["crashed", "crashed"]
            replies.offer(transfer(BOB))
            assert (await replies.judged())[2:] == ["accepted"]
            assert ingest.counters.crashed == 1
            assert ingest.depth == 0

    run(scene())
    assert "a bug" in caplog.text


class BrokenKernel:
    """A kernel with a bug."""

    name = "broken"
    lanes = 1

    def decode(self, raws: list[bytes]) -> list[Tx | Rejected]:
        raise RuntimeError(f"a bug in decoding {len(raws)}")

    def signers(self, txs: Sequence[Tx], chain_id: int) -> list[Signers]:
        raise RuntimeError(f"a bug in recovering {len(txs)}")


@pytest.mark.parametrize("settings", [IngestSettings(), ON_THREADS])
def test_where_the_kernel_breaks_python_takes_over(settings: IngestSettings, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with Node(ingest=settings) as node:
            node.ingest._senders.kernel = BrokenKernel()
            replies = Replies(node.ingest)
            replies.offer(*transfers(3), b"\x02\xc0")
            assert await replies.judged() == [Reason.UNDECODABLE, "accepted", "accepted", "accepted"]
            assert node.ingest.counters.kernel_faults == 2
            assert node.ingest.counters.crashed == 0

    run(scene())
    assert "a bug in decoding 4" in caplog.text
    assert "a bug in recovering 3" in caplog.text


@pytest.mark.parametrize("kind", ["auto", "python"])
def test_the_kernel_can_be_chosen(kind: Literal["auto", "python"]) -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(kernel=kind)) as node:
            replies = Replies(node.ingest)
            replies.offer(*transfers(40))
            assert await replies.judged() == ["accepted"] * 40
            assert node.ingest.kernel is (TWIN if kind == "python" else NATIVE or TWIN)

    run(scene())


def test_a_caller_that_breaks_does_not_keep_the_others_from_their_answers(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with Node() as node:
            got: list[Outcome] = []

            def breaks(_outcome: Outcome) -> None:
                raise RuntimeError("a bug of the caller")

            node.ingest.offer(transfer(nonce=0), breaks)
            node.ingest.offer(transfer(nonce=1), got.append)
            await node.ingest.drain()
            assert [type(outcome) for outcome in got] == [Accepted]

    run(scene())
    assert "a bug of the caller" in caplog.text
