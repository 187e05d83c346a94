"""How the service is reduced and why, over JSON-RPC: asked for, or told as it happens.

A move is not of any transaction, so it has no place among the pool's events; it is told here, in the log and in the
metrics.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import msgspec

from txpool.rpc.envelope import encode
from txpool.rpc.message_log import LogCursor, TextLog
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, quantity
from txpool.rpc.subscriptions import Kinds, kind

MOVES_KEPT: Final = 64
BYTES_KEPT: Final = 64 * 1024


class Moved(msgspec.Struct, frozen=True):
    """From one way of going on to another.

    Attributes:
        time: nanoseconds since the epoch.
        of: `governor` or `memory`.
        before: how it was.
        after: how it is now.
        why: a sentence.
    """

    time: int
    of: str
    before: str
    after: str
    why: str


class GovernorStanding(msgspec.Struct, frozen=True):
    """How far the governor has gone: the step, of how many, its name, and the latency in seconds that it saw last."""

    enabled: bool
    step: int
    steps: int
    name: str
    latency: float | None


class MemoryStanding(msgspec.Struct, frozen=True):
    """How short of memory the process is: `none`, `soft` or `hard`, bytes held when that was looked at, and limits."""

    pressure: str
    held: int
    soft: int
    hard: int


class Stewards(Protocol):
    """Who decides."""

    def governor(self) -> GovernorStanding:
        """How far it has gone."""

    def memory(self) -> MemoryStanding:
        """How short of memory the process is."""


class GovernorNamespace:
    """`pool_governor`, and the subscription of that name.

    Args:
        tell_soon: has readers of subscriptions read on.
    """

    def __init__(self, tell_soon: Callable[[], None]) -> None:
        self.moves: deque[Moved] = deque(maxlen=MOVES_KEPT)
        self.stewards: Stewards | None = None
        self._log = TextLog(MOVES_KEPT, BYTES_KEPT)
        self._tell_soon = tell_soon

    def methods(self) -> Methods:
        """By name."""
        return {"pool_governor": Method(self._governor)}

    def kinds(self) -> Kinds:
        """What can be subscribed to."""
        return {("pool", "governor"): kind(partial(LogCursor, self._log))}

    def tell(self, moved: Moved) -> None:
        """Note a move, and tell who wants to know."""
        self.moves.append(moved)
        self._log.append(encode(_show_move(moved)))
        self._tell_soon()

    def _governor(self) -> Json | None:
        if self.stewards is None:
            return None
        governor, memory = self.stewards.governor(), self.stewards.memory()
        latency = governor.latency
        return {
            "enabled": governor.enabled,
            "step": quantity(governor.step),
            "steps": quantity(governor.steps),
            "name": governor.name,
            "latency": None if latency is None else quantity(round(latency * 1e9)),
            "memory": {
                "pressure": memory.pressure,
                "held": quantity(memory.held),
                "soft": quantity(memory.soft),
                "hard": quantity(memory.hard),
            },
            "moves": [_show_move(each) for each in self.moves],
        }


def _show_move(moved: Moved) -> Json:
    return {
        "time": quantity(moved.time),
        "of": moved.of,
        "from": moved.before,
        "to": moved.after,
        "why": moved.why,
    }
