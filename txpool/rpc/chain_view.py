"""What the methods ask of a chain. The chain implements it structurally; this room does not import that one."""

from collections.abc import Sequence
from typing import Protocol

from txpool.core.block import Block, MinedTx
from txpool.core.head import Account, Head
from txpool.core.steps import Steps


class FeeHistory(Protocol):
    """Fees of consecutive blocks, oldest first; wei a gas. Lists of fees go one block further than the others."""

    @property
    def oldest(self) -> int:
        """Number of the first block."""

    @property
    def base_fees(self) -> Sequence[int]:
        """Of each block, and of the one after the last."""

    @property
    def gas_used_ratios(self) -> Sequence[float]:
        """Of each block, 0 to 1."""

    @property
    def blob_base_fees(self) -> Sequence[int]:
        """Of each block, and of the one after the last."""

    @property
    def blob_gas_used_ratios(self) -> Sequence[float]:
        """Of each block, 0 to 1."""

    @property
    def rewards(self) -> Sequence[Sequence[int]]:
        """For each block the effective tip at each percentile of its gas; empty when none were asked for."""


class StateView(Protocol):
    """The accounts as one block left them."""

    def account(self, address: bytes) -> Account:
        """Nonce and balance; zeros where there is no such account."""

    def code(self, address: bytes) -> bytes:
        """The account's code, or the EIP-7702 delegation that stands in its place; empty without one."""

    def storage(self, address: bytes, slot: bytes) -> bytes:
        """The 32 bytes at a 32-byte slot; zeros where nothing was stored."""


class ChainView(Protocol):
    """The chain as JSON-RPC shows it, answered from memory."""

    @property
    def chain_id(self) -> int:
        """The chain that transactions must be signed for."""

    def head(self) -> Head:
        """The tip, as the pool's rules see it."""

    def block_by_number(self, number: int) -> Block | None:
        """The block of the canonical chain; None where it is unknown or forgotten."""

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """The block of that hash; None where it is unknown or forgotten."""

    def mined(self, tx_hash: bytes) -> MinedTx | None:
        """A transaction of the canonical chain, with its receipt."""

    def fee_history(self, count: int, last: int, percentiles: Sequence[float]) -> FeeHistory:
        """Fees of `count` blocks up to number `last`, or of as many as are known; percentiles ascend."""

    def suggested_tip(self) -> int:
        """A tip that recent blocks took, wei a gas."""

    def state(self, block_hash: bytes) -> StateView | None:
        """The state after a block; None where it is not kept any more."""


class DevView(Protocol):
    """The levers of the embedded dev chain."""

    def mine_in_steps(self) -> Steps[int]:
        """Mine one block, filled from the pool; the new head's number."""

    def reorg_in_steps(self, depth: int) -> Steps[int]:
        """Replace the newest `depth` blocks by `depth + 1` empty ones; the new head's number.

        Raises:
            ValueError: the chain is not that long, or what it would take is forgotten.
        """
