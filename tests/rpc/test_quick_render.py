"""The fast path to JSON text says what the slow one says, of every transaction."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.transactions import KEY, RECIPIENT, any_unsigned, damaged, signed
from txpool.core.address import checksum_address, checksum_addresses
from txpool.core.signature import sign
from txpool.core.tx import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE, Tx, decode
from txpool.core.unsigned import Unsigned
from txpool.rpc.quick_render import inspected_texts, native_lines, transaction_text, twin_lines
from txpool.rpc.render import inspected, pooled_transaction

SENDER = b"\xab\x00" * 10


def agree(tx: Tx) -> None:
    text = transaction_text(tx.raw, f"0x{SENDER.hex()}", tx.hash.hex())
    (line,) = lines = inspected_texts([tx.raw])
    assert lines == twin_lines([tx.raw])
    if tx.type == BLOB:
        assert (text, line) == ("", "")
    else:
        assert text.encode() == msgspec.json.encode(pooled_transaction(tx, SENDER))
        assert json.loads(line) == inspected(tx)


@given(any_unsigned())
def test_any_transaction_that_decodes_is_shown_as_by_the_slow_path(unsigned: Unsigned) -> None:
    tx = decode(sign(unsigned, KEY))
    assert isinstance(tx, Tx), tx
    agree(tx)


@pytest.mark.skipif(native_lines is None, reason="not built")
@given(st.lists(damaged() | st.binary(max_size=60), max_size=3))
def test_the_native_kernel_makes_a_line_of_anything_or_leaves_it_to_its_twin(raws: list[bytes]) -> None:
    assert native_lines is not None
    for text in native_lines(raws):
        assert text is None or text == "" or json.loads(text)


@pytest.mark.parametrize("tx_type", [LEGACY, ACCESS_LIST, DYNAMIC_FEE, SET_CODE])
@pytest.mark.parametrize("data", [b"", b"\x00", b"\x7f", b"\x80", bytes(55), bytes(56), bytes(256), bytes(65_536)])
def test_calldata_of_every_header_is_shown(tx_type: int, data: bytes) -> None:
    agree(signed(tx_type, data=data))


@pytest.mark.parametrize("tx_type", [LEGACY, ACCESS_LIST, DYNAMIC_FEE])
def test_a_creation_and_numbers_at_their_edges_are_shown(tx_type: int) -> None:
    for number in (0, 1, 127, 128, 255, 256, 2**63, 2**256 - 1, 2**256, 2**440, 2**450):
        agree(signed(tx_type, to=None, value=number, fee_cap=number, nonce=min(number, 2**64 - 1)))


def test_a_legacy_transaction_for_every_chain_names_none() -> None:
    tx = signed(LEGACY, chain_id=None)
    assert "chainId" not in json.loads(transaction_text(tx.raw, "0x", ""))
    agree(tx)


def test_access_lists_are_shown_whole() -> None:
    key = b"\x01" * 32
    agree(signed(ACCESS_LIST, access_list=((RECIPIENT, ()), (SENDER, (key, key)))))
    agree(signed(DYNAMIC_FEE, access_list=((RECIPIENT, (key,)),)))


def test_lines_made_together_keep_their_order_and_leave_out_blobs() -> None:
    txs = [signed(value=1), signed(BLOB), signed(to=None, value=2), signed(to=SENDER, value=3)]
    lines = inspected_texts([tx.raw for tx in txs])
    assert lines[1] == ""
    assert [json.loads(line) for line in lines if line] == [inspected(tx) for tx in txs if tx.type != BLOB]


def test_addresses_are_spelled_as_in_the_eip() -> None:
    spelled = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x" + "0" * 40,
    ]
    addresses = [bytes.fromhex(each[2:]) for each in spelled]
    assert checksum_addresses(addresses) == spelled
    assert [checksum_address(each) for each in addresses] == spelled
    assert checksum_addresses([]) == []
