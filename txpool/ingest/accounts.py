"""Senders' accounts that the pool does not have yet: at hand, or asked of the chain."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from txpool.core.head import Account
from txpool.core.pool import Pool
from txpool.ingest.batch import Batch

LOG: Final = logging.getLogger(__name__)

AtHand = Callable[[Collection[bytes]], Mapping[bytes, Account]]


class AccountSource(Protocol):
    """Where the accounts of senders come from that the pool does not know yet."""

    async def accounts(self, addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        """Those accounts at the chain's head, all of them."""


class Accounts:
    """Gives batches what the pool needs to know of their senders.

    Args:
        pool: whose head counts, and who knows the accounts of those it tracks.
        source: asked for those that are not at hand.
        at_hand: the accounts of these that can be had without waiting; None: every unknown one is asked for.
        loop: where that happens.
        fetched: told when an answer has come, or none will.
    """

    def __init__(
        self,
        pool: Pool,
        source: AccountSource,
        at_hand: AtHand | None,
        loop: asyncio.AbstractEventLoop,
        fetched: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._source = source
        self._at_hand = at_hand
        self._loop = loop
        self._fetched = fetched
        self._fetching: asyncio.Task[None] | None = None

    def known(self, batch: Batch) -> bool:
        """Whether pool or batch have the account of every sender; if not, the batch waits for what is fetched."""
        pool = self._pool
        if batch.accounts_head is not pool.head:
            batch.accounts, batch.accounts_head = {}, pool.head
        known, tracks = batch.accounts, pool.tracks
        missing = {
            sender
            for each in batch.candidates
            if isinstance(sender := each.sender, bytes) and not tracks(sender) and sender not in known
        }
        if missing and self._at_hand is not None:
            batch.accounts = {**batch.accounts, **self._at_hand(missing)}
            missing -= batch.accounts.keys()
        if missing:
            batch.waiting += 1
            self._fetching = self._loop.create_task(self._fetch(batch, missing))
        return not missing

    async def _fetch(self, batch: Batch, missing: Collection[bytes]) -> None:
        """Ask the chain; an answer that a new head has overtaken is asked for again."""
        try:
            found = await self._source.accounts(missing)
            if self._pool.head is batch.accounts_head:
                batch.accounts = {**batch.accounts, **found}
        except Exception:
            LOG.exception("fetching accounts broke")
            batch.broken = True
        batch.waiting -= 1
        self._fetched()
