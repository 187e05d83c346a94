"""Copy on write over the pool's containers: reads go through to what lies below, writes stay on top.

Whoever works on these leaves the pool as it was, and pays for what is touched, not for what is there. What lies below
must hold still as long as the layers are used.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final, Self, TypeVar

import msgspec

from txpool.core.shards import SHARDS, Shards

V = TypeVar("V")

_ATOMS: Final = (int, float, bytes, str, type(None))


def own(value: Any) -> Any:  # noqa: ANN401 - a copy of whatever comes
    """A value that may be changed without changing the original: itself where nothing can change it.

    Raises:
        TypeError: nobody has said how to copy such a value.
    """
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, bytearray):
        return value[:]
    if isinstance(value, msgspec.Struct):
        if value.__struct_config__.frozen:
            return value
        return type(value)(*(own(field) for field in msgspec.structs.astuple(value)))
    raise TypeError(f"how is a {type(value).__name__} copied?")


class Layer(MutableMapping[bytes, V]):
    """A dict on top of a dict. Order is a dict's own: what is set anew keeps its place, what comes back goes last."""

    __slots__ = ("_added", "_below", "_changed", "_gone")

    def __init__(self, below: Mapping[bytes, V]) -> None:
        self._below = below
        self._changed: dict[bytes, V] = {}  # read or written, and below as well
        self._added: dict[bytes, V] = {}
        self._gone: set[bytes] = set()

    def __getitem__(self, key: bytes) -> V:
        if key in self._added:
            return self._added[key]
        if key in self._changed:
            return self._changed[key]
        if key in self._gone:
            raise KeyError(key)
        value: V = own(self._below[key])
        if value is not self._below[key]:
            self._changed[key] = value
        return value

    def __setitem__(self, key: bytes, value: V) -> None:
        if key in self._below and key not in self._gone:
            self._changed[key] = value
        else:
            self._added[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key in self._added:
            del self._added[key]
        elif key in self._below and key not in self._gone:
            self._gone.add(key)
            self._changed.pop(key, None)
        else:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return key in self._added or (key in self._below and key not in self._gone)

    def __iter__(self) -> Iterator[bytes]:
        yield from (key for key in self._below if key not in self._gone)
        yield from self._added

    def __len__(self) -> int:
        return len(self._below) - len(self._gone) + len(self._added)


class LayeredShards(Shards[V]):
    """Shards on top of shards."""

    __slots__ = ("_layers", "_under")

    def __init__(self, below: Shards[V]) -> None:
        self._layers: list[Layer[V] | None] = [None] * SHARDS
        self._under = below
        self._count = len(below)

    def __contains__(self, key: bytes) -> bool:
        return key[:-1] in self.shard(key[-1])

    def shard(self, number: int) -> MutableMapping[bytes, V]:
        """The part of the map whose keys end in this byte."""
        layer = self._layers[number]
        if layer is None:
            layer = self._layers[number] = Layer(self._under.shard(number))
        return layer

    def values(self) -> Iterator[V]:
        """All values, shard by shard."""
        for number in range(SHARDS):
            yield from self.shard(number).values()

    def get(self, key: bytes) -> V | None:
        """The value under the key, or None."""
        return self.shard(key[-1]).get(key[:-1])

    def __getitem__(self, key: bytes) -> V:
        return self.shard(key[-1])[key[:-1]]

    def insert(self, key: bytes, value: V) -> None:
        """Add a key that is not there yet."""
        layer = self.shard(key[-1])
        assert key[:-1] not in layer, key.hex()
        layer[key[:-1]] = value
        self._count += 1

    def remove(self, key: bytes) -> V:
        """Take the key out."""
        value = self.shard(key[-1]).pop(key[:-1])
        self._count -= 1
        return value


class LayeredEntries:
    """The packed entries of a price heap, on top of those of another. A slice lies within one entry.

    Args:
        below: the entries of the heap below.
        stride: bytes of an entry.
    """

    __slots__ = ("_below", "_changed", "_length", "_stride")

    def __init__(self, below: bytearray, stride: int) -> None:
        self._below = below
        self._changed: dict[int, bytes] = {}  # by number of the entry
        self._length = len(below)
        self._stride = stride

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, part: Any) -> bytes:  # noqa: ANN401 - slices are of no type that says of what
        start, end, _ = part.indices(self._length)
        number, offset = divmod(start, self._stride)
        return self._entry(number)[offset : offset + end - start]

    def __setitem__(self, part: Any, entry: bytes) -> None:  # noqa: ANN401 - as above
        start, end, _ = part.indices(self._length)
        assert end - start == self._stride == len(entry), "whole entries are written"
        self._changed[start // self._stride] = bytes(entry)

    def __delitem__(self, part: Any) -> None:  # noqa: ANN401 - as above
        start, end, _ = part.indices(self._length)
        assert end == self._length, "entries leave at the end"
        self._length = start

    def __iadd__(self, entry: bytes) -> Self:
        self._changed[self._length // self._stride] = bytes(entry)
        self._length += self._stride
        return self

    def _entry(self, number: int) -> bytes:
        start = number * self._stride
        return self._changed.get(number) or bytes(self._below[start : start + self._stride])
