"""Transactions of others, valid and broken: read, hashed, their senders recovered, judged by each fork's rules."""

from typing import Any, Final

from tests.vectors.conftest import JudgeAll
from tests.vectors.tally import Case, number, raw
from txpool.core.gas import intrinsic_gas
from txpool.core.head import Head
from txpool.core.rejection import Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.signature import S_MAX, authority_of, sender_of, sign
from txpool.core.stateless import UINT256_MAX, fault_after_sender, fault_before_sender
from txpool.core.tx import BLOB, Tx, decode, decode_carefully, parse_access_list
from txpool.core.unsigned import Unsigned

FORKS: Final = {
    "EIP150": Fork.TANGERINE_WHISTLE,
    "EIP158": Fork.SPURIOUS_DRAGON,
    "ConstantinopleFix": Fork.PETERSBURG,
}
NO_MINIMUM: Final = PoolSettings(price_limit=0)
OLDER_RULES: Final = (
    "signed by the rules of a fork before EIP-155: the pool goes by the latest, as geth's; later forks judged"
)


def test_valid_transactions_are_read_in_full(judge_all: JudgeAll) -> None:
    judge_all("txvalid", _judge_valid)


def _judge_valid(case: Case) -> None:
    tx = decode(raw(case["tx"]))
    assert isinstance(tx, Tx), tx
    assert tx == decode_carefully(raw(case["tx"]))
    assert sender_of(tx, tx.chain_id or 0) == raw(case["sender"])
    assert tx.to == (raw(case["to"]) if case["to"] else None)
    for ours, theirs in _NUMBERS.items():
        assert getattr(tx, ours) == number(case[theirs]), ours
    assert tx.chain_id == (None if case["chainId"] is None else number(case["chainId"]))
    assert (tx.hash, tx.type, len(tx.data)) == (raw(case["hash"]), case["type"], case["dataLength"])
    assert [tx.access_addresses, tx.access_keys] == case["accessList"]
    entries = parse_access_list(tx.access_list)
    assert [len(entries), sum(len(keys) for _, keys in entries)] == case["accessList"]
    if tx.type == BLOB:
        assert tx.blob_fee_cap == number(case["maxFeePerBlobGas"])
        assert tx.blob_hashes == tuple(raw(text) for text in case["blobVersionedHashes"])
    authorities = [raw(text) if text else None for text in case.get("authorities") or []]
    assert [authority_of(item) for item in tx.authorizations] == authorities


_NUMBERS: Final = {
    "nonce": "nonce",
    "gas": "gas",
    "value": "value",
    "fee_cap": "maxFeePerGas",
    "tip_cap": "maxPriorityFeePerGas",
}


def test_signing_is_deterministic_and_gives_the_known_bytes(judge_all: JudgeAll) -> None:
    judge_all("txsign", _judge_signing)


def _judge_signing(case: Case) -> None:
    for form, signed in case["raw"].items():
        chain_id = None if form == "legacy" else number(case["fields"]["chainId"])
        unsigned = _unsigned(case["fields"], _FORMS[form], chain_id)
        assert sign(unsigned, raw(case["privateKey"])) == raw(signed), form
        tx = decode(raw(signed))
        assert isinstance(tx, Tx), tx
        assert sender_of(tx, tx.chain_id or 0) == raw(case["address"])


_FORMS: Final = {"legacy": 0, "eip155": 0, "berlin": 1, "london": 2, "cancun": 3}


def _unsigned(fields: dict[str, Any], tx_type: int, chain_id: int | None) -> Unsigned:
    entries = [(raw(entry["address"]), [raw(key) for key in entry["storageKeys"]]) for entry in fields["accessList"]]
    return Unsigned(
        type=tx_type,
        chain_id=chain_id,
        nonce=fields["nonce"],
        fee_cap=number(fields["maxFeePerGas"] if tx_type > 1 else fields["gasPrice"]),
        tip_cap=number(fields["maxPriorityFeePerGas"]),
        gas=number(fields["gasLimit"]),
        to=raw(fields["to"]) if fields["to"] else None,
        value=number(fields["value"]),
        data=raw(fields["data"]),
        access_list=entries,
        blob_fee_cap=number(fields["maxFeePerBlobGas"]),
        blob_hashes=[raw(text) for text in fields["blobVersionedHashes"]],
    )


