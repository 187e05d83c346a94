"""All recorded transactions through the native kernel; that its twin is right about them, the tests beside this say."""

from collections.abc import Iterator

import pytest

from tests.outside import native_kernel
from tests.vectors.conftest import JudgeAll
from tests.vectors.tally import Case, raw
from txpool.core.kernel import TWIN
from txpool.core.tx import Tx


@pytest.mark.parametrize("family", ["txvalid", "txsign", "txfork"])
def test_the_native_kernel_says_what_its_twin_says(judge_all: JudgeAll, family: str) -> None:
    native_kernel()
    judge_all(family, _judge)


def test_the_native_kernel_says_what_its_twin_says_of_the_fuzzed(judge_shared: JudgeAll) -> None:
    native_kernel()
    judge_shared("txfuzz", _judge)


def _judge(case: Case) -> None:
    native = native_kernel()
    raws = list(_raws(case))
    read = native.decode(raws)
    assert read == TWIN.decode(raws)
    for tx in read:
        if isinstance(tx, Tx):
            for chain_id in (tx.chain_id or 0, 1):
                assert native.signers([tx], chain_id) == TWIN.signers([tx], chain_id)


def _raws(case: Case) -> Iterator[bytes]:
    texts = case["raw"].values() if "raw" in case else [case["tx"]]
    return map(raw, texts)
