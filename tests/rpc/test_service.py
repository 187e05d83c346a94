"""The service for itself: methods that wait, methods that break."""

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.rpc.loop import run, until
from tests.rpc.node import call, text
from txpool.ingest.batch import CRASHED, Reply
from txpool.rpc.errors import RpcError
from txpool.rpc.held_calls import HeldCalls
from txpool.rpc.method import Method, Methods
from txpool.rpc.service import JsonRpc


class BrokenDoor:
    """Every transaction meets a bug."""

    def offer(self, _raw: bytes, reply: Reply) -> None:
        asyncio.get_running_loop().call_soon(reply, CRASHED)


class Slow:
    """A method that takes long by its own clock, and a note of the turns of the loop between."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def run(self) -> int:
        self.now += 1
        self.log.append("slow")
        return len(self.log)

    async def note_turns(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.log.append("turn")

    def rpc(self) -> JsonRpc:
        held = HeldCalls(lambda: False, lambda: self.now)
        return JsonRpc({"slow": Method(self.run)}, BrokenDoor(), clock=lambda: 0.0, held=held)


async def answers(methods: Methods, body: str) -> Any:  # noqa: ANN401 - whatever is answered
    """What a service with these methods answers."""
    answered = asyncio.get_running_loop().create_future()
    rpc = JsonRpc(methods, BrokenDoor(), clock=lambda: 0.0)
    rpc.handle(body.encode(), lambda answer, _status=200: answered.set_result(json.loads(answer)))
    return await answered


def late(outcome: object) -> Callable[[], Any]:
    async def run_method() -> object:
        await asyncio.sleep(0)
        return outcome

    return run_method


def breaks() -> None:
    raise RuntimeError("a bug")


async def breaks_late() -> None:
    await asyncio.sleep(0)
    breaks()


METHODS: Methods = {
    "late": Method(late("done"), waits=True),
    "late_refusal": Method(late(RpcError(-32000, "no", "0x00")), waits=True),
    "breaks": Method(breaks),
    "breaks_late": Method(breaks_late, waits=True),
    "quick": Method(lambda: "quick"),
}


def test_a_method_may_have_to_wait() -> None:
    assert run(answers(METHODS, json.dumps(call("late"))))["result"] == "done"
    refused = run(answers(METHODS, json.dumps(call("late_refusal"))))
    assert refused["error"] == {"code": -32000, "message": "no", "data": "0x00"}


@pytest.mark.parametrize("method", ["quick", "late"])
def test_json_is_made_by_what_knows_whose_work_it_is(method: str) -> None:
    made: list[tuple[str, object]] = []

    def encode(name: str, outcome: object) -> bytes:
        made.append((name, outcome))
        return b'"made"'

    async def story() -> bytes:
        answered = asyncio.get_running_loop().create_future()
        rpc = JsonRpc(METHODS, BrokenDoor(), clock=lambda: 0.0)
        rpc.encode = encode
        rpc.handle(json.dumps(call(method)).encode(), lambda answer, _status=200: answered.set_result(answer))
        return bytes(await answered)

    assert json.loads(run(story()))["result"] == "made"
    assert made == [(method, {"quick": "quick", "late": "done"}[method])]


def test_a_batch_goes_on_when_its_slow_calls_are_answered() -> None:
    got = run(answers(METHODS, text(call("quick"), call("late"), call("quick"), call("late"))))
    assert [answer["result"] for answer in got] == ["quick", "done", "quick", "done"]


@pytest.mark.parametrize("method", ["breaks", "breaks_late"])
def test_a_method_that_breaks_answers_so_and_leaves_a_trace(method: str, caplog: pytest.LogCaptureFixture) -> None:
    got = run(answers(METHODS, json.dumps(call(method))))
    assert got["error"] == {"code": -32603, "message": "method handler crashed"}
    assert "a bug" in caplog.text


def test_a_transaction_that_met_a_bug_is_answered_so() -> None:
    got = run(answers({}, json.dumps(call("eth_sendRawTransaction", "0x02"))))
    assert got["error"] == {"code": -32603, "message": "method handler crashed"}
    batch = run(answers({}, text(call("eth_sendRawTransaction", "0x02"), call("eth_sendRawTransaction", "0x03"))))
    assert [answer["error"]["code"] for answer in batch] == [-32603, -32603]


def unreadable() -> object:
    return object()


def test_an_answer_that_is_no_json_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    got = run(answers({"strange": Method(unreadable)}, text(call("strange"), call("strange"))))
    assert [each["error"]["code"] for each in got] == [-32603, -32603]
    assert "strange" in caplog.text


@pytest.mark.parametrize("together", [True, False], ids=["a batch", "many at once"])
def test_calls_that_take_long_leave_turns_of_the_loop_to_others_and_keep_their_order(together: bool) -> None:
    count = 5

    async def story() -> tuple[list[int], list[str]]:
        slow, told = Slow(), list[Any]()
        rpc = slow.rpc()
        calls = [call("slow", identity=number) for number in range(count)]
        noting = asyncio.create_task(slow.note_turns())
        await asyncio.sleep(0)  # it notes first in each turn from now on
        for body in [text(*calls)] if together else map(json.dumps, calls):
            rpc.handle(body.encode(), lambda answer, _status=200: told.append(json.loads(answer)))
        await until(lambda: len(told) == (1 if together else count))
        noting.cancel()
        return [each["id"] for each in (told[0] if together else told)], slow.log

    order, log = run(story())

    assert order == list(range(count))
    assert log.count("slow") == count
    assert ("slow", "slow") not in set(pairwise(log))


def test_so_many_calls_are_held_and_those_beyond_are_told_to_come_again() -> None:
    async def story() -> None:
        moving, told = True, list[tuple[Any, int]]()
        held = HeldCalls(lambda: moving, lambda: 0.0, waiting_max=2)
        rpc = JsonRpc(METHODS, BrokenDoor(), clock=lambda: 0.0, held=held)
        for number in range(3):
            body = json.dumps(call("quick", identity=number))
            rpc.handle(body.encode(), lambda answer, status=200: told.append((json.loads(answer), status)))
        ((refusal, status),) = told
        assert (refusal["id"], refusal["error"]["code"], status) == (2, -32005, 429)
        moving = False
        held.go_on()
        await until(lambda: len(told) == 3)
        assert not held.full
        assert [each["result"] for each, _ in told[1:]] == ["quick", "quick"]

    run(story())
