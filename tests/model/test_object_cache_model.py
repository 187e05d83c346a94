"""The object cache beside a naive one: lists that are searched in the order in which Go searches."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mmap_pool.object_cache import Gets, ObjectCache

THREADS = 3


class Thing:
    """Known by itself, whatever else there is."""


@dataclass
class Part:
    """What one worker keeps of one generation; `shared` from its head to its tail."""

    private: list[Thing] = field(default_factory=list)
    shared: list[Thing] = field(default_factory=list)


class NaiveCache:
    """Go's `sync.Pool` in lists. The `get` gives what is found, and where."""

    def __init__(self) -> None:
        self.workers: list[int] = []
        self.primary: dict[int, Part] = {}
        self.victims: dict[int, Part] = {}
        self.victims_are_known_to_be_gone = True

    def enrol(self, worker: int) -> None:
        if worker not in self.workers:
            self.workers.append(worker)
            self.primary[worker], self.victims[worker] = Part(), Part()

    def put(self, worker: int, thing: Thing) -> None:
        self.enrol(worker)
        part = self.primary[worker]
        if part.private:
            part.shared.insert(0, thing)
        else:
            part.private.append(thing)

    def get(self, worker: int) -> tuple[str, Thing | None]:
        self.enrol(worker)
        own = self.primary[worker]
        if own.private:
            return "private", own.private.pop()
        if own.shared:
            return "shared", own.shared.pop(0)
        others = self.others_of(worker)
        for other in others:
            if shared := self.primary[other].shared:
                return "stolen", shared.pop()
        if not self.victims_are_known_to_be_gone:
            if private := self.victims[worker].private:
                return "victim", private.pop()
            for other in (worker, *others):
                if shared := self.victims[other].shared:
                    return "victim", shared.pop()
        self.victims_are_known_to_be_gone = True
        return "miss", None

    def others_of(self, worker: int) -> list[int]:
        """All after this one, then all before it."""
        place = self.workers.index(worker)
        return self.workers[place + 1 :] + self.workers[:place]

    def age(self) -> None:
        self.victims = self.primary
        self.primary = {worker: Part() for worker in self.workers}
        self.victims_are_known_to_be_gone = False

    def idle(self) -> int:
        parts = (*self.primary.values(), *self.victims.values())
        return sum(len(part.private) + len(part.shared) for part in parts)


class CacheBesideLists(RuleBasedStateMachine):
    """Threads take turns, so that every get has one right answer."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = [ThreadPoolExecutor(1) for _ in range(THREADS)]
        self.cache: ObjectCache[Thing] = ObjectCache(Thing)
        self.model = NaiveCache()
        self.in_use: list[Thing] = []
        self.seen: list[Thing] = []  # kept alive, so that no two are one
        self.counts = dict.fromkeys(Gets._fields, 0)

    def teardown(self) -> None:
        for thread in self.threads:
            thread.shutdown()

    @rule(worker=st.integers(0, THREADS - 1), times=st.integers(1, 4))
    def get(self, worker: int, times: int) -> None:
        for _ in range(times):
            where, expected = self.model.get(worker)

            thing = self.threads[worker].submit(self.cache.get).result()

            if expected is None:
                assert thing not in self.seen, "made, not found"
                self.seen.append(thing)
            else:
                assert thing is expected, where
            assert thing not in self.in_use
            self.in_use.append(thing)
            self.counts[where] += 1

    @rule(worker=st.integers(0, THREADS - 1), data=st.data(), times=st.integers(1, 4))
    def put(self, worker: int, data: st.DataObject, times: int) -> None:
        for _ in range(min(times, len(self.in_use))):
            thing = self.in_use.pop(data.draw(st.integers(0, len(self.in_use) - 1)))
            self.model.put(worker, thing)
            self.threads[worker].submit(self.cache.put, thing).result()

    @rule()
    def collect(self) -> None:
        self.model.age()
        self.cache.age()

    @rule()
    def clear(self) -> None:
        self.model.age()
        self.model.age()
        self.cache.clear()
        assert self.cache.idle == 0

    @invariant()
    def agree(self) -> None:
        assert self.cache.idle == self.model.idle()
        assert self.cache.gets() == Gets(**self.counts)


TestObjectCache = CacheBesideLists.TestCase
