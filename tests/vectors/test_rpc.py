"""JSON-RPC exchanges that others recorded on a chain of theirs, asked of our server on the same chain."""

import json
from typing import Any, Final

from tests.rpc.loop import Client, run
from tests.rpc.node import Clock
from tests.vectors.conftest import JudgeAll
from tests.vectors.recorded_chain import RecordedChain
from tests.vectors.tally import Case, shared_cases, shared_document
from txpool.core.events import EventRing
from txpool.core.pool import Pool
from txpool.core.settings import PoolSettings
from txpool.ingest.ingest import Ingest
from txpool.rpc.http import HttpServer
from txpool.rpc.http_service import FAREWELL, JsonRpcOverHttp
from txpool.rpc.registry import build_methods
from txpool.rpc.service import JsonRpc
from txpool.stores.heap import HeapStore

# Why some cannot be answered alike.
NO_EVM: Final = "needs an EVM: what the transactions did, which blocks they would make"
NO_STATE_ROOT: Final = "block 0 of ours has no state root, and so another hash"
NOT_OURS: Final = "a method of a full node, which a pool does not have"
NO_WITHDRAWALS: Final = "blocks of ours keep no withdrawals"
CODE_UNKNOWN: Final = "the record has the code's hash only"


METHOD_NOT_FOUND: Final = -32601
ENVELOPE: Final = frozenset(
    {"jsonrpc", "id", "result", "error", "pending", "queued", "oldestBlock", "baseFeePerGas", "gasUsedRatio", "reward"}
)


def test_recorded_exchanges(judge_shared: JudgeAll) -> None:
    answers = {case["id"]: answer for case, answer in _conversation()}

    judge_shared("rpc", lambda case: _judge(case, answers[case["id"]]))


def _conversation() -> list[tuple[Case, list[Any]]]:
    """Each case with what our server answers, in the order of the record."""
    document, cases = shared_document("rpc_chain"), shared_cases("rpc")
    answered: list[tuple[Case, list[Any]]] = []

    async def scene() -> None:
        chain, clock = RecordedChain(document), Clock()
        pool = Pool(PoolSettings(), chain.head(), HeapStore(1 << 30), EventRing(1024))
        ingest = Ingest(pool, chain.chain_id, chain, clock)
        rpc = JsonRpc(build_methods(pool, chain, "0.1.0"), ingest, clock.seconds)
        server = HttpServer(JsonRpcOverHttp(rpc), farewell=FAREWELL)
        client = await Client.to(await server.listen("127.0.0.1", 0))
        for case in cases:
            answers = [(await client.ask(json.dumps(asked))).json for asked, _ in case["exchange"]]
            answered.append((case, answers))
        await client.close()
        await server.stop(seconds=1)
        await ingest.drain()
        ingest.close()

    run(scene())
    return answered


def _judge(case: Case, answers: list[Any]) -> str | None:
    if case["needs"] == "execution":
        return NO_EVM
    for (asked, expected), answer in zip(case["exchange"], answers, strict=True):
        if answer.get("error", {}).get("code") == METHOD_NOT_FOUND:
            return NOT_OURS
        if case["speconly"]:
            assert _shape(answer) == _shape(expected), (asked, answer, expected)
        elif answer != expected:
            reason = _why_not(asked["method"], case["id"], expected["result"])
            assert reason, (asked, answer, expected)
            return reason
    return None


def _why_not(method: str, name: str, expected: Any) -> str | None:  # noqa: ANN401 - JSON
    if method == "eth_getTransactionReceipt":
        return NO_EVM
    if method == "eth_getCode" and expected.startswith("0xef0100"):
        return CODE_UNKNOWN
    if name.endswith("get-genesis"):
        return NO_STATE_ROOT
    if isinstance(expected, dict) and expected.get("withdrawals"):
        return NO_WITHDRAWALS
    return None


def _shape(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Names and kinds, without what they hold; of a list its first."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items() if key in ENVELOPE}
    return type(value).__name__
