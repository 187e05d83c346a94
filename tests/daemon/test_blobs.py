"""A blob transaction's way through the daemon: real blobs, real proofs."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import msgspec
import pytest

from tests.core.transactions import unsigned
from tests.running import Daemon, running
from txpool.chain.dev_accounts import dev_accounts
from txpool.client.jsonrpc import RpcClient
from txpool.core.blob_sidecar import BLOB_BYTES, POINT_BYTES, Sidecar, encode_network
from txpool.core.sidecar_checks import versioned_hash
from txpool.core.signature import sign
from txpool.core.tx import BLOB, Tx, decode
from txpool.ingest.kzg import cell_proofs, kzg_library

GAS_PER_BLOB: Final = 131_072
BLOB_DATA: Final = bytes(31) + b"\x07" + bytes(BLOB_BYTES - 32)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running("--dev", "--dev-period", "0") as started:
        yield started


@pytest.fixture(scope="module")
def sidecar() -> Sidecar:
    library, setup = kzg_library()
    return Sidecar(1, (BLOB_DATA,), (library.blob_to_kzg_commitment(BLOB_DATA, setup),), cell_proofs(BLOB_DATA))


def signed(account: int, sidecar: Sidecar, **fields: Any) -> bytes:  # noqa: ANN401 - any field of Unsigned
    hashes = tuple(versioned_hash(each) for each in sidecar.commitments)
    values = {"blob_hashes": hashes, "blob_fee_cap": 10**9, "fee_cap": 10**10, "sidecar": sidecar}
    return sign(unsigned(BLOB, **(values | fields)), dev_accounts()[account].private_key)


def hexed(octets: bytes) -> str:
    return "0x" + octets.hex()


def status(daemon: Daemon) -> dict[str, str]:
    found: dict[str, str] = daemon.call("txpool_status")
    return found


def test_a_blob_transaction_is_pooled_mined_and_given_back(daemon: Daemon, sidecar: Sidecar) -> None:
    raw = signed(0, sidecar)

    tx_hash = daemon.call("eth_sendRawTransaction", hexed(raw))

    assert status(daemon) == {"pending": "0x1", "queued": "0x0"}
    assert daemon.call("txpool_content") == {"pending": {}, "queued": {}}
    assert daemon.call("eth_getRawTransactionByHash", tx_hash) == hexed(raw)
    shown = daemon.call("eth_getTransactionByHash", tx_hash)
    assert shown["blobVersionedHashes"] == [hexed(versioned_hash(sidecar.commitments[0]))]
    assert (shown["maxFeePerBlobGas"], shown["blockHash"]) == (hex(10**9), None)

    daemon.call("dev_mine", 1)

    receipt = daemon.call("eth_getTransactionReceipt", tx_hash)
    assert (receipt["blobGasUsed"], receipt["blobGasPrice"], receipt["status"]) == (hex(GAS_PER_BLOB), "0x1", "0x1")
    block = daemon.call("eth_getBlockByNumber", "latest", False)
    assert (block["blobGasUsed"], block["transactions"]) == (hex(GAS_PER_BLOB), [tx_hash])
    assert len(daemon.call("eth_getRawTransactionByHash", tx_hash)) < 1000
    assert status(daemon)["pending"] == "0x0"

    daemon.call("dev_reorg", 1)

    assert status(daemon)["pending"] == "0x1"
    assert daemon.call("eth_getRawTransactionByHash", tx_hash) == hexed(raw)
    assert daemon.call("dev_check")
    daemon.call("dev_mine", 1)


def test_an_old_sidecar_is_converted_its_proofs_unread(daemon: Daemon, sidecar: Sidecar) -> None:
    old = Sidecar(0, sidecar.blobs, sidecar.commitments, (b"\x5a" * POINT_BYTES,))
    raw = signed(1, old)

    tx_hash = daemon.call("eth_sendRawTransaction", hexed(raw))

    tx = decode(raw)
    assert isinstance(tx, Tx)
    assert daemon.call("eth_getRawTransactionByHash", tx_hash) == hexed(encode_network(tx.raw, sidecar))


def test_a_block_has_no_more_blobs_than_its_fork_allows(daemon: Daemon, sidecar: Sidecar) -> None:
    daemon.call("dev_mine", 1)
    six = Sidecar(1, sidecar.blobs * 6, sidecar.commitments * 6, sidecar.proofs * 6)
    for account in range(2, 6):
        daemon.call("eth_sendRawTransaction", hexed(signed(account, six)))

    daemon.call("dev_mine", 1)

    block = daemon.call("eth_getBlockByNumber", "latest", False)
    assert block["blobGasUsed"] == hex(18 * GAS_PER_BLOB)
    assert status(daemon)["pending"] == "0x1"
    daemon.call("dev_mine", 1)
    assert status(daemon)["pending"] == "0x0"
    assert int(daemon.call("eth_getBlockByNumber", "latest", False)["excessBlobGas"], 16) > 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"blobs": (bytes(BLOB_BYTES),)}, "KZG verification error: can't verify opening proof"),
        ({"proofs": (b"\xc0" + b"\x01" * 47,) * 128}, "KZG verification error: invalid infinity point encoding"),
        ({"proofs": (b"\x9a" + b"\xff" * 47,) * 128}, "KZG verification error: invalid fp.Element encoding"),
        (
            {"blobs": (b"\xff" * BLOB_BYTES,)},
            "scalar is not canonical when interpreted as a big integer in big-endian",
        ),
        (
            {"version": 0, "blobs": (b"\xff" * BLOB_BYTES,)},
            "blob sidecar conversion failed: scalar is not canonical when interpreted as a big integer in big-endian",
        ),
    ],
)
def test_wrong_blobs_and_proofs_are_refused_in_geths_words(
    daemon: Daemon, sidecar: Sidecar, wrong: dict[str, Any], sentence: str
) -> None:
    parts = {name: getattr(sidecar, name) for name in ("version", "blobs", "commitments", "proofs")}

    answer = daemon.ask("eth_sendRawTransaction", hexed(signed(6, Sidecar(**(parts | wrong)))))

    assert answer["error"] == {"code": -32000, "message": sentence}


def test_what_follows_a_blob_in_a_batch_sees_what_it_did(daemon: Daemon, sidecar: Sidecar) -> None:
    plain = sign(unsigned(gas=21_000, nonce=1, fee_cap=10**10), dev_accounts()[7].private_key)
    sends = [signed(7, sidecar), plain]
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": [hexed(raw)]}
        for number, raw in enumerate(sends)
    ]

    _, answer = daemon.post(msgspec.json.encode(calls))

    first, second = sorted(msgspec.json.decode(answer), key=lambda each: each["id"])
    assert "result" in first
    assert second["error"]["message"] == "address already reserved"


def test_a_dry_run_of_a_blob_says_what_a_submission_says_and_hands_nothing_in(daemon: Daemon, sidecar: Sidecar) -> None:
    good, next_one = signed(8, sidecar), signed(8, sidecar, nonce=1)
    wrong = signed(8, Sidecar(1, sidecar.blobs, sidecar.commitments, sidecar.proofs[1:] + sidecar.proofs[:1]))
    plain = sign(unsigned(fee_cap=10**10), dev_accounts()[8].private_key)
    raws = [hexed(raw) for raw in (wrong, next_one, good, next_one, plain)]
    before = daemon.call("txpool_status"), daemon.call("pool_events", "latest")

    tried = daemon.call("pool_check", raws)

    assert (daemon.call("txpool_status"), daemon.call("pool_events", "latest")) == before
    answers = [daemon.ask("eth_sendRawTransaction", raw) for raw in raws]
    assert [each["error"] and each["error"]["message"] for each in tried] == [
        each.get("error", {}).get("message") for each in answers
    ]
    assert [each["place"] for each in tried] == [None, None, "pending", "pending", None]


def test_a_blob_transaction_is_explained_and_removed_with_what_stands_behind_it(
    daemon: Daemon, sidecar: Sidecar
) -> None:
    first, second = (daemon.call("eth_sendRawTransaction", hexed(signed(6, sidecar, nonce=nonce))) for nonce in (0, 1))
    told = daemon.call("pool_explain", first)
    assert told["waitsFor"]["sentence"] == "it can be in the next block that has room for its blobs"

    with closing(RpcClient(daemon.ipc)) as operator:
        assert operator.call("pool_remove", first) == [first]

    reasons = [daemon.call("pool_explain", each)["steps"][-1]["reason"] for each in (first, second)]
    assert reasons == ["removed_by_operator", "predecessor_left"]
    assert daemon.call("dev_check")
