"""The namespace `pool_`: explanations, dry runs, best transactions, events, removal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.core.pool_state import state_digest
from tests.rpc.loop import Client, run
from tests.rpc.node import ALICE, BOB, CAROL, GWEI, Node, call, hexed, text, transfer
from txpool.core.settings import PoolSettings
from txpool.core.signature import keccak
from txpool.ingest.settings import IngestSettings

UNKNOWN = "0x" + "77" * 32


def hash_of(raw: bytes) -> str:
    return hexed(keccak(raw))


@asynccontextmanager
async def asked(node: Node | None = None) -> AsyncIterator[tuple[Node, Client]]:
    """A node and somebody who asks it."""
    node = node or Node()
    async with node:
        yield node, await node.client()


async def sent(client: Client, *raws: bytes) -> list[str]:
    return [await client.result("eth_sendRawTransaction", hexed(raw)) for raw in raws]


# --- pool_explain


def test_a_pending_transaction_is_explained_with_its_steps_and_its_place_in_line() -> None:
    async def story() -> None:
        async with asked() as (_, client):
            (better, this) = await sent(client, transfer(BOB, tip_cap=2 * GWEI), transfer(ALICE))

            told = await client.result("pool_explain", this)

            assert (told["hash"], told["sender"], told["nonce"]) == (this, hexed(ALICE), "0x0")
            assert (told["stage"], told["complete"]) == ("pending", True)
            assert [step["kind"] for step in told["steps"]] == ["received", "promoted"]
            assert told["steps"][1]["sentence"] == "it can be executed now"
            assert told["waitsFor"] == {
                "sentence": "number 2 in line, with 21000 gas ahead of it: the next block has room for it",
                "nextNonce": None,
                "position": "0x2",
                "gasAhead": hex(21_000),
                "effectiveTip": hex(GWEI),
            }
            assert (await client.result("pool_explain", better))["waitsFor"]["position"] == "0x1"

    run(story())


@pytest.mark.parametrize(
    ("present", "nonce", "sentence"),
    [
        ((), 2, "account next nonce is 0, this has 2; 0, 1 missing"),
        ((0, 1), 9, "pool next nonce is 2, this has 9; 2, 3, 4, 5 ... missing"),
        ((0, 3), 4, "pool next nonce is 1, this has 4; 1, 2 missing"),
    ],
)
def test_a_queued_transaction_waits_for_what_is_said_in_words(
    present: tuple[int, ...], nonce: int, sentence: str
) -> None:
    async def story() -> None:
        async with asked() as (_, client):
            *_, this = await sent(client, *(transfer(ALICE, each) for each in (*present, nonce)))

            told = await client.result("pool_explain", this)

            assert (told["stage"], told["waitsFor"]["sentence"]) == ("queued", sentence)

    run(story())


def test_a_fee_cap_under_the_base_fee_is_what_a_pending_one_waits_for() -> None:
    async def story() -> None:
        async with asked() as (node, client):
            (low, behind) = await sent(
                client, transfer(ALICE, fee_cap=1000, tip_cap=1), transfer(ALICE, 1, fee_cap=100 * GWEI)
            )
            base_fee = node.pool.head.next_base_fee

            told = [await client.result("pool_explain", each) for each in (low, behind)]

            assert told[0]["waitsFor"]["sentence"] == (
                f"its fee cap is 1000 wei, the next base fee {base_fee} wei: it can run when that has fallen"
            )
            assert told[0]["waitsFor"]["effectiveTip"] is None
            assert told[1]["waitsFor"]["sentence"] == (
                f"nonce 0 of the same sender goes first, and its fee cap is under the next base fee, {base_fee} wei"
            )

    run(story())


def test_one_that_was_replaced_names_its_successor_and_the_successor_names_it() -> None:
    async def story() -> None:
        async with asked() as (_, client):
            old, new = await sent(client, transfer(ALICE), transfer(ALICE, tip_cap=2 * GWEI, fee_cap=200 * GWEI))

            gone, there = [await client.result("pool_explain", each) for each in (old, new)]

            assert (gone["stage"], gone["waitsFor"]) == ("replaced", None)
            last = gone["steps"][-1]
            assert (last["kind"], last["reason"], last["counterpart"]) == ("replaced", "replaced", new)
            assert last["sentence"] == "another transaction of the same nonce pays more"
            assert there["steps"][-1]["counterpart"] == old

    run(story())


def test_one_that_was_evicted_says_why_and_for_whom() -> None:
    async def story() -> None:
        async with asked(Node(pool=PoolSettings(global_slots=1, global_queue=1))) as (_, client):
            cheap, _, rich = await sent(
                client,
                transfer(ALICE, fee_cap=2 * GWEI, tip_cap=1),
                transfer(BOB),
                transfer(CAROL, fee_cap=200 * GWEI, tip_cap=9 * GWEI),
            )

            told = await client.result("pool_explain", cheap)

            last = told["steps"][-1]
            assert (told["stage"], last["reason"], last["counterpart"]) == ("evicted", "pool_full_cheapest", rich)
            assert last["sentence"] == "the pool was full, and it was the cheapest"

    run(story())


def test_one_that_was_refused_says_why_in_general() -> None:
    async def story() -> None:
        async with asked() as (_, client):
            raw = transfer(ALICE, gas=20_000)
            await client.call("eth_sendRawTransaction", hexed(raw))

            told = await client.result("pool_explain", hash_of(raw))

            assert (told["stage"], told["steps"][-1]["reason"]) == ("rejected", "intrinsic_gas")
            assert told["steps"][-1]["sentence"] == "it was refused: intrinsic gas too low"

    run(story())


def test_one_in_a_block_names_the_block_though_the_ring_has_forgotten_it() -> None:
    async def story() -> None:
        async with asked(Node(ring=4)) as (node, client):
            (this,) = await sent(client, transfer(ALICE))
            node.chain.mine(1)
            at_once = await client.result("pool_explain", this)
            await sent(client, *(transfer(BOB, nonce) for nonce in range(3)))

            later = await client.result("pool_explain", this)

            assert (at_once["stage"], at_once["steps"][-1]["kind"]) == ("included", "included")
            assert at_once["blockNumber"] == later["blockNumber"] == hex(node.pool.head.number)
            assert (later["stage"], later["steps"], later["complete"]) == ("included", [], False)
            assert (later["sender"], later["nonce"]) == (hexed(ALICE), "0x0")

    run(story())


def test_steps_that_the_ring_has_lost_are_told_to_be_missing() -> None:
    async def story() -> None:
        async with asked(Node(ring=4)) as (_, client):
            this, *_ = await sent(client, transfer(ALICE), transfer(BOB), transfer(CAROL))

            told = await client.result("pool_explain", this)

            assert (told["stage"], told["steps"], told["complete"]) == ("pending", [], False)

    run(story())


@pytest.mark.parametrize("tx_hash", [UNKNOWN, "0x" + "00" * 32])
def test_a_transaction_that_nobody_knows_is_null(tx_hash: str) -> None:
    async def story() -> None:
        async with asked() as (_, client):
            await sent(client, transfer(ALICE))

            assert await client.result("pool_explain", tx_hash) is None

    run(story())


# --- pool_check


def test_a_dry_run_says_verdict_place_and_victims_and_leaves_no_trace() -> None:
    async def story() -> None:
        async with asked(Node(pool=PoolSettings(global_slots=1, global_queue=1))) as (node, client):
            cheap, held = await sent(client, transfer(ALICE, fee_cap=2 * GWEI, tip_cap=1), transfer(BOB))
            before, counted = state_digest(node.pool), vars_of(node.ingest.counters)
            rich = transfer(CAROL, fee_cap=200 * GWEI, tip_cap=9 * GWEI)

            (told,) = await client.result("pool_check", [hexed(rich)])

            assert told == {
                "hash": hash_of(rich),
                "result": "accepted",
                "place": "pending",
                "replaces": None,
                "evicts": [{"hash": cheap, "reason": "pool_full_cheapest"}],
                "promotes": [],
                "demotes": [],
                "error": None,
            }
            assert state_digest(node.pool) == before
            assert changed(counted, vars_of(node.ingest.counters)) == {"recovered_inline"}
            assert held

    run(story())


def vars_of(counters: Any) -> dict[str, str]:  # noqa: ANN401 - any object with slots
    return {name: repr(getattr(counters, name)) for name in counters.__slots__}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_several_are_tried_one_after_the_other_as_a_submission_would_answer() -> None:
    raws = [
        transfer(ALICE, 1),
        transfer(ALICE, 0),
        b"\x02\xc0",
        transfer(ALICE, 0, tip_cap=GWEI + 1),
        transfer(BOB, 0, gas=20_999),
        transfer(BOB, 0, fee_cap=10**18),
        transfer(ALICE, 0, tip_cap=2 * GWEI, fee_cap=200 * GWEI),
        transfer(ALICE, 0),
    ]

    async def story() -> None:
        async with asked() as (_, client):
            tried = await client.result("pool_check", [hexed(raw) for raw in raws])
            answers = [await client.call("eth_sendRawTransaction", hexed(raw)) for raw in raws]

            for one, answer in zip(tried, answers, strict=True):
                if "result" in answer:
                    assert (one["result"], one["hash"], one["error"]) == ("accepted", answer["result"], None)
                else:
                    assert one["result"] == "refused"
                    assert one["error"]["message"] == answer["error"]["message"]
                    assert one["error"]["code"] == answer["error"]["code"]
            assert [one["place"] for one in tried] == ["queued", "pending", *[None] * 4, "pending", None]
            assert tried[1]["promotes"] == [hash_of(raws[0])]
            assert tried[6]["replaces"] == hash_of(raws[1])
            assert tried[4]["error"]["reason"] == "intrinsic_gas"

    run(story())


@pytest.mark.parametrize("threads", [0, 2])
def test_senders_of_a_dry_run_are_recovered_where_those_of_submissions_are(threads: int) -> None:
    async def story() -> None:
        node = Node(ingest=IngestSettings(inline_max=4, threads=threads), fetching=True)
        async with asked(node) as (_, client):
            tried = await client.result("pool_check", [hexed(transfer(ALICE, nonce)) for nonce in range(40)])

            assert {one["place"] for one in tried} == {"pending"}
            assert node.ingest.counters.recovered_on_threads == (40 if threads else 0)
            assert node.ingest.depth == node.ingest.depth_bytes == 0
            assert node.pool.counts().pending == 0

    run(story())


def test_a_dry_run_in_a_batch_sees_what_was_sent_before_it() -> None:
    async def story() -> None:
        async with asked() as (_, client):
            raw = transfer(ALICE)
            batch = text(
                call("eth_sendRawTransaction", hexed(raw), identity=1), call("pool_check", [hexed(raw)], identity=2)
            )

            answers = (await client.ask(batch)).json

            assert answers[1]["result"][0]["error"]["message"] == "already known"

    run(story())


def test_a_dry_run_is_turned_away_where_a_submission_would_be() -> None:
    async def story() -> None:
        async with asked(Node(ingest=IngestSettings(queue_max=1))) as (node, client):
            waiting = node.ingest.offer(transfer(ALICE), lambda _: None)
            found = await node.ingest.check([transfer(BOB)])

            assert waiting is None
            assert "rate limit exceeded" in str(found)
            assert (await client.result("pool_check", []), node.ingest.depth) == ([], 0)

    run(story())


def test_more_than_a_hundred_are_refused() -> None:
    async def story() -> None:
        async with asked() as (_, client):
            answer = await client.call("pool_check", ["0x00"] * 101)

            assert answer["error"] == {
                "code": -32602,
                "message": "invalid argument 0: 101 transactions, and a dry run takes up to 100",
            }

    run(story())


def test_a_caller_who_leaves_during_a_dry_run_harms_nobody() -> None:
    async def story() -> None:
        async with asked() as (node, client):
            gone = asyncio.ensure_future(node.ingest.check([transfer(ALICE)]))
            await asyncio.sleep(0)
            gone.cancel()

            assert (await client.result("pool_check", [hexed(transfer(BOB))]))[0]["place"] == "pending"

    run(story())


# --- pool_best


def test_the_best_come_by_effective_tip_and_fit_the_gas_limit() -> None:
    async def story() -> None:
        async with asked() as (node, client):
            low, first, second, big = await sent(
                client,
                transfer(ALICE, tip_cap=GWEI),
                transfer(BOB, 0, tip_cap=3 * GWEI),
                transfer(BOB, 1, tip_cap=9 * GWEI),
                transfer(CAROL, tip_cap=2 * GWEI, gas=100_000, fee_cap=5 * GWEI),
            )

            everything = await client.result("pool_best")
            fitting = await client.result("pool_best", None, hex(70_000), 10)
            one = await client.result("pool_best", None, None, 1)
            dear = await client.result("pool_best", hex(50 * GWEI))

            assert [each["hash"] for each in everything["transactions"]] == [first, second, big, low]
            assert everything["baseFee"] == hex(node.pool.head.next_base_fee or 0)
            assert everything["gasLimit"] == hex(node.pool.head.gas_limit)
            assert everything["gasUsed"] == hex(163_000)
            assert everything["head"] == hex(node.pool.head.number)
            assert [each["hash"] for each in fitting["transactions"]] == [first, second, low]
            assert one["transactions"] == [
                {
                    "hash": first,
                    "sender": hexed(BOB),
                    "nonce": "0x0",
                    "gas": hex(21_000),
                    "effectiveTip": hex(3 * GWEI),
                    "raw": hexed(transfer(BOB, 0, tip_cap=3 * GWEI)),
                }
            ]
            assert [each["hash"] for each in dear["transactions"]] == [first, second, low]

    run(story())


# --- pool_events


def test_events_come_a_page_at_a_time_each_once() -> None:
    async def story() -> None:
        async with asked() as (node, client):
            await sent(client, *(transfer(ALICE, nonce) for nonce in range(4)))
            seen: list[dict[str, Any]] = []
            place = "0x0"
            while True:
                page = await client.result("pool_events", place, 3)
                seen += page["events"]
                place = page["nextSeq"]
                assert page["missed"] == "0x0"
                if place == page["endSeq"]:
                    break

            assert [int(each["seq"], 16) for each in seen] == list(range(node.pool.events.next_seq))
            assert {each["kind"] for each in seen} == {"received", "promoted"}

    run(story())


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ({"sender": hexed(BOB)}, ["received", "queued"]),
        ({"sender": [hexed(BOB), hexed(CAROL)]}, ["received", "queued"]),
        ({"hash": hash_of(transfer(ALICE))}, ["received", "promoted", "replaced", "promoted"]),
        ({"kinds": ["queued", "replaced"]}, ["replaced", "queued"]),
        ({"reasons": "replaced"}, ["replaced"]),
        ({"kinds": "promoted", "sender": hexed(BOB)}, []),
        ({}, ["received", "promoted", "received", "replaced", "promoted", "received", "queued"]),
    ],
)
def test_a_filter_picks_events(wanted: dict[str, Any], kinds: list[str]) -> None:
    async def story() -> None:
        async with asked() as (_, client):
            better = transfer(ALICE, tip_cap=2 * GWEI, fee_cap=200 * GWEI)
            await sent(client, transfer(ALICE), better, transfer(BOB, 5))

            page = await client.result("pool_events", "earliest", None, wanted)

            assert [each["kind"] for each in page["events"]] == kinds

    run(story())


def test_events_that_are_gone_are_counted_as_missed() -> None:
    async def story() -> None:
        async with asked(Node(ring=4)) as (_, client):
            await sent(client, *(transfer(ALICE, nonce) for nonce in range(4)))

            page = await client.result("pool_events", 1)
            latest = await client.result("pool_events", "latest")

            assert (page["missed"], page["firstSeq"], len(page["events"])) == ("0x3", "0x4", 4)
            assert (latest["events"], latest["nextSeq"]) == ([], "0x8")

    run(story())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["soon"], "invalid argument 0: json: cannot unmarshal hex string without 0x prefix"),
        ([None, None, {"colour": "red"}], "invalid argument 2: a filter has no 'colour': it has sender, hash, kinds"),
        ([None, None, {"kinds": ["vanished"]}], "invalid argument 2: kinds: there is no kind 'vanished': received"),
        ([None, None, {"sender": "0x12"}], "invalid argument 2: sender: hex string has length 2, want 40"),
        ([None, None, []], "invalid argument 2: a filter is an object"),
        ([None, None, {"reasons": 7}], "invalid argument 2: reasons: there is no reason 7"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments: list[object], why: str) -> None:
    async def story() -> None:
        async with asked() as (_, client):
            answer = await client.call("pool_events", *arguments)

            assert answer["error"]["code"] == -32602
            assert answer["error"]["message"].startswith(why)

    run(story())


# --- pool_remove


def test_nobody_removes_anything_over_http() -> None:
    async def story() -> None:
        async with asked() as (_, client):
            (this,) = await sent(client, transfer(ALICE))

            answer = await client.call("pool_remove", this)

            assert answer["error"]["message"] == "the method pool_remove does not exist/is not available"

    run(story())
