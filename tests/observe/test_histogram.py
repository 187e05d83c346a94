import pytest

from txpool.observe.histogram import PAUSE_BOUNDS, REQUEST_BOUNDS, Histogram


def test_a_value_counts_for_the_first_bound_that_it_does_not_pass() -> None:
    histogram = Histogram((1, 2))

    for value in (0.5, 1, 1.5, 2, 3):
        histogram.add(value)

    assert histogram.samples() == [2, 4, 5, 8.0, 5]
    assert histogram.count == 5


@pytest.mark.parametrize("bounds", [PAUSE_BOUNDS, REQUEST_BOUNDS])
def test_bounds_ascend_and_are_written_without_rounding_dust(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert all(len(f"{bound:.12g}") <= 7 for bound in bounds)
