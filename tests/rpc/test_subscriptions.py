"""Connections that stay, over WebSocket and the Unix socket: calls, subscriptions, and readers that are too slow."""

import json
from collections.abc import Iterator

import psutil
import pytest

from tests.rpc.node import ALICE, BOB, GWEI, call, hexed, send, transfer
from tests.rpc.plain_ipc import PlainIpc
from tests.rpc.plain_ws import CLOSE, PING, PlainWebSocket
from tests.running import Daemon, running
from txpool.core.keccak import keccak

Client = PlainWebSocket | PlainIpc

NO_EVM_GAS = 1_000_000
BULK = 30_000  # bytes of call data; twice that in hex


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    """For what leaves nothing behind in the pool."""
    with running("--dev", "--dev-period", "0") as daemon:
        yield daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running("--dev", "--dev-period", "0") as daemon:
        yield daemon


@pytest.fixture(params=["ws", "ipc"])
def carrier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def connect(daemon: Daemon, carrier: str = "ws") -> Client:
    return PlainIpc(daemon.ipc) if carrier == "ipc" else PlainWebSocket(daemon.ws)


def bulky(nonce: int, sender: bytes = ALICE) -> bytes:
    return transfer(sender, nonce, data=bytes(BULK), gas=NO_EVM_GAS, fee_cap=10 * GWEI)


def fill(daemon: Daemon, count: int) -> list[str]:
    """Put so many large transactions in; their hashes."""
    raws = [bulky(nonce) for nonce in range(count)]
    for start in range(0, count, 40):
        daemon.post(json.dumps([send(raw) for raw in raws[start : start + 40]]).encode())
    return [hexed(keccak(raw)) for raw in raws]


# --- calls


def test_calls_and_batches_are_answered_as_over_http(shared: Daemon, carrier: str) -> None:
    with connect(shared, carrier) as client:
        for name in ("eth_chainId", "txpool_status", "rpc_modules", "eth_nonsense"):
            assert client.call(name) == shared.ask(name)
        batch = [call("eth_blockNumber", identity=1), {"jsonrpc": "2.0"}, call("net_version", identity="x")]
        client_sends(client, json.dumps(batch).encode())
        assert client.read() == json.loads(shared.post(json.dumps(batch).encode())[1])
        client_sends(client, b"[]")
        assert client.read()["error"] == {"code": -32600, "message": "empty batch"}


def client_sends(client: Client, octets: bytes) -> None:
    if isinstance(client, PlainIpc):
        client.send(octets)
    else:
        client.send_frame(octets)


def test_what_is_no_json_is_told_so_and_ends_the_connection(shared: Daemon, carrier: str) -> None:
    with connect(shared, carrier) as client:
        client_sends(client, b"hello")
        assert client.read()["error"] == {"code": -32700, "message": "parse error"}
        if isinstance(client, PlainIpc):
            with pytest.raises(EOFError):
                client.read()
        else:
            assert client.ended() == 1000


def test_a_message_in_fragments_is_one_message(shared: Daemon) -> None:
    with PlainWebSocket(shared.ws) as client:
        body = json.dumps(call("eth_chainId")).encode()
        client.send_frame(body[:10], fin=False)
        client.send_frame(b"are you there", opcode=PING)
        client.send_frame(body[10:20], opcode=0, fin=False)
        client.send_frame(body[20:], opcode=0)
        assert client.read_frame() == (10, b"are you there")
        assert client.read()["result"] == "0x539"


@pytest.mark.parametrize("fragments", [1, 3])
def test_a_message_over_the_limit_ends_the_connection(fragments: int) -> None:
    with (
        running("--dev", "--set", "ws.message_bytes_max=3000", "--set", "ipc.message_bytes_max=3000") as daemon,
        PlainWebSocket(daemon.ws) as client,
        PlainIpc(daemon.ipc) as local,
    ):
        for number in range(fragments):
            part = b" " * (3000 // fragments + 1)
            client.send_frame(part, opcode=1 if not number else 0, fin=number == fragments - 1)
        assert client.ended() == 1009
        local.send(b"[" + b" " * 3000)
        assert local.read()["error"]["message"] == "message too large"


def test_a_client_that_closes_is_answered_with_a_close(shared: Daemon) -> None:
    with PlainWebSocket(shared.ws) as client:
        client.send_frame((1000).to_bytes(2), opcode=CLOSE)
        assert client.ended() == 1000


def test_a_peer_that_has_sent_all_it_wanted_still_gets_its_answers(daemon: Daemon) -> None:
    with PlainIpc(daemon.ipc) as client:
        client.send(b"".join(json.dumps(send(transfer(nonce=nonce))).encode() for nonce in range(50)))
        client.done_sending()

        answers = [client.read() for _ in range(50)]

        assert all("result" in answer for answer in answers)
        with pytest.raises(EOFError):
            client.read()


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ("", "/", 101),
        ("Origin: http://localhost:3000\r\n", "/", 101),
        ("Origin: https://evil.example\r\n", "/", 403),
        ("", "/elsewhere", 404),
    ],
)
def test_who_may_open_a_websocket(shared: Daemon, headers: str, path: str, status: int) -> None:
    with PlainWebSocket(shared.ws, path=path, headers=headers) as client:
        assert client.status == status


