"""The dev chain: blocks, reorgs, what it tells those who follow, what it remembers."""

import asyncio
from itertools import pairwise

import pytest

from tests.chain.offers import ALICE, BOB, CAROL, GWEI, STRANGER, Offers, blob_transfer, transfer
from txpool.chain.dev import DepthError, DevChain, DevChainSettings
from txpool.chain.fee_history import paid_tips
from txpool.chain.genesis import Json, dev_genesis, parse_genesis
from txpool.chain.seal import sealed
from txpool.chain.source import ChainSource
from txpool.core.block import Block, Receipt
from txpool.core.candidate import Origin
from txpool.core.head import Account
from txpool.core.rules import Fork
from txpool.core.steps import finish
from txpool.rpc.chain_view import ChainView, DevView

FUNDS = 10_000 * 10**18
START = 1_700_000_000


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> int:
        return self.seconds * 10**9 + 5


class Scene:
    """A chain on the dev genesis, and the pool that follows it."""

    def __init__(self, settings: DevChainSettings | None = None, **genesis: Json) -> None:
        self.clock = Clock()
        self.offers = Offers()
        self.chain = DevChain(
            parse_genesis({**dev_genesis(START), **genesis}),
            supply=self.offers.supply,
            on_change=self.offers.follow,
            clock=self.clock,
            settings=settings,
        )

    def block(self, number: int) -> Block:
        block = self.chain.block_by_number(number)
        assert block is not None
        return block

    def past(self, number: int, address: bytes) -> Account:
        state = self.chain.state(self.block(number).header.hash)
        assert state is not None
        return state.account(address)


def test_the_chain_is_what_pool_and_rpc_ask_for() -> None:
    chain = Scene().chain
    source: ChainSource = chain
    view: ChainView = chain
    levers: DevView = chain

    assert finish(levers.mine_in_steps()) == 1
    assert source.head() == view.head()
    assert source.chain_id == view.chain_id == 1337


def test_the_genesis_is_the_first_head() -> None:
    head = Scene().chain.head()

    assert (head.number, head.time, head.gas_limit, head.fork) == (0, START, 30_000_000, Fork.BPO2)
    assert (head.base_fee, head.next_base_fee, head.blob_base_fee) == (GWEI, 875_000_000, 1)


def test_initial_blocks_are_empty_12_seconds_apart_and_nobody_is_told() -> None:
    scene = Scene(DevChainSettings(initial_blocks=3))

    assert [scene.block(number).header.time for number in range(4)] == [START, START + 12, START + 24, START + 36]
    assert scene.chain.head().number == 3
    assert scene.offers.changes == []


def test_a_block_holds_what_it_took_and_a_receipt_for_each() -> None:
    scene = Scene()
    first, second = transfer(ALICE, 0, tip=9), transfer(BOB, 0, tip=5)
    scene.offers.add(first, second)

    assert scene.chain.mine() == 1

    block = scene.block(1)
    assert block.hashes == (first.hash, second.hash)
    assert block.header.gas_used == 42_000
    mined = scene.chain.mined(second.hash)
    assert mined is not None
    assert (mined.tx, mined.sender, mined.index, mined.block_hash) == (second, BOB, 1, block.header.hash)
    assert (mined.receipt.status, mined.receipt.cumulative_gas_used) == (1, 42_000)


def test_each_header_is_hashed_and_names_its_parent() -> None:
    scene = Scene()
    scene.offers.add(transfer(ALICE, 0))
    scene.chain.mine(3)
    headers = [scene.block(number).header for number in range(4)]

    for parent, child in pairwise(headers):
        assert child.parent_hash == parent.hash
        assert sealed(child) == child
    assert len({header.mix_hash for header in headers}) == 4


def test_headers_have_the_fields_of_their_fork_only() -> None:
    plain = Scene(config={"chainId": 1337}).block(0).header
    newest = Scene().block(0).header

    later = ("base_fee", "withdrawals_root", "blob_gas_used", "parent_beacon_root", "requests_hash")
    assert [getattr(plain, name) for name in later] == [None] * 5
    assert all(getattr(newest, name) is not None for name in later)
    assert newest.requests_hash == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def test_the_first_london_block_brings_the_initial_base_fee() -> None:
    names = ("homestead", "eip150", "eip158", "byzantium", "constantinople", "petersburg", "istanbul", "berlin")
    config: dict[str, Json] = {"chainId": 1337, **{f"{name}Block": 0 for name in names}, "londonBlock": 2}
    scene = Scene(config=config)
    scene.chain.mine(2)

    assert [scene.block(number).header.base_fee for number in range(3)] == [None, None, GWEI]


