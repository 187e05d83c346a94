"""The native kernel beside its twin in Python: the same transactions, the same signers, the same refusals."""

from importlib import import_module
from typing import Final

import pytest
from coincurve import PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.core.transactions import (
    CHAIN_ID,
    KEY,
    RECIPIENT,
    any_unsigned,
    damaged,
    network_forms,
    sidecar,
    signed_bytes,
    unsigned,
)
from tests.outside import native_kernel
from txpool.core import kernel
from txpool.core.keccak import keccak
from txpool.core.kernel import INTERFACE, TWIN, Kernel, Native
from txpool.core.rejection import Rejected
from txpool.core.signature import CURVE_ORDER, S_MAX, address_of, sign, sign_authorization
from txpool.core.tx import BLOB, DYNAMIC_FEE, LEGACY, SET_CODE, Tx
from txpool.core.unsigned import Unsigned, seal, signing_payload

OTHER_KEY: Final = b"\x33" * 32


@pytest.fixture(scope="module")
def native() -> Native:
    return native_kernel()


def agree(native: Native, raws: list[bytes], chain_id: int = CHAIN_ID) -> list[Tx]:
    """Assert that both say the same of a batch; what is a transaction."""
    read = native.decode(raws)
    assert read == TWIN.decode(raws)
    txs = [tx for tx in read if isinstance(tx, Tx)]
    assert [type(tx.sidecar) for tx in txs] == [type(tx.sidecar) for tx in TWIN.decode(raws) if isinstance(tx, Tx)]
    assert native.signers(txs, chain_id) == TWIN.signers(txs, chain_id)
    return txs


@given(st.lists(signed_bytes() | network_forms(), max_size=4))
def test_both_read_a_transaction_alike_and_know_who_signed_it(native: Native, raws: list[bytes]) -> None:
    txs = agree(native, raws)

    assert len(txs) == len(raws)
    for tx in txs:
        agree(native, [tx.raw], tx.chain_id or 0)


@given(st.lists(damaged() | st.binary(max_size=60) | signed_bytes(), max_size=4))
def test_both_say_the_same_of_anything(native: Native, raws: list[bytes]) -> None:
    agree(native, raws)


@given(
    any_unsigned(),
    st.integers(0, 40) | st.integers(0, 2**64 - 1) | st.integers(0, 2**257),
    st.sampled_from((0, 1, CURVE_ORDER - 1, CURVE_ORDER, 2**256 - 1)) | st.integers(0, 2**257),
    st.sampled_from((0, 1, S_MAX, S_MAX + 1, CURVE_ORDER, 2**256 - 1)) | st.integers(0, 2**257),
)
def test_both_say_the_same_of_any_signature(native: Native, fields: Unsigned, v: int, r: int, s: int) -> None:
    raw = seal(fields, v, r, s)

    agree(native, [raw])
    for tx in TWIN.decode([raw]):
        if isinstance(tx, Tx):
            agree(native, [raw], tx.chain_id or 0)


# Numbers that are the x of a small multiple of the generator, or near a bound.
_GENERATOR_MULTIPLES: Final = [
    int.from_bytes(PublicKey.from_secret(number.to_bytes(32, "big")).format()[1:], "big") for number in range(1, 9)
]
_R: Final = st.sampled_from((0, 1, CURVE_ORDER - 1, CURVE_ORDER, *_GENERATOR_MULTIPLES)) | st.integers(0, 2**256 - 1)
_S: Final = st.sampled_from((0, 1, 2, S_MAX, S_MAX + 1)) | st.integers(0, S_MAX)


@given(st.lists(st.tuples(st.integers(0, 2), _R, _S), min_size=3, max_size=20))
def test_signers_found_together_are_those_found_alone(native: Native, signatures: list[tuple[int, int, int]]) -> None:
    txs = agree(native, [seal(unsigned(nonce=nonce), *signed) for nonce, signed in enumerate(signatures)])

    assert native.signers(txs, CHAIN_ID) == [native.signers([tx], CHAIN_ID)[0] for tx in txs]


