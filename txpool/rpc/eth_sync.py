"""`eth_sendRawTransactionSync`: hand a transaction in, and wait for its receipt."""

import asyncio
from collections import deque
from functools import partial
from typing import Final

import msgspec

from txpool.core.head import Head
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
WOKEN_AT_ONCE: Final = 16  # in a turn of the loop: each receipt takes some 50 us


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
        self._awaited: dict[bytes, list[asyncio.Future[None]]] = {}
        self._included: deque[bytes] = deque()  # awaited, in a block, and yet to be told

    def methods(self) -> Methods:
        """By name."""
        parameters = Parameters(byte_string, plain_uint64, required=1)
        most = self._limits.waiting_max
        return {"eth_sendRawTransactionSync": Method(self._send, parameters, waits=True, waiting_max=most)}

    def notice(self) -> None:
        """Wake those whose transactions are in a block by now, whatever the pool has held in the end."""
        before, self._head = self._head, self._pool.head
        if self._head is before or not self._awaited:
            return
        idle = not self._included
        self._included.extend(self._newly_included(before))
        if idle and self._included:
            self._wake_some()

    def _newly_included(self, before: Head) -> list[bytes]:
        """Which of those that are awaited are in blocks that came since that head."""
        block, awaited = self._chain.block_by_hash(self._head.hash), self._awaited
        found: list[bytes] = []
        while block is not None and block.header.number > before.number:
            found += [tx_hash for tx_hash in block.hashes if tx_hash in awaited]
            if block.header.parent_hash == before.hash:
                return found
            block = self._chain.block_by_hash(block.header.parent_hash)
        return [tx_hash for tx_hash in awaited if self._chain.mined(tx_hash)]  # a reorg

    def _wake_some(self) -> None:
        """Wake the first, and the others in the turns that follow."""
        for _ in range(min(WOKEN_AT_ONCE, len(self._included))):
            self._wake(self._included.popleft())
        if self._included:
            asyncio.get_running_loop().call_soon(self._wake_some)

    def close(self) -> None:
        """Let nobody wait any longer, nor whoever is judged after this: the server stops."""
        self._closed = True
        for tx_hash in tuple(self._awaited):
            self._wake(tx_hash)

    def _wake(self, tx_hash: bytes) -> None:
        for future in self._awaited.pop(tx_hash, ()):
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
        """Wait, and again where a reorg has taken the block away before this was woken."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while (shown := self._shown(tx_hash)) is None and not self._closed and (left := until - clock()) > 0:
            await self._until_mined(tx_hash, left)
        return shown or not_processed(tx_hash, seconds)

    async def _until_mined(self, tx_hash: bytes, seconds: float) -> None:
        mined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(tx_hash, []).append(mined)
        try:
            await asyncio.wait((mined,), timeout=seconds)
        finally:
            left = self._awaited.get(tx_hash, [])
            if mined in left:
                left.remove(mined)
            if not left:
                self._awaited.pop(tx_hash, None)

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