def test_a_block_with_many_blobs_raises_the_excess_of_the_next() -> None:
    scene = Scene()
    scene.offers.add(*(blob_transfer(address, 0, blobs=6) for address in (ALICE, BOB, CAROL)))
    scene.chain.mine(3)

    headers = [scene.block(number).header for number in range(4)]
    assert [header.blob_gas_used for header in headers] == [0, 18 * 131_072, 0, 0]
    # Blobs are cheaper than they should be (EIP-7918): of 18 used and 21 at most, a third stays as excess.
    assert [header.excess_blob_gas for header in headers] == [0, 0, 18 * 131_072 * 7 // 21, 0]
    assert scene.chain.fee_history(3, 3, []).blob_gas_used_ratios == [18 / 21, 0, 0]


def test_a_mined_block_is_one_change_that_tells_who_may_differ() -> None:
    scene = Scene()
    tx = transfer(ALICE, 0, value=7, tip=3)
    scene.offers.add(tx)

    scene.chain.mine(2)

    first, second = scene.offers.changes
    price = 875_000_000 + 3
    assert first.accounts == {
        ALICE: Account(1, FUNDS - 7 - 21_000 * price),
        STRANGER: Account(0, 7),
        bytes(20): Account(0, 21_000 * 3),
    }
    assert (first.head.number, first.included, first.reverted) == (1, {tx.hash: 1}, ())
    assert (second.head, second.accounts, second.included) == (scene.chain.head(), {}, {})


def test_blocks_take_the_time_of_the_clock_but_follow_their_parent() -> None:
    scene = Scene()
    scene.clock.seconds = START + 100
    scene.chain.mine(2)
    scene.clock.seconds = START + 50
    scene.chain.mine()

    assert [scene.block(number).header.time - START for number in range(4)] == [0, 100, 101, 102]


def test_a_block_that_would_be_empty_is_not_mined_when_something_was_wanted() -> None:
    scene = Scene()
    scene.offers.add(transfer(ALICE, 1))
    assert not scene.chain.mine_if_filled()
    assert scene.chain.head().number == 0
    assert scene.offers.changes == []

    scene.offers.add(transfer(ALICE, 0))

    assert scene.chain.mine_if_filled()
    assert scene.chain.head().number == 1
    assert len(scene.block(1).hashes) == 2


def test_a_reorg_replaces_blocks_by_one_more_empty_ones_in_one_change() -> None:
    scene = Scene()
    scene.chain.mine(3)
    abandoned = [scene.block(number).header for number in (2, 3)]

    assert scene.chain.reorg(2) == 4

    assert len(scene.offers.changes) == 4
    assert scene.offers.changes[-1].head == scene.chain.head()
    for old in abandoned:
        new = scene.block(old.number).header
        assert (new.hash, new.mix_hash) != (old.hash, old.mix_hash)
        assert scene.chain.block_by_hash(old.hash) is None
    assert scene.block(2).header.parent_hash == scene.block(1).header.hash


def test_a_reorg_gives_back_the_newest_block_first_in_block_order_within() -> None:
    scene = Scene()
    old = [transfer(ALICE, 0, tip=9), transfer(BOB, 0, tip=5)]
    new = [transfer(ALICE, 1, tip=9), transfer(BOB, 1, tip=5)]
    scene.offers.add(*old)
    scene.chain.mine()
    scene.offers.add(*new)
    scene.chain.mine()

    scene.chain.reorg(2)

    change = scene.offers.changes[-1]
    assert [candidate.tx for candidate in change.reverted] == [*new, *old]
    assert [candidate.sender for candidate in change.reverted] == [ALICE, BOB] * 2
    assert {candidate.origin for candidate in change.reverted} == {Origin.REORG}
    assert change.included == {}


def test_a_reorg_takes_back_what_the_abandoned_blocks_did() -> None:
    scene = Scene()
    tx = transfer(ALICE, 0)
    scene.offers.add(tx)
    scene.chain.mine()

    scene.chain.reorg(1)

    assert scene.offers.changes[-1].accounts == {
        ALICE: Account(0, FUNDS), STRANGER: Account(), bytes(20): Account(),
    }  # fmt: skip
    assert scene.chain.mined(tx.hash) is None


@pytest.mark.parametrize("depth", [-1, 0, 3])
def test_a_reorg_deeper_than_the_chain_is_refused_and_changes_nothing(depth: int) -> None:
    scene = Scene()
    scene.chain.mine(2)
    head = scene.chain.head()

    with pytest.raises(DepthError, match="from 1 to 2"):
        scene.chain.reorg(depth)

    assert scene.chain.head() == head


def test_a_reorg_undoes_no_more_than_is_remembered() -> None:
    scene = Scene(DevChainSettings(state_blocks=2, history_blocks=1))
    scene.chain.mine(5)

    with pytest.raises(DepthError):
        scene.chain.reorg(3)

    assert scene.chain.reorg(2) == 6


def test_accounts_can_be_read_at_recent_blocks() -> None:
    scene = Scene(DevChainSettings(state_blocks=2))
    for nonce in range(3):
        scene.offers.add(transfer(ALICE, nonce, value=5))
        scene.chain.mine()

    assert [scene.past(number, ALICE).nonce for number in (1, 2, 3)] == [1, 2, 3]
    assert [scene.past(number, STRANGER).balance for number in (1, 2, 3)] == [5, 10, 15]
    assert scene.chain.state(scene.block(0).header.hash) is None
    assert scene.chain.state(bytes(32)) is None


def test_code_and_storage_are_those_of_the_genesis() -> None:
    slot, value = bytes(31) + b"\1", bytes(31) + b"\2"
    contract: dict[str, Json] = {
        "balance": "0x0", "code": "0x6000", "storage": {f"0x{slot.hex()}": f"0x{value.hex()}"},
    }  # fmt: skip
    scene = Scene(alloc={f"0x{STRANGER.hex()}": contract})
    state = scene.chain.state(scene.chain.head().hash)

    assert state is not None
    assert state.code(STRANGER) == b"\x60\x00"
    assert state.storage(STRANGER, slot) == value
    assert state.storage(STRANGER, value) == bytes(32)
    assert state.storage(ALICE, slot) == bytes(32)
    assert state.account(STRANGER) == Account(0, 0, has_code=True)


def test_the_pool_is_told_accounts_at_the_head() -> None:
    chain = Scene().chain

    assert asyncio.run(chain.accounts([ALICE, STRANGER])) == {ALICE: Account(0, FUNDS), STRANGER: Account()}


def test_old_blocks_and_their_transactions_are_forgotten_but_never_the_genesis() -> None:
    scene = Scene(DevChainSettings(history_blocks=3, state_blocks=1))
    tx = transfer(ALICE, 0)
    scene.offers.add(tx)
    scene.chain.mine()
    assert scene.chain.mined(tx.hash) is not None

    scene.chain.mine(3)

    kept = [number for number in range(5) if scene.chain.block_by_number(number)]
    assert kept == [0, 2, 3, 4]
    assert scene.chain.mined(tx.hash) is None


def test_many_transactions_shorten_the_history() -> None:
    scene = Scene(DevChainSettings(history_transactions=5, state_blocks=1))
    for nonce in range(0, 12, 2):
        scene.offers.add(transfer(ALICE, nonce), transfer(ALICE, nonce + 1))
        scene.chain.mine()

    assert [number for number in range(7) if scene.chain.block_by_number(number)] == [0, 5, 6]


def test_no_number_of_transactions_takes_away_what_a_reorg_needs() -> None:
    scene = Scene(DevChainSettings(history_transactions=1, state_blocks=3))
    for nonce in range(4):
        scene.offers.add(transfer(ALICE, nonce))
        scene.chain.mine()

    scene.chain.reorg(3)

    assert len(scene.offers.changes[-1].reverted) == 3


def test_fee_history_tells_fees_ratios_and_rewards() -> None:
    scene = Scene(gasLimit="0x186a0")  # 100 000
    scene.offers.add(*(transfer(address, 0, tip=tip) for address, tip in ((ALICE, 10), (BOB, 20))))
    scene.chain.mine(2)

    history = scene.chain.fee_history(3, 2, [0, 40, 50, 51, 100])

    assert history.oldest == 0
    assert history.base_fees == [GWEI, 875_000_000, 857_500_000, 750_312_500]
    assert history.gas_used_ratios == [0, 0.42, 0]
    assert history.rewards == [[0] * 5, [10, 10, 10, 20, 20], [0] * 5]
    assert history.blob_base_fees == [1] * 4
    assert history.blob_gas_used_ratios == [0, 0, 0]


def test_fee_history_of_the_past_ends_with_the_block_that_came() -> None:
    scene = Scene()
    scene.chain.mine(3)

    history = scene.chain.fee_history(10, 1, [])

    assert (history.oldest, history.rewards) == (0, [])
    assert history.base_fees == [scene.block(number).header.base_fee for number in range(3)]


def test_the_suggested_tip_is_what_recent_blocks_took() -> None:
    scene = Scene()
    assert scene.chain.suggested_tip() == GWEI

    scene.offers.add(transfer(ALICE, 0, tip=1), transfer(ALICE, 1, tip=10), transfer(ALICE, 2, tip=20))
    scene.chain.mine()
    assert scene.chain.suggested_tip() == 10

    scene.offers.add(transfer(ALICE, 3, tip=30), transfer(ALICE, 4, tip=40))
    scene.chain.mine()
    assert scene.chain.suggested_tip() == 20


def test_what_a_block_paid_is_sorted_once_and_forgotten_with_the_block() -> None:
    scene = Scene()
    scene.offers.add(transfer(ALICE, 0, tip=10))
    scene.chain.mine()
    history, block = scene.chain._history, scene.chain.head_block

    paid = history.paid(block)

    assert scene.chain.fee_history(1, 1, [50]).rewards == [[10]]
    assert history.paid(block) is paid
    history.append(history.pop())
    assert history.paid(block) is not paid


def test_tips_of_any_size_are_told() -> None:
    header = Scene().chain.head_block.header
    fee = header.base_fee or 0
    block = Block(header, 0, receipts=(Receipt(1, 21_000, 21_000, fee + 2**70), Receipt(1, 30_000, 51_000, fee + 1)))

    paid = paid_tips(block)

    assert [paid.at(gas) for gas in (0, 30_000, 30_001, 51_000, 99_999)] == [1, 1, 2**70, 2**70, 2**70]
