"""Headers and roots of ours, against the 54 blocks of a recorded chain that crosses every fork (execution-apis)."""

import gzip
import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import cast

from tests.vectors.recorded_chain import header_of, payloads_of, read_blocks
from txpool.chain.seal import block_size, sealed, transactions_root
from txpool.chain.trie import ordered_root
from txpool.core import rlp
from txpool.core.steps import finish

RECORDED = Path(__file__).parents[1] / "data/rpc_chain.json.gz"


@cache
def blocks() -> list[list[rlp.Item]]:
    document = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return read_blocks(bytes.fromhex(document["chain_rlp"][2:]))


def test_there_are_54_blocks() -> None:
    assert len(blocks()) == 54


def test_headers_hash_to_what_their_children_say() -> None:
    headers = [sealed(header_of(block)) for block in blocks()]

    for parent, child in pairwise(headers):
        assert child.parent_hash == parent.hash, child.number
    assert headers[-1].hash.hex() == "d226371d0b1551adb03fb52b71f08e3e11247fe9b1af994768af8cdaa8e7dcd7"


def test_transaction_roots_are_those_of_the_headers() -> None:
    for block in blocks():
        assert finish(transactions_root(payloads_of(block))) == header_of(block).transactions_root
    assert sum(len(payloads_of(block)) for block in blocks()) > 54


def test_withdrawal_roots_are_those_of_the_headers() -> None:
    with_withdrawals = [block for block in blocks() if len(block) > 3]

    for block in with_withdrawals:
        assert finish(ordered_root([rlp.encode(item) for item in cast("list[rlp.Item]", block[3])])) == (
            header_of(block).withdrawals_root
        )
    assert with_withdrawals


def test_sizes_are_those_of_the_blocks() -> None:
    empty_handed = [block for block in blocks() if not block[2] and not any(block[3:])]
    assert empty_handed
    for block in empty_handed:
        assert block_size(header_of(block), payloads_of(block)) == len(rlp.encode(block))
