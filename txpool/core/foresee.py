"""What would become of transactions if they were submitted now: the pool's own code, run on a copy-on-write view of it.

Nothing is predicted by rules of its own, so verdict, place and victims are those of a submission, event for event. The
view is made in constant time; what it then costs is what the submission would cost.
"""

from array import array
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from copy import copy
from types import MethodType
from typing import Any, Final

import msgspec

from txpool.core.candidate import Candidate
from txpool.core.events import NO_HASH, Event, EventRing
from txpool.core.head import Account
from txpool.core.lifecycle import Kind
from txpool.core.overlay import Layer, LayeredEntries, LayeredShards, own
from txpool.core.pool import Accepted, Pool, Verdict
from txpool.core.price_heap import PriceHeap
from txpool.core.record import RECORD_BYTES
from txpool.core.rejection import Reason
from txpool.core.shards import Shards
from txpool.core.store import Lease, StaleHandleError, Store, StoreStats
from txpool.core.tallies import Tallies

_CORE: Final = "txpool.core."
_HANDLES_FROM: Final = 2**63  # of what is stored on top; below, no store has come as far as that


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """What a submission would bring.

    Attributes:
        tx_hash: the transaction.
        verdict: as `Pool.submit` would give it.
        pending: whether it would be executable right after, or wait; None where it would not be in the pool.
        events: all that would happen, the steps of the transaction itself included, numbered as they would be.
    """

    tx_hash: bytes
    verdict: Verdict
    pending: bool | None
    events: tuple[Event, ...]

    @property
    def replaced(self) -> bytes | None:
        """Whose place it would take."""
        return self.verdict.replaced if isinstance(self.verdict, Accepted) else None

    @property
    def evicted(self) -> list[Event]:
        """Who would have to leave beside the one that is replaced, itself included if the limits cut it at once."""
        return [
            event
            for event in self.events
            if event.kind is Kind.EVICTED or (event.kind is Kind.REPLACED and event.hash != self.replaced)
        ]

    def moved(self, kind: Kind) -> list[bytes]:
        """Others that would be promoted or demoted."""
        return [event.hash for event in self.events if event.kind is kind and event.hash != self.tx_hash]


def foresee(pool: Pool, batch: Sequence[Candidate], accounts: Mapping[bytes, Account], *, now: int) -> list[Forecast]:
    """Say what `pool.submit` would bring, as if these came one after another; the pool stays as it is.

    Args:
        pool: nobody changes it meanwhile.
        batch: as for `Pool.submit`.
        accounts: as for `Pool.submit`.
        now: nanoseconds since the epoch.
    """
    return _View(pool).judge(batch, accounts, now)


class _View(Pool):
    """A pool on top of a pool."""

    def __init__(self, below: Pool) -> None:
        residents = below._residents  # noqa: SLF001 - a second pair of eyes for the same class
        residents.prices.get_ready(residents.slots)
        store, events = _LayeredStore(below.store), _Diary(below.events.next_seq)
        known = {id(below.store): store, id(below.events): events, id(residents.tallies): Tallies()}
        for name, part in vars(below).items():
            if id(part) in known or type(part).__module__.startswith((_CORE, "builtins")):  # a recording stays below
                setattr(self, name, _seen(part, known))

    def judge(self, batch: Sequence[Candidate], accounts: Mapping[bytes, Account], now: int) -> list[Forecast]:
        """As `submit`, keeping apart what each brings."""
        self._begin(now)
        return [self._judge_apart(candidate, accounts) for candidate in batch]

    def _judge_apart(self, candidate: Candidate, accounts: Mapping[bytes, Account]) -> Forecast:
        first = self.events.next_seq
        verdict = self._judge(candidate, accounts)
        tx_hash = candidate.tx.hash
        pooled = self.pooled(tx_hash)
        stays = isinstance(verdict, Accepted) and self.knows(tx_hash)
        pending = (pooled is not None and pooled.pending) if stays else None
        return Forecast(tx_hash, verdict, pending, tuple(self.events.since(first)))


