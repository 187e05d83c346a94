"""Tracing large allocations of the process, for the operator alone."""

from collections.abc import Awaitable
from typing import Any, Final, Protocol

from txpool.rpc.arguments import Fault, Parameters, small_count
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.method import Method, Methods

SECONDS_DEFAULT: Final = 10.0
SECONDS_MAX: Final = 60.0
MIN_BYTES_DEFAULT: Final = 32_768
MIN_BYTES_LEAST: Final = 1024  # what is smaller may come from Python's own allocator, which is not watched


class Tracer(Protocol):
    """Records allocations; an `AllocationTracer`."""

    def trace(self, seconds: float, min_bytes: int) -> Awaitable[Any]:
        """Record for so long; what was found, or, in words, why there is nothing."""


class PoolTrace:
    """The method `pool_traceAlloc`."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def private(self) -> Methods:
        """By name, for the operator alone."""
        return {"pool_traceAlloc": Method(self._trace, Parameters(some_seconds, least_bytes, required=0), waits=True)}

    async def _trace(self, seconds: float | None, min_bytes: int | None) -> object | RpcError:
        found = await self._tracer.trace(seconds or SECONDS_DEFAULT, min_bytes or MIN_BYTES_DEFAULT)
        return refused(found) if isinstance(found, str) else found


def some_seconds(value: object) -> float | Fault:
    """How long, as a JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= SECONDS_MAX:
        return Fault(f"a trace takes more than 0 and up to {SECONDS_MAX:g} seconds")
    return float(value)


def least_bytes(value: object) -> int | Fault:
    """The smallest size, as a JSON number or as a quantity."""
    read = small_count(value)
    if isinstance(read, int) and read < MIN_BYTES_LEAST:
        return Fault(f"allocations below {MIN_BYTES_LEAST} bytes are not traced")
    return read
