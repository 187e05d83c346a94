"""Dicts of bytes to plain values, cut into shards so that no growth is felt.

One dict of half a million entries stops the event loop for 30 ms when it grows; 256 of them, one at a time, for a tenth
of a millisecond. Keys are hashes or addresses, so their last byte spreads well; whoever grinds it gains a shard that is
a little fuller. The shard is that byte, so it is not kept in the key: 31 bytes of a hash take 16 less than 32 would.
Keys and values must be atoms (bytes, ints, structs with `gc=False`): then no shard is ever tracked by
the cyclic collector.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar

V = TypeVar("V")

SHARDS: Final = 256
SHRINK_FROM: Final = 64  # below this peak a shard's table is not worth rebuilding
SPARSE_SHARE: Final = 4  # a shard is rebuilt when it holds no more than one in so many of its peak


class Shards(Generic[V]):
    """A map from bytes keys; the part of the dict protocol that the pool needs, O(1) each."""

    __slots__ = ("_count", "_peaks", "_shards")

    def __init__(self) -> None:
        self._shards: list[dict[bytes, V]] = [{} for _ in range(SHARDS)]
        self._peaks = [0] * SHARDS
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: bytes) -> bool:
        return key[:-1] in self._shards[key[-1]]

    def __iter__(self) -> Iterator[bytes]:
        for number in range(SHARDS):
            yield from (key for key, _ in self.items(number))

    def shard(self, number: int) -> Mapping[bytes, V]:
        """The part of the map whose keys end in this byte; not to be changed."""
        return self._shards[number]

    def items(self, number: int) -> Iterator[tuple[bytes, V]]:
        """The same part, with whole keys; it must not change meanwhile."""
        last = bytes((number,))
        return ((key + last, value) for key, value in self.shard(number).items())

    def values(self) -> Iterator[V]:
        """All values, shard by shard, in order of insertion within each."""
        for shard in self._shards:
            yield from shard.values()

    def get(self, key: bytes) -> V | None:
        """The value under the key, or None."""
        return self._shards[key[-1]].get(key[:-1])

    def __getitem__(self, key: bytes) -> V:
        return self._shards[key[-1]][key[:-1]]

    def insert(self, key: bytes, value: V) -> None:
        """Add a key that is not there yet."""
        shard = self._shards[key[-1]]
        rest = key[:-1]
        assert rest not in shard, key.hex()
        shard[rest] = value
        self._count += 1

    def remove(self, key: bytes) -> V:
        """Take the key out. A sparse shard is rebuilt: dicts do not shrink by themselves."""
        number = key[-1]
        shard = self._shards[number]
        held = len(shard)
        value = shard.pop(key[:-1])
        self._count -= 1
        peak = self._peaks[number]
        if held > peak:
            self._peaks[number] = held
        elif peak > SHRINK_FROM and held * SPARSE_SHARE <= peak:
            self._shards[number] = dict(shard.items())
            self._peaks[number] = held
        return value
