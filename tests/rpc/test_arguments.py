"""Arguments that cannot be read are refused in go-ethereum's words."""

import json
from typing import Any, Final

import pytest

from tests.rpc.loop import run
from tests.rpc.node import ALICE, Node, call, hexed
from txpool.rpc.arguments import Fault, Reader, block, block_number, hex_or_decimal, raw_transaction, slot

OWNER: Final = hexed(ALICE)
HASH: Final = "0x" + "ab" * 32


def go(why: str, go_type: str, index: int = 0) -> str:
    """How Go's JSON decoder puts it."""
    return f"invalid argument {index}: json: cannot unmarshal {why} into Go value of type {go_type}"


REFUSED: Final = [
    ("eth_sendRawTransaction", [], "missing value for required argument 0"),
    ("eth_sendRawTransaction", ["0x01", 2], "too many arguments, want at most 1"),
    ("eth_sendRawTransaction", [5, 2], go("non-string", "hexutil.Bytes")),
    ("eth_sendRawTransaction", [None], go("non-string", "hexutil.Bytes")),
    ("eth_sendRawTransaction", [["0x"]], go("non-string", "hexutil.Bytes")),
    ("eth_sendRawTransaction", ["02f8"], go("hex string without 0x prefix", "hexutil.Bytes")),
    ("eth_sendRawTransaction", [" 0x02"], go("hex string without 0x prefix", "hexutil.Bytes")),
    ("eth_sendRawTransaction", ["0x0"], go("hex string of odd length", "hexutil.Bytes")),
    ("eth_sendRawTransaction", ["0xzz"], go("invalid hex string", "hexutil.Bytes")),
    ("eth_sendRawTransaction", ["0x0 0 "], go("invalid hex string", "hexutil.Bytes")),
    ("eth_sendRawTransaction", ["0x\u0660\u0660"], go("invalid hex string", "hexutil.Bytes")),
    ("eth_getTransactionByHash", ["0x12"], "invalid argument 0: hex string has length 2, want 64 for common.Hash"),
    ("eth_getTransactionByHash", [""], "invalid argument 0: hex string has length 0, want 64 for common.Hash"),
    ("eth_getTransactionByHash", [HASH[2:]], go("hex string without 0x prefix", "common.Hash")),
    ("eth_getTransactionByHash", [HASH[:-1]], go("hex string of odd length", "common.Hash")),
    ("eth_getTransactionByHash", [HASH[:-1] + "g"], go("invalid hex string", "common.Hash")),
    ("txpool_contentFrom", ["0x12"], "invalid argument 0: hex string has length 2, want 40 for common.Address"),
    ("txpool_contentFrom", [None], go("non-string", "common.Address")),
    ("txpool_status", [1], "too many arguments, want at most 0"),
    ("eth_getTransactionCount", [], "missing value for required argument 0"),
    ("eth_getTransactionCount", [OWNER, "pendin"], "invalid argument 1: hex string without 0x prefix"),
    ("eth_getTransactionCount", [OWNER, "0x"], 'invalid argument 1: hex string "0x"'),
    ("eth_getTransactionCount", [OWNER, "0x01"], "invalid argument 1: hex number with leading zero digits"),
    ("eth_getTransactionCount", [OWNER, "0x1ffffffffffffffff"], "invalid argument 1: hex number > 64 bits"),
    ("eth_getTransactionCount", [OWNER, "0xffffffffffffffff"], "invalid argument 1: blocknumber too high"),
    ("eth_getTransactionCount", [OWNER, 5], go("number", "string", 1)),
    ("eth_getBlockByNumber", ["latest"], "missing value for required argument 1"),
    ("eth_getBlockByNumber", ["latest", "x"], go("string", "bool", 1)),
    ("eth_getBlockByNumber", [5, True], "invalid argument 0: hex string without 0x prefix"),
    ("eth_getBlockByNumber", ["0xffffffffffffffff", True], "invalid argument 0: block number larger than int64"),
    ("eth_feeHistory", ["x", "latest", []], 'invalid argument 0: invalid hex or decimal integer "x"'),
    ("eth_feeHistory", ["0x1", "latest", "x"], go("string", "[]float64", 2)),
    ("eth_feeHistory", ["0x1", "latest", ["x"]], go("string", "float64", 2)),
    ("eth_estimateGas", [{"to": "0x12"}], "invalid argument 0: hex string has length 2, want 40 for common.Address"),
    ("eth_estimateGas", [{"value": "0x"}], go('hex string "0x"', "*hexutil.Big")),
    ("eth_estimateGas", [{"gas": 5}], go("non-string", "hexutil.Uint64")),
    ("eth_estimateGas", [{"accessList": 5}], go("non-array", "types.AccessList")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "params", "message"), REFUSED)
def test_what_cannot_be_read_is_refused(method: str, params: list[Any], message: str) -> None:
    async def scene() -> Any:  # noqa: ANN401 - whatever is answered
        async with Node() as node:
            return (await (await node.client()).ask(json.dumps(call(method, *params)))).json

    assert run(scene()) == {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": message}}


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        (block, "latest", "latest"),
        (block, "0x0", 0),
        (block, "0X1f", 31),
        (block, HASH, b"\xab" * 32),
        (block, {"blockNumber": "0x5"}, 5),
        (block, {"blockNumber": "safe"}, "safe"),
        (block, {"blockHash": HASH, "requireCanonical": True}, b"\xab" * 32),
        (block_number, "finalized", "finalized"),
        (hex_or_decimal, "0xa", 10),
        (hex_or_decimal, "10", 10),
        (hex_or_decimal, 10, 10),
        (slot, "0x1", (1).to_bytes(32, "big")),
        (slot, "ff", (255).to_bytes(32, "big")),
    ],
)
def test_all_spellings_of_an_argument_are_read(reader: Reader, value: object, read: object) -> None:
    assert reader(value) == read


def test_a_block_is_named_in_one_way() -> None:
    both = block({"blockNumber": "0x1", "blockHash": HASH})
    assert both == Fault("cannot specify both BlockHash and BlockNumber, choose one or the other")


@pytest.mark.parametrize(
    "params",
    [b'["0x"', b'["0x0"]', b'["0x 0"]', b'["0X00"]', b'[ "0x00"]', b'["0x00","0x00"]', b'["0x00"] ', b'["0x0\\u0030"]'],
)
def test_the_quick_way_takes_only_what_is_surely_one_argument(params: bytes) -> None:
    assert raw_transaction(params) is None


def test_the_quick_way_reads_what_clients_write() -> None:
    assert raw_transaction(b'["0x02F8ab"]') == b"\x02\xf8\xab"
    assert raw_transaction(b'["0x"]') == b""
