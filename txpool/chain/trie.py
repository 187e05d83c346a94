"""The root of a Merkle-Patricia trie over a block's list: what `transactionsRoot` and `receiptsRoot` commit to.

Built once, bottom up, from sorted keys; nothing is ever looked up in it or changed. Source: Yellow Paper, appendix D;
EELS `patricialize`.
"""

from collections.abc import Sequence
from typing import Final

from txpool.core import rlp
from txpool.core.keccak import keccak
from txpool.core.steps import Steps, portions

EMPTY_ROOT: Final = keccak(b"\x80")


def ordered_root(values: Sequence[bytes]) -> Steps[bytes]:
    """Commit to a list: the trie that maps the RLP of each index to the value there."""
    if not values:
        return EMPTY_ROOT
    leaves: list[tuple[bytes, bytes]] = []
    for some in portions(enumerate(values)):
        leaves += [(_nibbles(rlp.encode_int(index)), value) for index, value in some]
        yield
    leaves.sort()
    return keccak((yield from _node(leaves, 0)))


def _nibbles(key: bytes) -> bytes:
    """Two per byte, each in a byte of its own."""
    return bytes.fromhex("0" + "0".join(key.hex()))


def _node(leaves: Sequence[tuple[bytes, bytes]], depth: int) -> Steps[bytes]:
    """Encode the subtrie of sorted leaves whose keys agree in the first `depth` nibbles."""
    first, value = leaves[0]
    if len(leaves) == 1:
        return rlp.encode_list([_hex_prefix(first[depth:], leaf=True), rlp.encode_bytes(value)])
    shared = _shared_length(first, leaves[-1][0], depth)
    if shared > depth:
        below = _reference((yield from _branch(leaves, shared)))
        return rlp.encode_list([_hex_prefix(first[depth:shared], leaf=False), below])
    return (yield from _branch(leaves, depth))


def _branch(leaves: Sequence[tuple[bytes, bytes]], depth: int) -> Steps[bytes]:
    """Encode a node of sixteen children. No value of its own: no key here is another's prefix."""
    children = [b"\x80"] * 17
    start = 0
    for end in range(1, len(leaves) + 1):
        if end == len(leaves) or leaves[end][0][depth] != leaves[start][0][depth]:
            children[leaves[start][0][depth]] = _reference((yield from _node(leaves[start:end], depth + 1)))
            start = end
    yield
    return rlp.encode_list(children)


def _reference(node: bytes) -> bytes:
    """Name a node in its parent: by its hash, or by itself where it is shorter than one."""
    return node if len(node) < 32 else b"\xa0" + keccak(node)


def _shared_length(first: bytes, last: bytes, depth: int) -> int:
    """How many nibbles the first and the last of sorted keys share, and so all between them."""
    while first[depth] == last[depth]:
        depth += 1
    return depth


def _hex_prefix(path: bytes, *, leaf: bool) -> bytes:
    """Encode nibbles as a string, with what they lead to and whether they are odd in number."""
    flag = 0x20 if leaf else 0
    if len(path) % 2:
        flag, path = flag | 0x10 | path[0], path[1:]
    packed = bytes((flag,)) + bytes([high << 4 | low for high, low in zip(path[::2], path[1::2], strict=True)])
    return rlp.encode_bytes(packed)
