"""`miner_setGasPrice`: the pool's least tip, set while it runs, by the operator alone; name and shape are geth's."""

from collections.abc import Callable

from txpool.core.steps import Steps
from txpool.rpc.arguments import Parameters, big
from txpool.rpc.method import Method, Methods
from txpool.rpc.slices import Slices


class PriceFloor:
    """The method.

    Args:
        set_floor: given a tip, wei a gas, the steps in which the pool obeys and it is told what happened.
        slices: takes these steps.
    """

    def __init__(self, set_floor: Callable[[int], Steps[None]], slices: Slices) -> None:
        self._set_floor = set_floor
        self._slices = slices

    def private(self) -> Methods:
        """By name, for the operator alone."""
        return {"miner_setGasPrice": Method(self._set, Parameters(big), waits=True)}

    async def _set(self, tip: int) -> bool:
        """Answered when what pays less has left."""
        await self._slices.run(self._set_floor(tip))
        return True
