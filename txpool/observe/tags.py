"""Who is at work: the sources from which work comes into the loop, each with counters of its own.

A source is entered and left in one turn of the loop, so one slot says who is at work now; time passes for whoever
stands in it. What is not tagged, and waiting, passes for nobody. Work that goes on in later turns goes on in the source
that asked for it: `through`, `awaited` and `carried`. The price is two looks at the clock each time, whatever the size
of the batch in it.
"""

from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import coroutine
from typing import Any, Final, TypeVar

Made = TypeVar("Made")

SUBMIT: Final = "submit"
HEAD_UPDATE: Final = "head_update"
QUERY: Final = "query"
SNAPSHOT: Final = "snapshot"
EVICTION: Final = "eviction"
CACHE: Final = "cache"
OTHER: Final = "other"
KINDS: Final = (SUBMIT, HEAD_UPDATE, QUERY, SNAPSHOT, EVICTION, CACHE, OTHER)

# Calls what it is given.
Within = Callable[[Callable[[], None]], None]

SOURCES_MAX: Final = 160
LONG_S: Final = 0.02  # so long in one go is looked at more closely


class Source:
    """One way into the loop, and what it has done so far.

    Attributes:
        place: among the sources of the tags.
        kind: one of `KINDS`.
        name: which of that kind: the method of a query, a cache's name; empty where there is only one.
        calls: how often it was entered.
        seconds: time passed in it, without what was entered from there.
        collections: collections that began in it: a young one is due after so many new containers, so this samples who
            allocates them.
    """

    __slots__ = ("calls", "collections", "kind", "name", "place", "seconds")

    def __init__(self, kind: str, name: str = "", place: int = 0) -> None:
        self.place = place
        self.kind = kind
        self.name = name
        self.calls = 0
        self.seconds = 0.0
        self.collections = 0


class Tags:
    """Knows every source and which of them is at work; for the loop's thread.

    Attributes:
        current: the source at work, `idle` between turns and in what nobody tagged.
        on_long: told of a source that was at work for long in one go, and how long.
    """

    __slots__ = ("_by_key", "_clock", "_since", "current", "idle", "on_long", "sources")

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock in seconds."""
        self.idle = Source("idle")
        self.current = self.idle
        self.on_long: Callable[[Source, float], None] = nobody_asks
        self.sources: list[Source] = [Source(OTHER)]
        self._by_key = {(OTHER, ""): self.sources[0]}
        self._clock = clock
        self._since = clock()

    def source(self, kind: str, name: str = "") -> Source:
        """The source of that kind and name; one more than there may be is `other`, and so is a kind nobody knows."""
        if kind not in KINDS:
            kind, name = OTHER, kind
        found = self._by_key.get((kind, name))
        if found is None:
            if len(self.sources) >= SOURCES_MAX:
                return self.sources[0]
            found = self._by_key[kind, name] = Source(kind, name, len(self.sources))
            self.sources.append(found)
        return found

    def enter(self, source: Source) -> Source:
        """Begin; what comes back is for `leave`."""
        now = self._clock()
        before = self.current
        if before is not self.idle:
            spent = now - self._since
            before.seconds += spent
            if spent >= LONG_S:
                self.on_long(before, spent)
        self._since = now
        self.current = source
        source.calls += 1
        return before

    def resume(self, source: Source) -> Source:
        """As `enter`, to go on with what was counted as a call already."""
        source.calls -= 1
        return self.enter(source)

    def leave(self, before: Source) -> None:
        """End, and go back to who was at work before."""
        now = self._clock()
        source = self.current
        spent = now - self._since
        source.seconds += spent
        self._since = now
        self.current = before
        if spent >= LONG_S:
            self.on_long(source, spent)

    @contextmanager
    def entered(self, kind: str, name: str = "") -> Iterator[None]:
        """Enter for the length of a block; for what does not happen often."""
        before = self.enter(self.source(kind, name))
        try:
            yield
        finally:
            self.leave(before)

    def through(self, source: Source, making: Iterator[Made]) -> Generator[Made, None, Any]:
        """What another makes step by step, each step in the source, whenever it is asked for. None counts as a call."""
        while True:
            before = self.resume(source)
            try:
                made = next(making)
            except StopIteration as end:
                return end.value
            finally:
                self.leave(before)
            yield made

    @coroutine
    def awaited(self, source: Source, work: Coroutine[Any, Any, Made]) -> Generator[Any, Any, Made]:
        """What a coroutine comes to, each of its steps in the source, whenever it goes on. None counts as a call."""
        step: Callable[[Any], Any] = work.send
        given: Any = None
        while True:
            before = self.resume(source)
            try:
                awaits = step(given)
            except StopIteration as end:
                made: Made = end.value
                return made
            finally:
                self.leave(before)
                given = None  # an error would hold this frame, and this frame the error
            try:
                step, given = work.send, (yield awaits)
            except BaseException as thrown:  # noqa: BLE001 - it is meant for the coroutine
                step, given = work.throw, thrown

    def inside(self, source: Source) -> Within:
        """A function that calls another in the source, from wherever. That does not count as a call of the source."""

        def call_inside(call: Callable[[], None]) -> None:
            before = self.resume(source)
            try:
                call()
            finally:
                self.leave(before)

        return call_inside

    def carried(self) -> Within:
        """A function that calls another in who is at work now, later on, and for nobody where nobody is."""
        return at_once if self.current is self.idle else self.inside(self.current)

    def around(self, kind: str, name: str = "") -> Within:
        """A function that calls another in the source of this kind and name.

        For the loop to call, not from another source: so it is cheaper than `enter` and `leave`.
        """
        source, idle, clock = self.source(kind, name), self.idle, self._clock

        def call_in_source(call: Callable[[], None]) -> None:
            self.current = source
            self._since = clock()
            try:
                call()
            finally:
                spent = clock() - self._since
                self.current = idle
                source.calls += 1
                source.seconds += spent
                if spent >= LONG_S:
                    self.on_long(source, spent)

        return call_in_source


def at_once(call: Callable[[], None]) -> None:
    """Nobody is to be at work."""
    call()


def nobody_asks(source: Source, seconds: float) -> None:
    """Nobody wants to know."""
