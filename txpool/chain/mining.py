"""When the dev chain mines: on demand, at intervals, or as soon as something is pending."""

from typing import Final, Literal

import msgspec

AUTO: Final = "auto"
GATHER_S: Final = 0.02


class MiningPolicy(msgspec.Struct, frozen=True):
    """When the next block is due. It holds no time of its own: the clock is an argument, in seconds.

    Attributes:
        period: seconds between blocks; 0 mines on demand only, `auto` when something is pending.
        gather_s: with `auto`, how long the first one waits for others, so that a burst becomes one block.
    """

    period: float | Literal["auto"] = AUTO
    gather_s: float = GATHER_S

    def wait_s(self, *, now: float, last_block: float, pending_since: float | None) -> float | None:
        """Seconds to the next block, 0 when it is due.

        Args:
            now: the clock.
            last_block: when it showed the last block, or the start.
            pending_since: when it showed the first transaction that no block has been tried for; None without one.

        Returns:
            None when no block is due before something happens.
        """
        if self.period == AUTO:
            return None if pending_since is None else max(0.0, pending_since + self.gather_s - now)
        return max(0.0, last_block + self.period - now) if self.period else None
