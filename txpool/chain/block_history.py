"""The blocks of the chain by number and hash, their transactions by hash: the newest ones, within bounds."""

from typing import Final

from txpool.chain.fee_history import PaidTips, paid_tips
from txpool.core.block import Block, MinedTx
from txpool.core.shards import Shards

# A place is the block's number and the transaction's index in one int, so that the index holds atoms only.
_INDEX_BITS: Final = 24
_INDEX_MASK: Final = (1 << _INDEX_BITS) - 1


class BlockHistory:
    """The canonical chain from the head back, and its block 0.

    Whole blocks are forgotten, the oldest first, while there are more than `blocks_max` or more than
    `transactions_max` transactions in them; never one of the newest `kept_min`.
    """

    def __init__(self, genesis: Block, *, blocks_max: int, transactions_max: int, kept_min: int) -> None:
        self._genesis = genesis
        self._blocks: dict[int, Block] = {}
        self._numbers: dict[bytes, int] = {genesis.header.hash: 0}
        self._places: Shards[int] = Shards()
        self._paid: dict[bytes, PaidTips] = {}  # of those that were asked for it
        self._oldest = 1  # beside the genesis
        self._blocks_max = max(blocks_max, kept_min)
        self._transactions_max = transactions_max
        self._kept_min = kept_min

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[self._oldest + len(self._blocks) - 1] if self._blocks else self._genesis

    @property
    def oldest(self) -> int:
        """The first number from which on every block is here."""
        return self._oldest if self._oldest > 1 else 0

    def append(self, block: Block) -> None:
        """Put a block on the head."""
        number = block.header.number
        assert block.header.parent_hash == self.head.header.hash, "a block stands on the head"
        self._blocks[number] = block
        self._numbers[block.header.hash] = number
        for index, tx_hash in enumerate(block.hashes):
            self._places.insert(tx_hash, number << _INDEX_BITS | index)
        while self._over_bounds():
            self._forget(self._blocks[self._oldest])
            self._oldest += 1

    def pop(self) -> Block:
        """Take the head off."""
        block = self.head
        assert block is not self._genesis, "block 0 stays"
        self._forget(block)
        return block

    def by_number(self, number: int) -> Block | None:
        """The block of that number, None where it is forgotten or yet to come."""
        return self._blocks.get(number) if number else self._genesis

    def by_hash(self, block_hash: bytes) -> Block | None:
        """The block of that hash; None also for one that a reorg abandoned."""
        number = self._numbers.get(block_hash)
        return None if number is None else self.by_number(number)

    def mined(self, tx_hash: bytes) -> MinedTx | None:
        """The transaction in its block, with its receipt; None where no block here holds it."""
        place = self._places.get(tx_hash)
        return None if place is None else self._blocks[place >> _INDEX_BITS].mined(place & _INDEX_MASK)

    def paid(self, block: Block) -> PaidTips:
        """What the gas of a block that is here paid: sorted once, forgotten with the block."""
        block_hash = block.header.hash
        found = self._paid.get(block_hash)
        if found is None:
            found = self._paid[block_hash] = paid_tips(block)
        return found

    def _over_bounds(self) -> bool:
        count = len(self._blocks)
        over = count > self._blocks_max or len(self._places) > self._transactions_max
        return over and count > self._kept_min

    def _forget(self, block: Block) -> None:
        del self._blocks[block.header.number]
        del self._numbers[block.header.hash]
        self._paid.pop(block.header.hash, None)
        for tx_hash in block.hashes:
            self._places.remove(tx_hash)
