"""RLP, Keccak-256, public-key recovery, and fees against cases of others."""

import pytest

from tests.vectors.conftest import JudgeAll
from tests.vectors.tally import Case, number, raw
from txpool.core import rlp
from txpool.core.fees import blob_base_fee, next_base_fee, next_excess_blob_gas
from txpool.core.keccak import keccak
from txpool.core.rules import BlobSchedule, Fork
from txpool.core.signature import CURVE_ORDER, S_MAX, recover


def test_rlp_reads_and_writes_each_value_and_refuses_what_is_none(judge_all: JudgeAll) -> None:
    judge_all("rlp", _judge_rlp)


def _judge_rlp(case: Case) -> None:
    encoded = raw(case["raw"])
    if case["value"] is None:
        with pytest.raises(rlp.RlpError):
            rlp.decode(encoded)
    else:
        value = _item(case["value"])
        assert rlp.decode(encoded) == value
        assert rlp.encode(value) == encoded


def _item(value: str | list[object]) -> rlp.Item:
    return raw(value) if isinstance(value, str) else [_item(element) for element in value]  # type: ignore[arg-type]


def test_keccak_is_the_one_before_sha3(judge_all: JudgeAll) -> None:
    judge_all("keccak", _judge_keccak)


def _judge_keccak(case: Case) -> None:
    assert keccak(raw(case["data"])) == raw(case["keccak256"])


def test_a_signature_gives_the_address_that_it_should_or_none(judge_all: JudgeAll) -> None:
    judge_all("ecrecover", _judge_recovery)


def _judge_recovery(case: Case) -> None:
    r, s = number(case["r"]), number(case["s"])
    if "v" in case:
        wanted = {number(case["v"]) - 27: case["address"]}
    else:
        wanted = {int(parity): address for parity, address in case["recovered"].items()}
        assert case["low_s"] == (s <= S_MAX)
    for parity, address in wanted.items():
        in_range = parity in (0, 1) and 0 < r < CURVE_ORDER and 0 < s < CURVE_ORDER
        found = recover(raw(case["digest"]), parity, r, s) if in_range else None
        assert found == (raw(address) if address else None), f"parity {parity}"


def test_fees_follow_from_the_parent_block(judge_all: JudgeAll) -> None:
    judge_all("fees", _judge_fees)


def _judge_fees(case: Case) -> None:
    if "excess" in case:
        assert blob_base_fee(number(case["excess"]), case["fraction"]) == number(case["blobBaseFee"])
        return
    parent = case["parent"]
    base_fee = number(parent["baseFee"])
    assert next_base_fee(number(parent["gasLimit"]), number(parent["gasUsed"]), base_fee) == number(case["baseFee"])
    if "schedule" in case:
        schedule = BlobSchedule(**case["schedule"])
        gathered = number(parent.get("excessBlobGas")), number(parent.get("blobGasUsed"))
        excess = next_excess_blob_gas(*gathered, base_fee, schedule, Fork[case["fork"].upper()])
        assert excess == number(case["excessBlobGas"])
        assert blob_base_fee(excess, schedule.fraction) == number(case["blobBaseFee"])
