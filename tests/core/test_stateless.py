from typing import Any

import msgspec
import pytest

from tests.core.transactions import CHAIN_ID, RECIPIENT, signed
from txpool.core.candidate import recovered
from txpool.core.head import Head
from txpool.core.rejection import Reason, Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.stateless import fault_before_sender, stateless_fault
from txpool.core.tx import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE, Tx

HEAD = Head(
    number=1,
    hash=bytes(32),
    parent_hash=bytes(32),
    time=0,
    gas_limit=30_000_000,
    base_fee=10**9,
    next_base_fee=10**9,
    blob_base_fee=1,
    fork=Fork.OSAKA,
)
AMSTERDAM = msgspec.structs.replace(HEAD, fork=Fork.AMSTERDAM)
SETTINGS = PoolSettings()


def verdict(tx: Tx, head: Head = HEAD, settings: PoolSettings = SETTINGS) -> str | None:
    fault = stateless_fault(recovered(tx, CHAIN_ID, arrival=0), head, settings)
    return None if fault is None else str(fault)


@pytest.mark.parametrize("tx_type", [LEGACY, ACCESS_LIST, DYNAMIC_FEE, SET_CODE])
def test_a_plain_transaction_of_each_type_passes(tx_type: int) -> None:
    assert verdict(signed(tx_type)) is None


def test_a_transaction_without_replay_protection_passes() -> None:
    assert verdict(signed(LEGACY, chain_id=None)) is None


def test_a_fee_cap_far_under_the_base_fee_passes() -> None:
    assert verdict(signed(fee_cap=1, tip_cap=1)) is None


NEITHER_FEE_FITS: dict[str, Any] = {"fee_cap": 2**256, "tip_cap": 2**256}

# In geth's order of checks.
FAULTS: list[tuple[int, dict[str, Any], str]] = [
    (DYNAMIC_FEE, {"data": bytes(131_072)}, "oversized data: transaction size 131188, limit 131072"),
    (
        DYNAMIC_FEE,
        {"to": None, "data": bytes(49_153), "gas": 10**7},
        "max initcode size exceeded: code size 49153 limit 49152",
    ),
    (DYNAMIC_FEE, {"gas": 16_777_217}, "transaction gas limit too high (cap: 16777216, tx: 16777217)"),
    (DYNAMIC_FEE, NEITHER_FEE_FITS, "max fee per gas higher than 2^256-1"),
    (DYNAMIC_FEE, {"fee_cap": 1, "tip_cap": 2**256}, "max priority fee per gas higher than 2^256-1"),
    (DYNAMIC_FEE, {"fee_cap": 1, "tip_cap": 2}, "max priority fee per gas higher than max fee per gas"),
    (DYNAMIC_FEE, {"chain_id": 1}, "invalid sender: invalid chain id for signer: have 1 want 1337"),
    (DYNAMIC_FEE, {"nonce": 2**64 - 1}, "nonce has max value"),
    (DYNAMIC_FEE, {"value": 2**256}, "insufficient funds for gas * price + value"),
    (DYNAMIC_FEE, {"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
    (
        DYNAMIC_FEE,
        {"data": b"\x01" * 100, "gas": 24_999},
        "insufficient gas for floor data gas cost: gas 24999, minimum needed 25000",
    ),
    (
        DYNAMIC_FEE,
        {"tip_cap": 0},
        "transaction gas price below minimum: gas tip cap 0, minimum needed 1",
    ),
    (SET_CODE, {"authorizations": ()}, "set code tx must have at least one authorization tuple"),
    (BLOB, {}, "missing sidecar in blob transaction"),
]


@pytest.mark.parametrize(("tx_type", "fields", "sentence"), FAULTS)
def test_each_fault_is_told_in_geths_words(tx_type: int, fields: dict[str, Any], sentence: str) -> None:
    assert verdict(signed(tx_type, **fields)) == sentence


# Pairs of faults that one transaction can have together: the earlier in geth's order is told.
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"data": bytes(131_072), "to": None}, {"gas": 16_777_217}),
        ({"to": None, "data": bytes(49_153)}, {"gas": 16_777_217}),
        ({"gas": 16_777_217}, NEITHER_FEE_FITS),
        (NEITHER_FEE_FITS, {"chain_id": 1}),
        ({"fee_cap": 1, "tip_cap": 2}, {"chain_id": 1}),
        ({"chain_id": 1}, {"nonce": 2**64 - 1}),
        ({"nonce": 2**64 - 1}, {"value": 2**256}),
        ({"value": 2**256}, {"gas": 0}),
        ({"gas": 0}, {"tip_cap": 0}),
    ],
)
def test_of_two_faults_geths_first_is_told(first: dict[str, Any], second: dict[str, Any]) -> None:
    both = signed(**(second | first))

    assert (verdict(both) or "").partition(":")[0] == (verdict(signed(**first)) or "").partition(":")[0]
    assert verdict(signed(**second)) is not None


