"""The checks of RPC before the pool: compared in ether and floating point, as go-ethereum does."""

import pytest

from tests.core.transactions import signed
from txpool.core.rejection import Reason
from txpool.ingest.gate import Gate

ETHER = 10**18


@pytest.mark.parametrize(
    ("gas_price", "gas", "sentence"),
    [
        (3 * 10**13, 100_000, "tx fee (3.00 ether) exceeds the configured cap (1.00 ether)"),
        (ETHER // 21_000 + 10**9, 21_000, "tx fee (1.00 ether) exceeds the configured cap (1.00 ether)"),
        (2**256, 21_000, f"tx fee ({2**256 * 21_000 / ETHER:.2f} ether) exceeds the configured cap (1.00 ether)"),
        (2**4000, 21_000, "tx fee (+Inf ether) exceeds the configured cap (1.00 ether)"),
    ],
)
def test_a_fee_over_the_cap_is_refused(gas_price: int, gas: int, sentence: str) -> None:
    refusal = Gate(1.0).fault(signed(0, fee_cap=gas_price, tip_cap=gas_price, gas=gas))
    assert refusal is not None
    assert (refusal.reason, str(refusal)) == (Reason.TX_FEE_CAP, sentence)


@pytest.mark.parametrize("above", [0, 1, 100])
def test_a_fee_that_is_the_cap_but_for_rounding_passes(above: int) -> None:
    assert Gate(1.0).fault(signed(0, fee_cap=ETHER + above, tip_cap=ETHER + above, gas=1)) is None


def test_a_cap_of_nothing_is_no_cap() -> None:
    assert Gate(0).fault(signed(0, fee_cap=2**300, tip_cap=2**300)) is None


def test_value_and_blob_fee_do_not_count() -> None:
    assert Gate(1.0).fault(signed(2, value=2**256)) is None
    assert Gate(1.0).fault(signed(3, blob_fee_cap=2**255)) is None


def test_without_a_chain_id_a_transaction_passes_only_where_that_is_allowed() -> None:
    unprotected = signed(0, chain_id=None)
    refusal = Gate().fault(unprotected)
    assert str(refusal) == "only replay-protected (EIP-155) transactions allowed over RPC"
    assert Gate(allow_unprotected=True).fault(unprotected) is None
    assert Gate().fault(signed(0)) is None


def test_the_fee_is_looked_at_before_the_protection() -> None:
    both = signed(0, chain_id=None, fee_cap=ETHER, tip_cap=ETHER)
    refusal = Gate().fault(both)
    assert refusal is not None
    assert refusal.reason is Reason.TX_FEE_CAP
