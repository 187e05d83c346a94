"""What was recorded elsewhere becomes a corpus: the same bytes, its senders funded, what cannot be sent left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.corpus import Corpus, keep, prepare
from loadtest.recorded import Recorded, RecordedError, read_recorded
from loadtest.scenario import Recipe, Types
from tests.loadtest.test_run import Load, load, scenario
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.signature import sender_of, sign
from txpool.core.tx import Tx, decode
from txpool.core.unsigned import Unsigned
from txpool.rpc.render import pooled_transaction

__all__ = ["load"]  # a fixture

ALICE, BOB = list(dev_accounts())[:2]
ETHER = 10**18

RUN = """
name = "recorded"
about = "What was recorded."
[corpus]
transactions = 1
[load]
loop = "closed"
connections = 1
[thresholds]
accepted_share_min = 1.0
"""


def transfer(nonce: int, key: bytes = ALICE.private_key, chain_id: int | None = 1, kind: int = 2) -> bytes:
    unsigned = Unsigned(
        type=kind, chain_id=chain_id, nonce=nonce, tip_cap=10**9, fee_cap=10**10, gas=21_000, to=bytes(20), value=ETHER
    )
    return sign(unsigned, key)


def lines(*raws: bytes) -> str:
    return "\n".join("0x" + raw.hex() for raw in raws)


def content(raws: list[bytes], chain_id: int) -> dict[str, Any]:
    """As a node answers `txpool_content`."""
    pending: dict[str, dict[str, Any]] = {}
    for raw in raws:
        tx = decode(raw)
        assert isinstance(tx, Tx)
        sender = sender_of(tx, chain_id)
        assert isinstance(sender, bytes)
        pending.setdefault("0x" + sender.hex(), {})[str(tx.nonce)] = pooled_transaction(tx, sender)
    return {"jsonrpc": "2.0", "id": 1, "result": {"pending": pending, "queued": {}}}


def test_lines_stay_in_their_order() -> None:
    raws = [transfer(9), transfer(3, BOB.private_key), transfer(8)]

    found = read_recorded("# a comment\n\n" + lines(*raws) + "\n")

    assert (found.chain_id, list(found.raws), found.left_out) == (1, raws, {})
    assert list(found.senders) == [ALICE.address, BOB.address, ALICE.address]


def test_what_a_node_shows_becomes_the_bytes_that_were_signed(tmp_path: Path) -> None:
    prepare(
        Recipe(senders=5, types=Types(legacy=1, access_list=1, dynamic_fee=1, set_code=1)), 60, tmp_path, processes=1
    )
    with Corpus(tmp_path) as corpus:
        raws = [corpus[number] for number in range(len(corpus))]

    found = read_recorded(json.dumps(content(raws, 1337)))

    assert {tx.type for tx in found.txs} == {0, 1, 2, 4}
    assert sorted(found.raws) == sorted(raws)
    assert found.left_out == {}


def test_what_has_no_order_is_sent_in_rounds() -> None:
    raws = [transfer(5), transfer(7), transfer(6), transfer(2, BOB.private_key)]

    found = read_recorded(json.dumps([{"transactions": ["0x" + raw.hex() for raw in raws]}]))

    assert list(found.raws) == [raws[0], raws[3], raws[2], raws[1]]


def test_what_cannot_be_sent_is_left_out_with_the_reason() -> None:
    good = transfer(0)
    forged = good[:-1] + bytes([good[-1] ^ 1])
    blob = sign(
        Unsigned(type=3, chain_id=1, nonce=0, fee_cap=1, gas=21_000, to=bytes(20), blob_hashes=[b"\x01" * 32]),
        ALICE.private_key,
    )
    others = [transfer(0, chain_id=5), transfer(0, chain_id=None, kind=0), blob, b"\x02\xff"]

    found = read_recorded(lines(good, transfer(1), good, *others) + "\n0xzz")

    assert list(found.raws) == [good, transfer(1)]
    assert found.left_out == {
        "no transaction": 2,
        "twice": 1,
        "of another chain": 1,
        "no replay protection": 1,
        "blob transaction without its blobs": 1,
    }
    assert read_recorded(lines(forged, good)).senders[-1] == ALICE.address


def test_the_chain_may_be_named() -> None:
    found = read_recorded(lines(transfer(0), transfer(1), transfer(0, chain_id=5)), chain_id=5)

    assert (found.chain_id, list(found.raws)) == (5, [transfer(0, chain_id=5)])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no transaction"),
        ("0x1234", "no transaction that could be sent; 1 left out: no transaction"),
        ("{", "is no JSON"),
        ('{"result": {"pending": {}}}', "no transaction"),
        (json.dumps([dict.fromkeys(("nonce", "gas", "input", "v", "r", "s"), "0x")]), "no transaction"),
    ],
)
def test_a_file_without_transactions_is_an_error(text: str, fault: str) -> None:
    with pytest.raises(RecordedError, match=fault):
        read_recorded(text)


def test_senders_begin_at_their_least_nonce_with_funds_for_all_that_they_send(tmp_path: Path) -> None:
    recorded: Recorded = read_recorded(lines(transfer(9), transfer(8), transfer(3, BOB.private_key)))

    manifest = keep(recorded, tmp_path, "dump.txt")

    genesis = json.loads((tmp_path / "genesis.json").read_text())
    alloc = genesis["alloc"]
    cost = recorded.txs[0].cost
    assert genesis["config"]["chainId"] == 1
    assert alloc["0x" + ALICE.address.hex()] == {"balance": hex(2 * cost + ETHER), "nonce": "0x8"}
    assert alloc["0x" + BOB.address.hex()] == {"balance": hex(cost + ETHER), "nonce": "0x3"}
    assert (manifest.recipe, manifest.source, manifest.kinds) == (None, "dump.txt", {"regular": 3})
    with Corpus(tmp_path) as corpus:
        corpus.verify()
        assert [corpus[number] for number in range(3)] == list(recorded.raws)


def test_a_node_takes_all_of_what_was_recorded(tmp_path: Path, load: Load) -> None:
    raws = [transfer(nonce, chain_id=1) for nonce in range(7, 12)]
    (tmp_path / "dump.json").write_text(json.dumps(content(raws, 1)))

    made = load("import", "dump.json", "--out", "corpus")
    ran = load("run", scenario(tmp_path, RUN), "--corpus", "corpus", "--start", "--out", "run")

    assert (made.returncode, made.stderr) == (0, "corpus: 5 transactions of 1 senders, chain 1\n")
    assert ran.returncode == 0, ran.stderr
    assert "accepted 5 of 5 sent" in ran.stdout


def test_a_recorded_corpus_is_never_replaced_nor_stretched(tmp_path: Path, load: Load) -> None:
    (tmp_path / "dump.txt").write_text(lines(transfer(0)))
    assert load("import", "dump.txt", "--out", "corpus").returncode == 0
    stretched = RUN.replace('loop = "closed"', "stages = [{ seconds = 1, rate = 100 }]").replace("transactions = 1", "")

    ran = load("run", scenario(tmp_path, stretched), "--corpus", "corpus", "--start")

    assert ran.returncode == 2
    assert "the corpus has 1 transactions, recorded elsewhere" in ran.stderr
    with Corpus(tmp_path / "corpus") as corpus:
        assert len(corpus) == 1


def test_a_file_that_cannot_be_read_is_a_mistake_in_use(tmp_path: Path, load: Load) -> None:
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00")

    assert load("import", "noise", "--out", "corpus").returncode == 2
    assert load("import", "nowhere", "--out", "corpus").returncode == 2