@pytest.mark.parametrize(
    ("tx_type", "fork", "name"),
    [
        (ACCESS_LIST, Fork.ISTANBUL, "Berlin"),
        (SET_CODE, Fork.ISTANBUL, "Berlin"),
        (DYNAMIC_FEE, Fork.BERLIN, "London"),
        (SET_CODE, Fork.CANCUN, "Prague"),
    ],
)
def test_a_type_before_its_fork_is_refused(tx_type: int, fork: Fork, name: str) -> None:
    head = msgspec.structs.replace(HEAD, fork=fork)

    wanted = f"transaction type not supported: type {tx_type} rejected, pool not yet in {name}"
    assert verdict(signed(tx_type), head) == wanted


@pytest.mark.parametrize(
    "fields",
    [
        {"gas": 16_777_216},
        {"nonce": 2**64 - 2},
        {"fee_cap": 2**256 - 1, "tip_cap": 2**256 - 1},
        {"to": None, "data": bytes(49_152), "gas": 10**7},
        {"data": b"\x01" * 100, "gas": 25_000},
        {"value": 2**256 - 1},
    ],
)
def test_the_last_value_within_a_limit_passes(fields: dict[str, Any]) -> None:
    assert verdict(signed(**fields)) is None


def test_the_largest_size_passes_and_a_byte_more_does_not() -> None:
    overhead = signed(data=bytes(131_000), gas=10**7).size - 131_000
    largest = signed(data=bytes(131_072 - overhead), gas=10**7)

    assert largest.size == 131_072
    assert verdict(largest) is None
    assert verdict(signed(data=bytes(131_073 - overhead), gas=10**7)) is not None


def test_gas_over_the_blocks_is_refused_before_osaka_too() -> None:
    head = msgspec.structs.replace(HEAD, fork=Fork.PRAGUE, gas_limit=100_000)

    assert verdict(signed(gas=100_001), head) == "exceeds block gas limit"
    assert verdict(signed(gas=100_000), head) is None


def test_init_code_has_no_limit_before_shanghai_and_a_higher_one_from_amsterdam_on() -> None:
    creation = signed(to=None, data=bytes(49_153), gas=10**7)

    assert verdict(creation, msgspec.structs.replace(HEAD, fork=Fork.PARIS)) is None
    assert verdict(creation, AMSTERDAM) is None


def test_amsterdam_caps_the_gas_that_is_needed_not_the_limit() -> None:
    heavy = signed(data=b"\x01" * 100_000, access_list=((RECIPIENT, (bytes(32),)),) * 400, gas=30_000_000)

    assert verdict(signed(gas=16_777_217), AMSTERDAM) is None
    assert verdict(heavy, AMSTERDAM) is None


def test_amsterdam_refuses_what_needs_more_gas_than_the_cap() -> None:
    heavy = signed(access_list=((RECIPIENT, ()),) * 5_000, gas=30_000_000)

    intrinsic, floor = 21_000 + 5_000 * 4_180, 21_000 + 5_000 * 20 * 64
    wanted = f"insufficient gas for floor data gas cost: intrinsic cost {intrinsic}, floor: {floor}"
    assert verdict(heavy, AMSTERDAM) == wanted


def test_the_least_tip_is_a_setting() -> None:
    settings = PoolSettings(price_limit=10)

    wanted = "transaction gas price below minimum: gas tip cap 9, minimum needed 10"
    assert verdict(signed(tip_cap=9), settings=settings) == wanted
    assert verdict(signed(tip_cap=10), settings=settings) is None


def test_no_recovery_is_needed_for_what_fails_before_it() -> None:
    tx = signed(gas=16_777_217)

    refusal = fault_before_sender(tx, HEAD)

    assert refusal == Rejected(Reason.GAS_LIMIT_TOO_HIGH, {"cap": 16_777_216, "gas": 16_777_217})
