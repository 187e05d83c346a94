"""What became of a transaction, and what would become of one, for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple, cast

from txpool.client.errors import INVALID_PARAMS, RpcError
from txpool.client.hexadecimal import fault_of
from txpool.client.jsonrpc import Json, RpcClient, quantity
from txpool.client.table import table

CHECK_ITEMS: Final = 100  # as many as the server takes at a time

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


def check(rpc: RpcClient, numbered: Iterable[tuple[int, str]]) -> Iterator[list[Checked]]:
    """Try batch after batch; those of one batch as if handed in one after another."""
    rest = iter(numbered)
    while batch := list(islice(rest, CHECK_ITEMS)):
        faults = [fault_of(text) for _, text in batch]
        sound: list[Json] = [text for (_, text), fault in zip(batch, faults, strict=True) if fault is None]
        answers = iter(cast("list[Fields]", rpc.call("pool_check", sound)) if sound else ())
        yield [
            Checked(line, next(answers) if fault is None else _unread(fault))
            for (line, _), fault in zip(batch, faults, strict=True)
        ]


def _unread(fault: str) -> Fields:
    """What is told of a line that the server is not shown."""
    nothing: Fields = {"hash": None, "result": "refused", "place": None, "replaces": None}
    return {**nothing, "evicts": [], "promotes": [], "demotes": [], "error": {"code": INVALID_PARAMS, "message": fault}}


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
