"""From metrics pages to figures."""

import pytest

from loadtest.experiments.figures import figures_of, unit_of
from loadtest.experiments.page_reading import Page
from loadtest.recorder import Recording
from loadtest.result import result
from loadtest.scenario import Load, Scenario, Stage
from loadtest.watch import Sample, read_page


def page(young: list[int], full: list[int], **values: float) -> Page:
    """Collections of two generations: so many under 1, 2 and 4 ms."""
    lines = [f"txpool_{name} {value}" for name, value in values.items()]
    for generation, counts in (("0", young), ("2", full)):
        labels = f'generation="{generation}",store="heap"'
        bounds = ("0.001", "0.002", "0.004", "+Inf")
        for bound, count in zip(bounds, [*counts, counts[-1]], strict=True):
            lines.append(f'txpool_gc_pause_seconds_bucket{{{labels},le="{bound}"}} {count}')
        lines.append(f"txpool_gc_pause_seconds_sum{{{labels}}} {0.001 * counts[-1]}")
    return Page("# HELP something\n" + "\n".join(lines) + "\n")


def figures(before: Page, after: Page, samples: list[Sample] | None = None) -> dict[str, float]:
    scenario = Scenario(name="x", load=Load(stages=(Stage(1, 1),)))
    return dict(figures_of(result(scenario, "x", Recording(), samples or [], expected=0), samples or [], before, after))


def test_pauses_are_those_of_the_run_by_generation_and_of_all_together() -> None:
    found = figures(page([50, 50, 50], [0, 0, 0]), page([150, 150, 150], [0, 0, 2]))

    assert found["collections_gen0"] == 100
    assert found["collections_gen2"] == 2
    assert found["collections"] == 102
    assert found["pause_p99_gen0_ms"] == pytest.approx(0.99)
    assert found["pause_p99_gen2_ms"] == pytest.approx(3.98)
    # Two full ones of 102: the P99 of all just reaches them; of 202 it would not.
    assert found["pause_p99_ms"] == pytest.approx(2 + 2 * (0.99 * 102 - 100) / 2)
    assert figures(page([0, 0, 0], [0, 0, 0]), page([300, 300, 300], [0, 0, 2]))["pause_p99_ms"] < 1
    assert found["pause_total_ms"] == pytest.approx(102)


def test_no_percentile_is_above_the_longest_pause() -> None:
    longest = [Sample(0.0, metrics={"gc_longest_s": 0.0021})]
    found = figures(page([0, 0, 0], [0, 0, 0]), page([0, 0, 5], [0, 0, 0]), longest)

    assert found["pause_p99_ms"] == found["pause_longest_ms"] == pytest.approx(2.1)


def test_a_generation_without_a_collection_has_paused_for_nothing() -> None:
    found = figures(page([0, 0, 0], [0, 0, 0]), page([5, 5, 5], [0, 0, 0]))

    assert found["collections_gen2"] == 0
    assert found["pause_p99_gen2_ms"] == 0


def test_what_the_daemon_does_not_report_is_left_out_and_told_as_such() -> None:
    found = figures(Page(""), Page(""))

    assert not {"collections", "pause_p99_ms", "reuse_ratio", "faults_per_s", "heap_peak_bytes"} & found.keys()
    assert unit_of("reuse_ratio").written(found.get("reuse_ratio")) == "not reported"


def test_reuse_is_that_of_the_second_half_when_the_pool_has_been_filled() -> None:
    counts = [(0, 0), (0, 500), (0, 1000), (90, 1010), (180, 1020)]
    samples = [
        Sample(float(at), metrics={"buffers_used": used, "buffers_fresh": fresh})
        for at, (used, fresh) in enumerate(counts)
    ]

    assert figures(Page(""), Page(""), samples)["reuse_ratio"] == 0.9


def test_where_a_cache_found_its_buffers_is_told_in_parts_of_all_that_were_asked_for() -> None:
    name = "txpool_cache_gets_total"
    before = Page(f'{name}{{result="miss"}} 100\n{name}{{result="private"}} 0')
    after = Page(f'{name}{{result="miss"}} 110\n{name}{{result="private"}} 30')
    found = figures(before, after)

    assert (found["gets_private"], found["gets_miss"]) == (0.75, 0.25)


def test_a_gauge_is_told_by_its_highest_value_and_by_what_was_added() -> None:
    samples = [Sample(float(at), resident_bytes=1000 + 10 * at, metrics={"heap_bytes": 5.0 + at}) for at in range(9)]
    found = figures(Page(""), Page(""), samples)

    assert (found["heap_peak_bytes"], found["heap_added_bytes"]) == (13, 8)
    assert (found["resident_peak_bytes"], found["resident_added_bytes"]) == (1080, 80)
    assert found["resident_gb_per_hour"] == pytest.approx(10 * 3600 / 1e9)


def test_bytes_a_transaction_of_a_stage_are_those_of_all_samples() -> None:
    page = 'txpool_stage_bytes{stage="pending"} 900\ntxpool_stage_bytes{stage="queued"} 0\n'
    samples = [Sample(0.0, pending=3, queued=0, metrics=read_page(page)), Sample(1.0, pending=0, queued=0)]
    found = figures(Page(""), Page(""), samples)

    assert found["pending_bytes"] == 300
    assert "queued_bytes" not in found
