"""Our daemon and a geth side by side: each step goes to both, then answers and pools are compared."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from tests.differential.geth_node import GethNode, running_geth
from tests.differential.peer import Json, Peer
from tests.differential.setting import Setting
from tests.running import running

# One step in the format of the recorded scenarios, without what came of it.
Step = dict[str, Any]

SETTLE_SECONDS: Final = 1.5  # geth promotes, demotes and cuts after its answer
PAUSE_SECONDS: Final = 0.003  # after what a run of geth's maintenance follows that may change nothing visible
ANSWER_MEMBERS: Final = frozenset({"i", "result", "error", "response", "status", "text"})
BLOCK_MEMBERS: Final = ("number", "baseFeePerGas", "gasLimit", "gasUsed", "transactions")


class Difference(NamedTuple):
    """Where the two part."""

    place: int  # of the step
    step: Step
    what: str
    ours: Json
    theirs: Json

    def __str__(self) -> str:
        where, ours, theirs = first_difference(self.ours, self.theirs)
        told = {name: value for name, value in self.step.items() if name in {"op", "tag", "method", "count", "depth"}}
        return f"step {self.place} {told}: {self.what}{where}\n    ours: {_short(ours)}\n    geth: {_short(theirs)}"


class View:
    """The pool and the accounts as both sides had them after the last step."""

    def __init__(self, owners: Sequence[str]) -> None:
        self.owners = owners
        self.pending: dict[str, dict[int, Json]] = {}
        self.queued: dict[str, dict[int, Json]] = {}
        self.pool_nonce: dict[str, int] = {}
        self.state_nonce: dict[str, int] = {}
        self.balance: dict[str, int] = {}
        self.head = 0

    def learn_pool(self, answers: Sequence[Json]) -> None:
        """Take in what `pool_queries` found."""
        content, _, *counts = answers
        self.pending, self.queued = (
            {
                address.lower(): {int(nonce): tx for nonce, tx in txs.items()}
                for address, txs in content["result"][part].items()
            }
            for part in ("pending", "queued")
        )
        for owner, count in zip(self.owners, counts, strict=True):
            self.pool_nonce[owner] = int(count["result"], 16)

    def learn_state(self, answers: Sequence[Json]) -> None:
        """Take in what `state_queries` found."""
        head, *accounts = [int(answer["result"], 16) for answer in answers]
        self.head = head
        self.state_nonce = dict(zip(self.owners, accounts[::2], strict=True))
        self.balance = dict(zip(self.owners, accounts[1::2], strict=True))

    def pool_queries(self) -> list[tuple[str, list[Json]]]:
        """What is compared after every step."""
        counts = [("eth_getTransactionCount", [owner, "pending"]) for owner in self.owners]
        return [("txpool_content", []), ("txpool_status", []), *counts]

    def state_queries(self) -> list[tuple[str, list[Json]]]:
        """What is compared after a new head."""
        of_each = ("eth_getTransactionCount", "eth_getBalance")
        accounts = [(method, [owner, "latest"]) for owner in self.owners for method in of_each]
        return [("eth_blockNumber", []), *accounts]


class Duel:
    """Both sides, from the same start."""

    def __init__(self, ours: Peer, theirs: GethNode, setting: Setting, *, patience: float = 1.0) -> None:
        self.view = View([owner.name for owner in setting.owners])
        self.geth = theirs
        self._ours = ours
        self._theirs = theirs.peer
        self._patience = patience
        self.played: list[Step] = []  # with geth's answers
        self._same_state()

    def play(self, step: Step) -> Difference | None:
        """Send one step to both; where they part, if they do."""
        step = {name: value for name, value in step.items() if name not in ANSWER_MEMBERS}
        self._result: dict[str, Json] = {}
        parted = self._head_change(step) if step["op"] in {"mine", "reorg"} else self._request(step)
        self.played.append({**step, "i": len(self.played)} | self._result)
        if parted is None:
            parted = self._compare_pools()
        if parted is None:
            return None
        return Difference(len(self.played) - 1, step, *parted)

    # --- steps

    def _request(self, step: Step) -> tuple[str, Json, Json] | None:
        body = request_body(step, len(self.played))
        (our_status, our_text), (status, text) = self._ours.post(body), self._theirs.post(body)
        ours, theirs = _answer(our_text), _answer(text)
        self._result = _result_members(step, status, theirs)
        if step.get("method") == "eth_sendRawTransaction" or step["op"] == "batch":
            time.sleep(PAUSE_SECONDS * self._patience)
        if (our_status, ours) == (status, theirs):
            return None
        return "answer", ours, theirs

    def _head_change(self, step: Step) -> tuple[str, Json, Json] | None:
        if step["op"] == "mine":
            count = step["count"]
            self._ours.call("dev_mine", count)
            self.geth.mine(count)
        elif depth := min(step["depth"], self.view.head - 1):
            count = depth + 1
            self._ours.call("dev_reorg", depth)
            self.geth.reorg(depth)
        else:
            return None  # in a shortened scenario the blocks to replace may be missing
        ours, theirs = (_newest_blocks(peer, count) for peer in (self._ours, self._theirs))
        self._result = {"result": theirs}
        if step["op"] == "reorg":
            self._result["depth"] = count - 1
        return ("blocks", ours, theirs) if ours != theirs else self._same_state()

    def _same_state(self) -> tuple[str, Json, Json] | None:
        queries = self.view.state_queries()
        ours, theirs = self._ours.ask(*queries), self._theirs.ask(*queries)
        if ours != theirs:
            return "state", _named(queries, ours), _named(queries, theirs)
        self.view.learn_state(ours)
        return None

    def _compare_pools(self) -> tuple[str, Json, Json] | None:
        """Compare the pools, geth's as often as it may still be at work."""
        queries = self.view.pool_queries()
        ours = self._ours.ask(*queries)
        end = time.monotonic() + SETTLE_SECONDS * self._patience
        while (theirs := self._theirs.ask(*queries)) != ours:
            if time.monotonic() > end:
                return "pool", _named(queries, ours), _named(queries, theirs)
            time.sleep(0.01)
        self.view.learn_pool(ours)
        return None


