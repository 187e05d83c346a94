"""The open loop sees what the closed one hides; both in simulated time."""

from itertools import islice

from loadtest.driver import ClosedLoop, OpenLoop
from loadtest.histogram import Histogram
from loadtest.recorder import Recorder, Second
from loadtest.request import Request
from loadtest.scenario import Load, Stage
from loadtest.schedule import SECOND, planned_moments
from tests.loadtest.stand import ACCEPTED, MS, Simulation, StallingServer, endless, every

SECONDS = 60
STALLING = StallingServer(service_ns=MS // 5, period_ns=2 * SECOND, stall_ns=100 * MS)
STEADY = StallingServer(service_ns=MS // 5, period_ns=1000 * SECOND, stall_ns=0)


def open_loop(server: StallingServer, lanes: int = 256) -> tuple[Histogram, Simulation]:
    simulation = Simulation(server)
    load = Load(stages=(Stage(SECONDS, 1000),))
    driver = OpenLoop(planned_moments(load, 1), endless(), simulation.recorder, simulation.transmit)
    return simulation.run(driver, lanes), simulation


def closed_loop(server: StallingServer) -> Histogram:
    simulation = Simulation(server)
    driver = ClosedLoop(endless(), simulation.recorder, simulation.transmit, think_ns=10 * MS, ends=SECONDS * SECOND)
    return simulation.run(driver, lanes=10)


def test_a_stall_of_100_ms_every_2_s_shows_in_the_p99_of_the_open_loop() -> None:
    latency, _ = open_loop(STALLING)

    assert latency.at(0.5) < MS
    assert 60 * MS < latency.at(0.99) < 101 * MS


def test_the_same_stall_does_not_show_in_the_p99_of_the_closed_loop() -> None:
    latency = closed_loop(STALLING)

    assert latency.at(0.99) < MS
    assert latency.highest > 90 * MS  # it was there


def test_without_stalls_both_loops_see_the_same_server() -> None:
    for latency in (open_loop(STEADY)[0], closed_loop(STEADY)):
        assert abs(latency.at(0.99) - MS // 5) < MS // 1000


def test_requests_that_wait_for_a_connection_count_from_their_plan() -> None:
    slow = StallingServer(service_ns=10 * MS, period_ns=1000 * SECOND, stall_ns=0)
    simulation = Simulation(slow)
    driver = OpenLoop(every(5 * MS, 1), endless(), simulation.recorder, simulation.transmit)

    latency = simulation.run(driver, lanes=1)

    assert latency.total == 199
    assert latency.highest > 900 * MS  # served one after another, every second one later than the one before
    assert simulation.recorder.recording.seconds[0].late > 190


def test_the_generators_own_lag_is_apart_from_the_wait_for_a_connection() -> None:
    recorder = Recorder(late_ns=10 * MS)
    driver = OpenLoop(iter([1 * MS, 2 * MS]), endless(), recorder, lambda _lane, _body: None)

    driver.wake(5 * MS)  # it got to both late, and has no lane for either

    lag = recorder.recording.seconds[0].lag
    assert [round(lag.at(quantile) / MS) for quantile in (0.5, 1.0)] == [3, 4]
    assert driver.waiting == 2


def test_a_corpus_that_ends_before_the_schedule_is_told() -> None:
    recorder = Recorder(late_ns=MS)
    driver = OpenLoop(every(MS, 1), islice(endless(), 3), recorder, lambda _lane, _body: None)
    for lane in range(8):
        driver.opened(lane, 0)

    driver.wake(500 * MS)

    assert recorder.recording.exhausted
    assert recorder.recording.seconds[0].sent == 3


def test_what_is_under_way_on_a_lost_connection_has_failed() -> None:
    recorder = Recorder(late_ns=MS)
    driver = ClosedLoop(iter([Request(b"", 100)]), recorder, lambda _lane, _body: None)
    driver.opened(0, 0)

    driver.lost(0, "connection lost", MS)

    assert recorder.recording.seconds[0].errors == 100
    assert recorder.recording.reasons == {"connection lost": 1}
    assert driver.under_way == 0


def test_a_status_that_is_not_ok_is_a_failure_though_it_was_answered() -> None:
    recorder = Recorder(late_ns=MS)
    driver = ClosedLoop(iter([Request(b"", 1)]), recorder, lambda _lane, _body: None)
    driver.opened(0, 0)

    driver.answered(0, 429, ACCEPTED, MS)

    assert (recorder.recording.seconds[0].accepted, recorder.recording.seconds[0].errors) == (0, 1)
    assert recorder.recording.reasons == {"HTTP 429": 1}


def test_a_latency_belongs_to_the_second_of_its_plan_and_the_answer_to_its_own() -> None:
    recorder = Recorder(late_ns=MS)

    recorder.answered(moment=SECOND - MS, now=3 * SECOND, accepted=1, refused=0)

    seconds: list[Second] = recorder.recording.seconds
    assert [second.latency.total for second in seconds] == [1, 0, 0, 0]
    assert [second.accepted for second in seconds] == [0, 0, 0, 1]
