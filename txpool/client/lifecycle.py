"""What became of a transaction, and what would become of one, for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

from txpool.client.errors import RpcError
from txpool.client.input_lines import Line, answered
from txpool.client.jsonrpc import Json, RpcClient, quantity
from txpool.client.table import table

Fields = Mapping[str, Json]


# --- explain


def describe_explanation(told: Fields) -> str:
    """Write a transaction's life."""
    lines = [f"{told['hash']}  {told['stage']}", f"sender  {told['sender']}", f"nonce   {_number(told['nonce'])}"]
    if "blockNumber" in told:
        lines.append(f"block   {_number(told['blockNumber'])}  {told['blockHash']}")
    waits = told.get("waitsFor")
    if isinstance(waits, dict):
        lines.append(f"now     {waits['sentence']}")
    steps = cast("Sequence[Fields]", told["steps"])
    if not told["complete"]:
        lines.append("before  earlier steps are forgotten: the server keeps the newest events only")
    if steps:
        lines += ["", table(("time", "head", "step", "why", "other"), map(_step_row, steps))]
    return "\n".join(lines)


def _step_row(step: Fields) -> tuple[str, str, str, str, str]:
    other = step["counterpart"]
    return (
        format_time(quantity(step["time"])),
        _number(step["head"]),
        str(step["kind"]),
        str(step["sentence"]),
        "" if other is None else str(other),
    )


def format_time(nanoseconds: int) -> str:
    """A point in time to the millisecond, UTC."""
    moment = datetime.fromtimestamp(nanoseconds // 1_000_000 / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _number(value: Json) -> str:
    return str(quantity(value))


# --- check


class Checked(NamedTuple):
    """What would become of one line of input."""

    line: int
    told: Fields

    @property
    def accepted(self) -> bool:
        """Whether the pool would take it."""
        return self.told["result"] == "accepted"

    @property
    def message(self) -> str | None:
        """Why it would not."""
        error = self.told["error"]
        return str(error["message"]) if isinstance(error, dict) else None


def check(rpc: RpcClient, batches: Iterable[Sequence[Line]]) -> Iterator[list[Checked]]:
    """Try batch after batch; those of one batch as if handed in one after another."""

    def try_out(texts: list[str]) -> list[Fields]:
        sound: list[Json] = [*texts]
        return cast("list[Fields]", rpc.call("pool_check", sound))

    for batch in answered(batches, try_out):
        yield [Checked(line, _unread(told) if isinstance(told, RpcError) else told) for line, told in batch]


def _unread(fault: RpcError) -> Fields:
    """What is told of a line that the server is not shown."""
    nothing: Fields = {"hash": None, "result": "refused", "place": None, "replaces": None}
    return {**nothing, "evicts": [], "promotes": [], "demotes": [], "error": fault.to_json()}


def describe_check(checked: Sequence[Checked]) -> str:
    """Write outcomes, a table."""
    rows = [(each.line, _outcome(each), each.told["hash"] or "", _consequence(each)) for each in checked]
    return table(("line", "outcome", "hash", "and then"), rows)


def _outcome(checked: Checked) -> str:
    if not checked.accepted:
        return "refused"
    return str(checked.told["place"] or "dropped at once")


def _consequence(checked: Checked) -> str:
    """What else would happen, or why it would be refused."""
    told = checked.told
    parts = [] if checked.message is None else [checked.message]
    if told["replaces"]:
        parts.append(f"replaces {told['replaces']}")
    parts += [f"evicts {each['hash']} ({each['reason']})" for each in cast("Sequence[Fields]", told["evicts"])]
    for word, member in (("promotes", "promotes"), ("sends back to the queue", "demotes")):
        if count := len(cast("Sequence[Json]", told[member])):
            parts.append(f"{word} {count}")
    return "; ".join(parts)


# --- remove


def remove(rpc: RpcClient, named: str) -> list[str]:
    """Have the pool let go of a transaction or of all of a sender; the hashes that left."""
    removed = rpc.call("pool_remove", named)
    if not isinstance(removed, list):
        raise RpcError(0, f"the server answered {removed!r}")
    return [str(each) for each in removed]
