"""How short of memory the process is, with hysteresis; told a number of bytes now and then, and nothing else."""

from enum import IntEnum
from typing import Final

_MARGIN: Final = 16  # a limit is left behind a sixteenth below it


class Pressure(IntEnum):
    """How short of memory the process is."""

    NONE = 0
    SOFT = 1
    HARD = 2


class MemoryLimit:
    """Two limits on resident bytes; 0 is none.

    The soft one is reached at its number and left a sixteenth below it. The hard one is reached at its number and left
    below the soft one (where there is none, a sixteenth below itself).
    """

    def __init__(self, soft_bytes: int, hard_bytes: int) -> None:
        self.soft_bytes = soft_bytes
        self.hard_bytes = hard_bytes
        self.pressure = Pressure.NONE

    @property
    def is_set(self) -> bool:
        """Whether there is a limit at all."""
        return bool(self.soft_bytes or self.hard_bytes)

    def observe(self, resident: int) -> Pressure:
        """Take the resident bytes of now; how short of memory the process is from now on."""
        soft, hard = self.soft_bytes, self.hard_bytes
        if hard and (resident >= hard or (self.pressure is Pressure.HARD and resident >= (soft or _below(hard)))):
            self.pressure = Pressure.HARD
        elif soft and (resident >= soft or (self.pressure is not Pressure.NONE and resident >= _below(soft))):
            self.pressure = Pressure.SOFT
        else:
            self.pressure = Pressure.NONE
        return self.pressure


def _below(limit: int) -> int:
    return limit - limit // _MARGIN
