"""Filters, transactions sent with a wait for the receipt, transactions filled in."""

import json
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.rpc.node import ALICE, GWEI, hexed, send, transfer
from tests.rpc.plain_ipc import PlainIpc
from tests.running import Daemon, running
from txpool.core.keccak import keccak
from txpool.rpc.eth_sync import go_duration
from txpool.rpc.message_log import HashLog, LogCursor, TextLog
from txpool.rpc.ws_origins import Origins

NOT_FOUND = {"code": -32000, "message": "filter not found"}
TO = "0x" + "ee" * 20


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running("--dev", "--dev-period", "0") as daemon:
        yield daemon


# --- logs


def test_a_cursor_reads_each_message_once_and_is_told_when_some_are_gone() -> None:
    log = TextLog(capacity=3, bytes_max=1000)
    log.append(b"before")
    cursor, lagging = LogCursor(log), LogCursor(log)
    for number in range(3):
        log.append(b"%d" % number)
    assert (cursor.take(2), cursor.take(2), cursor.take(2)) == ([b"0", b"1"], [b"2"], ())

    log.append(b"3")

    assert cursor.take(9) == [b"3"]
    assert lagging.take(9) is None


def test_a_log_of_texts_is_bounded_in_bytes_as_well() -> None:
    log = TextLog(capacity=1000, bytes_max=100)
    for _ in range(50):
        log.append(bytes(30))

    assert (log.first, log.next, log.size) == (47, 50, 90)


def test_a_log_of_hashes_keeps_the_newest() -> None:
    log = HashLog(capacity=2)
    for number in range(5):
        log.append(bytes([number]) * 32)

    assert log.first == 3
    assert log.read(3, 5) == [b'"0x%b"' % (b"03" * 32), b'"0x%b"' % (b"04" * 32)]


# --- filters


def test_a_filter_gives_what_came_since_it_was_asked_last(daemon: Daemon) -> None:
    hashes, whole, blocks = (
        daemon.call("eth_newPendingTransactionFilter"),
        daemon.call("eth_newPendingTransactionFilter", True),
        daemon.call("eth_newBlockFilter"),
    )
    sent = [daemon.call("eth_sendRawTransaction", hexed(transfer(nonce=nonce))) for nonce in range(2)]

    assert daemon.call("eth_getFilterChanges", hashes) == sent
    assert [tx["hash"] for tx in daemon.call("eth_getFilterChanges", whole)] == sent
    assert daemon.call("eth_getFilterChanges", hashes) == []
    daemon.call("dev_mine", 2)
    known = [daemon.call("eth_getBlockByNumber", number, False)["hash"] for number in ("0x1", "0x2")]
    assert daemon.call("eth_getFilterChanges", blocks) == known


def test_a_filter_that_is_gone_is_not_found(daemon: Daemon) -> None:
    identity = daemon.call("eth_newBlockFilter")

    assert daemon.call("eth_uninstallFilter", identity) is True
    assert daemon.call("eth_uninstallFilter", identity) is False
    assert daemon.ask("eth_getFilterChanges", identity)["error"] == NOT_FOUND


def test_filters_are_bounded_in_number_in_time_and_in_what_is_kept() -> None:
    bounds = ("rpc.filters_max=2", "subscriptions.messages_max=4", "rpc.filter_idle_seconds=0.5")
    sets = [word for bound in bounds for word in ("--set", bound)]
    with running("--dev", "--dev-period", "0", *sets) as daemon:
        lagging = daemon.call("eth_newPendingTransactionFilter")
        daemon.call("eth_newBlockFilter")
        assert daemon.ask("eth_newBlockFilter")["error"]["code"] == -32005

        daemon.post(json.dumps([send(transfer(nonce=nonce)) for nonce in range(5)]).encode())
        assert daemon.ask("eth_getFilterChanges", lagging)["error"] == NOT_FOUND

        kept = daemon.call("eth_newPendingTransactionFilter")
        deadline = time.monotonic() + 20
        while "error" in daemon.ask("eth_newBlockFilter"):
            assert time.monotonic() < deadline
        assert daemon.call("eth_uninstallFilter", kept) in {True, False}


# --- eth_sendRawTransactionSync


def test_a_receipt_comes_when_the_block_does(daemon: Daemon) -> None:
    with ThreadPoolExecutor() as pool, PlainIpc(daemon.ipc) as watch:
        watch.call("eth_subscribe", "newPendingTransactions")
        waiting = pool.submit(daemon.call, "eth_sendRawTransactionSync", hexed(transfer()))
        tx_hash = watch.told()
        daemon.call("dev_mine")
        receipt = waiting.result(20)

    assert receipt == daemon.call("eth_getTransactionReceipt", tx_hash)


def test_without_a_block_the_error_names_the_transaction_that_is_in_the_pool(daemon: Daemon) -> None:
    raw = transfer()

    answer = daemon.ask("eth_sendRawTransactionSync", hexed(raw), 250)

    why = "The transaction was added to the transaction pool but wasn't processed in 250ms"
    assert answer["error"] == {"code": 4, "message": why, "data": hexed(keccak(raw))}
    assert daemon.call("txpool_status")["pending"] == "0x1"


def test_a_refusal_comes_at_once_and_a_time_in_hex_is_none(daemon: Daemon) -> None:
    refused = daemon.ask("eth_sendRawTransactionSync", hexed(transfer(value=10**30)))
    malformed = daemon.ask("eth_sendRawTransactionSync", hexed(transfer()), "0x10")

    assert refused["error"]["code"] == -32000
    assert refused["error"]["message"].startswith("insufficient funds for gas * price + value")
    assert malformed["error"] == {
        "code": -32602,
        "message": "invalid argument 1: json: cannot unmarshal string into Go value of type uint64",
    }


