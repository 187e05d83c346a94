"""What is reported, and when: with clocks that the test winds, and sources that it feeds."""

from collections.abc import Callable

import pytest

from tests.observe.clocks import Clock
from txpool.observe.evidence import World
from txpool.observe.gc_pause import PauseWatch
from txpool.observe.lookout import Clocks, Limits, Lookout
from txpool.observe.reports import REPEAT_NS, Report, Reports
from txpool.observe.tags import Tags

LIMITS = Limits(sample_seconds=0.25, pause_seconds=0.1, lag_seconds=0.2, calls_per_second=1000)
NOTHING_GROWS = Limits(lag_seconds=0.2, heap_bytes_per_second=1 << 60)


class Scene:
    """A lookout in a time of its own."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.clock, self.cpu = Clock(), Clock(0)
        self.tags = Tags(self.clock)
        self.pauses = PauseWatch(self.clock, self.tags)
        self.reports = Reports(4)
        self.told: list[Report] = []
        self.reports.on_report = self.told.append
        clocks = Clocks(self.clock, self.cpu, lambda: int(self.clock.now * 1e9))
        self.lookout = Lookout(limits, self.tags, self.pauses, clocks, self.reports)
        self.tags.on_long = self.lookout.evidence.note_long
        self.lookout.sample()

    def work(self, kind: str, name: str = "", *, seconds: float = 0.0, calls: int = 1) -> None:
        """Somebody is at work."""
        for _ in range(calls):
            before = self.tags.enter(self.tags.source(kind, name))
            self.clock.now += seconds / calls
            self.tags.leave(before)
        self.cpu.now += seconds

    def collect(self, seconds: float, generation: int = 2) -> None:
        """The collector runs."""
        self.pauses("start", {})
        self.clock.now += seconds
        self.pauses("stop", {"generation": generation, "collected": 0, "uncollectable": 0})

    def sample_for(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        """Time passes, sample by sample."""
        for _ in range(int(seconds / LIMITS.sample_seconds)):
            self.clock.now += LIMITS.sample_seconds
            each()
            self.lookout.sample()

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        return [(report.trigger, report.cause, report.name) for report in self.told]


def test_a_loop_that_is_late_is_reported_with_who_held_it_up() -> None:
    scene = Scene()
    scene.work("submit", seconds=0.01)
    scene.work("query", "eth_call", seconds=0.5)

    scene.lookout.tick(0.45)

    (report,) = scene.told
    assert (report.trigger, report.cause, report.name) == ("lag", "query", "eth_call")
    assert (report.measured, report.threshold) == (0.45, 0.2)
    assert report.cpu_share == pytest.approx(1)
    assert [each.name for each in report.suspects] == ["eth_call"]


def test_what_is_under_its_threshold_is_not_reported() -> None:
    scene = Scene()
    scene.work("query", "eth_call", seconds=0.19)
    scene.collect(0.09)

    scene.lookout.tick(0.19)

    assert scene.told == []


def test_a_loop_that_waited_for_a_core_is_told_with_its_share_of_one() -> None:
    scene = Scene()
    scene.clock.now += 1.0

    scene.lookout.tick(0.95)

    (report,) = scene.told
    assert (report.cause, report.cpu_share) == ("none", 0)
    assert report.sentence.startswith("nothing that is tagged")
    assert [(each.kind, each.seconds) for each in report.suspects] == [("none", 0.95)]


def test_who_was_busy_up_to_the_delay_and_not_in_it_is_not_named() -> None:
    scene = Scene(NOTHING_GROWS)
    for _ in range(20):
        scene.work("submit", seconds=0.03, calls=3)
        scene.clock.now += 0.02
        scene.lookout.tick(0.0)
    scene.lookout.sample()
    for _ in range(3):
        scene.work("submit", seconds=0.03, calls=3)
        scene.clock.now += 0.02
        scene.lookout.tick(0.0)
    scene.work("submit", seconds=0.03, calls=3)
    scene.clock.now += 0.3

    scene.lookout.tick(0.28)

    (report,) = scene.told
    assert (report.trigger, report.cause, report.name) == ("lag", "none", "")
    assert report.cpu_share == pytest.approx(0.03 / 0.33)
    assert [each.kind for each in report.suspects] == ["none", "submit"]


def test_work_before_a_delay_does_not_add_to_the_evidence_of_it() -> None:
    scene = Scene(NOTHING_GROWS)
    scene.work("submit", seconds=0.19)
    scene.lookout.tick(0.14)
    scene.work("query", "eth_call", seconds=0.18)
    scene.clock.now += 0.05

    scene.lookout.tick(0.2)

    (report,) = scene.told
    assert (report.cause, report.name) == ("query", "eth_call")
    assert "submit" not in [each.kind for each in report.suspects]


def test_a_long_collection_is_one_report_though_the_loop_was_late_by_it() -> None:
    scene = Scene()
    before = scene.tags.enter(scene.tags.source("snapshot", "txpool_content"))
    scene.collect(0.3)
    scene.tags.leave(before)

    scene.lookout.tick(0.3)
    scene.lookout.tick(0.0)

    assert scene.causes == [("pause", "snapshot", "txpool_content")]
    assert scene.told[0].pause_p99 == pytest.approx(0.3)
    assert scene.told[0].alarms == ["pause_p99"]


def test_a_short_collection_is_not_blamed_for_a_long_delay() -> None:
    scene = Scene()
    before = scene.tags.enter(scene.tags.source("head_update"))
    scene.collect(0.1)
    scene.clock.now += 0.9
    scene.tags.leave(before)

    scene.lookout.tick(1.0)

    assert [report.trigger for report in scene.told] == ["lag"]
    assert scene.told[0].head_updates == 1


def test_a_head_update_that_goes_on_is_told_as_one() -> None:
    scene = Scene(NOTHING_GROWS)
    head = scene.tags.source("head_update")
    head.calls += 1
    scene.lookout.tick(0.0)

    before = scene.tags.resume(head)
    scene.clock.now += 0.3
    scene.tags.leave(before)
    scene.lookout.tick(0.25)

    (report,) = scene.told
    assert (report.cause, report.name, report.head_updates) == ("head_update", "", 1)


def test_a_block_that_is_built_is_no_head_update() -> None:
    scene = Scene(NOTHING_GROWS)
    scene.work("head_update", "block", seconds=0.3)

    scene.lookout.tick(0.25)

    (report,) = scene.told
    assert (report.cause, report.name, report.head_updates) == ("head_update", "block", 0)


def test_the_99th_percentile_forgets_what_is_older_than_ten_seconds() -> None:
    scene = Scene()
    scene.collect(0.3)
    scene.lookout.tick(0)
    scene.clock.now += 10.0
    scene.collect(0.15)

    scene.lookout.tick(0)

    assert scene.told[-1].pause_p99 == pytest.approx(0.15)


def test_a_source_that_is_called_too_often_is_reported_once_until_it_has_calmed_down() -> None:
    scene = Scene(NOTHING_GROWS)
    often = lambda: scene.work("cache", "frames", calls=300)  # noqa: E731 - said three times

    scene.sample_for(5, often)
    first = list(scene.causes)
    scene.sample_for(20, often)
    scene.sample_for(6)
    scene.sample_for(5, often)

    assert first == [("call_rate", "cache", "frames")]
    assert scene.causes == 2 * first
    assert scene.told[0].alarms == ["call_rate"]


def test_just_as_many_calls_as_the_alarm_name_their_source_and_not_who_was_at_work() -> None:
    scene = Scene(NOTHING_GROWS)
    scene.work("submit", seconds=0.2)

    scene.sample_for(0.25, lambda: scene.work("cache", "frames", calls=5000))

    assert scene.causes == [("call_rate", "cache", "frames")]


def test_the_alarm_of_one_names_that_one_though_others_are_called_more_often() -> None:
    scene = Scene(NOTHING_GROWS)

    def oftener() -> None:
        scene.work("query", "eth_call", seconds=0.1, calls=1500)

    def both() -> None:
        oftener()
        scene.work("cache", "frames", calls=600)

    scene.sample_for(5, oftener)
    scene.sample_for(5, both)

    assert scene.causes == [("call_rate", "query", "eth_call"), ("call_rate", "cache", "frames")]


def test_many_submissions_are_no_alarm() -> None:
    scene = Scene(NOTHING_GROWS)

    scene.sample_for(5, lambda: scene.work("submit", calls=2000))

    assert scene.told == []


def test_calls_that_no_tag_sees_are_read_from_their_counter() -> None:
    scene = Scene(NOTHING_GROWS)
    missed = [0]
    cache = scene.tags.source("cache", "transactions")
    bursts = [(cache, lambda: missed[0])]
    scene.lookout.evidence.world = World(stages=lambda: (0, 0, 0, 0), evicted=lambda: 0, bursts=bursts)

    missed[0] = 5001
    scene.sample_for(0.25)

    assert scene.causes == [("call_rate", "cache", "transactions")]


def test_private_memory_that_grows_fast_is_reported_with_whose_it_is() -> None:
    scene = Scene(Limits(lag_seconds=10, heap_bytes_per_second=32 << 20))
    before = scene.tags.enter(scene.tags.source("query", "eth_call"))
    held = bytearray(b"x") * (64 << 20)
    scene.clock.now += 0.1
    scene.tags.leave(before)

    scene.sample_for(0.25)

    assert len(held) == 64 << 20
    assert scene.causes == [("heap_growth", "query", "eth_call")]
    assert scene.told[0].suspects[0].heap_bytes > 50 << 20
    assert "heap_growth" in scene.told[0].alarms


def test_evictions_and_stages_that_grow_are_told() -> None:
    scene = Scene()
    held, evicted = [0, 0, 0, 0], [0]
    scene.lookout.evidence.world = World(stages=lambda: held, evicted=lambda: evicted[0])
    held[3], evicted[0] = 5000, 7
    scene.work("submit", seconds=0.4)

    scene.lookout.tick(0.4)

    (report,) = scene.told
    assert (report.cause, report.stage, report.evicted) == ("submit", "pending", 7)
    assert report.stages == {"received": 0, "validating": 0, "queued": 0, "pending": 5000}


def test_what_comes_again_soon_is_counted_in_the_report_that_there_is() -> None:
    scene = Scene()
    for late in (0.3, 0.5, 0.4):
        scene.work("query", "eth_call", seconds=late)
        scene.lookout.tick(late)
    scene.lookout.sample()
    scene.work("head_update", seconds=1.5)
    scene.lookout.tick(1.5)
    scene.sample_for(REPEAT_NS / 1e9)
    scene.work("query", "eth_call", seconds=0.3)
    scene.lookout.tick(0.3)

    newest = scene.reports.newest(10)

    assert [(each.number, each.cause, each.repeats, each.measured) for each in newest] == [
        (3, "query", 0, 0.3),
        (2, "head_update", 0, 1.5),
        (1, "query", 2, 0.5),
    ]
    assert len(scene.told) == 3
    assert (scene.reports.by_cause["query"], scene.reports.by_cause["head_update"]) == (4, 1)


def test_only_the_newest_reports_are_kept() -> None:
    scene = Scene()
    for number in range(6):
        scene.clock.now += 10
        scene.work("query", f"q{number}", seconds=0.3)
        scene.lookout.tick(0.3)

    assert [report.number for report in scene.reports.newest(10)] == [6, 5, 4, 3]
    assert [report.number for report in scene.reports.newest(1)] == [6]
