"""Filters: streams that a client without a lasting connection asks for again and again."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from txpool.rpc import errors
from txpool.rpc.arguments import Parameters, boolean, rpc_id
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.message_log import LogCursor
from txpool.rpc.method import Method, Methods
from txpool.rpc.streams import Streams
from txpool.rpc.subscriptions import new_id

NOT_FOUND: Final = refused("filter not found")


class FilterLimits(msgspec.Struct, frozen=True):
    """How many filters there may be, and for how long one is kept that nobody asks for."""

    count_max: int = 4096
    idle_seconds: float = 300.0


class Filter:
    """A place in a stream, and when it was asked for last."""

    __slots__ = ("asked", "cursor")

    def __init__(self, cursor: LogCursor, asked: float) -> None:
        self.cursor = cursor
        self.asked = asked


class Filters:
    """All filters, least lately asked for first.

    Args:
        streams: what they read.
        clock: seconds.
        limits: bounds.
    """

    def __init__(self, streams: Streams, clock: Callable[[], float], limits: FilterLimits | None = None) -> None:
        self.limits = limits or FilterLimits()
        self._streams = streams
        self._clock = clock
        self._filters: dict[str, Filter] = {}

    def __len__(self) -> int:
        """How many there are, those that nobody asks for any more included."""
        return len(self._filters)

    def methods(self) -> Methods:
        """By name."""
        return {
            "eth_getFilterChanges": Method(self._changes, Parameters(rpc_id)),
            "eth_newBlockFilter": Method(lambda: self._open(self._streams.new_blocks())),
            "eth_newPendingTransactionFilter": Method(self._pending, Parameters(boolean, required=0)),
            "eth_uninstallFilter": Method(self._uninstall, Parameters(rpc_id)),
        }

    def _pending(self, full: bool | None) -> str | RpcError:  # noqa: FBT001 - the client's own argument
        return self._open(self._streams.pending(full))

    def _open(self, cursor: LogCursor | RpcError) -> str | RpcError:
        self._sweep()
        if isinstance(cursor, RpcError):
            return cursor
        if len(self._filters) >= self.limits.count_max:
            cursor.close()
            return RpcError(errors.LIMIT_EXCEEDED, f"too many filters: {len(self._filters)}")
        identity = new_id()
        self._filters[identity] = Filter(cursor, self._clock())
        return identity

    def _changes(self, identity: str) -> Sequence[msgspec.Raw] | RpcError:
        """What came since it was asked last. One that was not asked for too long, or too much came since, is gone."""
        self._sweep()
        found = self._filters.pop(identity, None)
        if found is None:
            return NOT_FOUND
        changes = found.cursor.take(self._streams.limits.messages_max)
        if changes is None:
            found.cursor.close()
            return NOT_FOUND
        found.asked = self._clock()
        self._filters[identity] = found  # behind all others
        return [msgspec.Raw(each) for each in changes]

    def _uninstall(self, identity: str) -> bool:
        found = self._filters.pop(identity, None)
        if found is not None:
            found.cursor.close()
        return found is not None

    def _sweep(self) -> None:
        """Let go of those that nobody asks for any more."""
        latest = self._clock() - self.limits.idle_seconds
        while self._filters:
            identity = next(iter(self._filters))
            if self._filters[identity].asked >= latest:
                return
            self._uninstall(identity)
