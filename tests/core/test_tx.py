import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.transactions import (
    CHAIN_ID,
    GWEI,
    KEY,
    any_unsigned,
    damaged,
    sidecar,
    signed,
    signed_bytes,
    unsigned,
)
from txpool.core import rlp
from txpool.core.keccak import keccak
from txpool.core.rejection import Reason, Rejected
from txpool.core.signature import sign
from txpool.core.tx import (
    ACCESS_LIST,
    BLOB,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    Tx,
    decode,
    decode_carefully,
    encode_network,
    parse_access_list,
)
from txpool.core.unsigned import Unsigned

TYPES = (LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE)


@given(any_unsigned())
def test_every_field_that_is_signed_is_read(wanted: Unsigned) -> None:
    raw = sign(wanted, KEY)

    tx = decode(raw)

    assert isinstance(tx, Tx), tx
    for name in ("type", "chain_id", "nonce", "tip_cap", "fee_cap", "gas", "to", "value", "data"):
        assert getattr(tx, name) == getattr(wanted, name), name
    assert tx.authorizations == wanted.authorizations
    assert (tx.blob_fee_cap, tx.blob_hashes) == (wanted.blob_fee_cap, wanted.blob_hashes)
    assert [(address, tuple(keys)) for address, keys in parse_access_list(tx.access_list)] == list(wanted.access_list)
    assert (tx.access_addresses, tx.access_keys) == (
        len(wanted.access_list),
        sum(len(keys) for _, keys in wanted.access_list),
    )
    assert (tx.raw, tx.size, tx.hash) == (raw, len(raw), keccak(raw))


@given(damaged() | st.binary(max_size=60))
@example(b"")
@example(b"\xc0")
@example(b"\x02\xc0")
def test_the_short_way_and_the_careful_way_agree_on_anything(raw: bytes) -> None:
    assert decode(raw) == decode_carefully(raw)


@given(signed_bytes())
def test_no_transaction_is_read_from_a_part_of_itself(raw: bytes) -> None:
    for end in range(len(raw)):
        assert isinstance(decode(raw[:end]), Rejected)


def payload(tx_type: int, **changed: bytes) -> bytes:
    """A transaction whose fields, in RLP, are as given by name; the others are right."""
    names = {
        LEGACY: "nonce price gas to value data v r s",
        ACCESS_LIST: "chain nonce price gas to value data access v r s",
        DYNAMIC_FEE: "chain nonce tip cap gas to value data access v r s",
        BLOB: "chain nonce tip cap gas to value data access blobcap hashes v r s",
        SET_CODE: "chain nonce tip cap gas to value data access auths v r s",
    }[tx_type].split()
    right = dict.fromkeys(names, b"\x01") | {"to": b"\x94" + bytes(20), "data": b"\x80"}
    right |= dict.fromkeys({"access", "auths", "hashes"} & set(names), b"\xc0")
    prefix = bytes((tx_type,)) if tx_type else b""
    return prefix + rlp.encode_list(list((right | changed).values()))


NO_LEADING_ZEROS = "non-canonical integer (leading zero bytes)"
NOT_MINIMAL = "non-canonical size information"
NO_STRING = "expected input string or byte"
NO_LIST = "expected input list"
SHORT = "input string too short"
LONG = "input string too long"
ENTRY = "94" + "00" * 20  # an address

