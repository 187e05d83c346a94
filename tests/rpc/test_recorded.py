"""What a real go-ethereum answered to malformed JSON-RPC and to odd arguments: asked again here, one by one.

The recorded scenarios as a whole are replayed against the daemon elsewhere; here are the steps that hang on no state.
"""

import gzip
import json
from collections import Counter
from typing import Any, Final

import pytest

from tests.outside import shared
from tests.rpc.loop import Client, run
from tests.rpc.node import Node
from txpool.rpc.envelope import parse

SEEDS: Final = range(1, 9)
BATCH_MAX: Final = 1000


def steps(seed: int) -> list[dict[str, Any]]:
    with gzip.open(shared(f"oracle/seed-{seed}.jsonl.gz"), "rt") as lines:
        return [json.loads(line) for line in lines][1:]


def _is_stateless(step: dict[str, Any]) -> bool:
    """Whether the answer depends neither on the pool nor on the accounts."""
    if step["op"] == "raw":
        return True
    code = step.get("error", {}).get("code")
    return step["op"] == "rpc" and (step["tag"].startswith(("args.", "rpc.")) and code != -32000) and code is not None


async def _ask(client: Client, step: dict[str, Any]) -> list[Any]:
    if step["op"] == "raw":
        answer = await client.ask(step["body"])
        assert answer.status == step["status"]
    else:
        request = {"jsonrpc": "2.0", "id": 1, "method": step["method"], "params": step["params"]}
        if step["params"] == "absent":
            del request["params"]
        answer = await client.ask(json.dumps(request))
    return [answer.json] if answer.body else []


@pytest.mark.parametrize("seed", SEEDS)
def test_recorded_answers_that_hang_on_no_state_are_ours(seed: int) -> None:
    asked: Counter[str] = Counter()

    async def scene() -> None:
        async with Node() as node:
            client = await node.client()
            for step in filter(_is_stateless, steps(seed)):
                expected = (
                    step["response"] if step["op"] == "raw" else [{"jsonrpc": "2.0", "id": 1, "error": step["error"]}]
                )
                assert await _ask(client, step) == expected, step
                asked[step["tag"].partition(".")[0]] += 1

    run(scene())
    assert asked["args"] + asked["rpc"] + asked["json"] > 0 or seed not in {1, 5}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_recorded_body_is_read_the_same_way_when_it_comes_with_white_space(seed: int) -> None:
    for step in steps(seed):
        if step["op"] == "batch":
            tight = parse(json.dumps(step["body"], separators=(",", ":")).encode(), BATCH_MAX)
            wide = parse(b"\n " + json.dumps(step["body"], indent=2).encode(), BATCH_MAX)
            assert _read(tight) == _read(wide)


def _read(parsed: Any) -> list[tuple[str, bytes, Any]]:  # noqa: ANN401 - what `parse` gives
    return [(call.method, bytes(call.id), json.loads(bytes(call.params))) for call in parsed.items]
