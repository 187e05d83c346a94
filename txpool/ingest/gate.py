"""What RPC asks of a transaction before the pool sees it: a bearable fee, and replay protection."""

from fractions import Fraction
from typing import Final

from txpool.core.rejection import Reason, Rejected
from txpool.core.tx import LEGACY, Tx

WEI_PER_ETHER: Final = 10**18
INFINITY: Final = float("inf")


class Gate:
    """go-ethereum's two checks of its RPC server.

    Args:
        tx_fee_cap_ether: the most that gas times fee cap may come to; 0 for no cap.
        allow_unprotected: whether legacy transactions without a chain id may pass.
    """

    __slots__ = ("_allow_unprotected", "_cap", "_cap_wei")

    def __init__(self, tx_fee_cap_ether: float = 1.0, *, allow_unprotected: bool = False) -> None:
        self._cap = tx_fee_cap_ether
        self._cap_wei = int(Fraction(tx_fee_cap_ether) * WEI_PER_ETHER)
        self._allow_unprotected = allow_unprotected

    def fault(self, tx: Tx) -> Rejected | None:
        """Check one transaction, in geth's order."""
        fee_wei = tx.fee_cap * tx.gas
        if fee_wei > self._cap_wei and self._cap and (fault := self._fee_fault(fee_wei)):
            return fault
        if tx.type == LEGACY and tx.chain_id is None and not self._allow_unprotected:
            return Rejected(Reason.UNPROTECTED)
        return None

    def _fee_fault(self, fee_wei: int) -> Rejected | None:
        """Compare as geth does, in ether and floating point: one wei over one ether is one ether."""
        try:
            fee = fee_wei / WEI_PER_ETHER
        except OverflowError:
            fee = INFINITY
        if fee <= self._cap:
            return None
        text = "+Inf" if fee == INFINITY else f"{fee:.2f}"
        return Rejected(Reason.TX_FEE_CAP, {"fee": text, "cap": f"{self._cap:.2f}"})
