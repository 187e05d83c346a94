"""Gathers what one turn of the event loop brought, and gets it judged."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from txpool.core.candidate import Candidate
from txpool.core.foresee import foresee
from txpool.core.kernel import NATIVE, TWIN, Kernel
from txpool.core.pool import Pool
from txpool.core.rejection import Reason, Rejected
from txpool.core.stateless import TX_BYTES_MAX, fault_before_sender
from txpool.core.tx import BLOB, Tx, decode
from txpool.ingest.accounts import Accounts, AccountSource, AtHand
from txpool.ingest.batch import CRASHED, Batch, BlobArrival, Crashed, Outcome, Reply
from txpool.ingest.blob_lane import BlobLane
from txpool.ingest.blob_proofs import conversion_fault, is_unready
from txpool.ingest.counters import IngestCounters
from txpool.ingest.dry_run import Checked, DryRun
from txpool.ingest.gate import Gate
from txpool.ingest.senders import Senders
from txpool.ingest.settings import Busy, IngestSettings
from txpool.ingest.workers import Workers

LOG: Final = logging.getLogger(__name__)

# Bytes made to be slow to decode take up to an eighth of a millisecond for each KiB. A turn of the loop decodes so many
# bytes at the most, and no transaction over the second bound: those go to worker threads.
TURN_BYTES_MAX: Final = 32 * 1024
LARGE_BYTES: Final = 8 * 1024

_ALREADY_KNOWN: Final = Rejected(Reason.ALREADY_KNOWN)


class Ingest:
    """Bytes in, verdicts out, in order of arrival. Made and used in the loop's thread.

    Args:
        pool: who judges; its head is the chain's.
        chain_id: what signatures must name.
        accounts: asked for senders that the pool does not track.
        clock: nanoseconds since the epoch.
        gate: the checks that RPC makes.
        settings: bounds.
        at_hand: the accounts of these that can be had without waiting; without it every unknown sender is fetched.
    """

    def __init__(
        self,
        pool: Pool,
        chain_id: int,
        accounts: AccountSource,
        clock: Callable[[], int],
        *,
        gate: Gate | None = None,
        settings: IngestSettings | None = None,
        at_hand: AtHand | None = None,
    ) -> None:
        self.settings = settings or IngestSettings()
        self.counters = IngestCounters()
        self._batch_max = self.settings.batch_max
        self._tip_min = 0
        self.depth = 0  # transactions that wait for a verdict
        self.judged = 0  # those handed in that have had theirs, however it was
        self._asked = 0  # of the depth, those that are only asked about
        self.depth_bytes = 0
        # Told the numbers of the events that a batch has caused, before its callers have their verdicts.
        self.on_events: Callable[[range], None] = _nobody_listens
        # What a turn is run by, so that it can be known who is at work.
        self.around: Callable[[Callable[[], None]], None] = _at_once
        # Gives, where somebody asks for a dry run, what is called by whoever that is, in turns of the ingest too.
        self.carried: Callable[[], Callable[[Callable[[], None]], None]] = _for_nobody
        # Whether the head is: then nothing is judged until `go_on` says that it may have come to stand.
        self.moving: Callable[[], bool] = _never
        self._pool = pool
        self._clock = clock
        self._gate = gate or Gate()
        self._loop = asyncio.get_running_loop()
        self._arrivals: list[tuple[bytes, Reply]] = []
        self._lane: deque[Batch] = deque()
        self._turn_due = False
        self._arrival = 0
        self._drained = asyncio.Event()
        self._accounts = Accounts(pool, accounts, at_hand, self._loop, self._turn_soon)
        self._blobs = BlobLane(pool, chain_id, self._loop, self._blob_ready)
        self._workers = Workers(self.settings.threads)
        self._senders = Senders(
            (NATIVE if self.settings.kernel == "auto" else None) or TWIN,
            chain_id,
            self.settings.inline_max,
            workers=self._workers,
            counters=self.counters,
            loop=self._loop,
            recovered=self._part_recovered,
        )

    def offer(self, raw: bytes, reply: Reply) -> Busy | None:
        """Take a transaction in binary form; `reply` is called once, in a later turn. Busy: it was not taken."""
        settings = self.settings
        size = len(raw)
        if self.depth >= settings.queue_max or self.depth_bytes + size > settings.queue_bytes_max:
            self.counters.refused_busy += 1
            return Busy(self.depth)
        self.depth += 1
        self.depth_bytes += size
        self._arrivals.append((raw, reply))
        if not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self.around, self._turn)
        return None

    def ease(self, batch_max: int | None, tip_min: int) -> None:
        """Until told otherwise judge no more than so many in one go, and refuse newcomers of a lower tip at once.

        The pool would refuse those too, but one signature later.
        """
        self._batch_max = min(batch_max or self.settings.batch_max, self.settings.batch_max)
        self._tip_min = tip_min

    def just_judged(self, tx_hash: bytes) -> Tx | None:
        """A transaction of the batch whose events are being told; the pool may have let it go again."""
        candidates = self._lane[0].candidates if self._lane else ()
        return next((each.tx for each in candidates if each.tx.hash == tx_hash), None)

    async def check(self, raws: Sequence[bytes]) -> list[Checked] | Busy:
        """Say what would become of these, were they handed in now one after another; nothing comes of it."""
        settings = self.settings
        batch = DryRun(self._pool.head, raws, max(self._arrival, self._clock()), self.carried())
        if self.depth >= settings.queue_max or self.depth_bytes + batch.size > settings.queue_bytes_max:
            return Busy(self.depth)
        self.depth += batch.count
        self._asked += batch.count
        self.depth_bytes += batch.size
        if batch.size > TURN_BYTES_MAX:
            self._read_dry_later(batch)
        else:
            self._decode_dry(batch)
            self._dry_is_read(batch)
        return await batch.finished

    @property
    def kernel(self) -> Kernel:
        """What decodes and recovers."""
        return self._senders.kernel

    @property
    def waiting(self) -> int:
        """Transactions handed in that wait for their verdict."""
        return self.depth - self._asked

    @property
    def read_bytes(self) -> int:
        """Bytes of those waiting that are being validated: not yet to be decoded, nor waiting for proofs."""
        return sum(batch.size for batch in self._lane)

    def go_on(self) -> None:
        """Judge what has waited for the head to come to stand."""
        if self._lane and not self.moving():
            self._turn_soon()

    async def drain(self) -> None:
        """Wait until everything that was taken is judged."""
        while self.depth:
            self._drained.clear()
            await self._drained.wait()

    def close(self) -> None:
        """End the worker threads. To be called when drained."""
        self._blobs.close()
        self._workers.close()

    # --- one turn of the loop: decode what arrived, and judge a batch that is ready

    def _turn(self) -> None:
        self._turn_due = False
        if self._arrivals:
            count = self._bearable()
            arrived, self._arrivals = self._arrivals[: count or 1], self._arrivals[count or 1 :]
            if count:
                batch = self._decode(arrived)
                self._lane.append(batch)
                self._senders.recover(batch)
            else:
                self._decode_elsewhere(*arrived[0])
        self._judge_first()
        if self._arrivals or (self._lane and not self._lane[0].waiting and not self.moving()):
            self._turn_soon()

    def _turn_soon(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self.around, self._turn)

    def _bearable(self) -> int:
        """How many of those that arrived this turn may decode; none when the first is a large one."""
        count = size = 0
        for raw, _ in self._arrivals[: self._batch_max]:
            size += len(raw)
            if self._is_large(raw) or (count and size > TURN_BYTES_MAX):
                break
            count += 1
        return count

    def _is_large(self, raw: bytes) -> bool:
        return len(raw) > LARGE_BYTES and self._workers.count > 0

    def _decode(self, arrived: Sequence[tuple[bytes, Reply]]) -> Batch:
        """Decode, and refuse at once what the pool need not see."""
        batch = Batch(self._pool.head, len(arrived), sum([len(raw) for raw, _ in arrived]))
        arrival = max(self._arrival, self._clock())
        for (_, reply), read in zip(arrived, self._read([raw for raw, _ in arrived]), strict=True):
            self._let_in(batch, read, arrival, reply)
            arrival += 1
        self._arrival = arrival
        return batch

    def _decode_dry(self, batch: DryRun) -> None:
        """As `_decode`, as much as a turn may, without leaving a trace."""
        for place, raw in batch.piece(TURN_BYTES_MAX):
            (read,) = self._read([raw])
            try:
                if isinstance(read, Tx):
                    batch.take(place, read, self._gate)
                else:
                    batch.put(place, read)
            except Exception:
                LOG.exception("the early checks broke")

    def _read(self, raws: list[bytes]) -> Sequence[Tx | Rejected | Crashed]:
        """Decode all at once; where that breaks, each on its own and in Python, so that none suffers for another."""
        try:
            return self.kernel.decode(raws)
        except Exception:
            LOG.exception("decoding a batch broke")
            self.counters.kernel_faults += 1
            return [_read_alone(raw) for raw in raws]

    def _let_in(self, batch: Batch, read: Tx | Rejected | Crashed, arrival: int, reply: Reply) -> None:
        """Bring one transaction into the batch, or tell why not."""
        try:
            refusal = self._enter(batch, read, arrival, reply) if isinstance(read, Tx) else read
        except Exception:
            LOG.exception("the early checks broke")
            refusal = CRASHED
        if refusal is not None:
            if isinstance(refusal, Rejected):
                self.counters.refused[refusal.reason] += 1
            _tell(reply, refusal)

    def _enter(self, batch: Batch, tx: Tx, arrival: int, reply: Reply) -> Rejected | None:
        """Take one transaction into the batch, or refuse it."""
        if tx.type == BLOB and (fault := conversion_fault(tx, batch.head)):
            return fault
        if fault := self._gate.fault(tx):
            return fault
        if tx.type == BLOB:
            batch.leave_out(tx.size)
            self._blobs.take(BlobArrival(tx, arrival, tx.size, reply))
            return None
        if not self._pool.knows(tx.hash):
            if tx.tip_cap < self._tip_min:
                return Rejected(Reason.TIP_BELOW_MINIMUM, {"tip": tx.tip_cap, "needed": self._tip_min})
            batch.add(tx, arrival, reply, sound=fault_before_sender(tx, batch.head) is None)
            return None
        if not self._lane and not batch.candidates:
            return _ALREADY_KNOWN
        known = self._pool.pooled(tx.hash)  # one ahead of it may yet replace the one in the pool
        assert known is not None, "the pool knows it"
        batch.add_known(tx, known.sender, arrival, reply)
        return None

    # --- large ones: decoded and recovered on a worker thread

    def _decode_elsewhere(self, raw: bytes, reply: Reply) -> None:
        """Give it a batch of its own, in order of arrival; what is too long for any pool holds up nobody."""
        self.counters.decoded_on_threads += 1
        batch = Batch(self._pool.head, 1, len(raw))
        batch.waiting = 1
        if not _too_long(raw):
            self._lane.append(batch)
        self._arrival = max(self._arrival, self._clock()) + 1
        self._workers.do(self._read_large, batch, raw, self._arrival, reply)

    def _read_large(self, batch: Batch, raw: bytes, arrival: int, reply: Reply) -> None:
        read = self._read([raw])[0]
        self._loop.call_soon_threadsafe(self._large_is_read, batch, raw, arrival, reply, read)

    def _large_is_read(
        self, batch: Batch, raw: bytes, arrival: int, reply: Reply, read: Tx | Rejected | Crashed
    ) -> None:
        self._let_in(batch, read, arrival, reply)
        if _too_long(raw):
            self._lane.append(batch)
        if batch.unsigned:
            self._senders.recover_waited_for(batch)
        else:
            self._part_recovered(batch)

    # --- large dry runs: a piece at a time, on worker threads where there are any; in the lane when all is decoded

    def _read_dry_later(self, batch: DryRun) -> None:
        """Behind what others wait for meanwhile."""
        if self._workers.count:
            self._workers.do(self._read_dry, batch)
        else:
            self._loop.call_soon(batch.within, partial(self._read_dry, batch))

    def _read_dry(self, batch: DryRun) -> None:
        if batch.abandoned:
            batch.unread.clear()
        self._decode_dry(batch)
        if batch.unread:
            self._read_dry_later(batch)
        else:
            self._loop.call_soon_threadsafe(batch.within, partial(self._dry_is_read, batch))

    def _dry_is_read(self, batch: DryRun) -> None:
        self._lane.append(batch)
        if not batch.abandoned:
            self._senders.recover(batch)
            self._prepare_dry(batch, list(batch.blobs))
        self._turn_soon()

    def _part_recovered(self, batch: Batch) -> None:
        batch.waiting -= 1
        if not batch.waiting and batch is self._lane[0]:
            self._turn_soon()

    # --- blob transactions, whose proofs take long

    def _blob_ready(self, arrived: BlobArrival, candidate: Candidate | None) -> None:
        """Have it judged behind all that came while it was prepared."""
        if arrived.instead is not None:
            arrived.instead(candidate)
            return
        batch = Batch(self._pool.head, 1, arrived.size)
        if candidate is None:
            batch.broken = True
            batch.replies.append(arrived.reply)
        else:
            batch.add_ready(candidate, arrived)
        self._lane.append(batch)
        self._turn_soon()

    def _prepare_dry(self, batch: DryRun, places: Iterable[int]) -> None:
        """Have the proofs of these looked at; the batch waits for them."""
        for place in places:
            tx, candidate = batch.blobs[place], batch.candidates[place]
            batch.waiting += 1
            ready = partial(self._dry_blob_ready, batch, place)
            self._blobs.take(BlobArrival(tx, candidate.arrival, tx.size, batch.replies[place], ready))

    def _dry_blob_ready(self, batch: DryRun, place: int, candidate: Candidate | None) -> None:
        if candidate is None:
            batch.broken = True
        else:
            batch.candidates[place] = candidate
        self._part_recovered(batch)

    def _prepared_dry_in_vain(self, batch: DryRun) -> bool:
        """Whether some failed a check that they pass by now: then their proofs are looked at first."""
        head, settings = self._pool.head, self._pool.settings
        unready = [place for place in batch.blobs if is_unready(batch.candidates[place], head, settings)]
        self._prepare_dry(batch, unready)
        return bool(unready)

    def _prepared_in_vain(self, batch: Batch) -> bool:
        """Whether it failed a check that it passes by now: then it goes back to have its proofs looked at."""
        arrived, pool = batch.blob, self._pool
        if arrived is None or not is_unready(batch.candidates[0], pool.head, pool.settings):
            return False
        batch.leave_out(arrived.size)
        batch.replies.clear()
        self._blobs.take(arrived)
        return True

    # --- judging, strictly in order of arrival

    def _judge_first(self) -> None:
        """Judge the batch that is next, unless something of it is still under way, or the head is."""
        if not self._lane or self._lane[0].waiting or self.moving():
            return
        batch = self._lane[0]
        try:
            if batch.replies and not batch.broken and not self._judge(batch):
                return
        except Exception:
            LOG.exception("judging broke")
            batch.broken = True
        if batch.broken:
            self._give_up(batch)
        self._lane.popleft()
        if isinstance(batch, DryRun):
            batch.finish()
            self._asked -= batch.count
        else:
            self.judged += batch.count
        self.depth -= batch.count
        self.depth_bytes -= batch.size
        if not self.depth:
            self._drained.set()

    def _judge(self, batch: Batch) -> bool:
        """Have the pool judge; False where accounts have to be fetched first."""
        pool = self._pool
        if self._prepared_in_vain(batch):
            return True
        if isinstance(batch, DryRun):
            if batch.abandoned:
                return True
            if self._prepared_dry_in_vain(batch):
                return False
        batch.copy_senders()
        if pool.head is not batch.head:
            self._look_again(batch)
        if not self._accounts.known(batch):
            return False
        if isinstance(batch, DryRun):
            batch.within(partial(self._foresee, batch))
            return True
        verdicts, events = pool.submit(batch.candidates, batch.accounts, now=self._clock())
        counters = self.counters
        counters.batches += 1
        counters.batch_sizes[min(len(verdicts).bit_length(), len(counters.batch_sizes) - 1)] += 1
        counters.transactions += len(verdicts)
        self.on_events(events)
        replies, batch.replies = batch.replies, []
        for reply, verdict in zip(replies, verdicts, strict=True):
            try:  # as in `_tell`, for one call less
                reply(verdict)
            except Exception:
                LOG.exception("answering broke")
        return True

    def _foresee(self, batch: DryRun) -> None:
        batch.foreseen(foresee(self._pool, batch.candidates, batch.accounts, now=self._clock()))

    def _look_again(self, batch: Batch) -> None:
        """The head has changed: what failed an early check under the old one may pass now, and needs its sender."""
        head = batch.head = self._pool.head
        unsigned = [
            place
            for place, candidate in enumerate(batch.candidates)
            if candidate.sender is None and fault_before_sender(candidate.tx, head) is None
        ]
        self._senders.recover_here(batch, unsigned)

    def _give_up(self, batch: Batch) -> None:
        """Tell everybody who waits for this batch, and go on with the next."""
        self.counters.crashed += 1
        replies, batch.replies = batch.replies, []
        for reply in replies:
            _tell(reply, CRASHED)


def _read_alone(raw: bytes) -> Tx | Rejected | Crashed:
    try:
        return decode(raw)
    except Exception:
        LOG.exception("decoding broke on 0x%s", raw[:4096].hex())
        return CRASHED


def _tell(reply: Reply, outcome: Outcome) -> None:
    """Give one caller its answer; one that breaks on it does not keep it from the others."""
    try:
        reply(outcome)
    except Exception:
        LOG.exception("answering broke")


def _too_long(raw: bytes) -> bool:
    """Whether this can only be refused: longer than any transaction may be that holds no blobs."""
    return len(raw) > TX_BYTES_MAX and raw[0] != BLOB


def _at_once(turn: Callable[[], None]) -> None:
    """Nobody wants to know who is at work."""
    turn()


def _for_nobody() -> Callable[[Callable[[], None]], None]:
    """Nobody wants to know who asked."""
    return _at_once


def _never() -> bool:
    """The head is never seen moving: who changes it does so at once."""
    return False


def _nobody_listens(events: range) -> None:
    """Nobody wants to know what happened."""
