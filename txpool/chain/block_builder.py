"""Filling a block from the pool, as geth's miner does.

Each sender's next transaction, the highest effective tip first. A sender is passed over from its first one that pays
too little, asks for more gas than is left, or cannot run; what a transaction leaves of its gas limit goes back to the
block.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from txpool.chain.execution import Context, Misfit, execute, misfit
from txpool.chain.state import State
from txpool.core.best import BestTx
from txpool.core.block import Receipt
from txpool.core.steps import Steps
from txpool.core.tx import GAS_PER_BLOB, Tx, decode

TX_GAS_MIN: Final = 21_000
BLOCK_BYTES_MAX: Final = 7_388_608  # EIP-7934's 8 MiB for the block, less the 1 MB that geth keeps for the rest of it


class Picks(Protocol):
    """A pool's transactions in the order of their worth; `core.best.Best` is one. The pool may change between two."""

    def __iter__(self) -> Iterator[BestTx]: ...

    def __next__(self) -> BestTx: ...

    def prepare(self) -> Steps[None]:
        """Do, in steps, what would make the next one take long."""

    def skip_sender(self) -> None:
        """Leave out all that the sender of the last one still has."""


class Supply(msgspec.Struct, frozen=True):
    """Where transactions come from.

    Attributes:
        best: gives the picks at a base fee and a blob base fee; they hold until the head changes.
        payload: the bytes behind a pick's handle.
    """

    best: Callable[[int | None, int], Picks]
    payload: Callable[[int], bytes]


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """How much a block takes: gas, blobs, and the least effective tip in wei a gas."""

    gas: int
    blobs: int
    tip_min: int


class Content:
    """What is in a block under way; the lists run side by side."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self.payloads: list[bytes] = []
        self.senders: list[bytes] = []
        self.receipts: list[Receipt] = []
        self.gas_used = 0
        self.blobs = 0
        self.size = 0

    @property
    def blob_gas_used(self) -> int:
        """The gas of its blobs."""
        return self.blobs * GAS_PER_BLOB

    def add(self, tx: Tx, sender: bytes, receipt: Receipt) -> None:
        """Put a transaction that has run at the end."""
        self.hashes.append(tx.hash)
        self.payloads.append(tx.raw)
        self.senders.append(sender)
        self.receipts.append(receipt)
        self.gas_used = receipt.cumulative_gas_used
        self.blobs += len(tx.blob_hashes)
        self.size += len(tx.raw)


def fill(supply: Supply, base_fee: int | None, state: State, context: Context, bounds: Bounds) -> Steps[Content]:
    """Run the best transactions that fit, on the state's block under way; one in a step.

    The order is by tip and the highest comes first, so one tip under the least one ends it all.
    """
    content = Content()
    picks = supply.best(base_fee, context.blob_base_fee)
    while True:
        yield
        yield from picks.prepare()
        pick = next(picks, None)
        if pick is None:
            break
        gas_left = bounds.gas - content.gas_used
        if gas_left < TX_GAS_MIN or pick.tip < bounds.tip_min:
            break
        if pick.gas > gas_left:
            picks.skip_sender()
            continue
        tx = decode(supply.payload(pick.handle))
        assert isinstance(tx, Tx), "the pool holds what once was decoded"
        if content.size + tx.size > BLOCK_BYTES_MAX:  # with the sidecar, though the block will be without it
            break
        fault = _fault(tx, pick.sender, content.blobs, state, context, bounds)
        if fault is None:
            content.add(tx, pick.sender, execute(tx, pick.sender, state, context, content.gas_used))
        elif fault is Misfit.NOT_YET:
            picks.skip_sender()
    return content


def _fault(tx: Tx, sender: bytes, blobs: int, state: State, context: Context, bounds: Bounds) -> Misfit | None:
    if blobs + len(tx.blob_hashes) > bounds.blobs:
        return Misfit.NOT_YET
    return misfit(tx, sender, state, context)
