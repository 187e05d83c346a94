import pytest

from txpool.observe.histogram import Histogram
from txpool.observe.latency_window import LatencyWindow


def test_the_window_forgets_what_is_older_than_its_intervals() -> None:
    histogram = Histogram((1, 2, 4))
    histogram.add(3)
    window = LatencyWindow(histogram, 2)
    assert (window.count, window.quantile(0.99)) == (0, None)

    counts = []
    for values in ((0.5, 3), (0.5,), (), ()):
        for value in values:
            histogram.add(value)
        window.advance()
        counts.append(window.count)

    assert counts == [2, 3, 1, 0]


@pytest.mark.parametrize(("share", "value"), [(0.5, 1.0), (0.75, 1.5), (0.9, 1.8), (1.0, 2.0)])
def test_within_a_bucket_values_are_taken_to_be_spread_evenly(share: float, value: float) -> None:
    histogram = Histogram((1, 2, 4))
    window = LatencyWindow(histogram, 1)
    for each in (0.1,) * 5 + (1.5,) * 5:
        histogram.add(each)
    window.advance()

    assert window.quantile(share) == pytest.approx(value)


def test_what_is_beyond_every_bound_counts_as_the_last() -> None:
    histogram = Histogram((1, 2))
    window = LatencyWindow(histogram, 1)
    histogram.add(100)
    window.advance()

    assert window.quantile(0.99) == 2


def test_at_a_bound_the_quantile_says_exactly_whether_a_hundredth_is_above() -> None:
    for slow, above in ((1, False), (2, True)):
        histogram = Histogram((0.02, 0.05, 0.1))
        window = LatencyWindow(histogram, 1)
        for value in (0.06,) * slow + (0.01,) * (100 - slow):
            histogram.add(value)
        window.advance()

        found = window.quantile(0.99)
        assert found is not None
        assert (found > 0.05) is above
