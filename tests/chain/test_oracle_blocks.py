"""Blocks of ours against those that geth built from its pool and then abandoned: `shared/oracle`, seeds 7 and 8.

The pool is left out: each block is offered, in any order, exactly what geth put into it. So order, gas, fees and state
are compared here; what the pool should have offered is compared by the replay of the whole record.
"""

import gzip
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.chain.offers import Offers, read
from tests.outside import shared
from txpool.chain.dev import DevChain, DevChainSettings
from txpool.chain.genesis import read_genesis
from txpool.core.tx import Tx

Step = dict[str, Any]  # JSON as recorded
MINED = ("check.latest", "check.balance")


def record(seed: int) -> tuple[Step, list[Step]]:
    lines = gzip.decompress(shared(f"oracle/seed-{seed}.jsonl.gz").read_bytes()).splitlines()
    meta, *steps = [json.loads(line) for line in lines]
    return meta, steps


def sent(steps: list[Step]) -> Iterator[Tx]:
    """What geth accepted."""
    for step in steps:
        if step.get("method") == "eth_sendRawTransaction" and "result" in step:
            yield read(bytes.fromhex(step["params"][0][2:]))


class Replay:
    """The head changes of a record, on a chain of ours."""

    def __init__(self, seed: int) -> None:
        self.meta, self.steps = record(seed)
        self.txs = {tx.hash: tx for tx in sent(self.steps)}
        self.offers = Offers()
        self.chain = DevChain(
            read_genesis(shared(f"oracle/{self.meta['genesis']}").read_bytes()),
            supply=self.offers.supply,
            on_change=self.offers.follow,
            clock=lambda: 0,
            settings=DevChainSettings(initial_blocks=1),
        )

    def run(self) -> Iterator[tuple[Step, Any, Any]]:
        """Each step that the chain answers: the step, what geth said, what we say."""
        for step in self.steps:
            if step["op"] == "mine":
                yield step, step["result"]["blocks"], [self.mine(block) for block in step["result"]["blocks"]]
            elif step["op"] == "reorg":
                self.chain.reorg(step["depth"])
                numbers = [int(block["number"], 16) for block in step["result"]["blocks"]]
                yield step, step["result"]["blocks"], [self.shown(number) for number in numbers]
            elif step["tag"].startswith(MINED):
                yield step, step["result"], self.looked_up(step)

    def mine(self, recorded: Step) -> Step:
        held = [self.txs[bytes.fromhex(text[2:])] for text in recorded["transactions"]]
        Random(0).shuffle(held)
        self.offers.forget()
        self.offers.add(*held)
        return self.shown(self.chain.mine())

    def shown(self, number: int) -> Step:
        block = self.chain.block_by_number(number)
        assert block is not None
        assert block.header.base_fee is not None
        return {
            "number": hex(number),
            "baseFeePerGas": hex(block.header.base_fee),
            "gasLimit": hex(block.header.gas_limit),
            "gasUsed": hex(block.header.gas_used),
            "transactions": [f"0x{tx_hash.hex()}" for tx_hash in block.hashes],
        }

    def looked_up(self, step: Step) -> str:
        account = self.chain.account(bytes.fromhex(step["params"][0][2:]))
        return hex(account.nonce if step["method"] == "eth_getTransactionCount" else account.balance)


@pytest.mark.parametrize("seed", [7, 8])
def test_blocks_and_accounts_are_those_of_geth(seed: int) -> None:
    replay = Replay(seed)
    compared = 0
    for step, recorded, ours in replay.run():
        assert ours == recorded, (step["i"], step["tag"])
        compared += 1
    assert compared > 100


@pytest.mark.parametrize("seed", [7, 8])
def test_the_first_block_and_the_fees_to_come_are_those_of_geth(seed: int) -> None:
    replay = Replay(seed)
    header, head, recorded = replay.chain.head_block.header, replay.chain.head(), replay.meta["head"]

    assert hex(header.time) == recorded["timestamp"]
    assert hex(header.base_fee or 0) == recorded["baseFeePerGas"]
    assert hex(head.next_base_fee or 0) == recorded["next_base_fee"]
    assert hex(head.blob_base_fee) == recorded["next_blob_base_fee"]
