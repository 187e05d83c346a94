"""Objects between two uses, kept as Go's `sync.Pool` keeps them: the slab's rival.

Each worker has a private place for one object, and a queue that it shares: it puts and takes at the head, others steal
from the tail. At a collection what is kept becomes the victim of the next one: it can still be taken, and what nobody
has taken by then is dropped. So a cache that is not used is empty after two collections.

         get                 put
          |                   |
    1 private    ------    private, if it is empty
    2 head of shared ---   head of shared, otherwise
    3 tail of another's shared
    4 victim: own private, then the tail of any shared
    5 make a new one

What differs from Go, for CPython is another machine:

- A worker is a thread, not a processor. A thread that ends leaves its objects to whoever gets its number, or to the
  next two collections; its queue can be stolen from meanwhile.
- Nothing is pinned. A thread that is interrupted between choosing its queue and putting into it may put into a queue
  that has just become a victim, or has just been dropped: the object is then lost to the cache, never given out twice.
- Go counts on every collection being a whole one. CPython's youngest generation is collected after some 700 new
  containers, thousands of times as often as all of them: a cache emptied so often would never hold anything. So a full
  collection (generation 2) is what counts here, unless `Aging` is told otherwise. CPython runs one when the middle
  generation has been collected more than ten times and what has survived since the last one is over a quarter of what
  it left: rarely, and in steady state never. A cache is therefore emptied far less often than in Go, and with
  `gc.disable` never.
- What is dropped dies at once, by its reference count, before the collection begins, and not by that collection. Go
  frees it beside the running program; here that is a part of the pause, some 0.15 us for each object.
- Go's queue is a chain of rings without locks. A `deque` is as good: each of its operations is one step for all
  threads, since all hold the interpreter's lock. The cost of one get is that of a Python method, not of Go's.
"""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from threading import get_ident
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

FULL: Final = 2  # the generation whose collection looks at everything


class Gets(NamedTuple):
    """Where objects were taken from, so often each; `miss` counts those that had to be made."""

    private: int = 0
    shared: int = 0
    stolen: int = 0
    victim: int = 0
    miss: int = 0


class _Part(Generic[T]):
    """What one worker keeps of one generation of the cache."""

    __slots__ = ("private", "shared")

    def __init__(self) -> None:
        self.private: T | None = None
        self.shared: deque[T] = deque()

    def __len__(self) -> int:
        return len(self.shared) + (self.private is not None)


class _Worker(Generic[T]):
    """What belongs to one thread. Only that thread touches the counts and the private places."""

    __slots__ = ("miss", "number", "primary", "private", "shared", "stolen", "victim", "victims")

    def __init__(self, number: int) -> None:
        self.number = number
        self.primary: _Part[T] = _Part()
        self.victims: _Part[T] = _Part()
        self.private = self.shared = self.stolen = self.victim = self.miss = 0

    def gets(self) -> Gets:
        """What this thread has taken."""
        return Gets(self.private, self.shared, self.stolen, self.victim, self.miss)


class ObjectCache(Generic[T]):
    """Objects of one kind, none of them None. Any thread may put and get; nothing waits for a lock.

    What it holds is bounded by what was in use at once since the last but one collection: it makes nothing in advance.
    Its table of workers grows with the threads that ever used it at the same time, since the system gives the numbers
    of dead threads to new ones.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        """Begin empty; `make` is called for a get that finds nothing."""
        self._make = make
        self._workers: dict[int, _Worker[T]] = {}
        self._order: list[_Worker[T]] = []  # as they came; a thief begins behind itself
        self._numbers = count()
        self._age = 0
        self._looked_through = 0  # the age at which the victims were last found empty

    def get(self) -> T:
        """Take an object out, or make one."""
        worker = self._workers.get(get_ident()) or self._enrol()
        own = worker.primary
        thing = own.private
        if thing is not None:
            own.private = None
            worker.private += 1
            return thing
        try:
            thing = own.shared.pop()
        except IndexError:
            return self._get_slowly(worker)
        worker.shared += 1
        return thing

    def put(self, thing: T) -> None:
        """Put an object in that nobody uses any more."""
        own = (self._workers.get(get_ident()) or self._enrol()).primary
        if own.private is None:
            own.private = thing
        else:
            own.shared.append(thing)

    def age(self) -> None:
        """Let a collection begin: drop the victims, and make what is kept the next ones.

        May run in the middle of any other call, of the same thread or another.
        """
        for worker in tuple(self._order):
            worker.victims = worker.primary
            worker.primary = _Part()
        self._age += 1

    def clear(self) -> None:
        """Drop everything."""
        self.age()
        self.age()

    @property
    def idle(self) -> int:
        """How many objects it holds, victims included. O(threads)."""
        return sum(len(worker.primary) + len(worker.victims) for worker in tuple(self._order))

    def gets(self) -> Gets:
        """Count. O(threads)."""
        return added(worker.gets() for worker in tuple(self._order))

    def _get_slowly(self, worker: _Worker[T]) -> T:
        thing = self._steal(worker.number)
        if thing is not None:
            worker.stolen += 1
            return thing
        thing = self._take_a_victim(worker)
        if thing is not None:
            worker.victim += 1
            return thing
        worker.miss += 1
        return self._make()

    def _steal(self, number: int) -> T | None:
        """Look at everybody's queue, the next worker's first."""
        workers = self._order
        size = len(workers)
        for step in range(1, size + 1):
            thing = _tail(workers[(number + step) % size].primary.shared)
            if thing is not None:
                return thing
        return None

    def _take_a_victim(self, worker: _Worker[T]) -> T | None:
        """Look at the victims, one's own first. Once there was nothing for somebody, nobody looks again."""
        age = self._age
        if self._looked_through == age:
            return None
        own = worker.victims
        thing = own.private
        if thing is not None:
            own.private = None
            return thing
        workers = self._order
        size = len(workers)
        for step in range(size):
            thing = _tail(workers[(worker.number + step) % size].victims.shared)
            if thing is not None:
                return thing
        self._looked_through = age
        return None

    def _enrol(self) -> _Worker[T]:
        worker: _Worker[T] = _Worker(next(self._numbers))
        self._order.append(worker)
        self._workers[get_ident()] = worker
        return worker


class Aging:
    """Ages caches when the collector begins with a generation, `FULL` by default: a member of `gc.callbacks`."""

    def __init__(self, caches: Iterable[ObjectCache[T]], generation: int = FULL) -> None:
        """Watch over `caches`, gone through anew each time."""
        self._caches = caches
        self._generation = generation
        self.times = 0

    def start(self) -> None:
        """Listen to the collector."""
        gc.callbacks.append(self)

    def stop(self) -> None:
        """Listen no longer. A second call does nothing."""
        if self in gc.callbacks:
            gc.callbacks.remove(self)

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Do what the interpreter asks of a member of `gc.callbacks`."""
        if phase == "start" and info["generation"] >= self._generation:
            self.times += 1
            for cache in tuple(self._caches):  # another thread may just add one
                cache.age()


def added(gets: Iterable[Gets]) -> Gets:
    """Add up the counts of several workers or caches."""
    return Gets(*map(sum, zip(*gets, strict=True))) if (gets := tuple(gets)) else Gets()


def _tail(queue: deque[T]) -> T | None:
    try:
        return queue.popleft()
    except IndexError:
        return None
