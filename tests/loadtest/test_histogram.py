"""Three digits, whatever the size."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.histogram import Histogram, index_of, milliseconds, value_of

values = st.integers(min_value=0, max_value=1 << 42)


@given(values)
def test_a_value_is_kept_to_three_digits(value: int) -> None:
    kept = value_of(index_of(value))

    assert value <= kept <= value * 1.001


@given(values)
def test_larger_values_have_larger_numbers(value: int) -> None:
    assert index_of(value) <= index_of(value + 1) <= index_of(value) + 1


@given(st.lists(values, min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_the_value_that_as_many_do_not_exceed(seen: list[int], quantile: float) -> None:
    found = Histogram.of(seen).at(quantile)
    wanted = next(value for value in sorted(seen) if sum(each <= value for each in seen) >= quantile * len(seen))

    assert found == value_of(index_of(wanted))


@given(st.lists(values), st.lists(values))
def test_merging_counts_what_both_have_counted(a: list[int], b: list[int]) -> None:
    merged = Histogram.of(a)
    merged.merge(Histogram.of(b))

    assert merged == Histogram.of([*a, *b])


def test_an_empty_histogram_has_zeros() -> None:
    assert set(milliseconds(Histogram()).values()) == {0.0}


def test_the_log_is_hdrhistograms_own_table() -> None:
    text = Histogram.of([1_000_000] * 99 + [50_000_000]).hgrm()

    assert text.startswith("       Value     Percentile TotalCount 1/(1-Percentile)\n\n")
    assert "       1.000 0.990000000000         99         100.00\n" in text
    assert "1.000000000000        100            inf\n" in text
    assert "#[Max     =" in text


def test_the_ladder_ends_with_everything() -> None:
    *_, (quantile, value, seen) = Histogram.of(range(100_000)).ladder()

    assert (quantile, value_of(index_of(99_999)), seen) == (1.0, value, 100_000)
