"""The methods of `eth_` that tell about fees."""

from typing import Final

from txpool.rpc.arguments import BlockId, Parameters, block_number, hex_or_decimal, percentiles
from txpool.rpc.blocks import find_block
from txpool.rpc.chain_view import ChainView
from txpool.rpc.errors import NO_HEADER, RpcError, refused
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, quantity

BLOCKS_MAX: Final = 1024
PERCENTILES_MAX: Final = 100


class EthFees:
    """What a gas costs, and what it has cost."""

    def __init__(self, chain: ChainView) -> None:
        self._chain = chain

    def methods(self) -> Methods:
        """By name."""
        return {
            "eth_baseFee": Method(lambda: quantity(self._chain.head().next_base_fee or 0)),
            "eth_blobBaseFee": Method(lambda: quantity(self._chain.head().blob_base_fee)),
            "eth_feeHistory": Method(self._history, Parameters(hex_or_decimal, block_number, percentiles, required=2)),
            "eth_gasPrice": Method(self._gas_price),
            "eth_maxPriorityFeePerGas": Method(lambda: quantity(self._chain.suggested_tip())),
        }

    def _gas_price(self) -> str:
        return quantity(self._chain.suggested_tip() + (self._chain.head().base_fee or 0))

    def _history(self, count: int, last: BlockId, at: list[float] | None) -> Json | RpcError:
        wanted = at or []
        if fault := _percentile_fault(wanted):
            return fault
        head = self._chain.head().number
        if isinstance(last, int) and last > head:
            return refused(f"request beyond head block: requested {last}, head {head}")
        if count < 1:
            return {"oldestBlock": "0x0", "gasUsedRatio": None}
        block = find_block(self._chain, last)
        if block is None:
            return NO_HEADER
        history = self._chain.fee_history(min(count, BLOCKS_MAX), block.header.number, wanted)
        shown: Json = {"oldestBlock": quantity(history.oldest)}
        if wanted:
            shown["reward"] = [[quantity(tip) for tip in tips] for tips in history.rewards]
        shown["baseFeePerGas"] = [quantity(fee) for fee in history.base_fees]
        shown["gasUsedRatio"] = list(history.gas_used_ratios)
        shown["baseFeePerBlobGas"] = [quantity(fee) for fee in history.blob_base_fees]
        shown["blobGasUsedRatio"] = list(history.blob_gas_used_ratios)
        return shown


def _percentile_fault(wanted: list[float]) -> RpcError | None:
    if len(wanted) > PERCENTILES_MAX:
        return refused(f"invalid reward percentile: over the query limit {PERCENTILES_MAX}")
    for index, each in enumerate(wanted):
        if not 0 <= each <= 100:
            return refused(f"invalid reward percentile: {each:f}")
        if index and each <= wanted[index - 1]:
            before = wanted[index - 1]
            return refused(f"invalid reward percentile: #{index - 1}:{before:f} >= #{index}:{each:f}")
    return None
