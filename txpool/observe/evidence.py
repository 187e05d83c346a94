"""What each source did lately: the counters of now beside those of a moment ago, and who was at work for long."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from txpool.observe.attribution import Activity
from txpool.observe.memory import Memory
from txpool.observe.samples import SECONDS_KEPT, Row, Samples
from txpool.observe.stages import STAGE_NAMES
from txpool.observe.tags import HEAD_UPDATE, SUBMIT, Source, Tags

LONG_MAX: Final = 64


class World(msgspec.Struct, frozen=True):
    """What is looked at beside the process.

    Attributes:
        stages: bytes held in each stage of life.
        evicted: transactions evicted so far.
        bursts: counters of calls that no tag sees, each with its source.
    """

    stages: Callable[[], Sequence[int]]
    evicted: Callable[[], int]
    bursts: Sequence[tuple[Source, Callable[[], int]]] = ()


NO_WORLD: Final = World(stages=lambda: (0,) * len(STAGE_NAMES), evicted=lambda: 0)


class Lately(msgspec.Struct, frozen=True):
    """The time in question, up to now.

    Attributes:
        heap_growth: private bytes a second.
        stages: bytes a second by which each stage grew.
        head_updates: that began, or went on.
        evicted: transactions.
        activities: what each source did that did anything.
    """

    heap_growth: float
    stages: dict[str, float]
    head_updates: int
    evicted: int
    activities: Sequence[Activity]

    @property
    def stage(self) -> str | None:
        """The one that grew most."""
        name = max(self.stages, key=lambda each: self.stages[each])
        return name if self.stages[name] > 0 else None

    def of(self, source: Source) -> Activity | None:
        """What that one did."""
        key = (source.kind, source.name)
        return next((each for each in self.activities if (each.kind, each.name) == key), None)


class _Long(msgspec.Struct, frozen=True, gc=False):
    """A source that was at work for long in one go, and what memory came meanwhile."""

    ended: float
    place: int
    seconds: float
    heap_bytes: int
    blocks: int


class Evidence:
    """Rows of samples, and the latest that took long.

    Attributes:
        marked: what was counted when somebody last said `mark`.
    """

    def __init__(self, every_s: float, tags: Tags, clock: Callable[[], float]) -> None:
        """Sample so often; take who knows the sources, and a clock in seconds."""
        self.memory = Memory(clock)
        self.samples = Samples(every_s)
        self.marked = Row()
        self.world = NO_WORLD
        self._tags = tags
        self._head = tags.source(HEAD_UPDATE)
        self._clock = clock
        self._long: deque[_Long] = deque(maxlen=LONG_MAX)
        self._heap = 0
        self._blocks = 0

    def sample(self) -> Row:
        """Look at everything, and write it down."""
        memory, world = self.memory, self.world
        memory.look()
        self._heap, self._blocks = memory.anonymous, memory.blocks
        for source, read in world.bursts:
            source.calls = read()
        row = self.samples.next()
        row.write(self._clock(), self._heap, world.evicted(), world.stages(), self._tags.sources)
        return row

    def mark(self) -> None:
        """Note what is counted by now, for who asks what came since."""
        self.marked.count(self._clock(), self.world.evicted(), self._tags.sources)

    def stage_bytes(self) -> Sequence[int]:
        """Bytes held in each stage, now."""
        return self.world.stages()

    def note_long(self, source: Source, seconds: float) -> None:
        """Note what memory came while it was at work, or in the fraction of a second before."""
        heap, blocks = self.memory.look_at_heap(), self.memory.count_blocks()
        self._long.append(_Long(self._clock(), source.place, seconds, heap - self._heap, blocks - self._blocks))
        self._heap, self._blocks = heap, blocks

    def rates(self) -> list[tuple[Source, float]]:
        """Each source with its calls a second over the five seconds up to the last sample, be they only begun."""
        row = self.samples.back(self.samples.latest.at - SECONDS_KEPT)
        return [(each, (each.calls - row.calls[each.place]) / SECONDS_KEPT) for each in self._tags.sources]

    def lately(
        self, seconds: float, *, calls_max: float, inside: Source | None = None, counted: Row | None = None
    ) -> Lately:
        """The last seconds, as far as samples tell.

        Args:
            seconds: how many.
            calls_max: a second, that are an alarm.
            inside: where a pause took place.
            counted: since when to count what is counted, where that is known better.
        """
        now = self._clock()
        row = self.samples.back(now - seconds)
        counted = counted or row
        passed = max(now - row.at, 1.0)
        sizes = zip(STAGE_NAMES, self.world.stages(), row.stages, strict=True)
        found = [self._activity(source, counted, rate, calls_max, inside) for source, rate in self.rates()]
        return Lately(
            heap_growth=(self.memory.look_at_heap() - row.heap) / passed,
            stages={name: (size - before) / passed for name, size, before in sizes},
            head_updates=self._head_updates(counted),
            evicted=self.world.evicted() - counted.evicted,
            activities=[each for each in found if each.calls_per_second or each.seconds or each.collections],
        )

    def _head_updates(self, row: Row) -> int:
        """Those that have begun since then; or the one that had begun before and went on."""
        head = self._head
        return max(head.calls - row.calls[head.place], int(head.seconds > row.seconds[head.place]))

    def _activity(self, source: Source, row: Row, rate: float, calls_max: float, inside: Source | None) -> Activity:
        place = source.place
        long = [each for each in self._long if each.place == place and each.ended >= row.at]
        return Activity(
            kind=source.kind,
            name=source.name,
            calls_per_second=rate,
            alarming=rate if rate >= calls_max and source.kind != SUBMIT else 0.0,
            seconds=source.seconds - row.seconds[place],
            longest_seconds=max((each.seconds for each in long), default=0.0),
            heap_bytes=sum(each.heap_bytes for each in long),
            blocks=sum(each.blocks for each in long),
            collections=source.collections - row.collections[place],
            inside=source is inside,
        )
