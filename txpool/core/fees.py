"""How fees move from a block to the next: base fee (EIP-1559), blob gas and its fee (EIP-4844, 7691, 7892, 7918)."""

from typing import Final

from txpool.core.rules import BlobSchedule, Fork

INITIAL_BASE_FEE: Final = 1_000_000_000
GAS_PER_BLOB: Final = 131_072
BLOB_BASE_FEE_MIN: Final = 1
BLOB_BASE_COST: Final = 8_192  # execution gas that a blob should cost at the least (EIP-7918)

_ELASTICITY: Final = 2  # a full block over the target
_CHANGE_DENOMINATOR: Final = 8  # of the base fee, from a block to the next


def next_base_fee(gas_limit: int, gas_used: int, base_fee: int | None) -> int:
    """Return the base fee of the block after one with this gas limit, gas used and base fee.

    Without a base fee the block is from before London, and the next one the first of it.
    """
    if base_fee is None:
        return INITIAL_BASE_FEE
    target = gas_limit // _ELASTICITY
    change = base_fee * abs(gas_used - target) // target // _CHANGE_DENOMINATOR
    if gas_used > target:
        return base_fee + max(change, 1)
    return base_fee - change


def next_excess_blob_gas(excess: int, blob_gas_used: int, base_fee: int, schedule: BlobSchedule, fork: Fork) -> int:
    """Return the excess blob gas of the block after one with these values.

    Args:
        excess: the parent's; 0 before blobs.
        blob_gas_used: the parent's; 0 before blobs.
        base_fee: the parent's.
        schedule: blob numbers of the new block.
        fork: that of the new block.
    """
    gathered = excess + blob_gas_used
    target = schedule.target * GAS_PER_BLOB
    if gathered < target:
        return 0
    if fork >= Fork.OSAKA and _blobs_cost_less_than_they_should(excess, base_fee, schedule):
        return excess + blob_gas_used * (schedule.max - schedule.target) // schedule.max
    return gathered - target


def _blobs_cost_less_than_they_should(excess: int, base_fee: int, schedule: BlobSchedule) -> bool:
    return BLOB_BASE_COST * base_fee > GAS_PER_BLOB * blob_base_fee(excess, schedule.fraction)


def blob_base_fee(excess: int, fraction: int) -> int:
    """Return the price of a unit of blob gas: about e ** (excess / fraction), in integers, at least 1 wei."""
    total = 0
    term = BLOB_BASE_FEE_MIN * fraction
    power = 1
    while term > 0:
        total += term
        term = term * excess // (fraction * power)
        power += 1
    return total // fraction


def effective_tip(tip_cap: int, fee_cap: int, base_fee: int | None) -> int:
    """Return what a block at this base fee pays its builder, wei a gas; below zero where the fee cap is under it.

    Before London, without a base fee, that is the whole price.
    """
    return tip_cap if base_fee is None else min(tip_cap, fee_cap - base_fee)
