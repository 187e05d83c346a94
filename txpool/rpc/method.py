"""A method of the RPC server: what it takes, and what answers it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from txpool.rpc.arguments import Parameters

Run = Callable[..., Any]  # takes what the parameters read; returns what JSON can say, or an RpcError

WAITING_MAX: Final = 1024


class Method(msgspec.Struct, frozen=True):
    """One method.

    Attributes:
        run: called with the arguments; its answer is the result, or an `RpcError`.
        parameters: how the arguments are read.
        waits: `run` gives an awaitable instead of the answer, for what has to be fetched.
        waiting_max: how many calls of it may wait at once over one kind of carrier; beyond, it is to be tried again.
    """

    run: Run
    parameters: Parameters = Parameters()
    waits: bool = False
    waiting_max: int = WAITING_MAX


Methods = Mapping[str, Method]