def test_more_connections_than_the_limit_are_refused() -> None:
    with running("--dev", "--set", "ws.connections_max=1", "--set", "ipc.connections_max=1") as daemon:
        with PlainWebSocket(daemon.ws), PlainWebSocket(daemon.ws) as second:
            assert second.status == 503
        with PlainIpc(daemon.ipc) as first, PlainIpc(daemon.ipc) as second_local:
            assert first.call("eth_chainId")["result"] == "0x539"
            assert second_local.read()["error"]["message"] == "too many connections"


def test_a_quiet_peer_that_gives_no_sign_of_life_is_dropped() -> None:
    with (
        running("--dev", "--set", "ws.ping_seconds=0.2", "--set", "ws.pong_seconds=0.2") as daemon,
        PlainWebSocket(daemon.ws) as client,
    ):
        assert client.read_frame()[0] == PING
        assert client.ended() == 1001


# --- subscriptions


def test_pending_transactions_are_told_live_in_order_and_none_is_lost(daemon: Daemon, carrier: str) -> None:
    raws = [transfer(sender, nonce) for nonce in range(150) for sender in (ALICE, BOB)]
    with connect(daemon, carrier) as hashes, connect(daemon, carrier) as whole:
        hashes.call("eth_subscribe", "newPendingTransactions")
        whole.call("eth_subscribe", "newPendingTransactions", True)
        answers = json.loads(daemon.post(json.dumps([send(raw) for raw in raws]).encode())[1])

        told = [hashes.told() for _ in raws]
        objects = [whole.told() for _ in raws]

    assert told == [answer["result"] for answer in answers]
    assert [each["hash"] for each in objects] == told
    assert objects[7] == daemon.call("eth_getTransactionByHash", told[7])


def test_only_what_becomes_pending_is_told(daemon: Daemon) -> None:
    with connect(daemon) as client:
        client.call("eth_subscribe", "newPendingTransactions")
        late = daemon.call("eth_sendRawTransaction", hexed(transfer(nonce=1)))
        early = daemon.call("eth_sendRawTransaction", hexed(transfer(nonce=0)))

        assert [client.told(), client.told()] == [early, late]


def test_one_that_was_replaced_in_the_same_batch_is_told_whole_too(daemon: Daemon) -> None:
    raws = [transfer(fee_cap=fee * GWEI, tip_cap=fee * GWEI) for fee in (10, 20)]
    with connect(daemon) as client:
        client.call("eth_subscribe", "newPendingTransactions", True)
        daemon.post(json.dumps([send(raw) for raw in raws]).encode())

        assert [client.told()["maxFeePerGas"] for _ in raws] == [hex(10 * GWEI), hex(20 * GWEI)]


def test_new_heads_tell_the_header_and_a_reorg_gives_transactions_back(daemon: Daemon, carrier: str) -> None:
    with connect(daemon, carrier) as heads, connect(daemon, carrier) as hashes:
        heads.call("eth_subscribe", "newHeads")
        hashes.call("eth_subscribe", "newPendingTransactions")
        sent = daemon.call("eth_sendRawTransaction", hexed(transfer()))
        daemon.call("dev_mine", 2)
        daemon.call("dev_reorg", 2)

        first, second, reorged = (heads.told() for _ in range(3))
        block = daemon.call("eth_getBlockByNumber", "0x3", False)
        assert [head["number"] for head in (first, second, reorged)] == ["0x1", "0x2", "0x3"]
        assert second["parentHash"] == first["hash"]
        assert reorged["parentHash"] != second["hash"]
        assert reorged.items() <= block.items()
        assert [hashes.told(), hashes.told()] == [sent, sent]


def test_the_id_comes_before_what_it_brings(daemon: Daemon, carrier: str) -> None:
    batch = [call("eth_subscribe", "newPendingTransactions"), send(transfer(), identity=2)]
    with connect(daemon, carrier) as client:
        client_sends(client, json.dumps(batch).encode())

        (subscribed, sent), told = client.read(), client.read()

    assert told["params"] == {"subscription": subscribed["result"], "result": sent["result"]}


