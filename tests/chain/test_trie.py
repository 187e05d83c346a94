"""Roots over lists, against recorded blocks and against a trie built in another way."""

from hypothesis import given
from hypothesis import strategies as st

from txpool.chain.trie import EMPTY_ROOT, ordered_root
from txpool.core import rlp
from txpool.core.keccak import keccak
from txpool.core.steps import finish

Tree = dict[int, "Tree | bytes"]
END = 16


def model_root(values: list[bytes]) -> bytes:
    """One node a nibble first, paths folded afterwards."""
    tree: Tree = {}
    for index, value in enumerate(values):
        node = tree
        for nibble in (int(digit, 16) for digit in rlp.encode_int(index).hex()):
            below = node.setdefault(nibble, {})
            assert isinstance(below, dict)
            node = below
        node[END] = value
    return keccak(rlp.encode(model_node(tree)))


def model_node(tree: Tree) -> "list[rlp.Item]":
    path: list[int] = []
    while len(tree) == 1 and END not in tree:
        (nibble, below), *_ = tree.items()
        assert isinstance(below, dict)
        path.append(nibble)
        tree = below
    if END in tree:
        value = tree[END]
        assert isinstance(value, bytes)
        return [model_prefix(path, 2), value]
    branch: list[rlp.Item] = [b""] * 17
    for nibble, below in tree.items():
        assert isinstance(below, dict)
        branch[nibble] = model_reference(model_node(below))
    return [model_prefix(path, 0), model_reference(branch)] if path else branch


def model_reference(node: "list[rlp.Item]") -> "rlp.Item":
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def model_prefix(path: list[int], flag: int) -> bytes:
    digits = [flag + 1, *path] if len(path) % 2 else [flag, 0, *path]
    return bytes.fromhex("".join(f"{digit:x}" for digit in digits))


def test_an_empty_list_has_the_well_known_root() -> None:
    assert EMPTY_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert finish(ordered_root([])) == EMPTY_ROOT


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=40))
def test_a_root_is_that_of_the_model(values: list[bytes]) -> None:
    assert finish(ordered_root(values)) == model_root(values)


def test_a_root_is_that_of_the_model_where_keys_grow_longer() -> None:
    values = [bytes((number % 251 + 1,)) * (number % 40 + 1) for number in range(300)]

    for count in (127, 128, 129, 256, 257, 300):
        assert finish(ordered_root(values[:count])) == model_root(values[:count])