@contextmanager
def duel(geth: Path, setting: Setting, *, patience: float = 1.0) -> Iterator[Duel]:
    """Start both sides afresh; `patience` stretches the pauses that geth gets."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        genesis = Path(folder) / "genesis.json"
        genesis.write_text(json.dumps(setting.genesis()))
        node = stack.enter_context(running_geth(geth, setting.genesis(), setting.limits.flags()))
        options = ["--dev", "--dev-period", "0", "--genesis", str(genesis), "--set", "dev.initial_blocks=1"]
        for name, value in setting.limits.settings().items():
            options += ["--set", f"{name}={value}"]
        daemon = stack.enter_context(running(*options))
        ours = Peer(daemon.address)
        stack.callback(ours.close)
        yield Duel(ours, node, setting, patience=patience)


def replay(geth: Path, setting: Setting, steps: Sequence[Step], *, patience: float = 1.0) -> Difference | None:
    """Play steps on fresh sides; the first difference."""
    with duel(geth, setting, patience=patience) as sides:
        return next((parted for step in steps if (parted := sides.play(step))), None)


def request_body(step: Step, index: int) -> bytes:
    """The body of a step that is a request."""
    if step["op"] == "raw":
        return str(step["body"]).encode()
    if step["op"] == "batch":
        return json.dumps(step["body"]).encode()
    call = {"jsonrpc": "2.0", "id": index, "method": step["method"], "params": step["params"]}
    return json.dumps(call).encode()


def _answer(text: bytes) -> Json:
    try:
        answer = json.loads(text) if text else ""
    except ValueError:
        return text.decode(errors="replace")
    return sorted(answer, key=lambda each: str(each.get("id"))) if isinstance(answer, list) else answer


def _result_members(step: Step, status: int, answer: Json) -> dict[str, Json]:
    """What the format keeps of an answer."""
    if step["op"] == "batch":
        return {"response": answer}
    if step["op"] == "raw":
        return (
            {"status": status, "response": [answer]}
            if not isinstance(answer, str)
            else {"status": status, "text": answer}
        )
    return {name: answer[name] for name in ("result", "error") if name in answer}


def _newest_blocks(peer: Peer, count: int) -> Json:
    head = int(peer.call("eth_blockNumber"), 16)
    blocks = [peer.call("eth_getBlockByNumber", hex(head - back), False) for back in range(count - 1, -1, -1)]
    return {"head": hex(head), "blocks": [{name: block[name] for name in BLOCK_MEMBERS} for block in blocks]}


def _named(queries: Sequence[tuple[str, list[Json]]], answers: Sequence[Json]) -> Json:
    return {
        f"{method}{params or ''}": answer.get("result", answer)
        for (method, params), answer in zip(queries, answers, strict=True)
    }


def first_difference(ours: Json, theirs: Json, path: str = "") -> tuple[str, Json, Json]:
    """Where two JSON values part, for large answers."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            one, other = ours.get(name, "(absent)"), theirs.get(name, "(absent)")
            if one != other:
                return first_difference(one, other, f"{path}.{name}")
    if isinstance(ours, list) and isinstance(theirs, list):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            if one != other:
                return first_difference(one, other, f"{path}[{index}]")
    return path, ours, theirs


def _short(value: Json, length: int = 300) -> str:
    text = json.dumps(value)
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