def test_after_unsubscribing_nothing_is_told(daemon: Daemon, carrier: str) -> None:
    with connect(daemon, carrier) as client, connect(daemon, carrier) as stranger:
        identity = client.call("eth_subscribe", "newPendingTransactions")["result"]
        assert stranger.call("eth_unsubscribe", identity)["error"]["message"] == "subscription not found"
        assert client.call("eth_unsubscribe", identity)["result"] is True
        daemon.call("eth_sendRawTransaction", hexed(transfer()))
        assert client.call("eth_unsubscribe", identity)["error"] == {
            "code": -32000,
            "message": "subscription not found",
        }


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ([], -32602, "expected subscription name as first argument"),
        ([7], -32602, "expected subscription name as first argument"),
        (["nonsense"], -32601, 'no "nonsense" subscription in eth namespace'),
        (['a"\n'], -32601, 'no "a\\"\\n" subscription in eth namespace'),
        (
            ["newPendingTransactions", 1],
            -32602,
            "invalid argument 1: json: cannot unmarshal number into Go value of type bool",
        ),
        (["newHeads", True], -32602, "too many arguments, want at most 1"),
        (["logs"], -32602, "missing value for required argument 1"),
    ],
)
def test_what_cannot_be_subscribed_to(shared: Daemon, params: list[object], code: int, message: str) -> None:
    with connect(shared) as client:
        assert client.call("eth_subscribe", *params)["error"] == {"code": code, "message": message}
        assert shared.ask("eth_subscribe", *params)["error"]["message"] == "notifications not supported"


def test_a_connection_has_a_limit_of_subscriptions() -> None:
    with running("--dev", "--set", "ws.subscriptions_max=2") as daemon, connect(daemon) as client:
        answers = [client.call("eth_subscribe", "newHeads") for _ in range(3)]

    assert ["error" in answer for answer in answers] == [False, False, True]
    assert answers[2]["error"]["code"] == -32005


# --- slow readers


def test_a_reader_that_fell_behind_is_told_by_a_close_and_others_lose_nothing() -> None:
    with (
        running("--dev", "--dev-period", "0", "--set", "subscriptions.messages_max=50") as daemon,
        PlainWebSocket(daemon.ws, receive_bytes=65_536) as slow,
        connect(daemon, "ipc") as quick,
    ):
        slow.call("eth_subscribe", "newPendingTransactions", True)
        quick.call("eth_subscribe", "newPendingTransactions")
        sent = fill(daemon, 320)  # 20 MB, more than sockets hold

        assert [quick.told() for _ in sent] == sent
        assert slow.ended() == 1008
        assert 'txpool_session_fell_behind_total{carrier="ws"} 1' in daemon.scrape()


def test_readers_that_stop_reading_cost_bounded_memory() -> None:
    kept = 2_000_000
    with running("--dev", "--dev-period", "0", "--set", f"subscriptions.bytes_max={kept}") as daemon:
        process = psutil.Process(daemon.process.pid)
        fill(daemon, 10)
        deaf = [PlainWebSocket(daemon.ws, receive_bytes=65_536) for _ in range(20)]
        for client in deaf:
            client.call("eth_subscribe", "newPendingTransactions", True)
        before = process.memory_info().rss
        daemon.call("dev_mine", 1)

        raws = [bulky(nonce) for nonce in range(10, 330)]
        for start in range(0, len(raws), 40):
            daemon.post(json.dumps([send(raw) for raw in raws[start : start + 40]]).encode())

        grown = process.memory_info().rss - before
        told = sum(len(json.dumps(daemon.call("eth_getTransactionByHash", hexed(keccak(raw))))) for raw in raws)
        for client in deaf:
            client.__exit__()

    # Without bounds it would be 20 times 19 MB. The pool's own slots are in it, 10 MB.
    assert told > 15_000_000
    assert grown < 60_000_000, grown


def test_a_reader_that_takes_nothing_at_all_is_cut_in_the_end() -> None:
    with (
        running("--dev", "--dev-period", "0", "--set", "ws.write_seconds=0.3") as daemon,
        PlainWebSocket(daemon.ws, receive_bytes=65_536) as slow,
        connect(daemon, "ipc") as watch,
    ):
        slow.call("eth_subscribe", "newPendingTransactions", True)
        fill(daemon, 320)
        while 'txpool_session_connections{carrier="ws"} 1' in daemon.scrape():
            watch.call("eth_chainId")

        assert slow.ended() is None
