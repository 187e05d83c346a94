"""What is wrong with a transaction whatever its sender's account holds, in geth's order of checks.

All of it looks at the fork of the head, not of the block to come, as in geth.
"""

from typing import Final

from txpool.core.candidate import Candidate
from txpool.core.gas import floor_gas, intrinsic_gas
from txpool.core.head import Head
from txpool.core.record import U64_MAX
from txpool.core.rejection import Reason, Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.sidecar_checks import BLOB_TX_BYTES_MAX, sidecar_fault
from txpool.core.tx import BLOB, SET_CODE, Tx

TX_BYTES_MAX: Final = 131_072
INITCODE_BYTES_MAX: Final = 49_152  # EIP-3860
INITCODE_BYTES_MAX_AMSTERDAM: Final = 131_072
TX_GAS_MAX: Final = 16_777_216  # EIP-7825
_FORK_OF_TYPE: Final = (Fork.FRONTIER, Fork.BERLIN, Fork.LONDON, Fork.CANCUN, Fork.PRAGUE)
UINT256_MAX: Final = 2**256 - 1


def stateless_fault(candidate: Candidate, head: Head, settings: PoolSettings) -> Rejected | None:
    """Make every check that needs no account state; None when all hold. KZG proofs are left out."""
    tx, sender = candidate.tx, candidate.sender
    if fault := fault_before_sender(tx, head):
        return fault
    if isinstance(sender, Rejected):
        return sender
    assert sender is not None, "without a sender only where a check before it fails"
    fault = fault_after_sender(tx, sender, head, settings)
    return sidecar_fault(tx) if fault is None and tx.type == BLOB else fault


def fault_before_sender(tx: Tx, head: Head) -> Rejected | None:
    """Make the checks that need no signature, so that a recovery is spent on none that they refuse."""
    if tx.size > TX_BYTES_MAX and (tx.type != BLOB or tx.size > BLOB_TX_BYTES_MAX):
        limit = BLOB_TX_BYTES_MAX if tx.type == BLOB else TX_BYTES_MAX
        return Rejected(Reason.OVERSIZED, {"size": tx.size, "limit": limit})
    if tx.type and (fault := _fork_fault(tx, head.fork)):
        return fault
    if tx.to is None and (fault := _initcode_fault(tx, head.fork)):
        return fault
    if tx.gas > TX_GAS_MAX and Fork.OSAKA <= head.fork < Fork.AMSTERDAM:
        return Rejected(Reason.GAS_LIMIT_TOO_HIGH, {"cap": TX_GAS_MAX, "gas": tx.gas})
    if tx.gas > head.gas_limit:
        return Rejected(Reason.BLOCK_GAS_LIMIT)
    if tx.fee_cap > UINT256_MAX:
        return Rejected(Reason.FEE_CAP_TOO_WIDE)
    if tx.tip_cap > tx.fee_cap:
        too_wide = tx.tip_cap > UINT256_MAX
        return Rejected(Reason.TIP_CAP_TOO_WIDE if too_wide else Reason.TIP_ABOVE_FEE_CAP)
    return None


def _fork_fault(tx: Tx, fork: Fork) -> Rejected | None:
    needed = _FORK_OF_TYPE[tx.type]
    if fork >= needed:
        return None
    missing = Fork.BERLIN if fork < Fork.BERLIN else needed
    return Rejected(Reason.TYPE_BEFORE_FORK, {"type": tx.type, "fork": missing.name.title()})


def _initcode_fault(tx: Tx, fork: Fork) -> Rejected | None:
    limit = INITCODE_BYTES_MAX_AMSTERDAM if fork >= Fork.AMSTERDAM else INITCODE_BYTES_MAX
    if fork >= Fork.SHANGHAI and len(tx.data) > limit:
        return Rejected(Reason.INITCODE_TOO_LARGE, {"size": len(tx.data), "limit": limit})
    return None


def fault_after_sender(tx: Tx, sender: bytes, head: Head, settings: PoolSettings) -> Rejected | None:
    """Make the checks that geth makes after the signature."""
    if tx.nonce == U64_MAX:
        return Rejected(Reason.NONCE_MAX)
    if tx.value > UINT256_MAX:
        return Rejected(Reason.VALUE_TOO_WIDE)
    if fault := gas_fault(tx, sender, head.fork):
        return fault
    if tx.tip_cap < settings.price_limit:
        return Rejected(Reason.TIP_BELOW_MINIMUM, {"tip": tx.tip_cap, "needed": settings.price_limit})
    if tx.type == SET_CODE and not tx.authorizations:
        return Rejected(Reason.NO_AUTHORIZATIONS)
    return None


def gas_fault(tx: Tx, sender: bytes, fork: Fork) -> Rejected | None:
    """Check the gas limit against the intrinsic gas, then against the floor for the data."""
    gas = tx.gas
    intrinsic = intrinsic_gas(tx, sender, fork)
    if gas < intrinsic:
        return Rejected(Reason.INTRINSIC_GAS, {"gas": gas, "needed": intrinsic})
    if fork < Fork.PRAGUE:
        return None
    floor = floor_gas(tx, sender, fork)
    if gas < floor:
        return Rejected(Reason.FLOOR_GAS, {"gas": gas, "needed": floor})
    if fork >= Fork.AMSTERDAM and max(intrinsic, floor) > TX_GAS_MAX:
        return Rejected(Reason.FLOOR_GAS_CAP, {"intrinsic": intrinsic, "floor": floor})
    return None
