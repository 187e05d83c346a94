"""`eth_sendRawTransactionSync`: hand a transaction in, and wait for its receipt."""

import asyncio
from functools import partial
from typing import Final

import msgspec

from txpool.core.pool import Accepted, Pool
from txpool.core.rejection import Rejected
from txpool.ingest.batch import Outcome
from txpool.ingest.settings import Busy
from txpool.rpc import errors
from txpool.rpc.arguments import Parameters, byte_string, plain_uint64
from txpool.rpc.chain_view import ChainView
from txpool.rpc.errors import RpcError
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, data, receipt
from txpool.rpc.service import Door

NOT_PROCESSED: Final = 4  # the code of EIP-7966


class SyncLimits(msgspec.Struct, frozen=True):
    """How long a receipt is waited for, in seconds, and how many may wait."""

    default_seconds: float = 20.0
    max_seconds: float = 60.0
    waiting_max: int = 16_384


class SyncSends:
    """Transactions whose senders wait for the receipt.

    Args:
        door: where transactions go.
        pool: its head tells when there are new blocks.
        chain: has the receipts.
        limits: bounds.
    """

    def __init__(self, door: Door, pool: Pool, chain: ChainView, limits: SyncLimits | None = None) -> None:
        self.waiting = 0
        self._closed = False
        self._limits = limits or SyncLimits()
        self._door = door
        self._pool = pool
        self._chain = chain
        self._head = pool.head
        self._mined: dict[bytes, list[asyncio.Future[None]]] = {}

    def methods(self) -> Methods:
        """By name."""
        parameters = Parameters(byte_string, plain_uint64, required=1)
        return {"eth_sendRawTransactionSync": Method(self._send, parameters, waits=True)}

    def notice(self) -> None:
        """Wake those whose transactions are in a block by now, whatever the pool has held in the end."""
        if self._pool.head is not self._head:
            self._head = self._pool.head
            for tx_hash in [each for each in self._mined if self._chain.mined(each)]:
                self._wake(tx_hash)

    def close(self) -> None:
        """Let nobody wait any longer, nor whoever is judged after this: the server stops."""
        self._closed = True
        for tx_hash in tuple(self._mined):
            self._wake(tx_hash)

    def _wake(self, tx_hash: bytes) -> None:
        for future in self._mined.pop(tx_hash, ()):
            if not future.done():
                future.set_result(None)

    async def _send(self, raw: bytes, milliseconds: int | None) -> Json | RpcError | Busy:
        limits = self._limits
        if self.waiting >= limits.waiting_max:
            return Busy(self.waiting)
        self.waiting += 1
        try:
            outcome = await self._judged(raw)
            if not isinstance(outcome, Accepted):
                return _refusal(outcome)
            seconds = min(milliseconds / 1000, limits.max_seconds) if milliseconds else limits.default_seconds
            return await self._receipt(outcome.tx_hash, seconds)
        finally:
            self.waiting -= 1

    async def _judged(self, raw: bytes) -> Outcome | Busy:
        judged: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        busy = self._door.offer(raw, partial(_settle, judged))
        return busy or await judged

    async def _receipt(self, tx_hash: bytes, seconds: float) -> Json | RpcError:
        shown = self._shown(tx_hash)
        if shown is None and not self._closed:
            await self._until_mined(tx_hash, seconds)
            shown = self._shown(tx_hash)
        return shown or not_processed(tx_hash, seconds)

    async def _until_mined(self, tx_hash: bytes, seconds: float) -> None:
        mined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._mined.setdefault(tx_hash, []).append(mined)
        try:
            await asyncio.wait((mined,), timeout=seconds)
        finally:
            left = self._mined.get(tx_hash, [])
            if mined in left:
                left.remove(mined)
            if not left:
                self._mined.pop(tx_hash, None)

    def _shown(self, tx_hash: bytes) -> Json | None:
        mined = self._chain.mined(tx_hash)
        block = mined and self._chain.block_by_hash(mined.block_hash)
        return receipt(mined, block.header.logs_bloom) if mined and block else None


def not_processed(tx_hash: bytes, seconds: float) -> RpcError:
    """The transaction is in the pool, and no block has taken it in time."""
    why = f"The transaction was added to the transaction pool but wasn't processed in {go_duration(seconds)}"
    return RpcError(NOT_PROCESSED, why, data(tx_hash))


def go_duration(seconds: float) -> str:
    """Write whole milliseconds as Go writes a duration: `250ms`, `1.5s`, `1m0s`."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    small = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{small}"
    return f"{minutes}m{small}" if minutes else small


def _refusal(outcome: object) -> RpcError | Busy:
    if isinstance(outcome, Rejected):
        return errors.refused(outcome)
    return outcome if isinstance(outcome, Busy) else errors.CRASHED


def _settle(judged: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not judged.done():
        judged.set_result(outcome)
