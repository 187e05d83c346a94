"""Breaks transactions: byte by byte, and as RLP, where a change keeps what is around it whole.

Everything hangs on the seed alone, so a run is told by its number.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

# Bytes that mean something to a decoder: edges of RLP's ranges, types of transactions.
_TELLING: Final = bytes.fromhex("0001020304057f8081949fa0a1b7b8b9bfc0c1d5f7f8f9ff")
_WIDTHS: Final = (1, 8, 9, 19, 20, 21, 31, 32, 33, 48, 55, 56, 57, 255, 256)
_SIZES: Final = (0, 1, 55, 56, 255, 256, 65_536, 2**31, 2**63 - 1, 2**63, 2**64 - 1)

# A node of a torn-apart transaction: a string, or a list of nodes.
Node = bytes | list["Node"]
Encode = Callable[[int, bytes], bytes]


class Mutator:
    """An endless source of broken transactions."""

    def __init__(self, seeds: Sequence[bytes], seed: int) -> None:
        self._seeds = seeds
        self._random = Random(seed)

    def next(self) -> bytes:
        """The next input."""
        random = self._random
        raw = random.choice(self._seeds)
        for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
            raw = self._restructure(raw) if random.random() < 0.6 else self._scratch(raw)
        return raw

    # --- bytes

    def _scratch(self, raw: bytes) -> bytes:
        random = self._random
        at = self._place(len(raw))
        kind = random.randrange(7)
        if kind == 0 and raw:
            at = min(at, len(raw) - 1)
            return raw[:at] + bytes((raw[at] ^ 1 << random.randrange(8),)) + raw[at + 1 :]
        if kind == 1:
            return raw[:at] + bytes((random.choice(_TELLING),)) + raw[at + 1 :]
        if kind == 2:
            return raw[:at] + self._some_bytes() + raw[at:]
        if kind == 3:
            return raw[:at] + raw[at + random.choice((1, 1, 2, 32)) :]
        if kind == 4:
            return raw[:at]
        if kind == 5:
            other = random.choice(self._seeds)
            return raw[:at] + other[self._place(len(other)) :]
        return raw + self._some_bytes()

    def _place(self, size: int) -> int:
        """A place in so many bytes: mostly near the front, where the headers are."""
        random = self._random
        return min(size, random.randrange(12)) if random.random() < 0.4 else random.randint(0, size)

    def _some_bytes(self) -> bytes:
        random = self._random
        if random.random() < 0.5:
            return bytes((random.choice(_TELLING),)) * random.choice((1, 1, 2, 3))
        return random.randbytes(random.choice(_WIDTHS))

    # --- structure

    def _restructure(self, raw: bytes) -> bytes:
        """Tear the payload apart, change a node or the way it is written, and put it together again."""
        prefix = raw[:1] if raw and raw[0] < 0x80 else b""
        tree = _parse(raw[len(prefix) :])
        if not isinstance(tree, list):
            return self._scratch(raw)
        if self._random.random() < 0.7:
            self._change(tree)
            return prefix + _encode(tree, _head)
        nodes = self._random.randint(0, _count(tree) - 1)
        return prefix + _encode(tree, _Crooked(nodes, self._random))

    def _change(self, tree: list[Node]) -> None:
        random = self._random
        within = tree
        while random.random() < 0.5 and (inner := [node for node in within if isinstance(node, list) and node]):
            within = random.choice(inner)
        at = random.randrange(len(within)) if within else 0
        kind = random.randrange(6)
        if kind == 0 or not within:
            within.insert(at, self._node())
        elif kind == 1:
            del within[at]
        elif kind == 2:
            within.insert(at, within[random.randrange(len(within))])
        elif kind == 3:
            other = random.randrange(len(within))
            within[at], within[other] = within[other], within[at]
        elif kind == 4 and isinstance(node := within[at], bytes):
            within[at] = self._scratch(node)
        else:
            within[at] = self._node()

    def _node(self) -> Node:
        random = self._random
        kind = random.randrange(8)
        if kind < 3:
            return self._some_bytes()
        if kind == 3:
            edge: int = 2 ** random.choice((7, 8, 16, 63, 64, 255, 256)) - random.randint(0, 1)
            return edge.to_bytes(33, "big").lstrip(b"\0")
        if kind == 4:
            return b"\0" + random.randbytes(random.choice((0, 1, 31)))
        if kind == 5:
            return [self._node() for _ in range(random.randint(0, 3))]
        if kind == 6:
            node: Node = []
            for _ in range(random.choice((1, 5, 100))):
                node = [node]
            return node
        return b""


class _Crooked:
    """Writes all headers right but one: too long, too short, of the other kind, or not minimal."""

    def __init__(self, victim: int, random: Random) -> None:
        self._left = victim
        self._random = random

    def __call__(self, base: int, payload: bytes) -> bytes:
        self._left -= 1
        if self._left != -1:
            return _head(base, payload)
        random, size = self._random, len(payload)
        kind = random.randrange(5)
        if kind == 0:
            return _long(base, random.choice((size - 1, size + 1, size + 40)) % 2**64)
        if kind == 1:
            return _long(base, random.choice(_SIZES))
        if kind == 2:
            return _long(base, size, pad=random.randint(0, 3))
        if kind == 3:
            return bytes((base + min(max(size + random.choice((-1, 1, 2)), 0), 55),))
        return _head(0x140 - base, payload)


def _parse(raw: bytes, depth: int = 0) -> Node:
    """Read leniently whatever can be read; what cannot stays a string."""
    bounds = _bounds(raw, 0)
    if bounds is None or not bounds[0] or depth > 8:
        return raw
    _, pos, end = bounds
    nodes: list[Node] = []
    while pos < end:
        found = _bounds(raw, pos)
        if found is None:
            nodes.append(raw[pos:end])
            break
        is_list, start, stop = found
        nodes.append(_parse(raw[pos:stop], depth + 1) if is_list else raw[start:stop])
        pos = stop
    return nodes


def _bounds(raw: bytes, pos: int) -> tuple[bool, int, int] | None:
    if pos >= len(raw):
        return None
    first = raw[pos]
    if first < 0x80:
        return False, pos, pos + 1
    base = 0x80 if first < 0xC0 else 0xC0
    start, size = pos + 1, first - base
    if size > 55:
        width = size - 55
        size = int.from_bytes(raw[start : start + width], "big")
        start += width
    return (base == 0xC0, start, start + size) if start + size <= len(raw) else None


def _count(node: Node) -> int:
    return 1 + sum(_count(each) for each in node) if isinstance(node, list) else 1


def _encode(node: Node, head: Encode) -> bytes:
    if isinstance(node, list):
        payload = b"".join([_encode(each, head) for each in node])
        return head(0xC0, payload) + payload
    written = head(0x80, node)
    return node if not written else written + node


def _head(base: int, payload: bytes) -> bytes:
    size = len(payload)
    if base == 0x80 and size == 1 and payload[0] < 0x80:
        return b""
    return bytes((base + size,)) if size < 56 else _long(base, size)


def _long(base: int, size: int, pad: int = 0) -> bytes:
    length = bytes(pad) + size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return bytes((base + 55 + len(length[-8:]),)) + length[-8:]