def test_a_stop_does_not_wait_for_blocks() -> None:
    with ThreadPoolExecutor() as pool:
        with running("--dev", "--dev-period", "0") as daemon, PlainIpc(daemon.ipc) as watch:
            watch.call("eth_subscribe", "newPendingTransactions")
            waiting = pool.submit(daemon.ask, "eth_sendRawTransactionSync", hexed(transfer()))
            watch.told()
        assert waiting.result(20)["error"]["code"] == 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "250ms"), (1.5, "1.5s"), (20, "20s"), (60, "1m0s"), (61.25, "1m1.25s"), (3600, "1h0m0s")],
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


# --- eth_fillTransaction


def test_what_is_left_out_is_filled_in(daemon: Daemon) -> None:
    daemon.call("eth_sendRawTransaction", hexed(transfer()))

    filled = daemon.call("eth_fillTransaction", {"from": hexed(ALICE), "to": TO, "value": "0x5"})

    tx = filled["tx"]
    assert (tx["type"], tx["nonce"], tx["gas"], tx["value"]) == ("0x2", "0x1", "0x5208", "0x5")
    assert (tx["gasPrice"], tx["chainId"], tx["accessList"]) == (None, "0x539", [])
    assert int(tx["maxFeePerGas"], 16) == int(tx["maxPriorityFeePerGas"], 16) + 2 * GWEI
    assert (tx["v"], tx["r"], tx["s"], tx["yParity"]) == ("0x0", "0x0", "0x0", "0x0")
    assert tx["hash"] == hexed(keccak(bytes.fromhex(filled["raw"][2:])))


def test_a_gas_price_makes_a_legacy_transaction(daemon: Daemon) -> None:
    filled = daemon.call("eth_fillTransaction", {"from": hexed(ALICE), "to": TO, "gasPrice": "0x77359400"})

    assert filled["tx"]["type"] == "0x0"
    assert filled["tx"]["maxFeePerGas"] is None
    assert "chainId" not in filled["tx"]
    assert filled["raw"].endswith("808080")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"to": TO, "gasPrice": "0x1", "maxFeePerGas": "0x1"},
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ),
        ({"to": TO, "gasPrice": "0x0"}, "gasPrice must be non-zero after london fork"),
        ({"to": TO, "maxFeePerGas": "0x1"}, "maxFeePerGas (1) < maxPriorityFeePerGas (1000000000)"),
        ({"to": TO, "chainId": "0x1"}, "chainId does not match node's (have=1, want=1337)"),
        ({"value": "0x1"}, "contract creation without any data provided"),
        ({"blobVersionedHashes": ["0x" + "01" * 32]}, 'missing "to" in blob transaction'),
        ({"to": TO, "blobVersionedHashes": []}, "need at least 1 blob for a blob transaction"),
        (
            {"to": TO, "data": "0x01", "input": "0x02"},
            'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data',
        ),
    ],
)
def test_what_cannot_be_filled_in_is_refused_in_geths_words(
    daemon: Daemon, given: dict[str, object], message: str
) -> None:
    assert daemon.ask("eth_fillTransaction", given)["error"] == {"code": -32000, "message": message}


# --- who may connect


@pytest.mark.parametrize(
    ("rules", "origin", "admitted"),
    [
        ((), None, True),
        ((), "http://localhost:8080", True),
        ((), "https://localhost", False),
        ((), "null", False),
        (("*",), "https://anything.example", True),
        (("https://app.example",), "https://app.example:444", True),
        (("https://app.example",), "http://app.example", False),
        (("app.example",), "http://APP.example", True),
        (("app.example:80",), "http://app.example:81", False),
        (("app.example:80",), "http://app.example:80", True),
        (("http://app.example:80",), "http://app.example", False),
        (("127.0.0.1:80",), "http://127.0.0.1:80", False),
        (("https://app.example",), "https://app.example:none", False),
    ],
)
def test_origins_are_read_as_geth_reads_them(rules: tuple[str, ...], origin: str | None, *, admitted: bool) -> None:
    assert Origins(rules).admit(origin) is admitted


# --- the socket's place


def test_the_socket_is_for_its_owner_alone_and_is_gone_after_the_stop(tmp_path: Path) -> None:
    path = tmp_path / "made" / "pool.ipc"
    with running("--dev", "--ipc", str(path)) as daemon:
        assert daemon.ipc == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    assert not path.exists()


def test_a_socket_that_a_dead_process_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "pool.ipc"
    with running("--dev", "--ipc", str(path)) as daemon:
        path.rename(tmp_path / "left.ipc")
        assert daemon.call("eth_chainId") == "0x539"

    with running("--dev", "--ipc", str(tmp_path / "left.ipc")) as daemon, PlainIpc(daemon.ipc) as client:
        assert client.call("eth_chainId")["result"] == "0x539"


def test_a_socket_that_somebody_serves_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "pool.ipc")
    with running("--dev", "--ipc", path) as first:
        with pytest.raises(AssertionError, match="another process listens"), running("--dev", "--ipc", path):
            pass
        with PlainIpc(first.ipc) as client:
            assert client.call("eth_chainId")["result"] == "0x539"


def test_a_file_in_the_sockets_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pool.ipc"
    path.write_text("mine")

    with pytest.raises(AssertionError, match="is there and no socket"), running("--dev", "--ipc", str(path)):
        pass

    assert path.read_text() == "mine"
