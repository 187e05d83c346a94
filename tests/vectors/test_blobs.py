"""Blobs of others, their commitments and proofs; the network form of blob transactions, whole and broken."""

import hashlib
from typing import Any, Final

from tests.vectors.conftest import JudgeAll
from tests.vectors.tally import Case, raw, shared_values
from txpool.core.head import Head
from txpool.core.rejection import Reason, Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.stateless import stateless_fault
from txpool.core.tx import Tx, decode
from txpool.ingest.blob_proofs import conversion_fault, prepared
from txpool.ingest.g1_point import point_fault
from txpool.ingest.kzg import kzg_library

HEAD: Final = Head(
    number=1,
    hash=bytes(32),
    parent_hash=bytes(32),
    time=0,
    gas_limit=2**64 - 1,
    base_fee=None,
    next_base_fee=None,
    blob_base_fee=1,
    fork=Fork.OSAKA,
)
NO_MINIMUM: Final = PoolSettings(price_limit=0)
UNREAD: Final = "a fault of version 0's proofs: cell proofs are made from the blobs as in geth, and those unread"
STRICTER: Final = "valid, but Osaka's limit of blobs a transaction refuses it"
FEES_FIRST: Final = "its fees contradict each other, which geth looks at first"
COUNTS: Final = {
    "blob count": ("invalid number of", "blobless", "Wrong sidecar format"),
    "proof count": ("Wrong sidecar format", "invalid number of"),
}


def test_the_network_form_is_judged_as_by_others(judge_shared: JudgeAll) -> None:
    judge_shared("blobnet", _judge_network_form)


def _judge_network_form(case: Case) -> str | None:
    tx = decode(raw(case["tx"]))
    if isinstance(tx, Rejected):
        assert case.get("level") == "encoding", tx
        assert str(tx).startswith(case["error"])
        return None
    assert case.get("level") != "encoding", case["error"]
    fault = _fault(tx)
    if fault and fault.reason is Reason.TIP_ABOVE_FEE_CAP:
        return FEES_FIRST
    if "error" in case:
        return _judge_broken(case, tx, fault)
    assert tx.hash == raw(case["hash"])
    assert tx.sidecar is not None
    assert (tx.sidecar.version, len(tx.sidecar.blobs)) == (case["version"], case["blobs"])
    if case.get("over_cap"):
        assert str(fault).startswith("transaction blob limit exceeded")
        return STRICTER
    assert fault is None, fault
    return None


def _judge_broken(case: Case, tx: Tx, fault: Rejected | None) -> str | None:
    if fault is None:
        assert tx.sidecar is not None
        assert tx.sidecar.version == 0, f"taken, not refused with {case['error']}"
        return UNREAD
    wanted = COUNTS.get(case["error"], (case["error"],))
    said = str(fault).removeprefix("KZG verification error: ").removeprefix("blob sidecar conversion failed: ")
    assert said.startswith(wanted), f"{said}, not {case['error']}"
    return None


def _fault(tx: Tx) -> Rejected | None:
    """What our server and pool say before they look at state."""
    if fault := conversion_fault(tx, HEAD):
        return fault
    candidate = prepared(tx, HEAD, NO_MINIMUM, tx.chain_id or 0, 0)
    return stateless_fault(candidate, HEAD, NO_MINIMUM) or candidate.proof_fault


def test_commitments_and_proofs_are_those_of_the_specification(judge_shared: JudgeAll) -> None:
    values = shared_values("kzg")
    judge_shared("kzg", lambda case: _judge_kzg(case, values))


def _judge_kzg(case: Case, values: dict[str, str]) -> None:
    library, setup = kzg_library()
    arguments = [_resolved(argument, values) for argument in case["input"].values()]
    try:
        if case["fn"] == "verify_blob_kzg_proof_batch":  # this one wants each list joined, and does not look at sizes
            _demand_sizes(arguments)
            arguments = [b"".join(each) for each in arguments]
        found = getattr(library, case["fn"])(*arguments, setup)
    except (RuntimeError, ValueError):
        found = None
    assert _plain(found) == case["output"]
    if "invalid_commitment" in case["id"] or "invalid_proof" in case["id"]:
        points = [point for each in arguments[1:] for point in ([each] if isinstance(each, bytes) else each)]
        assert any(len(str(point)) != 48 or point_fault(point) for point in points)


def _resolved(argument: Any, values: dict[str, str]) -> Any:  # noqa: ANN401 - JSON as recorded
    if isinstance(argument, list):
        return [_resolved(each, values) for each in argument]
    if isinstance(argument, str):
        return raw(values[argument] if argument.startswith("@") else argument)
    return argument


def _demand_sizes(arguments: list[list[bytes]]) -> None:
    for each, size in zip(arguments, (131_072, 48, 48), strict=True):
        if any(len(item) != size for item in each):
            raise ValueError("a size is wrong")


def _plain(found: Any) -> Any:  # noqa: ANN401 - whatever the function gives
    if isinstance(found, bytes):
        return "0x" + found.hex()
    if isinstance(found, list):
        return {"cells": len(found), "sha256": "0x" + hashlib.sha256(b"".join(found)).hexdigest()}
    return found
