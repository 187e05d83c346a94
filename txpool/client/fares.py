"""How a server fares, for people: whether it does less than it could, and why."""

import time
from typing import Final

from txpool.client.jsonrpc import Json, quantity

_MEMORY: Final = {
    "soft": "above the soft limit, the pool grows no further",
    "hard": "above the hard limit, nothing new is taken",
}


def describe_fares(told: Json) -> list[str]:
    """A line for the governor, where it is on, and one for memory, where it is short. None from another server."""
    if not isinstance(told, dict):
        return []
    lines = [_governor(told)] if told["enabled"] else []
    memory = told["memory"]
    assert isinstance(memory, dict)
    if words := _MEMORY.get(str(memory["pressure"])):
        lines.append(f"memory    {words}{_reason(told, 'memory')}")
    return lines


def _governor(told: dict[str, Json]) -> str:
    step = quantity(told["step"])
    if not step:
        return "governor  full service"
    name = str(told["name"]).replace("_", " ")
    return f"governor  step {step} of {quantity(told['steps'])}, {name}{_reason(told, 'governor')}"


def _reason(told: dict[str, Json], of: str) -> str:
    """Why it moved there, and how long ago."""
    moves = told["moves"]
    assert isinstance(moves, list)
    found = [each for each in moves if isinstance(each, dict) and each["of"] == of]
    if not found:
        return ""
    ago_s = max(0, round(time.time() - quantity(found[-1]["time"]) / 1e9))
    return f": {found[-1]['why']}; {ago_s} s ago"