def test_each_fork_takes_what_it_should(judge_all: JudgeAll) -> None:
    judge_all("txfork", _judge_by_fork)


def test_no_fuzzed_transaction_is_mistaken(judge_shared: JudgeAll) -> None:
    judge_shared("txfuzz", _judge_by_fork)


def _judge_by_fork(case: Case) -> str | None:
    """Judge every fork of a case. The name `*` stands for encoding and signature alone, on any chain."""
    encoded = raw(case["tx"])
    tx = decode(encoded)
    assert tx == decode_carefully(encoded)
    reasons = [_judge_expectation(tx, name, wanted) for wanted in case["expect"] for name in wanted["forks"]]
    return next(filter(None, reasons), None)


def _judge_expectation(tx: Tx | Rejected, name: str, wanted: dict[str, Any]) -> str | None:
    fork = FORKS.get(name) or (None if name == "*" else Fork[name.upper()])
    level, fault = _fault(tx, fork)
    if (fault is None) == ("error" in wanted) and _by_older_rules(tx, fork):
        return OLDER_RULES
    if "error" not in wanted:
        assert isinstance(tx, Tx), f"{name}: {fault}"
        assert fault is None, f"{name}: {fault}"
        assert tx.hash == raw(wanted["hash"])
        sender = sender_of(tx, tx.chain_id or 0)
        assert sender == raw(wanted["sender"])
        assert fork is None or intrinsic_gas(tx, raw(wanted["sender"]), fork) == number(wanted["gas"])
        return None
    assert fault is not None, f"{name}: taken, not refused with {wanted['error']}"
    if wanted["basis"] == "derived" or wanted["error"].startswith("rlp: "):  # geth's own words, cut short at times
        assert level == wanted["level"], f"{name}: {fault}, not {wanted['error']}"
        if level in ("encoding", "signature"):
            assert str(fault).removeprefix("invalid sender: ").startswith(wanted["error"])
    return None


def _by_older_rules(tx: Tx | Rejected, fork: Fork | None) -> bool:
    """A signature that a fork before EIP-155 reads otherwise: a high s, or replay protection."""
    early = fork is not None and fork < Fork.SPURIOUS_DRAGON
    return early and isinstance(tx, Tx) and tx.type == 0 and (tx.v not in (27, 28) or tx.s > S_MAX)


def _fault(tx: Tx | Rejected, fork: Fork | None) -> tuple[str, Rejected | str | None]:
    """Find the first fault, and what finds it."""
    if isinstance(tx, Rejected):
        return ("type" if str(tx) == "transaction type not supported" else "encoding"), tx
    sender = sender_of(tx, (tx.chain_id or 0) if fork is None else 1)
    if isinstance(sender, Rejected):
        return "signature", sender
    if fork is None:
        return "", None
    if tx.type != BLOB and (fault := fault_before_sender(tx, _head(fork))):
        return ("type" if fault.reason.startswith("type_") else "stateless"), fault
    if fault := fault_after_sender(tx, sender, _head(fork), NO_MINIMUM):
        return "stateless", fault
    if tx.gas * tx.fee_cap > UINT256_MAX:
        return "stateless", "no balance is as high as gas x fee cap: refused for funds"
    return "", None


def _head(fork: Fork) -> Head:
    return Head(
        number=1,
        hash=bytes(32),
        parent_hash=bytes(32),
        time=0,
        gas_limit=2**64 - 1,
        base_fee=None,
        next_base_fee=None,
        blob_base_fee=1,
        fork=fork,
    )