# A field in RLP, and what go-ethereum says of it: the fault, and where.
FAULTS = [
    (LEGACY, "nonce", "00", f"{NO_LEADING_ZEROS} for uint64", "LegacyTx).Nonce"),
    (LEGACY, "nonce", "8101", f"{NOT_MINIMAL} for uint64", "LegacyTx).Nonce"),
    (LEGACY, "nonce", "89" + "01" * 9, f"{LONG} for uint64", "LegacyTx).Nonce"),
    (LEGACY, "nonce", "c0", f"{NO_STRING} for uint64", "LegacyTx).Nonce"),
    (LEGACY, "value", "820001", f"{NO_LEADING_ZEROS} for *big.Int", "LegacyTx).Value"),
    (LEGACY, "to", "93" + "00" * 19, f"{SHORT} for common.Address", "LegacyTx).To"),
    (LEGACY, "to", "95" + "00" * 21, f"{LONG} for common.Address", "LegacyTx).To"),
    (LEGACY, "to", "05", f"{SHORT} for common.Address", "LegacyTx).To"),
    (LEGACY, "to", "c0", "wrong kind of empty value (got List, want String) for *common.Address", "LegacyTx).To"),
    (LEGACY, "data", "c0", f"{NO_STRING} for []uint8", "LegacyTx).Data"),
    (LEGACY, "data", "b801ff", f"{NOT_MINIMAL} for []uint8", "LegacyTx).Data"),
    (ACCESS_LIST, "access", "80", f"{NO_LIST} for types.AccessList", "AccessListTx).AccessList"),
    (DYNAMIC_FEE, "access", "c101", f"{NO_LIST} for types.AccessTuple", "DynamicFeeTx).AccessList[0]"),
    (DYNAMIC_FEE, "access", "c1c0", "too few elements for types.AccessTuple", "DynamicFeeTx).AccessList[0]"),
    (
        DYNAMIC_FEE,
        "access",
        f"d8d7{ENTRY}c101",
        f"{SHORT} for common.Hash",
        "DynamicFeeTx).AccessList[0].StorageKeys[0]",
    ),
    (
        DYNAMIC_FEE,
        "access",
        f"f0{f'd6{ENTRY}c0' * 2}c101",
        f"{SHORT} for common.Address",
        "DynamicFeeTx).AccessList[2].Address",
    ),
    (DYNAMIC_FEE, "tip", "820001", f"{NO_LEADING_ZEROS} for *big.Int", "DynamicFeeTx).GasTipCap"),
    (BLOB, "to", "80", f"{SHORT} for common.Address", "BlobTx).To"),
    (BLOB, "hashes", "c101", f"{SHORT} for common.Hash", "BlobTx).BlobHashes[0]"),
    (SET_CODE, "chain", "c0", f"{NO_STRING} for *uint256.Int", "SetCodeTx).ChainID"),
    (SET_CODE, "auths", "80", f"{NO_LIST} for []types.SetCodeAuthorization", "SetCodeTx).AuthList"),
    (SET_CODE, "auths", f"dcdb01{ENTRY}018201000101", f"{LONG} for uint8", "SetCodeTx).AuthList[0].V"),
]


@pytest.mark.parametrize(("tx_type", "name", "field", "fault", "where"), FAULTS)
def test_a_field_out_of_form_is_refused_with_its_path(
    tx_type: int, name: str, field: str, fault: str, where: str
) -> None:
    refusal = decode(payload(tx_type, **{name: bytes.fromhex(field)}))

    assert str(refusal) == f"rlp: {fault}, decoding into (types.{where}"


@pytest.mark.parametrize(
    ("tx_type", "name", "field", "fault"),
    [
        (LEGACY, "s", "84ffff", "element is larger than containing list"),
        (LEGACY, "s", "83ffff", "value size exceeds available input length"),  # the header counts as room
        (LEGACY, "s", "", "too few elements for types.LegacyTx"),
        (LEGACY, "s", "0101", "input list has too many elements for types.LegacyTx"),
        (BLOB, "to", "b801ff", "non-canonical size information"),
        (BLOB, "cap", "a1" + "01" * 33, "value too large for uint256"),
    ],
)
def test_a_fault_of_the_list_itself_has_no_path(tx_type: int, name: str, field: str, fault: str) -> None:
    assert str(decode(payload(tx_type, **{name: bytes.fromhex(field)}))) == f"rlp: {fault}"


@pytest.mark.parametrize("tx_type", TYPES)
def test_the_plain_payload_of_each_type_is_read(tx_type: int) -> None:
    assert isinstance(decode(payload(tx_type)), Tx)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("", "typed transaction too short"),
        ("02", "typed transaction too short"),
        ("7f", "typed transaction too short"),
        ("00c0", "transaction type not supported"),
        ("05c0", "transaction type not supported"),
        ("80", "rlp: expected input list for types.LegacyTx"),
        ("8202c0", "rlp: expected input list for types.LegacyTx"),
        ("c0", "rlp: too few elements for types.LegacyTx"),
        ("f800", "rlp: non-canonical size information for types.LegacyTx"),
        ("c1", "rlp: value size exceeds available input length"),
        ("02ffffffffffffffffff", "rlp: value size exceeds available input length"),
        ("0380", "rlp: expected List"),
        ("03c0", "unexpected EOF"),
        ("03c1c0", "unexpected EOF"),
    ],
)
def test_bytes_that_are_no_transaction_are_refused_in_geths_words(raw: str, fault: str) -> None:
    assert decode(bytes.fromhex(raw)) == Rejected(Reason.UNDECODABLE, {"cause": fault})


