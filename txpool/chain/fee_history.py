"""What recent blocks tell about fees: their history, and the tip to suggest. The history is computed as in geth."""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
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


def fee_history(
    blocks: Sequence[Block], following: Header, schedule: ForkSchedule, percentiles: Sequence[float]
) -> FeeHistory:
    """Read the fees of consecutive blocks.

    Args:
        blocks: at least one, oldest first.
        following: the header after the last, be it yet to come.
        schedule: the chain's forks.
        percentiles: 0 to 100, ascending.
    """
    headers = [block.header for block in blocks]
    return FeeHistory(
        oldest=headers[0].number,
        base_fees=[header.base_fee or 0 for header in (*headers, following)],
        gas_used_ratios=[header.gas_used / header.gas_limit for header in headers],
        blob_base_fees=[blob_base_fee_of(header, schedule) for header in (*headers, following)],
        blob_gas_used_ratios=[_blob_gas_used_ratio(header, schedule) for header in headers],
        rewards=[_rewards(block, percentiles) for block in blocks] if percentiles else [],
    )


def _blob_gas_used_ratio(header: Header, schedule: ForkSchedule) -> float:
    return (header.blob_gas_used or 0) / (blobs_max(header, schedule) * GAS_PER_BLOB or 1)


def _rewards(block: Block, percentiles: Sequence[float]) -> list[int]:
    """Find the effective tips that a block's gas paid, at ascending percentiles; zeros for an empty block."""
    if not block.receipts:
        return [0] * len(percentiles)
    base_fee = block.header.base_fee or 0
    paid = sorted([(receipt.effective_gas_price - base_fee, receipt.gas_used) for receipt in block.receipts])
    found: list[int] = []
    index, gas_so_far = 0, paid[0][1]
    for percentile in percentiles:
        threshold = int(block.header.gas_used * percentile / 100)
        while gas_so_far < threshold and index < len(paid) - 1:
            index += 1
            gas_so_far += paid[index][1]
        found.append(paid[index][0])
    return found


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
