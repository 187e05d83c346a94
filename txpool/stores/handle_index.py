"""What opens a transaction: the objects of a store by their handles.

Cut into shards for the reason that the pool's index is (`core/shards.py`): growing one large dict stops the event loop.
The dicts of values that the collector does not track are not tracked either, and then nothing here is ever walked.
"""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from txpool.core.shards import SHARDS, SHRINK_FROM, SPARSE_SHARE
from txpool.core.store import StaleHandleError

V = TypeVar("V")

_SHARD_MASK: Final = SHARDS - 1


class HandleIndex(Generic[V]):
    """Values under handles that it gives out: 1, 2, 3 and so on, none of them twice.

    Attributes:
        high_water: the most there ever were.
    """

    __slots__ = ("_count", "_issued", "_peaks", "_shards", "high_water")

    def __init__(self) -> None:
        self._shards: list[dict[int, V]] = [{} for _ in range(SHARDS)]
        self._peaks = [0] * SHARDS
        self._issued = 0
        self._count = 0
        self.high_water = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, handle: int) -> bool:
        return handle in self._shards[handle & _SHARD_MASK]

    def __getitem__(self, handle: int) -> V:
        """The value. Raises StaleHandleError."""
        try:
            return self._shards[handle & _SHARD_MASK][handle]
        except KeyError:
            raise _stale(handle) from None

    def __iter__(self) -> Iterator[V]:
        for shard in self._shards:
            yield from shard.values()

    def add(self, value: V) -> int:
        """Keep a value and give it a handle."""
        self._issued = handle = self._issued + 1
        self._shards[handle & _SHARD_MASK][handle] = value
        self._count += 1
        if self._count > self.high_water:  # noqa: PLR1730  # max() costs a call
            self.high_water = self._count
        return handle

    def pop(self, handle: int) -> V:
        """Take the value out. Raises StaleHandleError.

        A sparse shard is rebuilt: dicts do not shrink by themselves.
        """
        number = handle & _SHARD_MASK
        shard = self._shards[number]
        held = len(shard)
        try:
            value = shard.pop(handle)
        except KeyError:
            raise _stale(handle) from None
        self._count -= 1
        peak = self._peaks[number]
        if held > peak:
            self._peaks[number] = held
        elif peak > SHRINK_FROM and held * SPARSE_SHARE <= peak:
            self._shards[number] = dict(shard.items())
            self._peaks[number] = held
        return value

    def clear(self) -> None:
        """Forget every value; handles that were given out stay stale."""
        for number in range(SHARDS):
            self._shards[number] = {}
        self._peaks = [0] * SHARDS
        self._count = 0

    def check(self) -> None:
        """Assert that counts and places are right. O(n)."""
        assert self._count == sum(map(len, self._shards)) <= self.high_water
        assert all(
            0 < handle <= self._issued and handle & _SHARD_MASK == number
            for number, shard in enumerate(self._shards)
            for handle in shard
        )


def _stale(handle: int) -> StaleHandleError:
    return StaleHandleError(f"handle {handle:#x} opens nothing")
