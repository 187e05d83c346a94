"""How far a fee cap is from the fees of the day, in steps that these can move in a block.

A base fee moves by an eighth at most, so the logarithm to 1.125 counts blocks; the blob fee moves by about a sixth.
Source: geth's `priority.go` of its blob pool.
"""

from math import ceil, floor, log
from typing import Final

_BASE_FEE_STEP: Final = log(1.125)
_BLOB_FEE_STEP: Final = _BASE_FEE_STEP * 4 / 3


def base_fee_jumps(fee: int) -> float:
    """Steps of the base fee from 1 wei up to this one."""
    return log(fee) / _BASE_FEE_STEP if fee else 0.0


def blob_fee_jumps(fee: int) -> float:
    """Steps of the blob fee from 1 wei up to this one."""
    return log(fee) / _BLOB_FEE_STEP if fee else 0.0


def priority(base_fee_gap: float, blob_fee_gap: float) -> int:
    """How near a transaction is to its block, 0 for one that could be in the next; never above.

    Args:
        base_fee_gap: steps that its fee cap is above the base fee; below it, a negative number.
        blob_fee_gap: the same for the blob fee.
    """
    return min(0, steps(base_fee_gap), steps(blob_fee_gap))


def steps(gap: float) -> int:
    """Whole steps, away from zero."""
    return floor(gap) if gap <= 0 else ceil(gap)
