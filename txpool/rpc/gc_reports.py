"""`pool_gcReports`: what held the process up, and who it was."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from txpool.rpc.arguments import Parameters, small_count
from txpool.rpc.method import Method, Methods

DEFAULT: Final = 16
MAX: Final = 1000

# The newest reports, up to so many, newest first. Their fields are the answer's.
Newest = Callable[[int], Sequence[msgspec.Struct]]


class GcReports:
    """The reports that are kept."""

    def __init__(self, newest: Newest) -> None:
        self._newest = newest

    def methods(self) -> Methods:
        """By name, for everybody."""
        return {"pool_gcReports": Method(self._reports, Parameters(small_count, required=0))}

    def _reports(self, count: int | None) -> Sequence[msgspec.Struct]:
        return self._newest(DEFAULT if count is None else min(count, MAX))
