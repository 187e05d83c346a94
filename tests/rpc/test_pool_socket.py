"""What the namespace `pool_` has on connections that stay: removal by the operator, and events as they happen."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.rpc.loop import run
from tests.rpc.node import ALICE, BOB, GWEI, Node, hexed, transfer
from txpool.core.lifecycle import Kind
from txpool.core.rejection import Reason
from txpool.rpc.ipc import IpcServer
from txpool.rpc.pool_events import LOOKED_AT_MAX
from txpool.rpc.service import JsonRpc


class Peer:
    """One end of the Unix socket, a line a message."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.told: list[Any] = []

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The whole answer; notifications that come before it are kept."""
        self.writer.write(json.dumps(request).encode())
        while "id" not in (message := json.loads(await self._reader.readline())):
            self.told.append(message)
        return dict(message)

    async def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - whatever the method answers
        """The result, or the error."""
        answer = await self.ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return answer.get("result", answer.get("error"))

    async def message(self) -> Any:  # noqa: ANN401 - whatever is told
        """The next notification."""
        return self.told.pop(0) if self.told else json.loads(await self._reader.readline())

    async def next(self) -> Any:  # noqa: ANN401 - whatever is told
        """What the next notification tells."""
        message = await self.message()
        assert message["method"] == "pool_subscription"
        return message["params"]["result"]


@asynccontextmanager
async def socket_of(node: Node, folder: Path) -> AsyncIterator[Peer]:
    """A node with a Unix socket, and somebody connected to it."""
    rpc = JsonRpc({**node.methods, **node.own.private()}, node.ingest, node.clock.seconds)
    server = IpcServer(rpc, node.own.kinds())

    def notice(_: range) -> None:
        asyncio.get_running_loop().call_soon(server.pump)

    node.ingest.on_events = notice
    async with node:
        path = await server.listen(str(folder / "socket"))
        peer = Peer(*await asyncio.open_unix_connection(path, limit=1 << 24))
        try:
            yield peer
        finally:
            peer.writer.close()
            await server.stop(seconds=1)


async def sent(peer: Peer, *raws: bytes) -> list[str]:
    return [await peer.call("eth_sendRawTransaction", hexed(raw)) for raw in raws]


# --- pool_remove


def test_the_operator_removes_a_transaction_and_its_successors_wait(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            first, second = await sent(peer, transfer(ALICE, 0), transfer(ALICE, 1))

            assert await peer.call("pool_remove", first) == [first]

            gone, left = [await peer.call("pool_explain", each) for each in (first, second)]
            last = gone["steps"][-1]
            assert (gone["stage"], last["kind"], last["reason"]) == ("evicted", "evicted", "removed_by_operator")
            assert last["sentence"] == "an operator removed it"
            assert left["steps"][-1]["reason"] == "predecessor_left"
            assert left["waitsFor"]["sentence"] == "account next nonce is 0, this has 1; 0 missing"
            assert len(node.noticed) == 1
            assert node.pool.tallies.removed_pending[Reason.REMOVED_BY_OPERATOR] == 1

    run(story())


def test_the_operator_removes_all_of_a_sender_and_nothing_is_moved_on_the_way(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            hashes = await sent(peer, *(transfer(ALICE, nonce) for nonce in (0, 1, 5)), transfer(BOB))
            since = node.pool.events.next_seq

            assert await peer.call("pool_remove", hexed(ALICE)) == hashes[2::-1]

            assert {event.kind.name for event in node.pool.events.since(since)} == {"EVICTED"}
            assert node.pool.counts().pending == 1
            assert not node.pool.tracks(ALICE)

    run(story())


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("0x" + "77" * 32, "nothing to remove: the pool holds no such transaction, and none of such a sender"),
        (hexed(BOB), "nothing to remove: the pool holds no such transaction, and none of such a sender"),
        ("0x77", "invalid argument 0: neither a hash of 32 bytes nor an address of 20: 1 bytes"),
    ],
)
def test_what_is_not_there_cannot_be_removed(tmp_path: Path, named: str, message: str) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            await sent(peer, transfer(ALICE))

            assert (await peer.call("pool_remove", named))["message"] == message
            assert node.noticed == []

    run(story())


# --- the subscription to events


def test_events_are_told_as_they_happen(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            await sent(peer, transfer(BOB))
            await peer.call("pool_subscribe", "events")

            (this,) = await sent(peer, transfer(ALICE))

            told = [await peer.next() for _ in range(2)]
            assert [(each["kind"], each["hash"], each["seq"]) for each in told] == [
                ("received", this, "0x2"),
                ("promoted", this, "0x3"),
            ]
            page = await peer.call("pool_events", "0x2")
            assert page["events"] == told

    run(story())


def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            await sent(peer, *(transfer(ALICE, nonce) for nonce in range(3)))

            await peer.call("pool_subscribe", "events", {"fromSeq": "0x3", "filter": {"kinds": ["promoted"]}})

            assert [(await peer.next())["seq"] for _ in range(2)] == ["0x3", "0x5"]

    run(story())


def test_what_the_ring_has_lost_is_told_as_a_gap(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node(ring=4)
        async with socket_of(node, tmp_path) as peer:
            await sent(peer, *(transfer(ALICE, nonce) for nonce in range(4)))

            await peer.call("pool_subscribe", "events", {"fromSeq": 1})

            assert await peer.next() == {"gap": {"fromSeq": "0x1", "toSeq": "0x4"}}
            assert [(await peer.next())["seq"] for _ in range(4)] == ["0x4", "0x5", "0x6", "0x7"]

    run(story())


def test_many_events_are_told_in_order_over_many_turns(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            for nonce in range(16):
                for price in range(10, 20):
                    await sent(peer, transfer(ALICE, nonce, fee_cap=100 * GWEI * price // 10 * (price - 9)))
            count = node.pool.events.next_seq

            await peer.call("pool_subscribe", "events", {"fromSeq": 0, "filter": {"sender": hexed(ALICE)}})

            assert [int((await peer.next())["seq"], 16) for _ in range(count)] == list(range(count))
            assert count > 300

    run(story())


def test_a_filter_that_finds_little_in_much_looks_on_in_later_turns(tmp_path: Path) -> None:
    async def story() -> None:
        node = Node()
        async with socket_of(node, tmp_path) as peer:
            (this,) = await sent(peer, transfer(ALICE))
            key = (bytes(32), bytes(20), 0)
            for _ in range(2 * LOOKED_AT_MAX):
                node.pool.events.append(Kind.RECEIVED, None, key, now=0, head=0)
            (other,) = await sent(peer, transfer(ALICE, 1))

            await peer.call("pool_subscribe", "events", {"fromSeq": 0, "filter": {"kinds": "promoted"}})

            assert [(await peer.next())["hash"] for _ in range(2)] == [this, other]

    run(story())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["transactions"], 'no "transactions" subscription in pool namespace'),
        (["events", {"from": 1}], "invalid argument 1: the options are an object with fromSeq and filter"),
        (["events", {"fromSeq": "soon"}], "invalid argument 1: json: cannot unmarshal hex string without 0x prefix"),
        (["events", {"filter": {"kinds": "x"}}], "invalid argument 1: kinds: there is no kind 'x'"),
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(tmp_path: Path, arguments: list[object], why: str) -> None:
    async def story() -> None:
        async with socket_of(Node(), tmp_path) as peer:
            assert (await peer.call("pool_subscribe", *arguments))["message"].startswith(why)

    run(story())
