"""What allocated much in the daemon, for people."""

from collections.abc import Sequence
from typing import Final, TypedDict, cast

from txpool.client.errors import RpcError
from txpool.client.jsonrpc import RpcClient
from txpool.client.table import table

FRAMES_SHOWN: Final = 3

Frame = tuple[str, str, int]  # function, file, line


class Stack(TypedDict):
    """What was allocated at one place, reached in one way; the outermost frame first."""

    count: int
    bytes: int
    how: str
    frames: Sequence[Frame]


class Group(TypedDict):
    """What one entry point led to."""

    entry: str
    count: int
    bytes: int
    stacks: Sequence[Stack]
    omitted: int


class Found(TypedDict):
    """All that was found."""

    records: int
    groups: Sequence[Group]


class Traced(TypedDict):
    """The answer to `pool_traceAlloc`."""

    seconds: float
    heldUpSeconds: float
    minBytes: int
    ended: str
    fileBytes: int
    found: Found


def trace(rpc: RpcClient, seconds: float, min_bytes: int) -> Traced:
    """Have the daemon trace its allocations.

    Raises:
        RpcError: it does not.
    """
    told = rpc.call("pool_traceAlloc", seconds, min_bytes)
    if not isinstance(told, dict):
        raise RpcError(0, f"the server answered {told!r}")
    return cast("Traced", told)


def describe_trace(traced: Traced) -> str:
    """Write a table, a row for each entry point, and how far it can be trusted."""
    groups = traced["found"]["groups"]
    early = "; ended early, the recording was full" if traced["ended"] == "full" else ""
    lines = [
        f"allocations of {traced['minBytes']} bytes and more in {traced['seconds']:.1f} s",
        f"looked at {traced['found']['records']} allocations and frees of any size{early}",
        f"beginning and ending held the daemon up for {traced['heldUpSeconds'] * 1e3:.1f} ms",
    ]
    if not groups:
        return "\n".join([*lines, "none is so large"])
    rows = [(group["entry"], group["count"], group["bytes"], top_stack(group)) for group in groups]
    return "\n".join([*lines, "", table(("entry point", "count", "bytes", "top stack, innermost first"), rows)])


def top_stack(group: Group) -> str:
    """The stack with the most bytes of a group, its innermost frames."""
    stack = group["stacks"][0]
    inner = [frame_name(frame) for frame in reversed(stack["frames"][-FRAMES_SHOWN:])]
    return " < ".join([f"{stack['how']} {stack['bytes']}", *inner])


def frame_name(frame: Frame) -> str:
    """A frame as people read it."""
    function, file, line = frame
    return f"{function} {file}:{line}"
