"""The two that decode transactions and recover signers, a batch at a time: the native kernel, and its twin in Python.

Both give the same for every input. The native one takes the regular forms only and leaves the rest to the twin, so each
refusal has one source; it does not hold the interpreter's lock while it works, and makes the twin's own classes.
"""

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from txpool.core.candidate import authorities_of
from txpool.core.rejection import Rejected
from txpool.core.signature import sender_of
from txpool.core.tx import Authorization, Sidecar, Tx, decode

try:
    import txpool_kernel
except ImportError:
    txpool_kernel = None

INTERFACE: Final = 2  # what crosses the boundary; a kernel left over from another version has another number
_CHAIN_ID_BITS: Final = 64

# The sender, or why the signature gives none; and who signed the authorizations, as far as they give anybody.
Signers: TypeAlias = tuple[bytes | Rejected, tuple[bytes, ...]]


class Kernel(Protocol):
    """Decodes, hashes and recovers; safe on any thread. It recovers `lanes` signers at a time, where that many come."""

    name: str
    lanes: int

    def decode(self, raws: list[bytes]) -> list[Tx | Rejected]:
        """Read transactions in binary form, blob transactions also with their sidecars."""

    def signers(self, txs: Sequence[Tx], chain_id: int) -> list[Signers]:
        """Recover who signed each: some 45 us a signature, 11 where a kernel takes several at a time."""


class Twin:
    """The measure: what it says, the native kernel must say."""

    name = "python"
    lanes = 1

    def decode(self, raws: list[bytes]) -> list[Tx | Rejected]:
        """Read each."""
        return [decode(raw) for raw in raws]

    def signers(self, txs: Sequence[Tx], chain_id: int) -> list[Signers]:
        """Recover the signers of each."""
        return [_signers(tx, chain_id) for tx in txs]


class Native:
    """The kernel in Rust, with the twin behind it."""

    name = "native"

    def __init__(self) -> None:
        assert txpool_kernel is not None, "not built"
        self._kernel = txpool_kernel.Kernel(Tx, Authorization, Sidecar)
        self.lanes: int = txpool_kernel.LANES

    def decode(self, raws: list[bytes]) -> list[Tx | Rejected]:
        """Read all in one call, what is irregular once more."""
        found: list[Tx | None] = self._kernel.decode(raws)
        return [decode(raw) if tx is None else tx for raw, tx in zip(raws, found, strict=True)]

    def signers(self, txs: Sequence[Tx], chain_id: int) -> list[Signers]:
        """Recover all in one call; where there is no sender, the twin says why."""
        if chain_id.bit_length() > _CHAIN_ID_BITS:
            return TWIN.signers(txs, chain_id)
        found: list[Signers | None] = self._kernel.recover([tx.raw for tx in txs], chain_id)
        return [_signers(tx, chain_id) if known is None else known for tx, known in zip(txs, found, strict=True)]


def _signers(tx: Tx, chain_id: int) -> Signers:
    return sender_of(tx, chain_id), authorities_of(tx)


def _native() -> Native | None:
    """The native kernel, if it is built, and for this version."""
    return Native() if getattr(txpool_kernel, "INTERFACE", None) == INTERFACE else None


TWIN: Final = Twin()
NATIVE: Final = _native()
