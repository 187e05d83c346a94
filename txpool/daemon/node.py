"""The pool with all that belongs to it and does no input or output: store, events, chain."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from txpool.chain.block_builder import Supply
from txpool.chain.dev import DevChain, DevChainSettings
from txpool.chain.genesis import Genesis, dev_genesis, parse_genesis, read_genesis
from txpool.config import Settings
from txpool.config.sections import DataSettings, DevSettings
from txpool.core.best import Best
from txpool.core.events import EventRing
from txpool.core.head import HeadChange
from txpool.core.pool import Pool
from txpool.core.settings import PoolSettings
from txpool.core.steps import Steps
from txpool.daemon.store import open_store
from txpool.history.input_log import InputLog, RecordedPool
from txpool.observe.catalogue import HeadUpdates
from txpool.observe.tags import EVICTION, HEAD_UPDATE, Tags

LOG: Final = logging.getLogger(__name__)

EVENTS_TOLD: Final = 32  # of one step in one go; told also where there are none, for the head may be new
EXPIRED_AT_A_TIME: Final = 4  # senders whose queues are dropped in one go
FOLDER_MODE: Final = 0o700


class Node:
    """A pool on the embedded dev chain, which it follows: while the chain moves, so does the pool."""

    def __init__(self, settings: Settings, tags: Tags | None = None) -> None:
        """Build everything; `tags` are told who is at work.

        Raises:
            OSError: the genesis file cannot be read, the recording cannot be begun, or the memory cannot be had.
            GenesisError: the genesis is none.
        """
        self._tags = tags or Tags(time.perf_counter)
        self.store = open_store(settings)
        self.events = EventRing(settings.events.capacity)
        self.chain = DevChain(
            genesis_of(settings.dev),
            supply=Supply(self._best, self.store.payload),
            on_change=self._follow,
            clock=time.time_ns,
            settings=DevChainSettings(
                initial_blocks=settings.dev.initial_blocks,
                tip_min=settings.dev.tip_min,
                history_blocks=settings.dev.history_blocks,
                history_transactions=settings.dev.history_transactions,
                state_blocks=settings.dev.state_blocks,
            ),
        )
        self._lifting = False
        self._recording = _opened(settings.data)
        # Told the numbers of the events that a change of the head, or the passing of time, has caused.
        self.on_events: Callable[[range], None] = _nobody_listens
        self.pool = self._pool(settings.pool)
        self.head_updates = HeadUpdates(self.pool)

    def _pool(self, limits: PoolSettings) -> Pool:
        if self._recording is None:
            return Pool(limits, self.chain.head(), self.store, self.events)
        return RecordedPool(limits, self.chain.head(), self.store, self.events, InputLog(self._recording, _say_end))

    def expire(self) -> Steps[None]:
        """Drop what has been queued for longer than the lifetime; others may come between."""
        return self._at_work(EVICTION, self._drop_expired(time.time_ns()))

    def _drop_expired(self, now: int) -> Steps[None]:
        while events := self.pool.expire(now=now, most=EXPIRED_AT_A_TIME):
            self.on_events(events)
            yield

    @property
    def moving(self) -> bool:
        """Whether chain or pool is on the way from one state to the next: until it is there nobody looks or acts."""
        return self.chain.moving or self._lifting

    def set_price_floor(self, tip: int) -> Steps[None]:
        """Set the pool's least tip, wei a gas, and tell what comes of it; `moving` until all is told."""
        self._lifting = True
        try:
            events = yield from self.pool.set_price_floor_in_steps(tip, now=time.time_ns())
            LOG.info("new least tip", extra={"facts": {"tip": tip, "moved": len(events)}})
            yield from self._tell(events)
        finally:
            self._lifting = False

    def is_sound(self) -> bool:
        """Whether pool and store count the same transactions: a check that costs next to nothing."""
        return self.pool.held() == self.store.stats().slots_used

    def close(self) -> None:
        """Give the store's memory back, and end the recording."""
        if self._recording is not None:
            self._recording.close()
        self.store.close()

    def _best(self, base_fee: int | None, blob_base_fee: int) -> Best:
        return self.pool.best(base_fee, blob_base_fee)

    def _follow(self, change: HeadChange) -> Steps[None]:
        return self._at_work(HEAD_UPDATE, self._settle(change))

    def _settle(self, change: HeadChange) -> Steps[None]:
        started = time.perf_counter()
        events = yield from self.pool.advance_in_steps(change, now=time.time_ns())
        yield from self.pool.get_ready()
        self.head_updates.durations.add(time.perf_counter() - started)
        facts = {"number": change.head.number, "included": len(change.included), "reverted": len(change.reverted)}
        LOG.info("new head", extra={"facts": facts})
        yield from self._tell(events)

    def _tell(self, events: range) -> Steps[None]:
        for start in range(events.start, max(events.stop, events.start + 1), EVENTS_TOLD):
            self.on_events(range(start, min(start + EVENTS_TOLD, events.stop)))
            yield

    def _at_work(self, kind: str, steps: Steps[None]) -> Steps[None]:
        """The same steps; who is at work in each of them is told, and counted once."""
        source = self._tags.source(kind)
        source.calls += 1
        return self._tags.through(source, steps)


def _nobody_listens(events: range) -> None:
    """Nobody wants to know what happened."""


def genesis_of(dev: DevSettings) -> Genesis:
    """Read the genesis file, or make the default one, whose block 0 is of now."""
    if dev.genesis is None:
        return parse_genesis(dev_genesis(int(time.time())))
    return read_genesis(Path(dev.genesis).read_bytes())


def _opened(data: DataSettings) -> BinaryIO | None:
    """Begin a new file; closed by the node that owns it."""
    if data.input_log is None:
        return None
    path = _in_folder(data.input_log, data.dir)
    try:
        return path.open("xb", buffering=0)
    except FileExistsError:
        raise FileExistsError(f"data.input_log: {path} is there already; each start needs a new name") from None


def _in_folder(name: str, folder: str) -> Path:
    """Where the recording lies; a relative path is one in the folder for files, which is made if it is missing."""
    try:
        path = Path(name).expanduser()
        if path.is_absolute():
            return path
        parent = Path(folder).expanduser()
    except RuntimeError as error:  # no home for the `~`
        raise OSError(f"data.input_log: {error}") from None
    parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return parent / path


def _say_end(why: OSError) -> None:
    LOG.critical(
        "the recording has ended, the pool goes on without: %s; what the input log holds by now can be replayed",
        why.strerror or why,
    )