class _Diary(EventRing):
    """Events as a list: as many as come, from where the ring is."""

    def __init__(self, first_seq: int) -> None:
        self.next_seq = self._origin = first_seq
        self._events: list[Event] = []

    @property
    def first_seq(self) -> int:
        return self._origin

    def append(
        self,
        kind: Kind,
        reason: Reason | None,
        tx: tuple[bytes, bytes, int],
        *,
        now: int,
        head: int,
        counterpart: bytes = NO_HASH,
    ) -> None:
        self._events.append(Event(self.next_seq, now, kind, reason, *tx, head, counterpart))
        self.next_seq += 1

    def __getitem__(self, seq: int) -> Event:
        return self._events[seq - self._origin]


class _LayeredStore:
    """A store on top of a store: what is put lies here, what is freed only seems so."""

    def __init__(self, below: Store) -> None:
        self._below = below
        self._added: dict[int, tuple[bytes, bytes]] = {}
        self._freed: set[int] = set()
        self._free_sizes: list[int] = []
        self._next = _HANDLES_FROM

    def put(self, record: bytes, payload: bytes) -> int | None:
        if not self.has_room(len(record) + len(payload)):
            return None
        self._next += 1
        self._added[self._next] = (record, payload)
        return self._next

    def has_room(self, size: int) -> bool:
        """In the store, or where something lay that is no smaller."""
        return self._below.has_room(size) or any(size <= free for free in self._free_sizes)

    def holds(self, handle: int) -> bool:
        return handle in self._added or (handle not in self._freed and self._below.holds(handle))

    def record(self, handle: int) -> bytes:
        added = self._added.get(handle)
        return added[0] if added else self._live(handle).record(handle)

    def payload(self, handle: int) -> bytes:
        added = self._added.get(handle)
        return added[1] if added else self._live(handle).payload(handle)

    def view(self, handle: int) -> Lease:
        return self._live(handle).view(handle)

    def free(self, handle: int) -> None:
        if handle in self._added:
            del self._added[handle]
            return
        self._free_sizes.append(len(self._live(handle).payload(handle)) + RECORD_BYTES)
        self._freed.add(handle)

    def stats(self) -> StoreStats:
        stats = self._below.stats()
        used = stats.slots_used + len(self._added) - len(self._freed)
        return msgspec.structs.replace(stats, slots_used=used)

    def check(self) -> None:
        """Nothing here can be wrong for itself."""

    def _live(self, handle: int) -> Store:
        if handle in self._freed:
            raise StaleHandleError(f"handle {handle:#x} opens nothing")
        return self._below


def _seen(value: Any, known: dict[int, Any]) -> Any:  # noqa: ANN401 - whatever the pool is made of
    """A part of the pool as a view has it: maps and heaps in layers, small things copied, each part once.

    Args:
        value: the part.
        known: parts that have a view already, by identity; grows.
    """
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, MethodType):
        return getattr(_seen(value.__self__, known), value.__name__)
    if isinstance(value, Shards):
        view: Any = LayeredShards(value)
    elif isinstance(value, MutableMapping):
        view = Layer(value)
    elif isinstance(value, PriceHeap):
        view = _heap_of(value)
    elif isinstance(value, array | list | set | deque):
        view = copy(value)
    elif type(value).__module__.startswith(_CORE) and hasattr(value, "__dict__"):
        view = known[id(value)] = object.__new__(type(value))
        for name, part in vars(value).items():
            setattr(view, name, _seen(part, known))
    elif isinstance(value, Mapping):  # read-only
        return value
    else:
        return own(value)
    known[id(value)] = view
    return view


def _heap_of(below: PriceHeap) -> PriceHeap:
    stride = below._stride  # noqa: SLF001 - a heap like that one
    heap = PriceHeap(stride // 8)
    heap._packed = LayeredEntries(below._packed, stride)  # type: ignore[assignment] # noqa: SLF001 - does what a heap does with a bytearray
    return heap
