"""What happens, told to those who asked: subscriptions and filters read the same logs, made from the pool's events."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from txpool.core.events import Event
from txpool.core.head import Head
from txpool.core.lifecycle import Kind as Move
from txpool.core.pool import Pool
from txpool.core.tx import Tx
from txpool.rpc import errors
from txpool.rpc.arguments import boolean, members
from txpool.rpc.chain_view import ChainView
from txpool.rpc.envelope import encode
from txpool.rpc.errors import RpcError
from txpool.rpc.eth_pool import show_pooled
from txpool.rpc.message_log import HashLog, LogCursor, TextLog
from txpool.rpc.render import Json, announced_header, pooled_transaction
from txpool.rpc.subscriptions import Kinds, kind

HEADS_KEPT: Final = 4096
HASHES_ONLY: Final = RpcError(
    errors.LIMIT_EXCEEDED, "whole transactions are not told while the server is overloaded: subscribe to hashes"
)


class StreamLimits(msgspec.Struct, frozen=True):
    """How much is kept for readers that lag; all of them share it.

    Attributes:
        messages_max: messages of each kind.
        bytes_max: bytes of them, where they are more than a hash.
    """

    messages_max: int = 65_536
    bytes_max: int = 64 * 1024 * 1024


class Follower(Protocol):
    """Somebody who reads the logs and is told when there is more."""

    @property
    def subscriptions(self) -> int:
        """How many read through it; without any it need not be told."""

    def pump(self) -> None:
        """Read on."""


# A transaction that was judged right now, whether or not the pool still holds it.
Recall = Callable[[bytes], Tx | None]


class Streams:
    """Writes the logs as events come in, and has the readers read on at the end of the turn.

    Args:
        pool: its events tell of transactions, its head of blocks.
        chain: where blocks are looked up.
        recall: finds a transaction that the batch has put in and pushed out again.
        limits: how much is kept.
    """

    def __init__(self, pool: Pool, chain: ChainView, recall: Recall, limits: StreamLimits | None = None) -> None:
        self.limits = bounds = limits or StreamLimits()
        self.hashes = HashLog(bounds.messages_max)
        self.transactions = TextLog(bounds.messages_max, bounds.bytes_max)
        self.blocks = HashLog(HEADS_KEPT)
        self.heads = TextLog(HEADS_KEPT, bounds.bytes_max)
        self.lost_in_turn = 0  # transactions that came and went too fast to be shown in full
        self._pool = pool
        self._chain = chain
        self._recall = recall
        self._head = pool.head
        self._followers: list[Follower] = []
        self._due = False
        self._whole = True  # whether whole transactions are told

    def kinds(self) -> Kinds:
        """What can be subscribed to."""
        return {
            ("eth", "newPendingTransactions"): kind(self.pending, boolean, required=0),
            ("eth", "newHeads"): kind(partial(LogCursor, self.heads)),
            ("eth", "logs"): kind(_logs, members),
            ("eth", "syncing"): kind(Silence),
        }

    def pending(self, full: bool | None = None) -> LogCursor | RpcError:  # noqa: FBT001 - the client's own argument
        """A place in the stream of transactions that can be executed now: hashes, or whole ones if these are told."""
        if full and not self._whole:
            return HASHES_ONLY
        return LogCursor(self.transactions if full else self.hashes)

    def new_blocks(self) -> LogCursor:
        """A place in the stream of blocks, by hash."""
        return LogCursor(self.blocks)

    def tell_hashes_only(self) -> None:
        """Tell no whole transactions from now on; who reads them is ended as one that fell behind."""
        self._whole = False
        self.transactions.break_off()
        self.tell_soon()

    def tell_everything(self) -> None:
        """Tell whole transactions again."""
        self._whole = True

    def follow(self, follower: Follower) -> None:
        """Have somebody told, in the turn after it, that there is more to read."""
        self._followers.append(follower)

    def notice(self, events: range) -> None:
        """Write down what these events, and the head, have to tell. To be called in the step that caused them."""
        grown = self._notice_head(self._pool.head)
        if _wanted(self.transactions) or self.hashes.readers:
            for event in _kept(self._pool, events):
                if event.kind is Move.PROMOTED:
                    self._announce(event)
        if grown or events:
            self.tell_soon()

    def tell_soon(self) -> None:
        """Have everybody read on, once, in the turn after this one."""
        if not self._due and any(each.subscriptions for each in self._followers):
            self._due = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._due = False
        for follower in self._followers:
            follower.pump()

    def _notice_head(self, head: Head) -> bool:
        if head is self._head:
            return False
        self._head = head
        self.blocks.append(head.hash)
        if _wanted(self.heads):
            block = self._chain.block_by_hash(head.hash)
            assert block is not None, "the chain has its head"
            self.heads.append(encode(announced_header(block.header)))
        return True

    def _announce(self, event: Event) -> None:
        self.hashes.append(event.hash)
        if not self._whole or not _wanted(self.transactions):
            return
        if shown := self._show(event):
            self.transactions.append(encode(shown))
        else:
            self.lost_in_turn += 1

    def _show(self, event: Event) -> Json | None:
        """The transaction as it was pending, though it may be mined or gone by now."""
        if pooled := self._pool.pooled(event.hash):
            return show_pooled(pooled)
        tx = self._recall(event.hash)
        if tx is None and (mined := self._chain.mined(event.hash)):
            tx = mined.tx
        return None if tx is None else pooled_transaction(tx, event.sender)


class Silence:
    """A place in a stream that never has anything to tell: there is no EVM that writes logs, and nothing to sync."""

    behind = False

    def take(self, most: int) -> Sequence[bytes]:
        """Nothing."""
        return ()

    def close(self) -> None:
        """Read no more."""


def _logs(_criteria: Json) -> Silence:
    return Silence()


def _wanted(log: TextLog) -> bool:
    """Whether somebody reads it; what nobody reads is neither written nor kept."""
    if not log.readers and log.size:
        log.forget()
    return bool(log.readers)


def _kept(pool: Pool, events: range) -> Iterable[Event]:
    """Those of the events that the ring still holds: more may happen in one step than it has room for."""
    ring = pool.events
    return (ring[seq] for seq in range(max(events.start, ring.first_seq), events.stop))
