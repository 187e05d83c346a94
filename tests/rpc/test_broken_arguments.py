"""Arguments made to break their reader cost their own call: not its connection, its batch, or anybody's long answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rpc.loop import run, until
from tests.rpc.node import BOB, Node, call, send, transfer
from tests.rpc.plain_ipc import PlainIpc
from tests.rpc.plain_ws import PlainWebSocket
from tests.rpc.test_head_in_slices import ONE_STEP, filled
from tests.rpc.test_subscriptions import connect, fill
from tests.running import Daemon, running
from txpool.rpc.arguments import Fault, Parameters, percentiles, plain_uint64
from txpool.rpc.errors import NON_ARRAY

COUNT = 24
INVALID_PARAMS = -32602
BAD_TEXT = b"\xff"
TOO_LONG = b"9" * 5000  # digits, more than Python reads
BAD = b'{"jsonrpc":"2.0","id":9,"method":"eth_chainId","params":["' + BAD_TEXT + b'",' + TOO_LONG + b"]}"


class Caller:
    """Asks over one of the carriers."""

    def __init__(self, daemon: Daemon, carrier: str) -> None:
        self._daemon = daemon
        self._peer = None if carrier == "http" else connect(daemon, carrier)

    def ask(self, body: bytes) -> Any:  # noqa: ANN401 - whatever the server says
        if self._peer is None:
            return json.loads(self._daemon.post(body)[1])
        if isinstance(self._peer, PlainWebSocket):
            self._peer.send_frame(body)
        else:
            self._peer.send(body)
        return self._peer.read()

    def close(self) -> None:
        if isinstance(self._peer, PlainIpc | PlainWebSocket):
            self._peer.__exit__()


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running("--dev", "--dev-period", "0") as daemon:
        fill(daemon, COUNT)
        yield daemon


@pytest.fixture(params=["http", "ws", "ipc"])
def caller(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[Caller]:
    caller = Caller(daemon, request.param)
    yield caller
    caller.close()


def batch(*calls: bytes) -> bytes:
    return b"[" + b",".join(calls) + b"]"


def encoded(each: dict[str, Any]) -> bytes:
    return json.dumps(each).encode()


def all_is_well(caller: Caller) -> bool:
    """Whether long answers are made, of single calls and of batches."""
    long = encoded(call("txpool_content"))
    whole, (gathered,) = caller.ask(long), caller.ask(batch(long))
    return sum(map(len, whole["result"]["pending"].values())) >= COUNT and gathered == whole


def test_a_call_is_told_and_its_connection_goes_on(caller: Caller) -> None:
    assert caller.ask(BAD)["error"]["code"] == INVALID_PARAMS
    assert all_is_well(caller)


def test_a_batch_goes_on_behind_a_transaction(caller: Caller) -> None:
    sent, told = caller.ask(batch(encoded(send(transfer(BOB))), BAD))
    assert "result" in sent or sent["error"]["message"] == "already known"
    assert told["error"]["code"] == INVALID_PARAMS
    assert all_is_well(caller)


def test_a_batch_goes_on_behind_a_long_answer(caller: Caller) -> None:
    long, told = caller.ask(batch(encoded(call("txpool_content")), BAD))
    assert len(long["result"]["pending"]) >= 1
    assert told["error"]["code"] == INVALID_PARAMS
    assert all_is_well(caller)


def test_a_transaction_that_cannot_be_read_is_told_so(caller: Caller) -> None:
    told = caller.ask(BAD.replace(b"eth_chainId", b"eth_sendRawTransaction"))
    assert told["error"]["code"] == INVALID_PARAMS
    assert all_is_well(caller)


def test_a_call_that_waited_for_the_head_holds_up_nobody_behind_it() -> None:
    async def story() -> None:
        async with Node(slice_s=ONE_STEP) as node:
            await filled(node)
            told: list[bytes] = []
            mined = node.slices.run(node.chain.mine_in_steps())
            await until(lambda: node.chain.moving)
            for body in (BAD, encoded(call("eth_blockNumber"))):
                node.rpc.handle(body, lambda answer, _status=200: told.append(bytes(answer)))
            assert told == []
            await until(lambda: len(told) == 2 and mined.done())
            assert [json.loads(each).get("result") for each in told] == [None, "0x2"]

    run(story())


# --- the readers


def test_what_no_reader_expects_is_read_as_far_as_it_can_be() -> None:
    anything = Parameters(lambda value: value)
    assert anything.read(b'["' + BAD_TEXT + b'"]') == ["\ufffd"]
    assert anything.read(b'["' + BAD_TEXT + b'",' + TOO_LONG + b"]") != NON_ARRAY
    assert anything.read(b"[" + TOO_LONG + b"]") == [float("inf")]
    assert anything.read(b"[-" + TOO_LONG + b"]") == [float("-inf")]
    assert anything.read(b'["' + BAD_TEXT + b'"') == NON_ARRAY
    assert anything.read(b'["' + BAD_TEXT + b'",' + b"[" * 100_000 + b"]" * 100_000 + b"]") == NON_ARRAY


@pytest.mark.parametrize("number", [10**400, float("inf"), float("-inf")], ids=["long", "over", "under"])
def test_numbers_beyond_all_floats_are_refused(number: float) -> None:
    why = "json: cannot unmarshal number into Go value of type "
    assert percentiles([1, number]) == Fault(why + "float64")
    assert plain_uint64(number) == Fault(why + "uint64")
