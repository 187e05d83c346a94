"""What is read as a call, what is told that it is none, and in which words: go-ethereum's, case by case."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rpc.loop import run
from tests.rpc.node import ALICE, Node, call, hexed, send, text, transfer
from txpool.rpc.envelope import encode
from txpool.rpc.http import HttpLimits
from txpool.rpc.service import RpcLimits

CHAIN_ID = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}


def ask(body: str | bytes, **settings: Any) -> Any:  # noqa: ANN401 - settings of the node; whatever is answered
    """Ask a fresh node; None for an empty answer."""

    async def scene() -> Any:  # noqa: ANN401 - as above
        async with Node(**settings) as node:
            answer = await (await node.client()).ask(body)
            assert answer.status == 200
            return answer.json if answer.body else None

    return run(scene())


def error(code: int, message: str, identity: object = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}


def served(identity: object = 1, result: object = "0x539") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "result": result}


@pytest.mark.parametrize(
    "body",
    [
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":null}',
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","foo":1}',
        '{"jsonrpc":"2.0","id":1,"method":"eth\\u005fchainId"}',
        '{"jsonrpc":"2.0","id":1,"method":"web3_sha3","method":"eth_chainId"}',
        ' \n {"jsonrpc":"2.0","id":1,"method":"eth_chainId"} \n ',
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"} x',
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}{"jsonrpc":"2.0","id":2,"method":"eth_chainId"}',
        '{"JSONRPC":"2.0","Id":1,"Method":"eth_chainId"}',
    ],
)
def test_the_first_value_counts_and_members_may_be_left_out_repeated_or_added(body: str) -> None:
    assert ask(body) == served()


@pytest.mark.parametrize("identity", ["1", "-7", "1.5", "1e3", "null", '"abc"', '""', "123456789012345678901234567890"])
def test_an_id_comes_back_as_it_was_written(identity: str) -> None:
    async def scene() -> bytes:
        async with Node() as node:
            body = f'{{"jsonrpc":"2.0","id":{identity},"method":"eth_chainId"}}'
            return (await (await node.client()).ask(body)).body

    assert run(scene()) == f'{{"jsonrpc":"2.0","id":{identity},"result":"0x539"}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        " \n\t ",
        '{"jsonrpc":"2.0","method":"eth_chainId"}',
        f"[{json.dumps(call('x'))[:0]}" + '{"jsonrpc":"2.0","method":"eth_chainId"}]',
        '{"jsonrpc":"2.0","id":1,"result":"0x1"}',
    ],
)
def test_nothing_and_notifications_and_answers_nobody_asked_for_get_nothing(body: str) -> None:
    assert ask(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "{bad",
        "[1,",
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"',
        "tru",
        "[1 2]",
        "NaN",
        "\u00ef\u00bb\u00bf{}",
        "\x00",
        "[" * 100_000,
        '{"id":' * 50_000,
    ],
)
def test_what_is_no_json_is_a_parse_error(body: str) -> None:
    assert ask(body) == error(-32700, "parse error", None)


@pytest.mark.parametrize(
    ("body", "identity"),
    [
        ("{}", None),
        ("5", None),
        ('"x"', None),
        ("null", None),
        ('{"jsonrpc":"2.0","id":1}', 1),
        ('{"id":1,"method":"eth_chainId"}', 1),
        ('{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', 1),
        ('{"jsonrpc":"2.0","id":1,"method":5}', 1),
        ('{"jsonrpc":"2.0","id":1,"method":""}', 1),
        ('{"jsonrpc":"2.0","method":""}', None),
        ('{"jsonrpc":"2.0","id":{"a":1},"method":"eth_chainId"}', None),
        ('{"jsonrpc":"2.0","id":[1],"method":"eth_chainId"}', None),
    ],
)
def test_a_message_that_is_no_call_is_told_so_under_its_id(body: str, identity: object) -> None:
    assert ask(body) == error(-32600, "invalid request", identity)


@pytest.mark.parametrize("params", ['{"a":1}', '"x"', "5", "true"])
def test_arguments_come_in_an_array(params: str) -> None:
    assert ask(f'{{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{params}}}') == error(
        -32602, "non-array args"
    )


@pytest.mark.parametrize("method", ["eth_noSuchMethod", "nonsense", "eth_sendrawtransaction", "eth_", "_"])
def test_an_unknown_method_is_named(method: str) -> None:
    expected = error(-32601, f"the method {method} does not exist/is not available")
    assert ask(json.dumps(call(method, "whatever"))) == expected


def test_a_name_of_absurd_length_is_not_repeated() -> None:
    assert ask(json.dumps(call("x" * 3000))) == error(-32600, "method name too long: 3000 > 2048")


def test_subscriptions_need_another_transport() -> None:
    assert ask(json.dumps(call("eth_subscribe", "newHeads"))) == error(-32601, "notifications not supported")


def test_what_means_something_to_html_is_escaped() -> None:
    async def scene() -> bytes:
        async with Node() as node:
            body = json.dumps(call("<script>&\u2028", identity="<id>"))
            return (await (await node.client()).ask(body)).body

    answer = run(scene())
    assert b"the method \\u003cscript\\u003e\\u0026\\u2028 does not" in answer
    assert b'"id":"\\u003cid\\u003e"' in answer


# --- batches


def test_a_batch_is_answered_in_order_leaving_out_notifications() -> None:
    body = [CHAIN_ID, {"jsonrpc": "2.0", "method": "eth_chainId"}, {"id": 2}, 7, call("nonsense", identity="n")]
    assert ask(json.dumps(body)) == [
        served(),
        error(-32600, "invalid request", 2),
        error(-32600, "invalid request", None),
        error(-32601, "the method nonsense does not exist/is not available", "n"),
    ]


def test_an_empty_batch_is_refused_with_a_single_answer() -> None:
    assert ask("[]") == error(-32600, "empty batch", None)
    assert ask(" [ ] ") == error(-32600, "empty batch", None)


def test_a_batch_of_a_thousand_is_served_and_one_more_refused_under_the_first_id() -> None:
    thousand = [call("eth_chainId", identity=number) for number in range(7, 1007)]
    assert len(ask(text(*thousand))) == 1000
    assert ask(text(*thousand, CHAIN_ID)) == [error(-32600, "batch too large", 7)]
    odd = [{"no": "call"}, {"jsonrpc": "2.0", "method": "notified"}, *thousand]
    assert ask(text(*odd)) == [error(-32600, "batch too large", 7)]


def test_a_batch_of_many_small_things_is_refused_without_reading_all_of_it() -> None:
    assert ask("[" + "{}," * 500_000 + "{}]") == [error(-32600, "batch too large", None)]


def test_the_answers_of_a_batch_are_bounded_in_sum() -> None:
    block = call("eth_getBlockByNumber", "latest", False)
    items = [{**block, "id": number} for number in range(5)] + [{"jsonrpc": "2.0", "method": "eth_chainId"}]
    answers = ask(text(*items), limits=RpcLimits(batch_response_bytes_max=3000))
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, None, -32003, -32003, -32003]
    assert answers[4] == error(-32003, "response too large", 4)


def test_calls_of_a_batch_see_what_those_before_them_did() -> None:
    first, second = transfer(nonce=0), transfer(nonce=1)
    count = call("eth_getTransactionCount", hexed(ALICE), "pending", identity=9)
    answers = ask(text(count, send(first), count, send(second), send(second), count))
    assert [answer.get("result") for answer in answers if answer["id"] == 9] == ["0x0", "0x1", "0x2"]
    assert answers[4] == error(-32000, "already known")


def test_a_batch_of_sends_keeps_its_order() -> None:
    batch = [send(transfer(nonce=nonce), nonce) for nonce in range(50)]
    bad = send(b"\x02\xc0", "bad")
    answers = ask(text(*batch[:25], bad, *batch[25:]))
    assert [answer["id"] for answer in answers] == [*range(25), "bad", *range(25, 50)]
    assert answers[25] == error(-32000, "rlp: too few elements for types.DynamicFeeTx", "bad")
    assert sum("result" in answer for answer in answers) == 50


# --- whatever comes


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(body: bytes) -> None:
    _answered(body)


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_METHODS = st.sampled_from(
    [
        "eth_chainId",
        "eth_sendRawTransaction",
        "eth_getBlockByNumber",
        "eth_call",
        "txpool_contentFrom",
        "eth_feeHistory",
        "eth_estimateGas",
        "eth_getStorageAt",
        "dev_reorg",
        "",
    ]
)
_MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | _VALUES,
        "id": _VALUES,
        "method": _METHODS | _VALUES,
        "params": st.lists(_VALUES, max_size=4) | _VALUES,
    },
)


@given(_MESSAGES | st.lists(_MESSAGES | _VALUES, max_size=4) | _VALUES)
def test_any_json_gets_an_answer_that_is_no_crash(body: Any) -> None:  # noqa: ANN401 - any JSON
    for answer in _answered(json.dumps(body).encode()):
        assert answer.get("error", {}).get("code") != -32603, answer


@given(_MESSAGES, st.integers(0, 60), st.binary(min_size=1, max_size=3))
def test_a_damaged_message_gets_an_answer_that_is_no_crash(body: Any, place: int, damage: bytes) -> None:  # noqa: ANN401 - any JSON
    octets = json.dumps(body).encode()
    for answer in _answered(octets[:place] + damage + octets[place + len(damage) :]):
        assert answer.get("error", {}).get("code") != -32603, answer


def _answered(body: bytes) -> list[Any]:
    """Ask twice on one connection, so that nothing is left hanging; the answers, one or those of a batch."""

    async def scene() -> list[Any]:
        async with Node(http=HttpLimits()) as node:
            client = await node.client()
            answer = await client.ask(body)
            assert answer.status == 200
            assert (await client.result("eth_chainId")) == "0x539"
            if not answer.body:
                return []
            return answer.json if isinstance(answer.json, list) else [answer.json]

    return run(scene())


@given(_VALUES)
def test_encoding_escapes_nothing_but_what_html_asks_for(value: Any) -> None:  # noqa: ANN401 - any JSON
    encoded = encode(value)
    assert not {b"<", b">", b"&"} & {encoded[index : index + 1] for index in range(len(encoded))}
    assert json.loads(encoded) == json.loads(json.dumps(value))
