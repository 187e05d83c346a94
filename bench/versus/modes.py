"""The ways in which both nodes are loaded."""

from typing import Final

import msgspec

from loadtest.scenario import Load, Stage

OPEN_RATE: Final = 2000


class Mode(msgspec.Struct, frozen=True):
    """A way to send the corpus. `part` is how much of it is sent: slow ways take a smaller part."""

    name: str
    load: Load
    part: float = 1.0

    def transactions(self, whole: int) -> int:
        """How many of a corpus of `whole` transactions it sends."""
        if self.load.loop == "open":
            return min(whole, round(sum(stage.transactions for stage in self.load.stages) * 1.1) + 100)
        return max(round(whole * self.part), self.load.batch)


def _closed(connections: int, batch: int = 1, transport: str = "http") -> Load:
    return msgspec.convert({"loop": "closed", "connections": connections, "batch": batch, "transport": transport}, Load)


def modes(open_seconds: float) -> list[Mode]:
    """All of them."""
    paced = Load(connections=64, warmup_seconds=min(2, open_seconds / 4), stages=(Stage(open_seconds, OPEN_RATE),))
    return [
        Mode("http-1", _closed(1), part=0.4),
        Mode("http-64", _closed(64)),
        Mode("batch100-1", _closed(1, 100)),
        Mode("batch100-4", _closed(4, 100)),
        Mode("ws-16", _closed(16, transport="websocket")),
        Mode("ipc-64", _closed(64, transport="unix")),
        Mode(f"open-{OPEN_RATE}", paced),
    ]
