import pytest
from prometheus_client.parser import text_string_to_metric_families

from txpool.observe.histogram import Histogram
from txpool.observe.page import Page, counters, gauge, gauges, histograms


def samples(page: Page) -> dict[str, float]:
    """Each sample by name and labels, as Prometheus' own parser reads the page."""
    return {
        f"{sample.name} {sample.labels}": sample.value
        for family in text_string_to_metric_families(page.render().decode())
        for sample in family.samples
    }


def test_every_series_shows_the_number_of_the_moment() -> None:
    fees = [1, 2]
    page = Page(
        [
            gauge("one_bytes", "One.", lambda: 0.5),
            counters("two_total", "Two.", [{"of": "a"}, {"of": "b"}], lambda: fees),
        ]
    )
    page.render()
    fees[1] = 7

    assert samples(page) == {"one_bytes {}": 0.5, "two_total {'of': 'a'}": 1, "two_total {'of': 'b'}": 7}


def test_a_histogram_has_cumulative_buckets_sum_and_count() -> None:
    histogram = Histogram((0.1, 1))
    page = Page([histograms("wait_seconds", "Wait.", [({"of": "a"}, histogram)])])

    for value in (0.05, 0.5, 5):
        histogram.add(value)

    assert samples(page) == {
        "wait_seconds_bucket {'of': 'a', 'le': '0.1'}": 1,
        "wait_seconds_bucket {'of': 'a', 'le': '1'}": 2,
        "wait_seconds_bucket {'of': 'a', 'le': '+Inf'}": 3,
        "wait_seconds_sum {'of': 'a'}": 5.55,
        "wait_seconds_count {'of': 'a'}": 3,
    }


def test_each_family_has_its_help_and_type_before_it() -> None:
    page = Page([gauges("used_slots", "Slots at 100 % at most.", [{"state": "free"}], lambda: (1,))])

    assert page.render() == (
        b"# HELP used_slots Slots at 100 % at most.\n# TYPE used_slots gauge\n" + b'used_slots{state="free"} 1\n'
    )


def test_label_values_are_escaped() -> None:
    page = Page([gauges("x", "X.", [{"path": 'a\\b"c\nd%'}], lambda: (1,))])

    assert samples(page) == {"x {'path': 'a\\\\b\"c\\nd%'}": 1}


def test_a_family_that_reads_too_few_numbers_is_found_out() -> None:
    page = Page([gauges("x", "X.", [{"of": "a"}, {"of": "b"}], lambda: (1,))])

    with pytest.raises(TypeError):
        page.render()


def test_two_families_of_one_name_are_a_mistake() -> None:
    family = gauge("x", "X.", lambda: 1)

    with pytest.raises(AssertionError, match="two metrics of one name"):
        Page([family, family])
