"""Every transaction that recorded conversations with a real geth sent: what needs no state is refused in its words."""

import gzip
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.outside import shared
from tests.vectors.conftest import conclude
from tests.vectors.tally import Case, Tally, number, raw
from txpool.core.candidate import recovered
from txpool.core.head import Head
from txpool.core.rejection import SENTENCE, Reason, Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.stateless import stateless_fault
from txpool.core.tx import BLOB, Tx, decode

CHAIN_ID: Final = 1337
EARLIER: Final = ("tx fee (", "only replay-protected", "already known")  # what geth tests before
EARLIER_FAULT: Final = "refused at the RPC server's gate or as known, before these checks"
LATER_BLOB_RULES: Final = "a blob transaction whose signature is fine: judged by the rules for blobs"


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_geth_refused_without_looking_at_state_is_refused_in_its_words(
    seed: int, request: pytest.FixtureRequest
) -> None:
    meta, cases = _conversation(seed)
    head = _head(meta)
    settings = PoolSettings(price_limit=meta["pool"]["pricelimit"])
    tally = Tally(f"seed-{seed}", "oracle")

    tally.judge(cases, lambda case: _judge(case, head, settings))

    conclude(request.config, tally)


def _judge(case: Case, head: Head, settings: PoolSettings) -> str | None:
    geth: str = case["error"]
    tx = decode(case["raw"])
    if isinstance(tx, Rejected):
        assert str(tx) == geth
        return None
    if geth.startswith(EARLIER):
        return EARLIER_FAULT
    fault = _fault(tx, head, settings)
    if tx.type == BLOB and fault is None:
        return LATER_BLOB_RULES
    if fault is None:
        assert not geth.startswith(_OPENINGS), geth
        assert geth != str(Rejected(Reason.VALUE_TOO_WIDE))
    else:
        assert str(fault) == geth
    return None


def _fault(tx: Tx, head: Head, settings: PoolSettings) -> Rejected | None:
    candidate = recovered(tx, CHAIN_ID, arrival=0)
    if tx.type == BLOB:
        return candidate.sender if isinstance(candidate.sender, Rejected) else None
    return stateless_fault(candidate, head, settings)


def _openings() -> tuple[str, ...]:
    """How the sentences begin that only these checks give."""
    names = list(Reason)
    first, last = names.index(Reason.TYPE_BEFORE_FORK), names.index(Reason.NO_AUTHORIZATIONS)
    reasons = (Reason.UNDECODABLE, Reason.VALUE_TOO_WIDE)
    openings = (SENTENCE[reason].partition("{")[0] for reason in names[first : last + 1] if reason not in reasons)
    return ("rlp: ", "typed transaction", *openings)


_OPENINGS: Final = _openings()


def _conversation(seed: int) -> tuple[dict[str, Any], list[Case]]:
    with gzip.open(shared(f"oracle/seed-{seed}.jsonl.gz"), "rt") as lines:
        meta, *steps = [json.loads(line) for line in lines]
    return meta, list(_submissions(steps))


def _submissions(steps: list[dict[str, Any]]) -> Iterator[Case]:
    """Yield each transaction sent, alone or in a batch, with the words it was refused with, if it was."""
    for step in steps:
        if step["op"] == "rpc":
            yield from _submission(step, step, f"{step['i']} {step['tag']}")
        elif step["op"] == "batch":
            answers = {answer["id"]: answer for answer in step["response"]}
            for call in step["body"]:
                yield from _submission(call, answers[call["id"]], f"{step['i']} {step['tag']} {call['id']}")


def _submission(call: dict[str, Any], answer: dict[str, Any], name: str) -> Iterator[Case]:
    error = answer.get("error", {})
    if call.get("method") == "eth_sendRawTransaction" and error.get("code", -32000) == -32000:
        yield {"id": name, "raw": raw(call["params"][0][2:]), "error": error.get("message", "")}


def _head(meta: dict[str, Any]) -> Head:
    head = meta["head"]
    return Head(
        number=number(head["number"]),
        hash=raw(head["hash"]),
        parent_hash=raw(head["parentHash"]),
        time=number(head["timestamp"]),
        gas_limit=number(head["gasLimit"]),
        base_fee=number(head["baseFeePerGas"]),
        next_base_fee=number(head["next_base_fee"]),
        blob_base_fee=number(head["next_blob_base_fee"]),
        fork=Fork.BPO2,
    )