@given(st.lists(st.integers(1, 40) | st.integers(1, CURVE_ORDER - 1), min_size=3, max_size=9))
def test_a_signature_whose_key_would_be_no_point_has_no_signer_among_others(native: Native, keys: list[int]) -> None:
    """Such a one takes the nonce's point away from itself: s R - z G = 0 for R = k G and s = z / k."""
    raws = []
    for nonce, key in enumerate(keys):
        fields = unsigned(nonce=nonce)
        digest = int.from_bytes(keccak(signing_payload(fields)), "big")
        s = digest * pow(key, -1, CURVE_ORDER) % CURVE_ORDER
        point = PublicKey.from_secret((key if s <= S_MAX else CURVE_ORDER - key).to_bytes(32, "big")).format()
        r = int.from_bytes(point[1:], "big")
        raws += [seal(fields, point[0] & 1, r, min(s, CURVE_ORDER - s)), sign(fields, KEY)]

    for tx, (sender, _) in zip(txs := agree(native, raws), native.signers(txs, CHAIN_ID), strict=True):
        assert isinstance(sender, Rejected) or sender == address_of(KEY) or tx.r >= CURVE_ORDER


@given(st.integers(0, 40), st.integers(0, CURVE_ORDER), st.integers(0, S_MAX + 1))
def test_both_find_the_same_authorities_whatever_the_tuples_say(native: Native, parity: int, r: int, s: int) -> None:
    good = sign_authorization(CHAIN_ID, RECIPIENT, 7, OTHER_KEY)
    bad = type(good)(CHAIN_ID, RECIPIENT, 7, parity, r, s)
    raw = sign(unsigned(SET_CODE, authorizations=(bad, good, bad, good)), KEY)

    (tx,) = agree(native, [raw])

    assert native.signers([tx], CHAIN_ID)[0][1][-1] in {address_of(OTHER_KEY), *TWIN.signers([tx], CHAIN_ID)[0][1]}


@pytest.mark.parametrize("version", [0, 1])
def test_blobs_come_whole_with_their_transaction(native: Native, version: int) -> None:
    beside = sidecar(version, blobs=2)
    raw = sign(unsigned(BLOB, sidecar=beside), KEY)

    (tx,) = agree(native, [raw])

    assert tx.sidecar == beside
    assert tx.size == len(raw) > len(tx.raw)


@pytest.mark.parametrize("chain_id", [1, 2**31, 2**63 - 19, 2**63, 2**64 - 1, 2**64, 2**70])
@pytest.mark.parametrize("tx_type", [LEGACY, DYNAMIC_FEE])
def test_chains_of_any_number_are_signed_for(native: Native, tx_type: int, chain_id: int) -> None:
    raw = sign(unsigned(tx_type, chain_id=chain_id), KEY)

    txs = agree(native, [raw], chain_id)

    assert native.signers(txs, chain_id) == [(address_of(KEY), ())]
    agree(native, [raw], chain_id + 1)


def test_a_bad_one_costs_its_neighbours_nothing(native: Native) -> None:
    good = sign(unsigned(), KEY)
    foreign = sign(unsigned(chain_id=CHAIN_ID + 1), KEY)

    first, bad, other, last = native.decode([good, good[:-1], foreign, good])

    assert isinstance(bad, Rejected)
    assert isinstance(first, Tx)
    assert isinstance(other, Tx)
    assert first == last
    senders = [sender for sender, _ in native.signers([first, other, first], CHAIN_ID)]
    assert (senders[0], senders[2]) == (address_of(KEY), address_of(KEY))
    assert str(senders[1]) == "invalid sender: invalid chain id for signer: have 1338 want 1337"


@pytest.mark.usefixtures("native")
def test_a_panic_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="the kernel panicked: out of cheese"):
        import_module("txpool_kernel").panic_on_purpose("out of cheese")


def test_what_is_no_bytes_is_refused(native: Native) -> None:
    with pytest.raises(TypeError):
        native.decode([bytearray(b"\x02\xc0")])  # type: ignore[list-item]  # a buffer that somebody could change


@pytest.mark.parametrize("left_over", [None, type("Old", (), {"INTERFACE": INTERFACE - 1})])
def test_without_a_kernel_of_this_version_there_is_none(monkeypatch: pytest.MonkeyPatch, left_over: object) -> None:
    monkeypatch.setattr(kernel, "txpool_kernel", left_over)

    assert kernel._native() is None


@pytest.mark.parametrize(
    "one", [TWIN, pytest.param(kernel.NATIVE, marks=pytest.mark.skipif(not kernel.NATIVE, reason="not built"))]
)
def test_nothing_in_is_nothing_out(one: Kernel) -> None:
    assert one.decode([]) == []
    assert one.signers([], CHAIN_ID) == []
