import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.transactions import CHAIN_ID, KEY, RECIPIENT, any_unsigned, signed, unsigned
from txpool.core.address import checksum_address
from txpool.core.keccak import keccak
from txpool.core.signature import (
    CURVE_ORDER,
    S_MAX,
    address_of,
    authority_of,
    sender_of,
    sign,
    sign_authorization,
    signing_hash,
)
from txpool.core.tx import DYNAMIC_FEE, LEGACY, Authorization, Tx, decode
from txpool.core.unsigned import Unsigned, seal, signing_payload

private_keys = st.integers(1, CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@given(any_unsigned(), private_keys)
def test_who_signed_is_recovered(wanted: Unsigned, key: bytes) -> None:
    tx = decode(sign(wanted, key))

    assert isinstance(tx, Tx)
    assert signing_hash(tx) == keccak(signing_payload(wanted))
    assert sender_of(tx, wanted.chain_id or CHAIN_ID if wanted.type == LEGACY else tx.chain_id or 0) == address_of(key)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1))
def test_an_authorization_gives_who_signed_it(code: bytes, nonce: int) -> None:
    signed_tuple = sign_authorization(CHAIN_ID, code[:20], nonce, KEY)

    assert authority_of(signed_tuple) == address_of(KEY)
    assert signed_tuple.s <= S_MAX


def with_signature(tx_type: int, chain_id: int | None, v: int, r: int, s: int) -> Tx:
    tx = decode(seal(unsigned(tx_type, chain_id=chain_id), v, r, s))
    assert isinstance(tx, Tx)
    return tx


BAD_VALUES = "invalid sender: invalid transaction v, r, s values"


@pytest.mark.parametrize(
    ("parity", "r", "s"),
    [
        (2, 1, 1),
        (27, 1, 1),
        (0, 0, 1),
        (0, 1, 0),
        (0, CURVE_ORDER, 1),
        (0, 1, S_MAX + 1),
        (0, 2**256, 1),
        (2**256, 1, 1),
    ],
)
def test_signature_values_out_of_range_give_no_sender(parity: int, r: int, s: int) -> None:
    tx = with_signature(DYNAMIC_FEE, CHAIN_ID, parity, r, s)

    assert str(sender_of(tx, CHAIN_ID)) == BAD_VALUES


def test_the_highest_low_s_is_fine() -> None:
    assert isinstance(sender_of(with_signature(DYNAMIC_FEE, CHAIN_ID, 0, 1, S_MAX), CHAIN_ID), bytes)


def test_an_r_that_is_on_no_point_of_the_curve_gives_no_sender() -> None:
    tx = with_signature(DYNAMIC_FEE, CHAIN_ID, 0, 5, 1)

    assert str(sender_of(tx, CHAIN_ID)) == "invalid sender: recovery failed"


@pytest.mark.parametrize("chain_id", [0, 1, 1336, 2**70])
def test_another_chains_transaction_is_refused_before_its_values_are_looked_at(chain_id: int) -> None:
    tx = with_signature(DYNAMIC_FEE, chain_id, 9, 0, 0)

    assert str(sender_of(tx, CHAIN_ID)) == f"invalid sender: invalid chain id for signer: have {chain_id} want 1337"


def test_a_chain_id_of_any_width_is_told_in_full() -> None:
    tx = with_signature(DYNAMIC_FEE, 10**20_000, 0, 1, 1)

    wanted = f"invalid sender: invalid chain id for signer: have 1{'0' * 20_000} want 1337"
    assert str(sender_of(tx, CHAIN_ID)) == wanted


def test_a_legacy_v_of_another_chain_names_it() -> None:
    tx = signed(LEGACY, chain_id=1)

    assert str(sender_of(tx, CHAIN_ID)) == "invalid sender: invalid chain id for signer: have 1 want 1337"


def test_a_legacy_v_under_35_names_the_chain_that_geth_reads() -> None:
    tx = with_signature(LEGACY, None, 2, 1, 1)

    wanted = "invalid sender: invalid chain id for signer: have 9223372036854775805 want 1337"
    assert str(sender_of(tx, CHAIN_ID)) == wanted


@pytest.mark.parametrize("v", [0, 1])
def test_a_legacy_v_of_0_or_1_is_unprotected_and_void(v: int) -> None:
    tx = with_signature(LEGACY, None, v - 27, 1, 1)

    assert tx.chain_id is None
    assert str(sender_of(tx, CHAIN_ID)) == BAD_VALUES


def test_an_unprotected_legacy_transaction_has_the_same_sender_on_every_chain() -> None:
    tx = signed(LEGACY, chain_id=None)

    assert sender_of(tx, 1) == sender_of(tx, CHAIN_ID) == address_of(KEY)


@pytest.mark.parametrize(
    "changed",
    [{"y_parity": 2}, {"r": 0}, {"s": 0}, {"s": S_MAX + 1}, {"r": CURVE_ORDER}, {"r": 5}],
)
def test_a_tuple_with_a_void_signature_gives_nobody(changed: dict[str, int]) -> None:
    values = {"y_parity": 0, "r": 1, "s": 1} | changed

    assert authority_of(Authorization(CHAIN_ID, RECIPIENT, 0, **values)) is None


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_an_address_is_written_with_its_checksum(address: str) -> None:
    assert checksum_address(bytes.fromhex(address[2:])) == address
