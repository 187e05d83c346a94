"""From what was recorded to figures: which seconds count, and when a run may be believed."""

import xml.etree.ElementTree as ET

from loadtest.chart import bars, linear, logarithmic, nines
from loadtest.histogram import Histogram
from loadtest.recorder import Recording, Second
from loadtest.report import render_report
from loadtest.result import Verdict, result, steady
from loadtest.run_folder import Run, ServerReport
from loadtest.scenario import Load, Scenario, Stage, Thresholds
from loadtest.schedule import SECOND
from loadtest.watch import Sample, read_page

MS = 1_000_000
OPEN = Scenario("open", load=Load(stages=(Stage(4, 100),), warmup_seconds=1, cooldown_seconds=1))


def second(accepted: int, latency_ms: int, lag_ms: int = 0) -> Second:
    return Second(
        planned=accepted,
        sent=accepted,
        requests=accepted,
        accepted=accepted,
        latency=Histogram.of([latency_ms * MS] * accepted),
        lag=Histogram.of([lag_ms * MS] * accepted),
    )


def test_warm_up_and_cool_down_do_not_count() -> None:
    recording = Recording([second(10, 500), second(100, 1), second(100, 1), second(10, 500)], last_answer=4 * SECOND)

    found = result(OPEN, "x", recording, [], expected=220)

    assert found.steady_seconds == 2
    assert found.tps == 100
    assert round(found.latency_ms["max"]) == 1
    assert found.accepted == 220  # the whole run


def test_a_second_that_warm_up_or_cool_down_cut_does_not_count() -> None:
    cut = Scenario("cut", load=Load(stages=(Stage(4, 100),), warmup_seconds=0.5, cooldown_seconds=0.3))
    recording = Recording([second(100, 1)] * 4, last_answer=4 * SECOND)

    assert steady(recording, cut).length == 2
    assert result(cut, "x", recording, [], expected=400).tps == 100


def test_a_closed_loop_ends_with_its_last_answer() -> None:
    closed = Scenario("closed", load=Load(loop="closed"))
    recording = Recording([second(100, 1), second(50, 1)], last_answer=3 * SECOND // 2)

    assert steady(recording, closed).length == 1.5
    assert result(closed, "x", recording, [], expected=150).tps == 100


def test_a_generator_that_was_late_is_the_verdict_whatever_else_holds() -> None:
    recording = Recording([second(100, 1, lag_ms=20)] * 4, last_answer=4 * SECOND)

    found = result(OPEN, "x", recording, [], expected=400)

    assert found.verdict is Verdict.GENERATOR_BOUND
    assert "20.0" in found.remarks[0]


def test_a_generator_without_a_core_to_spare_is_the_verdict_too() -> None:
    recording = Recording([second(100, 1)] * 4, last_answer=4 * SECOND, cpu_share=0.99)

    assert result(OPEN, "x", recording, [], expected=400).verdict is Verdict.GENERATOR_BOUND


def test_each_threshold_is_checked_against_what_was_measured() -> None:
    strict = Thresholds(tps_min=1000, p99_ms_max=5, gc_pause_ms_max=1)
    scenario = Scenario("open", load=OPEN.load, thresholds=strict)
    recording = Recording([second(100, 1)] * 4, last_answer=4 * SECOND)

    found = result(scenario, "x", recording, [], expected=400)

    assert {check.name: check.holds for check in found.checks} == {
        "tps_min": False,
        "p99_ms_max": True,
        "errors_max": True,
        "gc_pause_ms_max": False,  # what was not seen does not hold
    }
    assert found.verdict is Verdict.FAILED


def test_a_run_in_which_nothing_was_accepted_has_failed_and_says_what_to_look_at() -> None:
    nothing = second(100, 1)
    nothing.accepted, nothing.refused = 0, nothing.accepted
    recording = Recording([nothing], last_answer=SECOND)

    found = result(OPEN, "x", recording, [], expected=100)

    assert found.verdict is Verdict.FAILED
    assert any("nothing was accepted" in remark for remark in found.remarks)


def test_transactions_that_never_left_count_as_errors() -> None:
    recording = Recording([second(100, 1)] * 4, last_answer=4 * SECOND, unsent=3)

    assert [check.measured for check in result(OPEN, "x", recording, [], expected=400).checks] == [3]


def test_a_metrics_page_gives_the_series_that_are_ours_and_sums() -> None:
    page = (
        '# HELP x y\ntxpool_gc_pause_seconds_count{generation="0",store="mmap"} 3\n'
        'txpool_gc_pause_seconds_count{generation="2",store="mmap"} 2\n'
        'txpool_slab_bytes{state="used"} 4096\nprocess_cpu_seconds_total 7\n'
    )

    assert read_page(page) == {"collections": 5, "slab_used": 4096}
    assert read_page("geth_metric 1\n") == {}


def test_the_page_is_well_formed_and_shows_names_as_text() -> None:
    recording = Recording([second(100, 1)] * 4, {"<b>no</b>": 3}, last_answer=4 * SECOND)
    samples = [Sample(float(at), 1.0 * at, 1 << 20, at, 0, {"collections": at // 2}) for at in range(5)]
    found = result(OPEN, "<script>", recording, samples, expected=400)

    page = render_report(Run(OPEN, {"argv": ["<i>"]}, found, recording, samples))

    assert "<script>" not in page
    assert "<b>no</b>" not in page
    assert page.count('class="stripe"') == 2  # the collector ran in two of the seconds
    body = page[page.index("<body>") : page.index("</body>")] + "</body>"
    ET.fromstring(body.replace("&mdash;", "-"))


def test_the_page_has_what_the_server_reported() -> None:
    recording = Recording([second(100, 1)] * 4, last_answer=4 * SECOND)
    found = result(OPEN, "x", recording, [], expected=400)
    reports = [
        ServerReport(0, "lag", 0.25, "query <eth_call>: 0.3 s at work", ["heap_growth"], repeats=2, at=1.24),
        ServerReport(0, "heap_growth", 60 << 20, "head_update: 80 MB of heap", at=2.0),
        ServerReport(0, "call_rate", 1500.0, "cache frames: 1,500 calls a second", at=3.0),
    ]

    page = render_report(Run(OPEN, {}, found, recording, [], reports))

    assert (
        "<th>1.2 s: lag 250 ms</th><td>query &lt;eth_call&gt;: 0.3 s at work (alarms: heap_growth), 2 times more</td>"
        in page
    )
    assert "<th>2.0 s: heap growth 60 MiB/s</th><td>head_update: 80 MB of heap</td>" in page
    assert "<th>3.0 s: call rate 1,500/s</th>" in page
    assert "What the server reported" not in render_report(Run(OPEN, {}, found, recording, []))


def test_every_further_nine_takes_as_much_room() -> None:
    axis = nines(10_000)

    assert [round(axis.place(value), 6) for value in (0.0, 0.9, 0.99, 0.999, 1.0)] == [0, 0.25, 0.5, 0.75, 1.0]
    assert [text for _, text in axis.marks] == ["0", "90%", "99%", "99.9%"]


def test_axes_are_marked_at_round_numbers() -> None:
    assert [text for _, text in linear(0, 12_000).marks] == ["0", "5k", "10k"]
    assert [text for _, text in logarithmic(0.3, 40, " ms").marks] == ["0.1 ms", "1 ms", "10 ms", "100 ms"]


def test_a_bar_without_rows_is_still_a_picture() -> None:
    assert "<svg" in bars("nothing", [])