@pytest.mark.parametrize("tx_type", TYPES)
def test_trailing_bytes_are_refused(tx_type: int) -> None:
    assert str(decode(payload(tx_type) + b"\0")) == "rlp: input contains more than one value"


def test_a_gas_price_of_33_bytes_is_read_in_the_older_types() -> None:
    tx = decode(payload(LEGACY, price=b"\xa1" + b"\x01" * 33))

    assert isinstance(tx, Tx)
    assert tx.fee_cap == int.from_bytes(b"\x01" * 33, "big")


@pytest.mark.parametrize("version", [0, 1])
def test_a_sidecar_is_read_and_left_out_of_the_hash(version: int) -> None:
    bare = sign(unsigned(BLOB), KEY)
    wrapped = sign(unsigned(BLOB, sidecar=sidecar(version, blobs=2)), KEY)

    tx = decode(wrapped)

    assert isinstance(tx, Tx)
    assert (tx.raw, tx.hash, tx.size) == (bare, keccak(bare), len(wrapped))
    assert tx.sidecar == sidecar(version, blobs=2)
    assert tx == decode_carefully(wrapped)
    assert encode_network(tx.raw, tx.sidecar) == wrapped


def test_a_sidecar_may_hold_nothing() -> None:
    tx = decode(sign(unsigned(BLOB, sidecar=sidecar(1, blobs=0)), KEY))

    assert isinstance(tx, Tx)
    assert tx.sidecar == sidecar(1, blobs=0)


@pytest.mark.parametrize("version", [b"\x02", b"\x80"])
def test_a_sidecar_of_another_version_is_refused(version: bytes) -> None:
    body = sign(unsigned(BLOB), KEY)[1:]
    raw = b"\x03" + rlp.encode_list([body, version, b"\xc0", b"\xc0", b"\xc0"])

    assert str(decode(raw)) == f"unsupported blob tx version {version[0] % 0x80}"


def test_a_fault_inside_a_wrapped_blob_transaction_names_the_wrapper() -> None:
    raw = b"\x03" + rlp.encode_list([payload(BLOB, to=b"\x80")[1:], b"\x01", b"\xc0", b"\xc0", b"\xc0"])

    wanted = "rlp: input string too short for common.Address, decoding into (types.blobTxWithBlobsV1).BlobTx.To"
    assert str(decode(raw)) == wanted


@pytest.mark.parametrize(
    ("v", "chain_id"),
    [
        (0, None),
        (1, None),
        (27, None),
        (28, None),
        (37, 1),
        (38, 1),
        (2709, CHAIN_ID),
        (29, 2**63 - 3),
        (34, 2**63 - 1),
    ],
)
def test_a_legacy_v_tells_the_chain(v: int, chain_id: int | None) -> None:
    tx = decode(payload(LEGACY, v=rlp.encode_int(v) if v else b"\x80"))

    assert isinstance(tx, Tx)
    assert tx.chain_id == chain_id


def test_the_cost_counts_the_blobs() -> None:
    assert signed(gas=21_000, fee_cap=3, tip_cap=1, value=5).cost == 63_005
    assert signed(BLOB, gas=100, fee_cap=3, tip_cap=1, value=5, blob_fee_cap=2).cost == 305 + 2 * 131_072


def test_the_effective_tip_is_what_the_base_fee_leaves() -> None:
    tx = signed(fee_cap=3 * GWEI, tip_cap=2 * GWEI)

    assert tx.effective_tip(None) == 2 * GWEI
    assert tx.effective_tip(GWEI) == 2 * GWEI
    assert tx.effective_tip(2 * GWEI) == GWEI
    assert tx.effective_tip(4 * GWEI) == -GWEI
