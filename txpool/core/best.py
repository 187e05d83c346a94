"""The order in which a block builder wants transactions.

Each sender's next one, the highest effective tip first; of equal tips the one that carries no blobs, then the one that
arrived first, then the one that was stored first. Source: geth's `newTransactionsByPriceAndNonce` and
`commitTransactions`.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappushpop, heapreplace
from typing import Final, TypeAlias

import msgspec

from txpool.core.blob_residents import BlobResidents
from txpool.core.blob_sender import BlobSender
from txpool.core.record import U64_MAX, Resident, read_ranking
from txpool.core.residents import Residents
from txpool.core.sender import Sender
from txpool.core.shards import SHARDS
from txpool.core.steps import Steps, finish, portions
from txpool.core.tx import BLOB

# Negative tip, whether it carries blobs, arrival, handle: what ranks a sender's next one. With all four negated a heap
# has the worst on top.
_Entry: TypeAlias = tuple[int, int, int, int, Resident]

SENDERS_MAX: Final = 2048  # a block rarely asks for more


class BestTx(msgspec.Struct, frozen=True, gc=False):
    """A candidate for the next block; `tip` is what it pays the builder, wei a gas."""

    handle: int
    hash: bytes
    sender: bytes
    nonce: int
    gas: int
    tip: int
    cost: int


class Best:
    """An iterator over the pool at one head; a new head ends it with an error.

    A sender's transactions come in nonce order, and end at the first whose fee cap is under the base fee.

    The pool may change between two of them. What has left by then does not come, what has taken its place comes
    instead, and who is new may be left out. While nothing changes, all come.
    """

    def __init__(
        self,
        residents: Residents,
        base_fee: int | None,
        blobs: BlobResidents | None = None,
        blob_base_fee: int = 0,
        *,
        senders_max: int = SENDERS_MAX,
    ) -> None:
        """Nothing is looked at yet.

        Args:
            residents: the pool's content.
            base_fee: of the block to build, None before London.
            blobs: the blob pool's content, where blob transactions are wanted.
            blob_base_fee: what blob gas costs in that block; an account's come up to the first that pays less.
            senders_max: how many senders to hold at a time, the best ones; what is asked for beyond takes another look.
        """
        self._residents = residents
        self._blobs = blobs
        self._base_fee = base_fee
        self._blob_base_fee = blob_base_fee
        self._senders_max = senders_max
        self._first_event = residents.events.next_seq
        self._head = residents.tallies.head_updates
        self._heap: list[_Entry] = []
        self._bar: _Entry | None = None  # the worst that was looked at and held
        self._left = True  # there are worse ones than that
        self._held: Resident | None = None

    def __iter__(self) -> Iterator[BestTx]:
        return self

    def __next__(self) -> BestTx:
        """The next best.

        Raises:
            StopIteration: there is none.
            RuntimeError: the pool follows another head by now.
        """
        self._go_on()
        if self._lacks():
            finish(self.prepare())
        if not self._heap:
            raise StopIteration
        negative_tip, *_, tx = self._heap[0]
        self._held = tx
        return BestTx(tx.handle, tx.hash, tx.sender, tx.nonce, tx.gas, -negative_tip, tx.cost)

    def prepare(self) -> Steps[None]:
        """Do in steps what the next one takes: at first, and when those held are used up, a look at all: O(senders).

        The pool may change between the steps. What then is left to do for the next one is quick: O(log senders).
        """
        self._go_on()
        while self._lacks():
            yield from self._look_at_all()
            self._drop_stale()

    def skip_sender(self) -> None:
        """Leave out all that the sender of the last one still has."""
        if self._held:
            heappop(self._heap)
            self._held = None

    def _go_on(self) -> None:
        """Put the successor of the last one in its place."""
        if self._residents.tallies.head_updates != self._head:
            raise RuntimeError("the head has changed during the iteration")
        if self._held is not None:
            self._replace_top(self._at(self._held, self._held.nonce + 1))
            self._held = None
        self._drop_stale()

    def _lacks(self) -> bool:
        """Whether senders that are not held may have something better than those that are."""
        return self._left and (not self._heap or (self._bar is not None and self._heap[0] > self._bar))

    def _drop_stale(self) -> None:
        """Where the pool has changed, see to it that the top is pooled, or what has replaced it."""
        unchanged = self._residents.events.next_seq == self._first_event
        while self._heap and not unchanged:
            tx = self._heap[0][-1]
            entry = self._at(tx, tx.nonce)
            if entry and entry[-1].handle == tx.handle:
                return
            self._replace_top(entry)

    def _replace_top(self, entry: _Entry | None) -> None:
        if entry:
            heapreplace(self._heap, entry)
        else:
            heappop(self._heap)

    def _at(self, tx: Resident, nonce: int) -> _Entry | None:
        """What the sender of a transaction has at a nonce now."""
        if tx.type == BLOB and self._blobs:
            account = self._blobs.senders.get(tx.sender)
            return self._blob_entry(self._blobs, account, nonce - account.nonce) if account else None
        sender = self._residents.senders.get(tx.sender)
        return self._entry(sender.pending.get(nonce)) if sender else None

    # --- looking at all senders

    def _look_at_all(self) -> Steps[None]:
        """Hold the best of those that are worse than the bar; those left out are worse than all held."""
        bar, chosen = self._bar, _Choice(self._senders_max)
        for number in range(SHARDS):
            for some in portions(list(self._residents.senders.shard(number).values())):
                for sender in some:
                    entry = self._first(sender, chosen)
                    if entry and (bar is None or entry > bar):
                        chosen.offer(entry)
                yield
        for others in portions(list(self._blobs.senders.values()) if self._blobs else ()):
            for account in others:
                entry = self._blob_entry(self._blobs, account, 0) if self._blobs else None
                if entry and (bar is None or entry > bar):
                    chosen.offer(entry)
            yield
        self._left = chosen.left_out
        entries = chosen.entries()
        self._bar = max(entries, default=bar)
        yield
        self._heap += entries
        heapify(self._heap)

    def _first(self, sender: Sender, chosen: "_Choice") -> _Entry | None:
        """What a sender has first, unless that surely is worse than all that are chosen."""
        handle = sender.pending.get(sender.nonce) if sender.pending else 0
        if handle and chosen.least_tip is not None:
            _, tip, fee = read_ranking(self._residents.store, handle)
            # As `fees.effective_tip`, which would cost a call.
            worth = tip if self._base_fee is None else min(tip, fee - self._base_fee)
            if worth < chosen.least_tip and fee < U64_MAX:  # which may stand for more
                chosen.left_out = True
                return None
        return self._entry(handle)

    def _blob_entry(self, blobs: BlobResidents, sender: BlobSender, place: int) -> _Entry | None:
        if not 0 <= place < sender.count:
            return None
        blob = blobs.of(sender)[place]
        return self._entry(blob.handle) if blob.blob_fee_cap >= self._blob_base_fee else None

    def _entry(self, handle: int) -> _Entry | None:
        if not handle:
            return None
        tx = self._residents.read(handle)
        base_fee, tip = self._base_fee, tx.tip_cap
        if base_fee is not None:
            if tx.fee_cap < base_fee:
                return None
            tip = min(tip, tx.fee_cap - base_fee)  # as `fees.effective_tip`; a call costs
        return -tip, int(tx.type == BLOB), tx.arrival, handle, tx


class _Choice:
    """The best of many, so many at most."""

    def __init__(self, most: int) -> None:
        self.left_out = False  # whether there were more
        self.least_tip: int | None = None  # of those chosen, once they are so many
        self._most = most
        self._best: list[_Entry] = []  # turned, the worst on top, once they are so many

    def offer(self, entry: _Entry) -> None:
        """Take one in if it is good enough."""
        if self.least_tip is None:
            self._best.append(entry)
            if len(self._best) < self._most:
                return
            self._best = [_turned(each) for each in self._best]
            heapify(self._best)
        else:
            heappushpop(self._best, _turned(entry))
            self.left_out = True
        self.least_tip = self._best[0][0]

    def entries(self) -> list[_Entry]:
        """Those chosen, in any order."""
        return self._best if self.least_tip is None else [_turned(each) for each in self._best]


def _turned(entry: _Entry) -> _Entry:
    """Ranked the other way round."""
    tip, blob, arrival, handle, tx = entry
    return -tip, -blob, -arrival, -handle, tx
