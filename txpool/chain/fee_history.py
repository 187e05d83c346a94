"""What recent blocks tell about fees: their history, and the tip to suggest. The history is computed as in geth."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from itertools import accumulate
from typing import Final

import msgspec

from txpool.chain.draft import blob_base_fee_of, blobs_max
from txpool.core.block import Block, Header
from txpool.core.fees import GAS_PER_BLOB
from txpool.core.rules import ForkSchedule

TIP_DEFAULT: Final = 10**9  # where no recent block says anything
TIP_MAX: Final = 500 * 10**9
TIP_IGNORED: Final = 2  # under this a tip says nothing about the market
BLOCKS_LOOKED_AT: Final = 20
TIPS_PER_BLOCK: Final = 3
TIP_PERCENTILE: Final = 60


class FeeHistory(msgspec.Struct, frozen=True):
    """Fees of consecutive blocks, oldest first; wei a gas.

    Attributes:
        oldest: number of the first block.
        base_fees: of each block, and of the one after the last; 0 before London.
        gas_used_ratios: of each block, 0 to 1.
        blob_base_fees: as `base_fees`.
        blob_gas_used_ratios: of each block.
        rewards: for each block the effective tip at each percentile of its gas; empty when none were asked for.
    """

    oldest: int
    base_fees: list[int]
    gas_used_ratios: list[float]
    blob_base_fees: list[int]
    blob_gas_used_ratios: list[float]
    rewards: list[list[int]]


class PaidTips(msgspec.Struct, frozen=True, gc=False):
    """What the gas of a block paid, by effective tip; some 16 bytes a transaction.

    Attributes:
        tips: wei a gas, ascending.
        gas: what all up to each of them used.
    """

    tips: Sequence[int]
    gas: Sequence[int]

    def at(self, gas: int) -> int:
        """The tip that the unit of gas of this number paid, counted from the lowest."""
        return self.tips[min(bisect_left(self.gas, gas), len(self.tips) - 1)]


def paid_tips(block: Block) -> PaidTips:
    """Sort what the transactions of a block paid."""
    base_fee = block.header.base_fee or 0
    paid = sorted([(receipt.effective_gas_price - base_fee, receipt.gas_used) for receipt in block.receipts])
    tips = [tip for tip, _ in paid]
    packed = not tips or (tips[0] >= 0 and tips[-1] < 2**64)
    return PaidTips(array("Q", tips) if packed else tuple(tips), array("Q", accumulate(gas for _, gas in paid)))


def fee_history(
    blocks: Sequence[Block],
    following: Header,
    schedule: ForkSchedule,
    percentiles: Sequence[float],
    paid: Callable[[Block], PaidTips] = paid_tips,
) -> FeeHistory:
    """Read the fees of consecutive blocks.

    Args:
        blocks: at least one, oldest first.
        following: the header after the last, be it yet to come.
        schedule: the chain's forks.
        percentiles: 0 to 100, ascending.
        paid: sorts what a block paid, or remembers it.
    """
    headers = [block.header for block in blocks]
    return FeeHistory(
        oldest=headers[0].number,
        base_fees=[header.base_fee or 0 for header in (*headers, following)],
        gas_used_ratios=[header.gas_used / header.gas_limit for header in headers],
        blob_base_fees=[blob_base_fee_of(header, schedule) for header in (*headers, following)],
        blob_gas_used_ratios=[_blob_gas_used_ratio(header, schedule) for header in headers],
        rewards=[_rewards(block, percentiles, paid) for block in blocks] if percentiles else [],
    )


def _blob_gas_used_ratio(header: Header, schedule: ForkSchedule) -> float:
    return (header.blob_gas_used or 0) / (blobs_max(header, schedule) * GAS_PER_BLOB or 1)


def _rewards(block: Block, percentiles: Sequence[float], paid: Callable[[Block], PaidTips]) -> list[int]:
    """Find the effective tips that a block's gas paid, at ascending percentiles; zeros for an empty block."""
    if not block.receipts:
        return [0] * len(percentiles)
    tips = paid(block)
    return [tips.at(int(block.header.gas_used * percentile / 100)) for percentile in percentiles]


def suggested_tip(blocks: Iterable[Block]) -> int:
    """A tip that recent blocks took, wei a gas: the 60th percentile of the three lowest of each."""
    tips = sorted([tip for block in blocks for tip in _lowest_tips(block)])
    if not tips:
        return TIP_DEFAULT
    return min(tips[(len(tips) - 1) * TIP_PERCENTILE // 100], TIP_MAX)


def _lowest_tips(block: Block) -> list[int]:
    base_fee = block.header.base_fee or 0
    paid = (receipt.effective_gas_price - base_fee for receipt in block.receipts)
    return nsmallest(TIPS_PER_BLOCK, (tip for tip in paid if tip >= TIP_IGNORED))
