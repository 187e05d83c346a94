"""What the methods ask of a chain. The chain implements it structurally; this room does not import that one."""

from typing import Protocol

from txpool.core.block import Block, MinedTx
from txpool.core.head import Account, Head
from txpool.core.rules import ForkSchedule


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

    @property
    def schedule(self) -> ForkSchedule:
        """Which rules hold when; blob fees are computed from it."""

    def head(self) -> Head:
        """The tip, as the pool's rules see it."""

    def block_by_number(self, number: int) -> Block | None:
        """The block of the canonical chain; None where it is unknown or forgotten."""

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """The block of that hash; None where it is unknown or forgotten."""

    def mined(self, tx_hash: bytes) -> MinedTx | None:
        """A transaction of the canonical chain, with its receipt."""

    def state(self, block_hash: bytes) -> StateView | None:
        """The state after a block; None where it is not kept any more."""


class DevView(Protocol):
    """The levers of the embedded dev chain."""

    def mine(self, count: int) -> int:
        """Mine so many blocks now, each filled from the pool; the new head's number."""

    def reorg(self, depth: int) -> int:
        """Replace the newest `depth` blocks by `depth + 1` empty ones; the new head's number.

        Raises:
            ValueError: the chain is not that long, or what it would take is forgotten.
        """
