"""The arguments and answers of `pool_traceAlloc`; what it finds is tested on a daemon."""

import asyncio

import pytest

from txpool.rpc.arguments import Fault
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.pool_trace import PoolTrace


class Tracer:
    """Traces nothing; keeps what it was asked for."""

    def __init__(self, answer: object) -> None:
        self.asked: list[tuple[float, int]] = []
        self._answer = answer

    async def trace(self, seconds: float, min_bytes: int) -> object:
        self.asked.append((seconds, min_bytes))
        return self._answer


def call(tracer: Tracer, params: bytes) -> object:
    method = PoolTrace(tracer).private()["pool_traceAlloc"]
    arguments = method.parameters.read(params)
    if isinstance(arguments, RpcError):
        return arguments
    answer: object = asyncio.run(method.run(*arguments))
    return answer


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        (b"", (10.0, 32_768)),
        (b"[2]", (2.0, 32_768)),
        (b"[0.5, 65536]", (0.5, 65_536)),
        (b'[60, "0x400"]', (60.0, 1024)),
    ],
)
def test_it_traces_for_so_long_from_that_size_on(params: bytes, asked: tuple[float, int]) -> None:
    tracer = Tracer({"found": 1})

    assert call(tracer, params) == {"found": 1}
    assert tracer.asked == [asked]


@pytest.mark.parametrize("params", [b"[0]", b"[61]", b'["1"]', b"[true]", b"[1, 1023]", b"[1, -1]", b"[1, 2048, 3]"])
def test_what_makes_no_sense_is_refused(params: bytes) -> None:
    tracer = Tracer(Fault("not reached"))

    assert isinstance(call(tracer, params), RpcError)
    assert tracer.asked == []


def test_why_there_is_no_trace_is_the_error() -> None:
    assert call(Tracer("a trace is running"), b"") == refused("a trace is running")
